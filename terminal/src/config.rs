//! Configuration: defaults, then the TOML file, then `MANYI_…` variables, then the command line.
//!
//! Every key is described in `deploy/terminal.example.toml`; a key that is not known is an error.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

/// What the terminal is told from outside, checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder of journal, identity and profile.
    pub data_dir: PathBuf,
    /// Where the prompt API listens; a loopback address.
    pub listen: SocketAddr,
    /// How the screen is reached.
    pub backend: Backend,
    /// The window's width in pixels; the device's screen has its own.
    pub width: u32,
    /// The window's height in pixels.
    pub height: u32,
    /// Whether the window fills the screen.
    pub fullscreen: bool,
    /// The folder of the shipped fonts, when not where the package puts it.
    pub fonts_dir: Option<PathBuf>,
    /// Whether `n` or the space bar in the window brings the next citizen. For demos only.
    pub demo_key: bool,
    /// Which log lines are written, in the syntax of `tracing_subscriber::EnvFilter`.
    pub log: String,
    /// How log lines are written.
    pub log_format: LogFormat,
}

/// How the screen is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// A window where there is a display, otherwise the device's screen.
    Auto,
    /// A window on an X display.
    Window,
    /// The device's screen by LinuxKMS, or the framebuffer.
    Kms,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is missing or not TOML, a key is unknown, or a value has the wrong type.
    #[error("configuration {origin} cannot be used")]
    Read {
        /// Where the configuration was looked for.
        origin: String,
        /// Key and reason.
        #[source]
        source: Box<config::ConfigError>,
    },
    /// A value is outside what its key allows.
    #[error("configuration {origin}: `{key}` is `{value}`, but must be {allowed}")]
    Value {
        /// Where the configuration was looked for.
        origin: String,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
}

const DEFAULTS: &str = include_str!("config/defaults.toml");

/// Every key; each can be set by `MANYI_` and its name in capitals.
pub const KEYS: [&str; 10] = [
    "data_dir",
    "listen",
    "backend",
    "width",
    "height",
    "fullscreen",
    "fonts_dir",
    "demo_key",
    "log",
    "log_format",
];

/// No tablet has fewer or more pixels a side; a typing error has.
const PIXELS: std::ops::RangeInclusive<u32> = 320..=7680;

impl Config {
    /// Reads the configuration. `variable` looks up an environment variable, `data_dir` is the
    /// command line's.
    ///
    /// # Errors
    /// [`ConfigError`], naming file, key and what is allowed.
    pub fn load(
        file: Option<&Path>,
        variable: impl Fn(&str) -> Option<String>,
        data_dir: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let mut origin = file.map_or_else(
            || "(no file)".to_owned(),
            |file| format!("file `{}`", file.display()),
        );
        let mut builder = config::Config::builder()
            .add_source(config::File::from_str(DEFAULTS, config::FileFormat::Toml));
        if let Some(file) = file {
            let source = config::File::from(file).format(config::FileFormat::Toml);
            builder = builder.add_source(source.required(true));
        }
        let set: Vec<_> = KEYS
            .into_iter()
            .map(|key| (key, format!("MANYI_{}", key.to_uppercase())))
            .filter_map(|(key, name)| variable(&name).map(|value| (key, name, value)))
            .filter(|(_, _, value)| !value.is_empty())
            .collect();
        if !set.is_empty() {
            let names: Vec<&str> = set.iter().map(|(_, name, _)| name.as_str()).collect();
            origin = format!("{origin} with {}", names.join(", "));
        }
        let read = || {
            for (key, _, value) in set {
                builder = builder.set_override(key, value)?;
            }
            if let Some(dir) = data_dir {
                builder = builder.set_override("data_dir", dir.to_string_lossy().into_owned())?;
            }
            builder.build()?.try_deserialize::<Self>()
        };
        let config = read().map_err(|source| ConfigError::Read {
            origin: origin.clone(),
            source: Box::new(source),
        })?;
        config.check(origin)?;
        Ok(config)
    }

    fn check(&self, origin: String) -> Result<(), ConfigError> {
        let wrong = if self.data_dir.as_os_str().is_empty() {
            ("data_dir", String::new(), "a folder")
        } else if !self.listen.ip().is_loopback() {
            // Anybody who reaches the API can make the window ask; it has no other protection.
            (
                "listen",
                self.listen.to_string(),
                "a loopback address such as 127.0.0.1:7310",
            )
        } else if !PIXELS.contains(&self.width) {
            ("width", self.width.to_string(), "320 to 7680 pixels")
        } else if !PIXELS.contains(&self.height) {
            ("height", self.height.to_string(), "320 to 7680 pixels")
        } else if EnvFilter::try_new(&self.log).is_err() {
            (
                "log",
                self.log.clone(),
                "a filter such as `info` or `info,manyi_terminal=debug`",
            )
        } else {
            return Ok(());
        };
        let (key, value, allowed) = wrong;
        Err(ConfigError::Value {
            origin,
            key,
            value,
            allowed,
        })
    }
}

#[cfg(test)]
mod tests;

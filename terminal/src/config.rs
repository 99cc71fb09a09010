//! Configuration: defaults, then the TOML file, then `MANYI_…` variables, then the command line.
//!
//! Every key is described in `deploy/terminal.example.toml`; a key that is not known is an error.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use manyi_shared::settings::Sources;
pub use manyi_shared::settings::{LogFormat, SettingsError as ConfigError};
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
        let sources = Sources {
            defaults: DEFAULTS,
            keys: &KEYS,
            file,
            data_dir,
        };
        sources.read(variable)?.checked(Self::fault)
    }

    /// The first key that a terminal cannot work with, its value, and what is allowed.
    fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let fault = if self.data_dir.as_os_str().is_empty() {
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
            return None;
        };
        Some(fault)
    }
}

#[cfg(test)]
mod tests;

//! Configuration: a TOML file, overridden key by key from the environment, overridden by flags.
//!
//! Every key is described in `deploy/sync.example.toml`; a test loads that file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use manyi_shared::settings::Sources;
pub use manyi_shared::settings::{LogFormat, SettingsError};
use manyi_shared::tablet::{DataDir, Identity};
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use crate::link::{LinkOptions, check_local, check_url};
use crate::uplink::Pace;

/// All keys; the environment variable of each is `MANYI_` and the key in capitals.
const KEYS: [&str; 10] = [
    "data_dir",
    "collector_url",
    "poll_seconds",
    "heartbeat_seconds",
    "proxy",
    "ca_file",
    "enrol_file",
    "prompt_api",
    "log",
    "log_format",
];

/// What the daemon obeys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The tablet's data folder.
    pub data_dir: PathBuf,
    /// Where the collector is, when it has moved since enrolment.
    pub collector_url: Option<String>,
    /// Seconds between two looks at the backlog, 1 to 60.
    pub poll_seconds: u64,
    /// Seconds between two signs of life, 5 to 3600.
    pub heartbeat_seconds: u64,
    /// Through which proxy.
    pub proxy: ProxyChoice,
    /// Certificates of an authority of the office's own, as PEM.
    pub ca_file: Option<PathBuf>,
    /// A file with address and code that a terminal without an identity enrols from; an empty path
    /// says none.
    pub enrol_file: PathBuf,
    /// Where the terminal takes prompts.
    pub prompt_api: String,
    /// What to log, as a tracing filter.
    pub log: String,
    /// How to log.
    pub log_format: LogFormat,
}

/// Through which proxy the collector is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum ProxyChoice {
    /// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    #[default]
    System,
    /// None, whatever the environment says.
    None,
    /// This one.
    At(String),
}

impl From<String> for ProxyChoice {
    fn from(text: String) -> Self {
        match text.as_str() {
            "system" => Self::System,
            "none" => Self::None,
            _ => Self::At(text),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("/var/lib/manyi"),
            collector_url: None,
            poll_seconds: 2,
            heartbeat_seconds: 30,
            proxy: ProxyChoice::default(),
            ca_file: None,
            enrol_file: PathBuf::from("/boot/firmware/manyi-enrol.toml"),
            prompt_api: "http://127.0.0.1:7310/v1/prompts".to_owned(),
            log: "info".to_owned(),
            log_format: LogFormat::default(),
        }
    }
}

impl Settings {
    /// Reads the configuration. `variable` looks up an environment variable, `data_dir` is the
    /// command line's.
    ///
    /// # Errors
    /// [`SettingsError`], naming file, key and what is allowed.
    pub fn load(
        file: Option<&Path>,
        variable: impl Fn(&str) -> Option<String>,
        data_dir: Option<&Path>,
    ) -> Result<Self, SettingsError> {
        let sources = Sources {
            // The defaults are those of `Default`.
            defaults: "",
            keys: &KEYS,
            file,
            data_dir,
        };
        sources.read(variable)?.checked(Self::fault)
    }

    /// The first key that the daemon cannot obey, its value, and what is allowed.
    fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let url = self.collector_url.as_deref().unwrap_or_default();
        let fault = if !(1..=60).contains(&self.poll_seconds) {
            let value = self.poll_seconds.to_string();
            ("poll_seconds", value, "1 to 60 seconds")
        } else if !(5..=3600).contains(&self.heartbeat_seconds) {
            let value = self.heartbeat_seconds.to_string();
            ("heartbeat_seconds", value, "5 to 3600 seconds")
        } else if EnvFilter::try_new(&self.log).is_err() {
            let allowed = "a filter such as `info` or `warn,manyi_sync=debug`";
            ("log", self.log.clone(), allowed)
        } else if !url.is_empty() && check_url(url).is_err() {
            let allowed = "an address such as `https://rate.example.cn`, without user or query";
            ("collector_url", url.to_owned(), allowed)
        } else if check_local(&self.prompt_api).is_err() {
            let allowed =
                "an http:// address of this machine, such as `http://127.0.0.1:7310/v1/prompts`";
            ("prompt_api", self.prompt_api.clone(), allowed)
        } else {
            return None;
        };
        Some(fault)
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> DataDir {
        DataDir::new(&self.data_dir)
    }

    /// The collector's address: the configured one, else the one given at enrolment.
    #[must_use]
    pub fn collector<'a>(&'a self, identity: &'a Identity) -> &'a str {
        self.collector_url
            .as_deref()
            .unwrap_or(&identity.collector_url)
    }

    /// The file to enrol from, if there is to be one.
    #[must_use]
    pub fn enrol_file(&self) -> Option<PathBuf> {
        let set = !self.enrol_file.as_os_str().is_empty();
        set.then(|| self.enrol_file.clone())
    }

    /// How often to look and to report.
    #[must_use]
    pub fn pace(&self) -> Pace {
        Pace {
            poll: Duration::from_secs(self.poll_seconds),
            heartbeat: Duration::from_secs(self.heartbeat_seconds),
            ..Pace::default()
        }
    }

    /// How to reach the collector.
    #[must_use]
    pub fn link(&self) -> LinkOptions {
        LinkOptions {
            proxy: self.proxy.clone(),
            ca_file: self.ca_file.clone(),
            ..LinkOptions::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/sync.example.toml");

    #[test]
    fn the_example_shows_the_defaults_and_every_key() {
        let settings = Settings::load(Some(Path::new(EXAMPLE)), |_| None, None).unwrap();
        assert_eq!(settings, Settings::default());
        let text = std::fs::read_to_string(EXAMPLE).unwrap();
        for key in KEYS {
            let shown = |line: &str| {
                line.trim_start_matches('#')
                    .starts_with(&format!("{key} = "))
            };
            assert!(text.lines().any(shown), "{key} is not in the example");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file_and_strangers_are_left_alone() {
        let variables = |name: &str| match name {
            "MANYI_POLL_SECONDS" => Some("7".to_owned()),
            "MANYI_PROXY" => Some("none".to_owned()),
            "MANYI_COLLECTOR_URL" => Some(String::new()),
            "MANYI_LISTEN" => Some("127.0.0.1:1".to_owned()),
            _ => None,
        };
        let settings = Settings::load(Some(Path::new(EXAMPLE)), variables, None).unwrap();
        assert_eq!(
            (settings.poll_seconds, settings.proxy),
            (7, ProxyChoice::None)
        );
        assert_eq!(settings.collector_url, None);
    }

    #[test]
    fn every_key_can_be_set_from_the_environment() {
        for key in KEYS {
            let name = format!("MANYI_{}", key.to_uppercase());
            let wrong = |asked: &str| (asked == name).then(|| "\u{1}".to_owned());
            let taken = Settings::load(None, wrong, None);
            assert!(
                taken.is_err() || taken.unwrap() != Settings::default(),
                "{key} was not read"
            );
        }
    }
}

//! Configuration: defaults, then the TOML file, then `MANYI_…` variables, then the command line.
//!
//! Every key is described in `deploy/collector.example.toml`; a key that is not known is an error.

mod database;
mod oidc;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

pub use database::{DatabaseAddress, PostgresSettings};
use manyi_shared::settings::Sources;
pub use manyi_shared::settings::{LogFormat, SettingsError as ConfigError};
use manyi_shared::wire::Suite;
pub(crate) use oidc::is_safe;
pub use oidc::{ClaimedRole, OidcConfig};
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use crate::alert::settings::AlertSettings;

/// What the collector is told from outside, checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The directory of database and key.
    pub data_dir: PathBuf,
    /// Which database: SQLite in the directory, or a PostgreSQL server.
    pub database: DatabaseAddress,
    /// The file with the password for the server. Better than a password in the address, which is
    /// in the configuration for everybody who may read that.
    pub database_password_file: Option<PathBuf>,
    /// The certificates (PEM) of authorities that the server's certificate is checked with. None:
    /// those that the system trusts.
    pub database_ca_file: Option<PathBuf>,
    /// Which log lines are written, in the syntax of `tracing_subscriber::EnvFilter`.
    pub log: String,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// How long an office login lasts, in hours.
    pub session_hours: u32,
    /// How long an office login may be left alone, in minutes.
    pub session_idle_minutes: u32,
    /// Whether the login cookie is sent over TLS only. Right behind a reverse proxy with TLS; without
    /// TLS nobody could log in.
    pub cookie_secure: bool,
    /// Enrolment tries a minute from one address. More helps guessers, fewer hinder a technician
    /// who mistypes.
    pub enrol_per_minute: u32,
    /// Enrolment tries a minute from all addresses together.
    pub enrol_per_minute_total: u32,
    /// Exchanges worked on at a time. More do not go faster: one disk and a few cores do the work.
    pub exchange_slots: u32,
    /// Memory for the bodies of exchanges that are arriving, waiting or worked on, in MiB.
    pub exchange_memory_mib: u32,
    /// How long the body of an exchange may take to arrive, in seconds.
    pub exchange_body_seconds: u32,
    /// The smallest group whose figures are published; smaller ones are withheld.
    pub public_min_group: u32,
    /// The suite of the collector's key and of terminals that are enrolled from now on.
    pub suite: Suite,
    /// Whom to tell of alerts, and when. Only from the file.
    #[serde(default)]
    pub alerts: AlertSettings,
    /// The reverse proxy whose `X-Forwarded-For` is believed.
    pub trusted_proxy: Option<IpAddr>,
    /// Another service that people may log in with.
    pub oidc: Option<OidcConfig>,
}

const DEFAULTS: &str = include_str!("config/defaults.toml");

/// Every key; each can be set by `MANYI_` and its name in capitals.
pub const KEYS: [&str; 18] = [
    "listen",
    "data_dir",
    "database",
    "database_password_file",
    "database_ca_file",
    "log",
    "log_format",
    "session_hours",
    "session_idle_minutes",
    "cookie_secure",
    "enrol_per_minute",
    "enrol_per_minute_total",
    "exchange_slots",
    "exchange_memory_mib",
    "exchange_body_seconds",
    "public_min_group",
    "suite",
    "trusted_proxy",
];

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

    /// How to get to PostgreSQL; none when the database is SQLite.
    #[must_use]
    pub fn postgres(&self) -> Option<PostgresSettings> {
        self.database.is_postgres().then(|| PostgresSettings {
            address: self.database.clone(),
            password_file: self.database_password_file.clone(),
            ca_file: self.database_ca_file.clone(),
        })
    }

    /// The first key that a collector cannot work with, its value, and what is allowed.
    fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let counts = [
            (
                "session_hours",
                self.session_hours,
                24 * 31,
                "1 to 744 hours",
            ),
            (
                "session_idle_minutes",
                self.session_idle_minutes,
                60 * 24,
                "1 to 1440 minutes",
            ),
            ("enrol_per_minute", self.enrol_per_minute, 60, "1 to 60"),
            (
                "enrol_per_minute_total",
                self.enrol_per_minute_total,
                600,
                "1 to 600",
            ),
            ("exchange_slots", self.exchange_slots, 1024, "1 to 1024"),
            (
                "exchange_memory_mib",
                self.exchange_memory_mib,
                4096,
                "1 to 4096 MiB",
            ),
            ("public_min_group", self.public_min_group, 1000, "1 to 1000"),
            // Senders give up after 30 s, and what has arrived must still be worked on.
            (
                "exchange_body_seconds",
                self.exchange_body_seconds,
                25,
                "1 to 25 seconds",
            ),
        ];
        let wrong = counts
            .into_iter()
            .find(|(_, value, max, _)| !(1..=*max).contains(value));
        let wrong = wrong.map(|(key, value, _, allowed)| (key, value.to_string(), allowed));
        let log = EnvFilter::try_new(&self.log).is_err().then(|| {
            (
                "log",
                self.log.clone(),
                "a filter such as `info` or `info,manyi_collector=debug`",
            )
        });
        let dir = self
            .data_dir
            .as_os_str()
            .is_empty()
            .then(|| ("data_dir", String::new(), "a directory"));
        let oidc = self.oidc.as_ref().and_then(OidcConfig::fault);
        let alerts = self.alerts.fault();
        wrong.or(log).or(dir).or(oidc).or(alerts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("collector.toml");
        std::fs::write(&file, text).expect("written");
        let variable = |name: &str| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Config::load(Some(&file), variable, None)
            .map_err(|e| format!("{:#}", anyhow::Error::from(e)))
    }

    #[test]
    fn without_a_file_the_defaults_hold() {
        let config = Config::load(None, |_| None, None).expect("defaults");
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.trusted_proxy, None);
    }

    #[test]
    fn the_example_file_names_every_key_and_changes_none() {
        let example = include_str!("../../deploy/collector.example.toml");
        for key in KEYS {
            assert!(
                example.contains(&format!("{key} = ")),
                "{key} is not in the example"
            );
        }
        let bare: String = example
            .lines()
            .map(|line| line.strip_prefix("#=").unwrap_or(line).trim().to_owned() + "\n")
            .collect();
        let defaults = Config::load(None, |_| None, None).expect("defaults");
        assert_eq!(load(&bare, &[]), Ok(defaults));
    }

    #[test]
    fn a_variable_wins_over_the_file_and_numbers_are_read_from_text() {
        let variables = [("MANYI_LISTEN", "[::1]:9000"), ("MANYI_SESSION_HOURS", "4")];
        let config = load("listen = \"127.0.0.1:1\"\n", &variables).expect("a configuration");
        assert_eq!(config.listen.to_string(), "[::1]:9000");
        assert_eq!(config.session_hours, 4);
    }

    #[rstest::rstest]
    #[case::unknown_key("lisen = \"127.0.0.1:1\"", "lisen")]
    #[case::wrong_type("session_hours = \"many\"", "session_hours")]
    #[case::no_address("listen = \"localhost\"", "listen")]
    #[case::out_of_range("session_hours = 0", "1 to 744 hours")]
    #[case::log_filter("log = \"info,,=\"", "`log`")]
    #[case::another_database("database = \"mysql://h/d\"", "`sqlite` or postgres://")]
    #[case::no_toml("listen = ", "collector.toml")]
    fn a_wrong_file_is_refused_by_name(#[case] text: &str, #[case] words: &str) {
        let error = load(text, &[]).expect_err("must be refused");
        assert!(
            error.contains(words) && error.contains("collector.toml"),
            "{error}"
        );
    }

    #[test]
    fn a_password_in_the_address_is_shown_nowhere() {
        let text = "database = \"postgres://manyi:geheim@db.example.org/manyi\"\n";
        let config = load(text, &[]).expect("a configuration");
        let postgres = config.postgres().expect("a server");
        let shown = format!("{config:?} {postgres:?} {}", config.database);
        assert!(!shown.contains("geheim"), "{shown}");
        assert!(
            shown.contains("postgres://manyi@db.example.org:5432/manyi"),
            "{shown}"
        );
        let text = "database = \"postgres://manyi:geheim@:/x?port=no\"\n";
        let error = load(text, &[]).expect_err("must be refused");
        assert!(!error.contains("geheim"), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let file = Path::new("/nowhere/collector.toml");
        let error = Config::load(Some(file), |_| None, None).expect_err("must be refused");
        assert!(
            error.to_string().contains("/nowhere/collector.toml"),
            "{error}"
        );
    }
}

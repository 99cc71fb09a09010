//! Which database the collector keeps everything in.

use std::fmt;
use std::path::PathBuf;

use postgres::config::Host;
use serde::Deserialize;

/// `sqlite`, or the address of a PostgreSQL database. What it prints has no password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct DatabaseAddress(Option<String>);

/// How to get to a PostgreSQL database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresSettings {
    /// Where it is, and who we are there.
    pub address: DatabaseAddress,
    /// The file with the password; wins over one in the address.
    pub password_file: Option<PathBuf>,
    /// The certificates of authorities; none: those that the system trusts.
    pub ca_file: Option<PathBuf>,
}

impl PostgresSettings {
    /// The settings for an address alone; none for `sqlite`.
    #[must_use]
    pub fn of(address: DatabaseAddress) -> Option<Self> {
        address.is_postgres().then_some(Self {
            address,
            password_file: None,
            ca_file: None,
        })
    }
}

/// Why a text is no address of a database. It does not repeat the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`database` must be `sqlite` or postgres://USER@HOST/DATABASE{0}")]
pub struct NoAddress(String);

impl DatabaseAddress {
    /// SQLite in the data directory.
    pub const SQLITE: Self = Self(None);

    /// Whether it is a PostgreSQL server's.
    #[must_use]
    pub const fn is_postgres(&self) -> bool {
        self.0.is_some()
    }

    /// What it says, for a connection.
    pub(crate) fn config(&self) -> Result<postgres::Config, postgres::Error> {
        self.0.as_deref().unwrap_or_default().parse()
    }

    /// The address without its password.
    #[must_use]
    pub fn shown(&self) -> String {
        let Ok(config) = self.config() else {
            return "postgres://?".to_owned();
        };
        if self.0.is_none() {
            return "sqlite".to_owned();
        }
        let user = config.get_user().map(|user| format!("{user}@"));
        let ports = config.get_ports();
        let hosts = config.get_hosts().iter().enumerate();
        let hosts: Vec<_> = hosts
            .map(|(n, host)| {
                let port = ports.get(n).or_else(|| ports.first());
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                match host {
                    Host::Tcp(name) => format!("{name}{port}"),
                    Host::Unix(path) => format!("{}{port}", path.display()),
                }
            })
            .collect();
        format!(
            "postgres://{}{}/{}",
            user.unwrap_or_default(),
            hosts.join(","),
            config.get_dbname().unwrap_or_default()
        )
    }
}

impl TryFrom<String> for DatabaseAddress {
    type Error = NoAddress;

    fn try_from(text: String) -> Result<Self, NoAddress> {
        if text == "sqlite" {
            return Ok(Self::SQLITE);
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(NoAddress(String::new()));
        }
        let address = Self(Some(text));
        let config = address.config().map_err(|error| {
            let cause = std::error::Error::source(&error);
            NoAddress(cause.map(|cause| format!(": {cause}")).unwrap_or_default())
        })?;
        if config.get_hosts().is_empty() || config.get_dbname().is_none() {
            return Err(NoAddress(", with host and database".to_owned()));
        }
        Ok(address)
    }
}

impl std::str::FromStr for DatabaseAddress {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        Self::try_from(text.to_owned())
    }
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl fmt::Debug for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

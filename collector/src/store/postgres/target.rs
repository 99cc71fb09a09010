//! Where PostgreSQL is, and how to get there.
//!
//! **Invariants**
//! 1. The password is in no text that this module hands out.
//! 2. Over a network the connection is encrypted and the server's certificate checked, unless the
//!    address says `sslmode=disable`. A socket of this machine needs neither.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use postgres::config::{Host, SslMode, TargetSessionAttrs};
use postgres::{Client, NoTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::config::PostgresSettings;
use crate::store::StoreError;

/// A server that does not answer by then is down.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// What was sent and is not taken by then is lost: the server's machine is gone.
const SENT_WITHIN: Duration = Duration::from_secs(20);

/// A server, a database there, and who we are.
pub(super) struct Target {
    config: postgres::Config,
    shown: String,
    tls: Option<MakeRustlsConnect>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.shown).finish()
    }
}

/// Why there is no way to a server.
#[derive(Debug, thiserror::Error)]
enum NoWay {
    #[error("`database` is no address of a PostgreSQL database")]
    Address(#[source] postgres::Error),
    #[error("could not read `{path}`, where the database's password should be")]
    Password {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("could not read certificates from `{path}`")]
    Authorities {
        path: PathBuf,
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    #[error("this system trusts no authority; set `database_ca_file`")]
    NoAuthority,
    #[error("could not set TLS up")]
    Tls(#[from] rustls::Error),
}

impl Target {
    /// Reads what is needed to connect.
    ///
    /// # Errors
    /// [`StoreError::Open`] when a file that is named cannot be used.
    pub(super) fn new(settings: &PostgresSettings) -> Result<Self, StoreError> {
        Self::find(settings).map_err(|error| StoreError::Open {
            place: settings.address.shown(),
            source: Box::new(error),
        })
    }

    fn find(settings: &PostgresSettings) -> Result<Self, NoWay> {
        let mut config = settings.address.config().map_err(NoWay::Address)?;
        if let Some(path) = &settings.password_file {
            let password = std::fs::read_to_string(path).map_err(|source| NoWay::Password {
                path: path.clone(),
                source,
            })?;
            config.password(password.trim_end_matches(['\r', '\n']));
        }
        config
            .application_name("manyi-collector")
            .connect_timeout(CONNECT_WITHIN)
            .tcp_user_timeout(SENT_WITHIN)
            .keepalives_idle(Duration::from_secs(30))
            // A standby takes no ratings.
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        let shown = settings.address.shown();
        let tls = if needs_tls(&config) {
            config.ssl_mode(SslMode::Require);
            Some(encryption(settings.ca_file.as_deref())?)
        } else {
            if !local(&config) {
                tracing::warn!(
                    database = shown,
                    "the connection to the database is not encrypted"
                );
            }
            config.ssl_mode(SslMode::Disable);
            None
        };
        Ok(Self { config, shown, tls })
    }

    /// The address without its password.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// A new connection.
    ///
    /// # Errors
    /// What stands in the way; see [`StoreError::retry`].
    pub(super) fn connect(&self) -> Result<Client, postgres::Error> {
        match &self.tls {
            Some(tls) => self.config.connect(tls.clone()),
            None => self.config.connect(NoTls),
        }
    }
}

fn local(config: &postgres::Config) -> bool {
    let here = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    };
    config.get_hosts().iter().all(here)
        && config
            .get_hostaddrs()
            .iter()
            .all(|address| address.is_loopback())
}

fn needs_tls(config: &postgres::Config) -> bool {
    match config.get_ssl_mode() {
        SslMode::Disable => false,
        SslMode::Require => true,
        // Not said, as a rule.
        _ => !local(config),
    }
}

fn encryption(authorities: Option<&Path>) -> Result<MakeRustlsConnect, NoWay> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = authorities {
        let wrong = |source| NoWay::Authorities {
            path: path.to_owned(),
            source,
        };
        for certificate in CertificateDer::pem_file_iter(path).map_err(wrong)? {
            roots.add(certificate.map_err(wrong)?)?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err(NoWay::NoAuthority);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::socket("postgres://manyi@%2Fvar%2Frun%2Fpostgresql/manyi", false)]
    #[case::loopback("postgres://manyi@127.0.0.1:5433/manyi", false)]
    #[case::this_machine("postgres://manyi@localhost/manyi", false)]
    #[case::another_machine("postgres://manyi@db.example.org/manyi", true)]
    #[case::wanted_on_loopback("postgres://manyi@127.0.0.1/manyi?sslmode=require", true)]
    #[case::not_wanted("postgres://manyi@10.0.0.5/manyi?sslmode=disable", false)]
    #[case::one_of_two_is_elsewhere("postgres://manyi@localhost,db2/manyi", true)]
    fn only_what_leaves_the_machine_is_encrypted_unless_it_is_said(
        #[case] address: &str,
        #[case] encrypted: bool,
    ) {
        let config: postgres::Config = address.parse().expect("an address");
        assert_eq!(needs_tls(&config), encrypted);
    }
}

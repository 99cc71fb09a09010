//! A throw-away certificate authority, and the handshakes that cannot succeed.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

/// Why a handshake cannot succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The certificate is somebody else's.
    WrongName,
    /// An authority that nobody was told to trust has signed it.
    UnknownAuthority,
    /// Whoever listens on the port for TLS speaks plain HTTP.
    Plaintext,
}

/// An authority of a test's own.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// The certificates that a proxy shows.
#[derive(Clone)]
pub struct Certificates {
    right: TlsAcceptor,
    wrong_name: TlsAcceptor,
    unknown: TlsAcceptor,
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

impl Authority {
    /// A new authority.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new() -> anyhow::Result<Self> {
        let mut parameters = CertificateParams::new(Vec::new())?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?;
        Ok(Self { issuer })
    }

    /// Its certificate as PEM, for those who are to trust it.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Certificates for a server of this name, and wrong ones.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn certificates(&self, name: &str) -> anyhow::Result<Certificates> {
        Ok(Certificates {
            right: self.acceptor(name)?,
            wrong_name: self.acceptor("login.hotel.example")?,
            unknown: Self::new()?.acceptor(name)?,
        })
    }

    fn acceptor(&self, name: &str) -> anyhow::Result<TlsAcceptor> {
        let key = KeyPair::generate()?;
        let certificate =
            CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, &self.issuer)?;
        let secret = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl Certificates {
    /// What to shake hands with.
    pub(super) const fn acceptor(&self, trouble: Option<Trouble>) -> Option<&TlsAcceptor> {
        match trouble {
            None => Some(&self.right),
            Some(Trouble::WrongName) => Some(&self.wrong_name),
            Some(Trouble::UnknownAuthority) => Some(&self.unknown),
            Some(Trouble::Plaintext) => None,
        }
    }
}

//! The way over TLS, with an authority that only this test knows.

use std::sync::Arc;

use axum::serve::Listener;
use manyi_shared::tablet::EnrolProblem;
use manyi_sync::daemon::Options;
use manyi_sync::enrol::{EnrolError, Enrolment, enrol};
use manyi_sync::link::LinkOptions;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::collector::{CODE, Collector};
use crate::tablet::{Tablet, pace};
use crate::wait_for;

/// Hands out connections whose handshake went well.
struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A collector behind TLS.
struct Office {
    collector: Collector,
    tablet: Tablet,
    url: String,
    ca_file: std::path::PathBuf,
}

impl Office {
    /// With a certificate for `name`.
    async fn new(name: &str) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()])
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], secret)
            .unwrap();
        let collector = Collector::start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = collector.router();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TlsListener { listener, acceptor };
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let tablet = Tablet::new();
        std::fs::create_dir_all(tablet.data.path()).unwrap();
        let ca_file = tablet.data.path().join("ca.pem");
        std::fs::write(&ca_file, authority.pem()).unwrap();
        Self {
            collector,
            tablet,
            url: format!("https://localhost:{port}"),
            ca_file,
        }
    }

    async fn enrol(&self, ca_file: bool) -> Result<(), EnrolError> {
        let enrolled = enrol(Enrolment {
            data: self.tablet.data.clone(),
            collector_url: self.url.clone(),
            code: CODE.parse().unwrap(),
            again: false,
            link: self.link(ca_file),
        });
        enrolled.await.map(drop)
    }

    fn link(&self, ca_file: bool) -> LinkOptions {
        LinkOptions {
            ca_file: ca_file.then(|| self.ca_file.clone()),
            ..LinkOptions::default()
        }
    }
}

#[tokio::test]
async fn an_authority_of_the_offices_own_is_believed_when_it_is_configured() {
    let office = Office::new("localhost").await;
    office.enrol(true).await.unwrap();
    office.tablet.terminal().rate(2);
    let daemon = office.tablet.daemon_with(Options {
        link: office.link(true),
        ..office.tablet.options(pace())
    });
    wait_for("the ratings are there", || {
        office.tablet.acknowledged() == [3]
    })
    .await;
    daemon.stop().await;
    assert_eq!(office.collector.centre().terminals.len(), 1);
}

#[rstest::rstest]
#[case::an_unknown_authority("localhost", false)]
#[case::a_certificate_for_another_name("rate.example.cn", true)]
#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_told_as_that_and_the_code_stays_unused(
    #[case] name: &str,
    #[case] ca_file: bool,
) {
    let office = Office::new(name).await;
    let error = office.enrol(ca_file).await.unwrap_err();
    assert_eq!(error.problem(), EnrolProblem::Certificate, "{error:?}");
    assert!(office.collector.centre().terminals.is_empty());
}

#[tokio::test]
async fn a_ca_file_that_is_none_is_named() {
    let office = Office::new("localhost").await;
    std::fs::write(&office.ca_file, "not a certificate").unwrap();
    let error = office.enrol(true).await.unwrap_err();
    assert_eq!(error.problem(), EnrolProblem::Certificate);
    assert!(error.to_string().contains("ca.pem"), "{error}");
}

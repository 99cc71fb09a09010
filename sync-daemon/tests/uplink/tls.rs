//! The way over TLS, with an authority that only this test knows.

use std::sync::{Arc, Mutex};

use axum::serve::Listener;
use manyi_shared::tablet::EnrolProblem;
use manyi_sync::daemon::Options;
use manyi_sync::enrol::{EnrolError, Enrolment, enrol};
use manyi_sync::link::LinkOptions;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::collector::{CODE, Collector};
use crate::tablet::{Tablet, pace};
use crate::wait_for;

type Authority = CertifiedIssuer<'static, KeyPair>;

/// What the server shows now, and how often it was seen.
#[derive(Debug, Clone)]
struct Shown(Arc<Mutex<(Arc<ServerConfig>, usize)>>);

/// Hands out connections whose handshake went well.
struct TlsListener {
    listener: TcpListener,
    shown: Shown,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            let config = Arc::clone(&self.shown.0.lock().unwrap().0);
            if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
                self.shown.0.lock().unwrap().1 += 1;
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A server's certificate to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Card {
    pub(crate) name: &'static str,
    /// The years in whose January it begins and ends.
    pub(crate) years: (i32, i32),
    /// By the authority that the tablet is told of.
    pub(crate) known: bool,
}

impl Default for Card {
    fn default() -> Self {
        Self {
            name: "localhost",
            years: (1975, 4096),
            known: true,
        }
    }
}

/// A collector behind TLS.
pub(crate) struct Office {
    pub(crate) collector: Collector,
    pub(crate) tablet: Tablet,
    pub(crate) url: String,
    ca_file: std::path::PathBuf,
    authority: Authority,
    shown: Shown,
}

fn authority(name: &str) -> Authority {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap()
}

fn config(card: Card, authority: &Authority) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let mut wanted = CertificateParams::new(vec![card.name.to_owned()]).unwrap();
    wanted.not_before = date_time_ymd(card.years.0, 1, 1);
    wanted.not_after = date_time_ymd(card.years.1, 1, 1);
    let certificate = wanted.signed_by(&key, authority).unwrap();
    let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)
        .unwrap();
    Arc::new(config)
}

impl Office {
    pub(crate) async fn new(card: Card) -> Self {
        let authority = authority("the office's");
        let shown = Shown(Arc::new(Mutex::new((config(card, &authority), 0))));
        let collector = Collector::start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let ping = axum::routing::post(async || "pong");
        let router = collector.router().route("/ping", ping);
        let listener = TlsListener {
            listener,
            shown: shown.clone(),
        };
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let tablet = Tablet::new();
        std::fs::create_dir_all(tablet.data.path()).unwrap();
        let ca_file = tablet.data.path().join("ca.pem");
        std::fs::write(&ca_file, authority.pem()).unwrap();
        let office = Self {
            collector,
            tablet,
            url: format!("https://localhost:{port}"),
            ca_file,
            authority,
            shown,
        };
        office.show(card);
        office
    }

    /// Shows another certificate from now on.
    pub(crate) fn show(&self, card: Card) {
        let config = if card.known {
            config(card, &self.authority)
        } else {
            config(card, &authority("a stranger's"))
        };
        self.shown.0.lock().unwrap().0 = config;
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        let port = self.url.rsplit(':').next().unwrap();
        ([127, 0, 0, 1], port.parse().unwrap()).into()
    }

    /// How many connections were made.
    pub(crate) fn handshakes(&self) -> usize {
        self.shown.0.lock().unwrap().1
    }

    pub(crate) async fn enrol(&self, ca_file: bool) -> Result<(), EnrolError> {
        let enrolled = enrol(Enrolment {
            data: self.tablet.data.clone(),
            collector_url: self.url.clone(),
            code: CODE.parse().unwrap(),
            again: false,
            link: self.link(ca_file),
        });
        enrolled.await.map(drop)
    }

    pub(crate) fn link(&self, ca_file: bool) -> LinkOptions {
        LinkOptions {
            ca_file: ca_file.then(|| self.ca_file.clone()),
            ..self.tablet.link()
        }
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            link: self.link(true),
            ..self.tablet.options(pace())
        }
    }
}

#[tokio::test]
async fn an_authority_of_the_offices_own_is_believed_when_it_is_configured() {
    let office = Office::new(Card::default()).await;
    office.enrol(true).await.unwrap();
    office.tablet.terminal().rate(2);
    let daemon = office.tablet.daemon_with(office.options());
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
    #[case] name: &'static str,
    #[case] ca_file: bool,
) {
    let office = Office::new(Card {
        name,
        ..Card::default()
    })
    .await;
    let error = office.enrol(ca_file).await.unwrap_err();
    assert_eq!(error.problem(), EnrolProblem::Certificate, "{error:?}");
    assert!(office.collector.centre().terminals.is_empty());
}

#[tokio::test]
async fn a_ca_file_that_is_none_is_named() {
    let office = Office::new(Card::default()).await;
    std::fs::write(&office.ca_file, "not a certificate").unwrap();
    let error = office.enrol(true).await.unwrap_err();
    assert_eq!(error.problem(), EnrolProblem::Certificate);
    assert!(error.to_string().contains("ca.pem"), "{error}");
}

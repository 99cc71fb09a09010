//! A real HTTP proxy between tablet and collector, with and without a password: enrolment and
//! exchanges go through it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use manyi_shared::tablet::EnrolProblem;
use manyi_sync::enrol::{EnrolError, Enrolment, enrol};
use manyi_sync::link::LinkOptions;
use manyi_sync::settings::ProxyChoice;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::collector::{CODE, Collector};
use crate::tablet::{Tablet, pace};
use crate::tls::{Card, Office};
use crate::wait_for;

/// A name that only the proxy knows.
pub(crate) const NAME: &str = "rate.example.invalid";

/// `user:password` as a proxy wants to hear it.
const PASSWORD: &str = "Basic dXNlcjpwYXNzd29yZA==";

/// A proxy that leads every request to one machine.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    /// The first line of every request that it let through.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub(crate) async fn start(upstream: SocketAddr, password: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::default();
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let seen = Arc::clone(&shared);
                tokio::spawn(async move { lead(client, upstream, password, &seen).await });
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn choice(&self, user: &str) -> ProxyChoice {
        ProxyChoice::At(format!("http://{user}{}", self.address))
    }
}

async fn lead(
    mut client: TcpStream,
    upstream: SocketAddr,
    password: bool,
    seen: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    if password && !text.contains(PASSWORD) {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\n\
            proxy-authenticate: Basic realm=\"hall\"\r\ncontent-length: 0\r\n\r\n";
        drop(client.write_all(refusal.as_bytes()).await);
        return;
    }
    let first = text.lines().next().unwrap_or_default().to_owned();
    let connects = first.starts_with("CONNECT ");
    seen.lock().unwrap().push(first);
    let mut server = TcpStream::connect(upstream).await.unwrap();
    let greeting = if connects {
        client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await
    } else {
        server.write_all(&head).await
    };
    if greeting.is_ok() {
        drop(copy_bidirectional(&mut client, &mut server).await);
    }
}

async fn enrolled(tablet: &Tablet, url: &str, link: LinkOptions) -> Result<(), EnrolError> {
    let enrolment = Enrolment {
        data: tablet.data.clone(),
        collector_url: url.to_owned(),
        code: CODE.parse().unwrap(),
        again: false,
        link,
    };
    enrol(enrolment).await.map(drop)
}

#[rstest::rstest]
#[case::open(false, "")]
#[case::with_a_password(true, "user:password@")]
#[tokio::test]
async fn enrolment_and_exchanges_go_through_a_proxy(#[case] password: bool, #[case] user: &str) {
    let office = Office::new(Card {
        name: NAME,
        ..Card::default()
    })
    .await;
    let proxy = Proxy::start(office.address(), password).await;
    let url = format!("https://{NAME}");
    let link = LinkOptions {
        proxy: proxy.choice(user),
        ..office.link(true)
    };
    enrolled(&office.tablet, &url, link.clone()).await.unwrap();
    office.tablet.terminal().rate(2);
    let mut options = office.tablet.options(pace());
    options.link = link;
    let daemon = office.tablet.daemon_with(options);
    wait_for("the ratings are there", || {
        office.tablet.acknowledged() == [3]
    })
    .await;
    daemon.stop().await;
    assert!(!proxy.seen().is_empty());
    for line in proxy.seen() {
        assert_eq!(line, format!("CONNECT {NAME}:443 HTTP/1.1"));
    }
}

#[tokio::test]
async fn a_proxy_that_wants_a_password_is_told_as_that() {
    let office = Office::new(Card::default()).await;
    let proxy = Proxy::start(office.address(), true).await;
    for user in ["", "user:wrong@"] {
        let link = LinkOptions {
            proxy: proxy.choice(user),
            ..office.link(true)
        };
        let error = enrolled(&office.tablet, &format!("https://{NAME}"), link)
            .await
            .unwrap_err();
        assert_eq!(error.problem(), EnrolProblem::Unreachable);
        assert!(error.may_pass(), "somebody sets it right");
        let told = anyhow::Error::from(error);
        assert!(
            format!("{told:#}").contains("the proxy wants a user name and a password"),
            "{told:#}"
        );
    }
    assert!(proxy.seen().is_empty());
    assert!(office.collector.centre().terminals.is_empty());
}

#[tokio::test]
async fn plain_http_goes_through_it_too_and_its_407_is_told() {
    let collector = Collector::start().await;
    let tablet = Tablet::new();
    let proxy = Proxy::start(collector.address, true).await;
    let url = format!("http://{NAME}");
    let link = |user: &str| LinkOptions {
        proxy: proxy.choice(user),
        ..tablet.link()
    };
    let error = enrolled(&tablet, &url, link("")).await.unwrap_err();
    assert!(
        error.to_string().contains("the proxy wants a user name"),
        "{error}"
    );
    enrolled(&tablet, &url, link("user:password@"))
        .await
        .unwrap();
    let line = format!("POST http://{NAME}/device/v1/enrol HTTP/1.1");
    assert_eq!(proxy.seen(), [line]);
}

#[tokio::test]
async fn the_environment_names_the_proxy_of_the_program() {
    let office = Office::new(Card {
        name: NAME,
        ..Card::default()
    })
    .await;
    let proxy = Proxy::start(office.address(), false).await;
    let folder = office.tablet.data.path();
    let url = format!("https://{NAME}");
    let arguments = ["enrol", "--collector", &url, "--code", CODE];
    let command = |folder: &std::path::Path| {
        let mut command = crate::program::program(folder, &arguments);
        command.env("MANYI_CA_FILE", folder.join("ca.pem"));
        command
    };
    let mut direct = command(folder);
    direct.env("HTTPS_PROXY", format!("http://{}", proxy.address));
    direct.env("NO_PROXY", "example.invalid");
    let said = crate::program::output(direct).await;
    assert!(!said.status.success());
    assert_eq!(proxy.seen(), Vec::<String>::new(), "NO_PROXY was obeyed");
    let mut through = command(folder);
    through.env("HTTPS_PROXY", format!("http://{}", proxy.address));
    let said = crate::program::output(through).await;
    assert!(
        said.status.success(),
        "{}",
        crate::program::text(&said.stderr)
    );
    assert_eq!(proxy.seen().len(), 1);
}

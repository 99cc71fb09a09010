//! What each fault looks like from both sides.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::tls::{Authority, Trouble};
use super::{Fault, Front, Message, Proxy, Weather};

/// A server that answers with the number of whole requests it has seen.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Message>>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("bound");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.expect("a connection");
                let seen = Arc::clone(&shared);
                tokio::spawn(async move {
                    if let Ok(Some(request)) = Message::read(&mut client).await {
                        let body = {
                            let mut seen = seen.lock().expect("whole");
                            seen.push(request);
                            format!("this is what the server says to request {}", seen.len())
                        };
                        let answer = Message::answer(200, &[], body.as_bytes());
                        drop(client.write_all(&answer.bytes()).await);
                    }
                });
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> usize {
        self.seen.lock().expect("whole").len()
    }
}

fn request() -> Message {
    let mut request = Message {
        start: "POST /device/v1/exchange HTTP/1.1".to_owned(),
        headers: vec![("host".to_owned(), "office".to_owned())],
        body: Vec::new(),
        has_length: true,
    };
    request.set_body(b"a body of some length".to_vec());
    request
}

/// What a client sees: an answer, nothing, or a broken connection.
async fn ask(at: SocketAddr) -> Result<Option<Message>, ErrorKind> {
    let mut stream = TcpStream::connect(at).await.map_err(|e| e.kind())?;
    stream
        .write_all(&request().bytes())
        .await
        .map_err(|e| e.kind())?;
    Message::read(&mut stream).await.map_err(|e| e.kind())
}

async fn with(fault: Fault) -> (Result<Option<Message>, ErrorKind>, usize) {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address, Front::Plain, Weather::calm()).await;
    let proxy = proxy.expect("a port");
    ask(proxy.address()).await.expect("calm").expect("answered");
    proxy.then([fault]);
    let answer = ask(proxy.address()).await;
    assert_eq!(proxy.happened().get(fault.name()), Some(&1));
    (answer, server.seen() - 1)
}

const SLOW: Duration = Duration::from_millis(5);

#[rstest::rstest]
#[case::late(Fault::Late { request: SLOW, reply: SLOW }, 1, "request 2")]
#[case::doubled(Fault::Doubled, 2, "request 3")]
#[case::slow_request(Fault::SlowRequest(SLOW), 1, "request 2")]
#[case::slow_reply(Fault::SlowReply(SLOW), 1, "request 2")]
#[case::old_reply(Fault::OldReply, 0, "request 1")]
#[case::flipped(Fault::Flipped, 1, "request 3")]
#[case::shortened(Fault::Shortened, 1, "this is what the")]
#[case::portal(Fault::Portal, 0, "room and name")]
#[case::says(Fault::Says { status: 503, retry_after: Some(3) }, 0, "Sorry")]
#[case::redirect(Fault::Redirect, 0, "")]
#[tokio::test]
async fn a_fault_with_an_answer(#[case] fault: Fault, #[case] seen: usize, #[case] words: &str) {
    let (answer, by_server) = with(fault).await;
    let answer = answer.expect("whole").expect("answered");
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(body.contains(words), "{body}");
    assert_eq!(by_server, seen);
    if let Fault::Says { status, .. } = fault {
        assert_eq!(answer.status(), status);
        assert_eq!(answer.header("retry-after"), Some("3"));
    }
}

#[rstest::rstest]
#[case::cut_before(Fault::CutBefore, 0)]
#[case::cut_after(Fault::CutAfter, 1)]
#[tokio::test]
async fn a_cut_leaves_no_answer(#[case] fault: Fault, #[case] seen: usize) {
    let (answer, by_server) = with(fault).await;
    assert!(!matches!(answer, Ok(Some(_))), "{answer:?}");
    assert_eq!(by_server, seen);
}

#[tokio::test]
async fn a_cut_in_the_middle_leaves_part_of_an_answer() {
    let (answer, by_server) = with(Fault::CutDuring).await;
    assert_eq!(answer, Err(ErrorKind::UnexpectedEof));
    assert_eq!(by_server, 1);
}

#[tokio::test]
async fn a_replayed_request_comes_again_by_itself_and_every_connection_has_an_address_of_its_own() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address, Front::Plain, Weather::calm()).await;
    let proxy = proxy.expect("a port");
    proxy.then([Fault::Replayed(SLOW)]);
    ask(proxy.address()).await.expect("calm").expect("answered");
    ask(proxy.address()).await.expect("calm").expect("answered");
    let all = async {
        while server.seen() < 3 {
            tokio::time::sleep(SLOW).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all)
        .await
        .expect("three requests");
    let seen = server.seen.lock().expect("whole");
    let from = |request: &Message| request.header("x-forwarded-for").map(str::to_owned);
    let mut from: Vec<_> = seen.iter().map(from).collect();
    from.sort();
    from.dedup();
    assert_eq!(from.len(), 2, "two connections, three requests: {from:?}");
}

#[tokio::test]
async fn a_refusal_answers_what_it_wants_to_and_lets_the_rest_pass() {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address, Front::Plain, Weather::calm()).await;
    let proxy = proxy.expect("a port");
    proxy.refuse(Some(Arc::new(|request: &Message| {
        let poison = request.body.starts_with(b"a body");
        poison.then(|| Message::answer(500, &[], b""))
    })));
    let answer = ask(proxy.address()).await.expect("whole").expect("one");
    assert_eq!((answer.status(), server.seen()), (500, 0));
    proxy.refuse(None);
    let answer = ask(proxy.address()).await.expect("whole").expect("one");
    assert_eq!((answer.status(), server.seen()), (200, 1));
}

#[tokio::test]
async fn who_is_never_answered_and_gives_up_leaves_nothing_behind() {
    let server = Server::start().await;
    let proxy = Proxy::start(
        server.address,
        Front::Plain,
        Weather {
            connections: 1000,
            ..Weather::storm(3)
        },
    );
    let proxy = proxy.await.expect("a port");
    for _ in 0..40 {
        let asked = tokio::time::timeout(SLOW * 4, ask(proxy.address())).await;
        assert!(!matches!(asked, Ok(Ok(Some(_)))), "{asked:?}");
    }
    assert_eq!(server.seen(), 0);
    assert!(proxy.happened().contains_key("half-open"));
}

#[rstest::rstest]
#[case::right(None, true)]
#[case::wrong_name(Some(Trouble::WrongName), false)]
#[case::unknown(Some(Trouble::UnknownAuthority), false)]
#[case::plaintext(Some(Trouble::Plaintext), false)]
#[tokio::test]
async fn only_the_right_certificate_is_shaken_hands_with(
    #[case] trouble: Option<Trouble>,
    #[case] answered: bool,
) {
    let server = Server::start().await;
    let authority = Authority::new().expect("keys");
    let certificates = authority.certificates("localhost").expect("keys");
    // A weather in which the first connection has this trouble.
    let weather = (0..10_000).map(|seed| Weather {
        connections: if trouble.is_some() { 1000 } else { 0 },
        requests: 0,
        ..Weather::storm(seed)
    });
    let wanted = trouble.map(Fault::Tls);
    let weather = weather.into_iter().find(|w| w.connection(0, 0) == wanted);
    let proxy = Proxy::start(
        server.address,
        Front::Tls(certificates),
        weather.expect("such a seed"),
    );
    let proxy = proxy.await.expect("a port");
    let ca = reqwest::Certificate::from_pem(authority.pem().as_bytes()).expect("a certificate");
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .build()
        .expect("a client");
    let answer = client.post(proxy.url()).body("x").send().await;
    assert_eq!(answer.is_ok(), answered, "{answer:?}");
}

#[tokio::test]
async fn a_stalled_body_ends_when_the_server_has_had_enough() {
    // This server has had enough after two bytes of the body.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.expect("a connection");
        let mut some = [0; 64];
        client.read_exact(&mut some).await.expect("a beginning");
        let answer = Message::answer(408, &[], b"too slow");
        drop(client.write_all(&answer.bytes()).await);
        // What is still on its way is taken, so that the answer is not lost by a reset.
        drop(client.read(&mut some).await);
    });
    let proxy = Proxy::start(address, Front::Plain, Weather::calm()).await;
    let proxy = proxy.expect("a port");
    proxy.then([Fault::Stalled]);
    let answer = ask(proxy.address()).await.expect("whole").expect("one");
    assert_eq!(answer.status(), 408);
}

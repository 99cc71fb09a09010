//! A relay between daemon and collector that breaks one exchange after the other, as told.
//!
//! Every request is read to its end first, so that each fault hits the moment it is named after.
//! Connections are closed after one exchange.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// What happens to one exchange.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The connection is cut before the request is through.
    CutBefore,
    /// The collector takes the request, the connection is cut before its reply.
    CutAfterTaken,
    /// The reply breaks off in the middle.
    CutReply,
    /// The request reaches the collector twice; the second reply comes back.
    Doubled,
    /// The reply to the exchange before comes back again, the request goes nowhere.
    OldReply,
    /// One bit of the reply's body is flipped.
    Flipped,
    /// Somebody else answers this; the request goes nowhere.
    Answer(String),
}

impl Fault {
    /// An answer with a status line, headers (each ending in a line break) and a body.
    pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::Answer(format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        ))
    }
}

#[derive(Debug, Default)]
struct State {
    faults: VecDeque<Fault>,
    arrivals: Vec<Instant>,
    last_reply: Vec<u8>,
}

/// A running relay.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Relay {
    pub(crate) async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&shared);
                tokio::spawn(async move { relay(client, upstream, &state).await });
            }
        });
        Self { address, state }
    }

    /// The faults of the next exchanges; after them all goes well.
    pub(crate) fn then(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    /// All goes well from now on.
    pub(crate) fn calm_down(&self) {
        self.state.lock().unwrap().faults.clear();
    }

    /// Whether every fault has happened.
    pub(crate) fn is_calm(&self) -> bool {
        self.state.lock().unwrap().faults.is_empty()
    }

    /// Times between the arrivals of requests.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        let state = self.state.lock().unwrap();
        state
            .arrivals
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .collect()
    }
}

async fn relay(mut client: TcpStream, upstream: SocketAddr, state: &Mutex<State>) {
    let Some(request) = read_request(&mut client).await else {
        return;
    };
    let (fault, old) = {
        let mut state = state.lock().unwrap();
        state.arrivals.push(Instant::now());
        let fault = state.faults.pop_front().unwrap_or(Fault::None);
        (fault, state.last_reply.clone())
    };
    let mut reply = match fault {
        Fault::CutBefore => return,
        Fault::Answer(ref answer) => answer.clone().into_bytes(),
        Fault::OldReply => old,
        Fault::Doubled => {
            ask(upstream, &request).await;
            ask(upstream, &request).await
        }
        _ => ask(upstream, &request).await,
    };
    match fault {
        Fault::CutAfterTaken => return,
        Fault::CutReply => reply.truncate(reply.len() - 20),
        Fault::Flipped => *reply.last_mut().unwrap() ^= 1,
        Fault::None => state.lock().unwrap().last_reply.clone_from(&reply),
        _ => {}
    }
    // The daemon may have gone away by now, which is its right.
    drop(client.write_all(&reply).await);
    drop(client.shutdown().await);
}

async fn ask(upstream: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(upstream).await.unwrap();
    stream.write_all(request).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    reply
}

/// One whole request; none when the client went away.
async fn read_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head
                .split("content-length: ")
                .nth(1)?
                .split("\r\n")
                .next()?;
            if bytes.len() >= end + 4 + length.parse::<usize>().ok()? {
                return Some(bytes);
            }
        }
        match client.read(&mut chunk).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    }
}

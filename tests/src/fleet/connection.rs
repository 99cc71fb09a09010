//! One tablet's connection to the collector, kept between exchanges as a real one keeps it.

use std::net::SocketAddr;
use std::time::Duration;

use manyi_shared::domain::{Retry, TerminalId};
use manyi_shared::wire::{PublicKey, Reply, ReplyError, digest};
use manyi_sync::exchange::{ExchangeError, PROBLEM_TYPE, SIGNED_TYPE};
use manyi_sync::uplink::Outcome;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::faults::Message;

/// The longest wait for a whole answer, as the daemon's.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    /// For the uplink.
    pub(super) outcome: Outcome,
    /// The status; 0 when nothing came back.
    pub(super) status: u16,
    /// What the server wished.
    pub(super) retry_after: Option<Duration>,
}

/// A connection that is opened when it is needed.
#[derive(Debug)]
pub(super) struct Connection {
    collector: SocketAddr,
    stream: Option<TcpStream>,
}

impl Connection {
    pub(super) const fn to(collector: SocketAddr) -> Self {
        Self {
            collector,
            stream: None,
        }
    }

    /// Sends an exchange and makes of the answer what the daemon makes of it.
    pub(super) async fn carry(
        &mut self,
        request: Vec<u8>,
        terminal: TerminalId,
        key: &PublicKey,
    ) -> Answer {
        let request_digest = digest(&request);
        let Ok(Ok(answer)) = timeout(TIMEOUT, self.post(request)).await else {
            self.stream = None;
            return Answer {
                outcome: Outcome::Failed(Retry::Backoff { at_least: None }),
                status: 0,
                retry_after: None,
            };
        };
        let retry_after = answer.header("retry-after").and_then(|s| s.parse().ok());
        let retry_after = retry_after.map(Duration::from_secs);
        let outcome = match reply_in(&answer, terminal, key, &request_digest) {
            Some(Ok(reply)) => Outcome::Replied(Box::new(reply)),
            Some(Err(error)) if answer.status() < 400 => ExchangeError::Untrusted(error).outcome(),
            _ => refusal(&answer, retry_after).outcome(),
        };
        Answer {
            outcome,
            status: answer.status(),
            retry_after,
        }
    }

    async fn post(&mut self, body: Vec<u8>) -> std::io::Result<Message> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(self.collector).await?,
        };
        let mut request = Message {
            start: "POST /device/v1/exchange HTTP/1.1".to_owned(),
            headers: vec![
                ("host".to_owned(), self.collector.to_string()),
                (
                    "content-type".to_owned(),
                    "application/vnd.manyi.exchange+cbor".to_owned(),
                ),
            ],
            body: Vec::new(),
            has_length: true,
        };
        request.set_body(body);
        stream.write_all(&request.bytes()).await?;
        let answer = Message::read(&mut stream).await?;
        let answer = answer.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        if answer.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        Ok(answer)
    }
}

fn reply_in(
    answer: &Message,
    terminal: TerminalId,
    key: &PublicKey,
    request: &[u8; 32],
) -> Option<Result<Reply, ReplyError>> {
    let signed = answer.header("content-type")?.starts_with(SIGNED_TYPE);
    signed.then(|| Reply::open(&answer.body, key, terminal, request))
}

fn refusal(answer: &Message, retry_after: Option<Duration>) -> ExchangeError {
    let content_type = answer.header("content-type").unwrap_or_default();
    if answer.status() < 400 {
        return ExchangeError::NotTheCollector {
            status: answer.status(),
            content_type: content_type.to_owned(),
        };
    }
    ExchangeError::Refused {
        status: answer.status(),
        retry_after,
        collectors: content_type == PROBLEM_TYPE,
        detail: String::new(),
    }
}

//! Carries one request to the server and back, with one fault on the way.

use std::io::Error;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::{Fault, Message};

/// Either side of a connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// Drops that a slow body is cut into: enough for one to be slow, few enough for many at once.
const DROPS: usize = 24;

/// Bytes that a reply that is cut or shortened loses.
const LOST: usize = 20;

/// The page of a hotel's network.
const PORTAL: &[u8] = b"<!doctype html><title>Welcome</title><form>room and name</form>";

/// How a request ended.
#[derive(Debug)]
pub(super) enum End {
    /// Answered; another request may follow on the connection.
    Answered(Message),
    /// The connection must be closed.
    Closed,
}

/// What the relay needs of the proxy.
pub(super) struct Way<'a> {
    pub(super) upstream: SocketAddr,
    /// A reply that somebody was given before.
    pub(super) old_reply: Option<Message>,
    pub(super) client: &'a mut dyn Stream,
}

impl Way<'_> {
    /// Carries `request`; what comes back is what the client was given, whole.
    ///
    /// # Errors
    /// When either side breaks off.
    pub(super) async fn carry(
        mut self,
        request: &Message,
        fault: Option<Fault>,
    ) -> Result<End, Error> {
        let reply = match fault {
            None | Some(Fault::Replayed(_)) => self.ask(request).await?,
            Some(Fault::Late {
                request: out,
                reply,
            }) => {
                sleep(out).await;
                let answer = self.ask(request).await?;
                sleep(reply).await;
                answer
            }
            Some(Fault::Doubled) => {
                self.ask(request).await?;
                self.ask(request).await?
            }
            Some(Fault::SlowRequest(time)) => self.ask_slowly(request, time).await?,
            Some(Fault::CutBefore) => {
                self.send_half(request).await?;
                return Ok(End::Closed);
            }
            Some(Fault::Stalled) => return self.stall(request).await,
            Some(Fault::CutAfter) => {
                self.ask(request).await?;
                return Ok(End::Closed);
            }
            Some(Fault::CutDuring) => {
                let bytes = self.ask(request).await?.bytes();
                let part = bytes.len().saturating_sub(LOST);
                self.client
                    .write_all(bytes.get(..part).unwrap_or_default())
                    .await?;
                return Ok(End::Closed);
            }
            Some(Fault::SlowReply(time)) => {
                let reply = self.ask(request).await?;
                self.client.write_all(&reply.head()).await?;
                in_drops(self.client, &reply.body, time).await?;
                return Ok(End::Answered(reply));
            }
            Some(Fault::OldReply) => match self.old_reply.take() {
                Some(old) => old,
                None => return Ok(End::Closed),
            },
            Some(Fault::Shortened) => {
                let mut reply = self.ask(request).await?;
                let mut body = std::mem::take(&mut reply.body);
                body.truncate(body.len().saturating_sub(LOST));
                reply.set_body(body);
                reply
            }
            Some(Fault::Flipped) => {
                let mut reply = self.ask(request).await?;
                if let Some(last) = reply.body.last_mut() {
                    *last ^= 1;
                }
                reply
            }
            Some(Fault::Says {
                status,
                retry_after,
            }) => says(status, retry_after),
            Some(Fault::Portal) => Message::answer(200, &[("content-type", "text/html")], PORTAL),
            Some(Fault::Redirect) => {
                Message::answer(302, &[("location", "http://login.hotel.example/")], b"")
            }
            // These end a connection before it has a request.
            Some(Fault::Refused | Fault::HalfOpen | Fault::Tls(_)) => return Ok(End::Closed),
        };
        self.client.write_all(&reply.bytes()).await?;
        if reply.has_length {
            Ok(End::Answered(reply))
        } else {
            Ok(End::Closed)
        }
    }

    async fn ask(&self, request: &Message) -> Result<Message, Error> {
        ask(self.upstream, request).await
    }

    async fn ask_slowly(&self, request: &Message, time: Duration) -> Result<Message, Error> {
        let request = for_one(request);
        let mut server = TcpStream::connect(self.upstream).await?;
        server.write_all(&request.head()).await?;
        in_drops(&mut server, &request.body, time).await?;
        answer_of(&mut server).await
    }

    /// The head and half of the body, then nothing more; the connection that it went out on.
    async fn send_half(&self, request: &Message) -> Result<TcpStream, Error> {
        let request = for_one(request);
        let mut server = TcpStream::connect(self.upstream).await?;
        server.write_all(&request.head()).await?;
        let half = request.body.get(..request.body.len() / 2);
        server.write_all(half.unwrap_or_default()).await?;
        Ok(server)
    }

    /// Holds the connection open until the server has had enough, and passes on what it says then.
    async fn stall(self, request: &Message) -> Result<End, Error> {
        let mut server = self.send_half(request).await?;
        let reply = answer_of(&mut server).await?;
        self.client.write_all(&reply.bytes()).await?;
        Ok(End::Closed)
    }
}

/// Sends a request on a connection of its own and reads the answer.
///
/// # Errors
/// When the server breaks off.
pub(super) async fn ask(upstream: SocketAddr, request: &Message) -> Result<Message, Error> {
    let mut server = TcpStream::connect(upstream).await?;
    server.write_all(&for_one(request).bytes()).await?;
    answer_of(&mut server).await
}

/// The request as it is sent when nothing follows on the connection.
fn for_one(request: &Message) -> Message {
    let mut request = request.clone();
    request.set_header("connection", "close");
    request
}

async fn answer_of(server: &mut TcpStream) -> Result<Message, Error> {
    let reply = Message::read(server).await?;
    let mut reply = reply.ok_or(std::io::ErrorKind::UnexpectedEof)?;
    // That connection ends, the client's does not.
    reply.headers.retain(|(name, _)| name != "connection");
    Ok(reply)
}

async fn in_drops(
    to: &mut (impl AsyncWrite + Unpin + ?Sized),
    bytes: &[u8],
    time: Duration,
) -> Result<(), Error> {
    let drops = bytes.chunks(bytes.len().div_ceil(DROPS).max(1));
    let pause = time / u32::try_from(DROPS).unwrap_or(1);
    for drop in drops {
        to.write_all(drop).await?;
        to.flush().await?;
        sleep(pause).await;
    }
    Ok(())
}

fn says(status: u16, retry_after: Option<u64>) -> Message {
    let mut answer = Message::answer(status, &[("content-type", "text/html")], b"<h1>Sorry</h1>");
    if let Some(seconds) = retry_after {
        answer.set_header("retry-after", &seconds.to_string());
    }
    answer
}

/// Accepted, and never answered; ends when the client does.
pub(super) async fn never_answer(client: &mut dyn Stream) {
    // A client that gives up closes its side.
    drop(tokio::io::copy(client, &mut tokio::io::sink()).await);
}

//! Who is told: an HTTP receiver and a mail relay on loopback, which fail as they are told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Headers and body of a request.
pub(crate) type Request = (HeaderMap, Vec<u8>);

/// What a receiver got, and how it answers next; 200 when nothing is said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hook {
    pub(crate) got: Arc<Mutex<Vec<Request>>>,
    pub(crate) answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Hook {
    /// Listens, and gives the address.
    pub(crate) async fn listen(&self) -> String {
        let take = |State(hook): State<Self>, headers: HeaderMap, body: Bytes| async move {
            hook.got.lock().unwrap().push((headers, body.to_vec()));
            let answer = hook.answers.lock().unwrap().pop_front().unwrap_or(200);
            StatusCode::from_u16(answer).unwrap()
        };
        let app = Router::new()
            .route("/hook", axum::routing::post(take))
            .with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        format!("http://{address}/hook")
    }

    pub(crate) fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }

    pub(crate) fn answer(&self, status: u16) {
        self.answers.lock().unwrap().push_back(status);
    }
}

/// A mail as the relay took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) data: String,
}

/// A mail relay that keeps what it takes (RFC 5321, as far as a client needs it).
#[derive(Debug, Clone, Default)]
pub(crate) struct Relay {
    pub(crate) got: Arc<Mutex<Vec<Mail>>>,
    /// What it says instead of taking the next mails.
    pub(crate) refusals: Arc<Mutex<VecDeque<&'static str>>>,
}

impl Relay {
    /// Listens, and gives the address.
    pub(crate) async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let relay = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let relay = relay.clone();
                // A client that hangs up in the middle has said nothing.
                tokio::spawn(async move { relay.talk(stream).await.unwrap_or_default() });
            }
        });
        address
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 relay.example ESMTP\r\n").await?;
        let mut mail = Mail {
            from: String::new(),
            to: Vec::new(),
            data: String::new(),
        };
        while let Some(line) = lines.next_line().await? {
            let verb = line.split([' ', ':']).next().unwrap_or_default();
            let address = || {
                let inside = line
                    .split_once('<')
                    .and_then(|(_, rest)| rest.split_once('>'));
                inside.map_or_else(String::new, |(address, _)| address.to_owned())
            };
            let answer = match verb.to_ascii_uppercase().as_str() {
                "EHLO" => "250-relay.example\r\n250-8BITMIME\r\n250 SMTPUTF8",
                "HELO" | "RSET" | "NOOP" => "250 OK",
                "MAIL" => {
                    mail.from = address();
                    "250 OK"
                }
                "RCPT" => {
                    mail.to.push(address());
                    "250 OK"
                }
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await?;
                    while let Some(line) = lines.next_line().await? {
                        if line == "." {
                            break;
                        }
                        let line = line.strip_prefix('.').unwrap_or(&line);
                        mail.data.push_str(line);
                        mail.data.push('\n');
                    }
                    let refusal = self.refusals.lock().unwrap().pop_front();
                    if refusal.is_none() {
                        self.got.lock().unwrap().push(mail.clone());
                    }
                    refusal.unwrap_or("250 taken")
                }
                "QUIT" => {
                    write.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                _ => "500 what?",
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }
}

//! As much of HTTP/1.1 as a browser and a terminal of the bench need, on one connection each.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// One connection that is kept.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("connects");
        stream.set_nodelay(true).expect("set");
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Sends a request for a page and reads its head.
    pub(crate) async fn ask(&mut self, path: &str, cookie: &str) -> usize {
        let request = format!("GET {path} HTTP/1.1\r\nhost: office\r\ncookie: {cookie}\r\n\r\n");
        self.stream
            .write_all(request.as_bytes())
            .await
            .expect("sent");
        self.head().await
    }

    /// A page.
    pub(crate) async fn get(&mut self, path: &str, cookie: &str) -> String {
        let length = self.ask(path, cookie).await;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.expect("a body");
        String::from_utf8(body).expect("text")
    }

    /// Posts bytes and reads the answer.
    pub(crate) async fn post(&mut self, path: &str, body: &[u8]) {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: office\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all(head.as_bytes()).await.expect("sent");
        self.stream.write_all(body).await.expect("sent");
        let length = self.head().await;
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).await.expect("a body");
    }

    /// The name of the next server-sent event; none at the end.
    pub(crate) async fn event(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            if let Some(name) = line.strip_prefix("event: ") {
                return Some(name.trim().to_owned());
            }
        }
    }

    /// Reads a head that says 200; gives the length of the body, 0 when it does not say.
    async fn head(&mut self) -> usize {
        let mut length = 0;
        let mut first = String::new();
        self.stream.read_line(&mut first).await.expect("a head");
        assert!(first.contains(" 200 "), "{first}");
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await.expect("a head");
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                return length;
            }
            if let Some(text) = line.strip_prefix("content-length:") {
                length = text.trim().parse().expect("a length");
            }
        }
    }
}

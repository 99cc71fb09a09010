//! HTTP/1.1 messages as far as the proxy must understand them.

use std::io::{Error, ErrorKind};

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The longest head that is read.
const MAX_HEAD: usize = 64 * 1024;

/// A request or a response: its first line, its headers, its body as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Such as `POST /device/v1/exchange HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub start: String,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the body has a length of its own; one without ends with the connection.
    pub has_length: bool,
}

impl Message {
    /// An answer of our own.
    #[must_use]
    pub fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut answer = Self {
            start: format!("HTTP/1.1 {status} {}", reason(status)),
            headers: headers.collect(),
            body: Vec::new(),
            has_length: true,
        };
        answer.set_body(body.to_vec());
        answer
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Replaces a header, or adds it.
    pub fn set_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Replaces the body; its length goes with it.
    pub fn set_body(&mut self, body: Vec<u8>) {
        self.set_header("content-length", &body.len().to_string());
        self.body = body;
    }

    /// The status of a response; 0 of anything else.
    #[must_use]
    pub fn status(&self) -> u16 {
        let status = self.start.split(' ').nth(1);
        status.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// The path of a request.
    #[must_use]
    pub fn path(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// First line and headers as bytes.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.start);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// All of it as bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Reads one message; `None` when the connection ends before its first byte. A response without
    /// a length is read to the connection's end, and so is a chunked one, as it is.
    ///
    /// # Errors
    /// When the connection breaks off in the middle or what comes is no HTTP.
    pub async fn read(from: &mut (impl AsyncRead + Unpin + ?Sized)) -> Result<Option<Self>, Error> {
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 16 * 1024];
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            if bytes.len() > MAX_HEAD {
                return Err(Error::new(ErrorKind::InvalidData, "a head without an end"));
            }
            match from.read(&mut chunk).await? {
                0 if bytes.is_empty() => return Ok(None),
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                n => bytes.extend_from_slice(chunk.get(..n).unwrap_or_default()),
            }
        };
        let body = bytes.split_off(end + 4);
        let mut message = Self::parse_head(&bytes);
        message.body = body;
        message.read_body(from).await?;
        Ok(Some(message))
    }

    fn parse_head(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.trim_end().split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        };
        Self {
            start,
            headers: lines.filter_map(header).collect(),
            body: Vec::new(),
            has_length: true,
        }
    }

    async fn read_body(
        &mut self,
        from: &mut (impl AsyncRead + Unpin + ?Sized),
    ) -> Result<(), Error> {
        let length: Option<usize> = self.header("content-length").and_then(|n| n.parse().ok());
        let is_response = self.start.starts_with("HTTP/");
        let length = match length {
            None if is_response => {
                self.has_length = false;
                return from.read_to_end(&mut self.body).await.map(drop);
            }
            length => length.unwrap_or(0),
        };
        self.body.truncate(length);
        let missing = length.saturating_sub(self.body.len());
        let mut rest = vec![0; missing];
        from.read_exact(&mut rest).await?;
        self.body.append(&mut rest);
        Ok(())
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        408 => "Request Timeout",
        413 => "Payload Too Large",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_written_is_read_again_message_by_message() {
        let mut first = Message::answer(503, &[("retry-after", "7")], b"busy");
        first.set_header("x-request-id", "1");
        let second = Message::answer(200, &[], b"\r\n\r\n");
        let (one, two) = (first.bytes(), second.bytes());
        let read = Message::read(&mut one.as_slice()).await.expect("whole");
        assert_eq!(read, Some(first));
        let read = Message::read(&mut two.as_slice()).await.expect("whole");
        assert_eq!(read, Some(second));
        let mut nothing: &[u8] = &[];
        assert_eq!(Message::read(&mut nothing).await.expect("nothing"), None);
        let mut half = one.get(..one.len() - 1).expect("a part");
        Message::read(&mut half).await.expect_err("broken off");
    }
}

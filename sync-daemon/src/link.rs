//! One HTTP request, one answer, with limits on time and size.
//!
//! **Invariants**
//! 1. Redirects are not followed, nothing is retried here, no cookies are kept: every decision
//!    about an attempt is the uplink's.
//! 2. No more of an answer is read into memory than its [`Request`] allows, whatever it claims.
//! 3. Addresses of this machine are never reached through a proxy.
//! 4. A connection that was made while the clock was not synchronised is not used once it is.

mod address;
mod error;
pub(crate) mod time;
mod tls;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use manyi_shared::wire::limits::MAX_REPLY_BYTES;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Proxy, RequestBuilder, Response, Url};
use rustls::pki_types::CertificateDer;

use address::base_url;
pub(crate) use address::is_this_machine;
pub use address::{check_local, check_url};
pub use error::LinkError;
pub use time::Time;
use tls::Taken;
pub use tls::Trust;

use crate::settings::ProxyChoice;

/// How to reach the collector.
#[derive(Debug, Clone)]
pub struct LinkOptions {
    /// Through which proxy.
    pub proxy: ProxyChoice,
    /// Certificates of an authority that the system does not know, as PEM.
    pub ca_file: Option<PathBuf>,
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for a whole answer.
    pub timeout: Duration,
    /// What time it is, for certificates.
    pub time: Time,
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self {
            proxy: ProxyChoice::System,
            ca_file: None,
            // A tablet on a hall's wireless network needs a second; ten means nobody is there.
            connect_timeout: Duration::from_secs(10),
            // 768 KiB over a 256 kbit/s line take 24 s.
            timeout: Duration::from_secs(30),
            time: Time::default(),
        }
    }
}

/// The way to one collector, or to the terminal on this machine. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Link {
    /// While the clock is synchronised, and for plain HTTP.
    sure: Client,
    /// While it is not.
    unsure: Client,
    time: Time,
    taken: Taken,
    base: Url,
}

/// One POST request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where, after the link's address; may be empty.
    pub path: &'static str,
    /// What the body is.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The longest answer that is read, in bytes.
    pub most: usize,
    /// The longest wait for a whole answer; none says the link's own.
    pub timeout: Option<Duration>,
}

impl Request {
    /// A request whose answer is as long as the collector's replies at most.
    #[must_use]
    pub const fn new(path: &'static str, content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            path,
            content_type,
            headers: Vec::new(),
            body,
            most: MAX_REPLY_BYTES,
            timeout: None,
        }
    }
}

/// An HTTP answer, not yet trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The content type without parameters, in lower case; empty when there is none.
    pub content_type: String,
    /// How long the server wants us to wait.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Vec<u8>,
}

/// What was found at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// What answers.
    pub answer: Answer,
    /// The server's clock.
    pub date: Option<SystemTime>,
    /// Where it sends us.
    pub location: Option<String>,
}

impl Link {
    /// Prepares the way to the collector at `url`, whose key is pinned; nothing is sent.
    ///
    /// # Errors
    /// [`LinkError::Url`], [`LinkError::CaFile`], [`LinkError::Proxy`],
    /// [`LinkError::NoAuthorities`] or [`LinkError::Client`].
    pub fn new(url: &str, options: &LinkOptions) -> Result<Self, LinkError> {
        Self::trusting(url, options, Trust::Pinned)
    }

    /// Prepares the way to a collector that is to be enrolled with; nothing is sent.
    ///
    /// # Errors
    /// Like [`Self::new`].
    pub fn to_enrol(url: &str, options: &LinkOptions) -> Result<Self, LinkError> {
        Self::trusting(url, options, Trust::First)
    }

    fn trusting(url: &str, options: &LinkOptions, trust: Trust) -> Result<Self, LinkError> {
        let base = base_url(url)?;
        let extra = options.ca_file.as_ref().map(read_ca).transpose()?;
        let build = |builder: ClientBuilder| builder.build().map_err(LinkError::Client);
        // Plain HTTP must also work on a machine without any certificate authorities.
        let (sure, unsure, taken) = if base.scheme() == "http" && extra.is_none() {
            let client = build(builder(&base, options)?.tls_certs_only([]))?;
            (client.clone(), client, Taken::default())
        } else {
            let tls = tls::configs(extra.unwrap_or_default(), &options.time, trust)?;
            (
                build(builder(&base, options)?.tls_backend_preconfigured(tls.sure))?,
                build(builder(&base, options)?.tls_backend_preconfigured(tls.unsure))?,
                tls.taken,
            )
        };
        Ok(Self {
            sure,
            unsure,
            time: options.time.clone(),
            taken,
            base,
        })
    }

    /// The address that all paths begin with.
    pub(crate) const fn base(&self) -> &Url {
        &self.base
    }

    /// The certificate that was taken although its dates do not fit the clock, in words.
    #[must_use]
    pub fn certificate_note(&self) -> Option<String> {
        self.taken.get()
    }

    /// The client for now: each keeps its own connections and TLS sessions, so what was taken in
    /// doubt is checked anew once the clock is sure.
    fn client(&self) -> &Client {
        if self.time.is_synchronised() {
            self.taken.set(None);
            return &self.sure;
        }
        &self.unsure
    }

    /// Whether what is sent can be read on the way.
    #[must_use]
    pub fn is_readable_on_the_way(&self) -> bool {
        self.base.scheme() == "http" && !is_this_machine(&self.base)
    }

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// [`LinkError::NoAnswer`], [`LinkError::BrokenOff`] or [`LinkError::TooLong`]; the request
    /// may have been taken all the same.
    pub async fn post(&self, request: Request) -> Result<Answer, LinkError> {
        let Request { path, most, .. } = request;
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let mut sending = self
            .client()
            .post(&url)
            .header(CONTENT_TYPE, request.content_type)
            .body(request.body);
        for (name, value) in request.headers {
            sending = sending.header(name, value);
        }
        if let Some(timeout) = request.timeout {
            sending = sending.timeout(timeout);
        }
        let response = sent(sending, &url).await?;
        read_answer(response, url, most).await
    }

    /// Looks at an address: what answers there, where it sends us, and its clock.
    ///
    /// # Errors
    /// [`LinkError::NoAnswer`], [`LinkError::BrokenOff`] or [`LinkError::TooLong`].
    pub async fn look(&self, path: &str) -> Result<Looked, LinkError> {
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let response = sent(self.client().get(&url), &url).await?;
        let header = |name| text(response.headers(), name).map(str::to_owned);
        let date = header(DATE).and_then(|date| httpdate::parse_http_date(&date).ok());
        let location = header(LOCATION);
        let answer = read_answer(response, url, MAX_REPLY_BYTES).await?;
        Ok(Looked {
            answer,
            date,
            location,
        })
    }
}

async fn sent(sending: RequestBuilder, url: &str) -> Result<Response, LinkError> {
    sending.send().await.map_err(|source| LinkError::NoAnswer {
        url: url.to_owned(),
        source: source.without_url(),
    })
}

async fn read_answer(
    mut response: Response,
    url: String,
    most: usize,
) -> Result<Answer, LinkError> {
    let mut answer = Answer {
        status: response.status().as_u16(),
        content_type: essence(response.headers()),
        retry_after: retry_after(response.headers()),
        body: Vec::new(),
    };
    loop {
        let chunk = response
            .chunk()
            .await
            .map_err(|source| LinkError::BrokenOff {
                url: url.clone(),
                source: source.without_url(),
            })?;
        let Some(chunk) = chunk else {
            return Ok(answer);
        };
        if answer.body.len() + chunk.len() > most {
            return Err(LinkError::TooLong { url, most });
        }
        answer.body.extend_from_slice(&chunk);
    }
}

fn builder(base: &Url, options: &LinkOptions) -> Result<ClientBuilder, LinkError> {
    // Another part of the process may have chosen a provider before; that one is as good.
    let _already = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("manyi-sync/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(options.connect_timeout)
        .timeout(options.timeout);
    Ok(match &options.proxy {
        _ if is_this_machine(base) => builder.no_proxy(),
        ProxyChoice::None => builder.no_proxy(),
        ProxyChoice::System => builder,
        ProxyChoice::At(proxy) => {
            builder.proxy(Proxy::all(proxy).map_err(|source| LinkError::Proxy {
                proxy: proxy.clone(),
                source: source.without_url(),
            })?)
        }
    })
}

fn read_ca(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, LinkError> {
    let fault = |problem: String| LinkError::CaFile {
        path: path.clone(),
        problem,
    };
    let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
    tls::authorities(&pem).map_err(fault)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn essence(headers: &HeaderMap) -> String {
    let value = text(headers, CONTENT_TYPE).unwrap_or_default();
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// Retry-After in seconds, or as a date relative to the server's own Date: the tablet's clock may
/// be wrong by decades. A date without a Date to compare with says nothing.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER)?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| httpdate::parse_http_date(text).ok();
    let (until, now): (SystemTime, SystemTime) = (date(value)?, date(text(headers, DATE)?)?);
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[rstest::rstest]
    #[case::seconds("120", None, Some(120))]
    #[case::date(
        "Fri, 31 Dec 1999 23:59:59 GMT",
        Some("Fri, 31 Dec 1999 23:59:29 GMT"),
        Some(30)
    )]
    #[case::past(
        "Fri, 31 Dec 1999 23:59:29 GMT",
        Some("Fri, 31 Dec 1999 23:59:59 GMT"),
        Some(0)
    )]
    #[case::date_without_date("Fri, 31 Dec 1999 23:59:59 GMT", None, None)]
    #[case::nonsense("soon", None, None)]
    #[case::negative("-1", None, None)]
    fn retry_after_is_read(
        #[case] value: &'static str,
        #[case] date: Option<&'static str>,
        #[case] expected: Option<u64>,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_static(date));
        }
        assert_eq!(retry_after(&headers), expected.map(Duration::from_secs));
    }
}

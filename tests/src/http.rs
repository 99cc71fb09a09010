//! Plain questions to the programs' HTTP APIs, answered before the call returns.

use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::Value;
use tokio::runtime::Runtime;

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(10);

/// An HTTP client with its own runtime. Not for use inside another runtime.
#[derive(Debug)]
pub struct Http {
    runtime: Runtime,
    client: reqwest::Client,
}

/// A status and a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Such as 200.
    pub status: u16,
    /// As text.
    pub body: String,
}

impl Answer {
    /// The body of a good answer as JSON.
    ///
    /// # Errors
    /// When the status is not 2xx or the body is no JSON.
    pub fn json(&self) -> anyhow::Result<Value> {
        if !(200..300).contains(&self.status) {
            bail!("status {}: {}", self.status, self.body.trim());
        }
        serde_json::from_str(&self.body).context("the answer is not JSON")
    }
}

impl Http {
    /// A client.
    ///
    /// # Errors
    /// When the system gives no runtime.
    pub fn new() -> anyhow::Result<Self> {
        // Someone else in the process may have chosen already; any provider will do.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // Loopback only: a proxy of the environment has no business here.
        let client = reqwest::Client::builder()
            .timeout(LIMIT)
            .no_proxy()
            .build()?;
        Ok(Self { runtime, client })
    }

    /// `GET`, with a bearer token if there is one.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn get(&self, url: &str, token: Option<&str>) -> anyhow::Result<Answer> {
        self.send(&Method::GET, url, token, None)
    }

    /// `POST` of JSON.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn post(&self, url: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(&Method::POST, url, None, Some(body))
    }

    /// The same with a bearer token.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn post_as(&self, url: &str, body: &Value, token: &str) -> anyhow::Result<Answer> {
        self.send(&Method::POST, url, Some(token), Some(body))
    }

    /// `DELETE`.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn delete(&self, url: &str) -> anyhow::Result<Answer> {
        self.send(&Method::DELETE, url, None, None)
    }

    fn send(
        &self,
        method: &Method,
        url: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let mut request = self.client.request(method.clone(), url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            Ok::<_, reqwest::Error>(Answer {
                status,
                body: response.text().await?,
            })
        };
        self.runtime
            .block_on(answer)
            .with_context(|| format!("{method} {url}"))
    }
}

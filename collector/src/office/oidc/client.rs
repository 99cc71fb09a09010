//! The way to the login service: what it says of itself, its keys, and codes for tokens.

use std::sync::OnceLock;
use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use url::Url;

use super::token::{self, Claims, Refusal};
use crate::config::{OidcConfig, is_safe};
use crate::problem::{Problem, ProblemType};

/// A service that does not answer within this is out of order; people wait in front of a page.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the service says of itself is asked for again after a day.
const KNOWN_MS: i64 = 86_400_000;

/// An unknown key has the keys fetched again, at most this often: strangers can name any key.
const KEYS_MS: i64 = 60_000;

/// The largest answer that is read: documents of services have some kilobytes.
const MAX_ANSWER: usize = 1 << 20;

/// The way to the login service.
#[derive(Debug, Default)]
pub struct Client {
    http: OnceLock<reqwest::Client>,
    known: Mutex<Option<Known>>,
}

/// What was fetched of the service.
#[derive(Debug, Clone)]
struct Known {
    document: Document,
    fetched_ms: i64,
    keys: Option<(JwkSet, i64)>,
}

/// What the service says of itself.
#[derive(Debug, Clone, Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}

/// Why the service could not be asked.
#[derive(Debug, thiserror::Error)]
enum ClientError {
    #[error("could not ask `{address}`")]
    Ask {
        address: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("`{address}` answered {status}")]
    Status { address: String, status: u16 },
    #[error("`{address}` answered more than {MAX_ANSWER} bytes")]
    TooLong { address: String },
    #[error("`{address}` did not answer what the protocol says")]
    Answer {
        address: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("could not start an HTTP client")]
    Start(#[source] reqwest::Error),
    #[error("`{address}` is no address that can be trusted")]
    Address { address: String },
    #[error("the service calls itself `{found}`, not `issuer`")]
    Issuer { found: String },
    #[error("could not read `{path}`")]
    Secret {
        path: String,
        #[source]
        source: std::io::Error,
    },
}

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "login service");
        Self::new(
            ProblemType::Unavailable,
            "the login service cannot be asked now",
        )
        .retry_after(30)
    }
}

/// The service, ready to be asked.
#[derive(Debug)]
pub(super) struct Service<'c> {
    http: &'c reqwest::Client,
    document: Document,
}

impl Client {
    /// The service as it says it is, fetched again after a day.
    pub(super) async fn service(
        &self,
        config: &OidcConfig,
        now_ms: i64,
    ) -> Result<Service<'_>, Problem> {
        let http = self.http()?;
        let mut known = self.known.lock().await;
        let fresh = |known: &Known| (0..KNOWN_MS).contains(&(now_ms - known.fetched_ms));
        if let Some(known) = known.as_ref().filter(|known| fresh(known)) {
            let document = known.document.clone();
            return Ok(Service { http, document });
        }
        let document = discover(http, config).await?;
        *known = Some(Known {
            document: document.clone(),
            fetched_ms: now_ms,
            keys: None,
        });
        Ok(Service { http, document })
    }

    fn http(&self) -> Result<&reqwest::Client, ClientError> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        // Another part of the process may have chosen a provider before; that one is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            // A redirect could carry the secret elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(ClientError::Start)?;
        Ok(self.http.get_or_init(|| http))
    }

    /// Checks a token against the service's keys. A key that is not known has them fetched again.
    pub(super) async fn check(
        &self,
        config: &OidcConfig,
        id_token: &str,
        nonce: &str,
        now_ms: i64,
    ) -> Result<Claims, Problem> {
        let expected = token::Expected {
            issuer: &config.issuer,
            client_id: &config.client_id,
            nonce,
            now_ms,
            roles_claim: &config.roles_claim,
        };
        let mut keys = self.keys(now_ms, false).await?;
        let mut checked = token::check(id_token, &keys, &expected);
        if matches!(checked, Err(Refusal::UnknownKey)) {
            keys = self.keys(now_ms, true).await?;
            checked = token::check(id_token, &keys, &expected);
        }
        checked.map_err(|refusal| {
            tracing::warn!(%refusal, "token of the login service refused");
            Problem::new(
                ProblemType::Forbidden,
                "the login service's answer cannot be trusted",
            )
        })
    }

    async fn keys(&self, now_ms: i64, anew: bool) -> Result<JwkSet, Problem> {
        let http = self.http()?;
        let mut known = self.known.lock().await;
        let Some(known) = known.as_mut() else {
            return Err(Problem::internal());
        };
        if let Some((keys, fetched_ms)) = &known.keys {
            let recent = (0..KEYS_MS).contains(&(now_ms - fetched_ms));
            if !anew || recent {
                return Ok(keys.clone());
            }
        }
        let request = http.get(&known.document.jwks_uri);
        let keys: JwkSet = ask(request, &known.document.jwks_uri).await?;
        known.keys = Some((keys.clone(), now_ms));
        Ok(keys)
    }
}

async fn discover(http: &reqwest::Client, config: &OidcConfig) -> Result<Document, ClientError> {
    let base = config.issuer.trim_end_matches('/');
    let address = format!("{base}/.well-known/openid-configuration");
    let document: Document = ask(http.get(&address), &address).await?;
    if document.issuer != config.issuer {
        return Err(ClientError::Issuer {
            found: document.issuer.chars().take(200).collect(),
        });
    }
    for address in [
        &document.authorization_endpoint,
        &document.token_endpoint,
        &document.jwks_uri,
    ] {
        if !is_safe(address) {
            let address = address.chars().take(200).collect();
            return Err(ClientError::Address { address });
        }
    }
    Ok(document)
}

impl Service<'_> {
    /// Where the browser goes.
    pub(super) fn authorization(&self, parameters: &[(&str, &str)]) -> Result<String, Problem> {
        let address = &self.document.authorization_endpoint;
        let url =
            Url::parse_with_params(address, parameters).map_err(|_| ClientError::Address {
                address: address.clone(),
            })?;
        Ok(url.into())
    }

    /// The token for a code.
    pub(super) async fn redeem(
        &self,
        config: &OidcConfig,
        code: &str,
        verifier: &str,
    ) -> Result<String, Problem> {
        let path = &config.client_secret_file;
        let secret = std::fs::read_to_string(path).map_err(|source| ClientError::Secret {
            path: path.display().to_string(),
            source,
        })?;
        let address = &self.document.token_endpoint;
        let request = self
            .http
            .post(address)
            .basic_auth(
                form_encoded(&config.client_id),
                Some(form_encoded(secret.trim())),
            )
            .form(&[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", &config.redirect_uri),
                ("code_verifier", verifier),
            ]);
        let answer: TokenAnswer = ask(request, address).await?;
        Ok(answer.id_token)
    }
}

/// RFC 6749 §2.3.1: id and secret are form-encoded before they are basic credentials.
fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn ask<T: DeserializeOwned>(
    request: reqwest::RequestBuilder,
    address: &str,
) -> Result<T, ClientError> {
    let address = || address.to_owned();
    let failed = |source| ClientError::Ask {
        address: address(),
        source,
    };
    let mut response = request.send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(ClientError::Status {
            address: address(),
            status: response.status().as_u16(),
        });
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&piece);
        if body.len() > MAX_ANSWER {
            return Err(ClientError::TooLong { address: address() });
        }
    }
    serde_json::from_slice(&body).map_err(|source| ClientError::Answer {
        address: address(),
        source,
    })
}

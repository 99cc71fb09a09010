//! Telling a program: one signed POST.
//!
//! `Manyi-Signature: t=<seconds since 1970>,v1=<hex>`: HMAC-SHA-256 with the shared secret over the
//! seconds, a full stop and the body. A receiver refuses what is older than it likes, and knows a
//! repetition by `Manyi-Message`.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, Mac};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use reqwest::redirect::Policy;
use sha2::Sha256;
use uuid::Uuid;

use super::settings::Webhook;

/// A receiver that thinks longer is asked again: a claim on a message lasts a minute.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest wish of a receiver that is obeyed.
const LONGEST_WISH: Duration = Duration::from_secs(3600);

/// Why a message did not get through.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// The secret cannot be read.
    #[error("could not read secret `{path}`")]
    Secret {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The connection cannot be set up.
    #[error("could not set up the connection: {0}")]
    SetUp(String),
    /// Nobody took it.
    #[error("could not deliver it")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The other side refused it.
    #[error("the receiver answered {status}")]
    Refused {
        /// With this status.
        status: u16,
        /// And wants to be asked again after this time at the earliest.
        at_least: Option<Duration>,
    },
    /// It could not be written as a mail.
    #[error("could not be written as a mail: {0}")]
    Unwritten(String),
}

impl Undelivered {
    /// How long the other side wants to be left alone.
    #[must_use]
    pub const fn at_least(&self) -> Option<Duration> {
        match self {
            Self::Refused { at_least, .. } => *at_least,
            _ => None,
        }
    }

    /// It and its causes, in one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text.chars().filter(|c| !c.is_control()).take(300).collect()
    }
}

/// The header value for a body that is sent at these seconds.
#[must_use]
pub fn signature(secret: &[u8], seconds: i64, body: &[u8]) -> String {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return String::new();
    };
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

/// A client that trusts what the system trusts, follows nobody elsewhere and keeps nothing.
///
/// # Errors
/// [`Undelivered::SetUp`] when the system has no TLS to give.
pub fn client() -> Result<reqwest::Client, Undelivered> {
    let fault = |error: &dyn std::fmt::Display| Undelivered::SetUp(error.to_string());
    let mut roots = rustls::RootCertStore::empty();
    // An authority that cannot be read is one that is not trusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .timeout(PATIENCE)
        .build()
        .map_err(|error| fault(&error))
}

/// Sends a body; returns when the receiver has taken it.
///
/// # Errors
/// [`Undelivered`]; the receiver may have got it all the same.
pub async fn send(
    client: &reqwest::Client,
    webhook: &Webhook,
    id: [u8; 16],
    body: Vec<u8>,
    now_ms: i64,
) -> Result<(), Undelivered> {
    // Read for every message: a secret that was changed is in force at once.
    let secret = std::fs::read(&webhook.secret_file).map_err(|source| Undelivered::Secret {
        path: webhook.secret_file.clone(),
        source,
    })?;
    let seconds = now_ms.div_euclid(1000);
    let signed = signature(secret.trim_ascii(), seconds, &body);
    let answer = client
        .post(&webhook.url)
        .header(CONTENT_TYPE, "application/json")
        .header(
            USER_AGENT,
            concat!("manyi-collector/", env!("CARGO_PKG_VERSION")),
        )
        .header("manyi-message", Uuid::from_bytes(id).to_string())
        .header("manyi-signature", signed)
        .body(body)
        .send()
        .await
        // The address may have a token in it: it is not for the log.
        .map_err(|error| Undelivered::Transport(Box::new(error.without_url())))?;
    if answer.status().is_success() {
        return Ok(());
    }
    let wish = answer.headers().get(RETRY_AFTER);
    let wish = wish.and_then(|value| value.to_str().ok()?.parse().ok());
    Err(Undelivered::Refused {
        status: answer.status().as_u16(),
        at_least: wish.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WISH)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `openssl dgst -sha256 -hmac secret`.
    #[test]
    fn a_body_is_signed_as_the_receiver_checks_it() {
        assert_eq!(
            signature(b"secret", 1_774_321_260, b"{\"a\":1}"),
            "t=1774321260,v1=d920475f2824c3d724183d84e01b523c003fc66cb5a1a761e0cacb965c4bbf32"
        );
        assert_ne!(
            signature(b"secret", 1_774_321_261, b"{\"a\":1}"),
            signature(b"secret", 1_774_321_260, b"{\"a\":1}"),
        );
    }
}

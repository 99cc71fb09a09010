//! One signed exchange: packed and signed here, answered by the collector, verified here.
//!
//! **Invariant**: an answer is believed only when the collector's signature fits this very
//! request. Everything else, however friendly its status, is a failed attempt.

use std::time::Duration;

use manyi_shared::domain::Retry;
use manyi_shared::wire::{self, ExchangeHead, PublicKey, Reply, ReplyError, SecretKey};
use serde::Deserialize;

use crate::link::{Answer, Link, LinkError, Request};
use crate::uplink::Outcome;

const PATH: &str = "/device/v1/exchange";
const REQUEST_TYPE: &str = "application/vnd.manyi.exchange+cbor";

/// The content type of everything the collector signs.
pub const SIGNED_TYPE: &str = "application/cose";

/// The content type of the collector's refusals (RFC 9457).
pub const PROBLEM_TYPE: &str = "application/problem+json";

/// Why an exchange has no verified reply.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// It could not be packed.
    #[error("could not pack the exchange")]
    Pack(#[from] wire::ExchangeError),
    /// There was no answer.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The collector, or somebody on the way, refused it.
    #[error("refused with status {status}{}", of(.detail))]
    Refused {
        /// The status code.
        status: u16,
        /// How long the server wants us to wait.
        retry_after: Option<Duration>,
        /// Whether the answer has the form of the collector's refusals.
        collectors: bool,
        /// What the refusal says.
        detail: String,
    },
    /// The answer is not the collector's: a captive portal, a proxy, another service.
    #[error(
        "status {status} with {content_type:?} is not a collector's answer; is a portal or proxy in between?"
    )]
    NotTheCollector {
        /// The status code.
        status: u16,
        /// What the answer claims to be.
        content_type: String,
    },
    /// The answer has the form of a reply, but not the collector's signature for this request.
    #[error("the reply cannot be trusted")]
    Untrusted(#[source] ReplyError),
}

fn of(detail: &str) -> String {
    if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    }
}

impl ExchangeError {
    /// What to do next.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Pack(_) => Retry::Never,
            Self::Link(error) => error.retry(),
            Self::NotTheCollector { .. } | Self::Untrusted(_) => Retry::Backoff { at_least: None },
            Self::Refused {
                status,
                retry_after,
                collectors,
                ..
            } => refusal(*status, *retry_after, *collectors),
        }
    }

    /// Whether the collector says that it does not know who signed.
    #[must_use]
    pub const fn is_about_the_key(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                status: 401,
                collectors: true,
                ..
            }
        )
    }

    /// What became of the exchange, for the uplink.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Refused { status: 413, .. } => Outcome::TooLarge,
            // What cannot be packed as it is may go in smaller pieces, like what is refused.
            Self::Pack(_)
            | Self::Refused {
                status: 400 | 422,
                collectors: true,
                ..
            } => Outcome::Refused,
            // 503 and 504 speak of the server alone; these may be the records' doing.
            Self::Refused {
                status: 500 | 502,
                retry_after,
                ..
            } => Outcome::Broken {
                at_least: *retry_after,
            },
            other => Outcome::Failed(other.retry()),
        }
    }
}

/// Only a refusal in the collector's own form can say that these records will never be taken;
/// a stray 404 of a proxy must not set a stream aside.
const fn refusal(status: u16, retry_after: Option<Duration>, collectors: bool) -> Retry {
    match status {
        413 => Retry::Now,
        401 | 403 | 407 => Retry::AfterOperator,
        408 | 425 | 429 => Retry::Backoff {
            at_least: retry_after,
        },
        400..=499 if collectors => Retry::Never,
        _ => Retry::Backoff {
            at_least: retry_after,
        },
    }
}

/// Sends one exchange and verifies its reply.
///
/// # Errors
/// [`ExchangeError`]; the collector may have taken the exchange all the same.
pub async fn carry(
    link: &Link,
    head: &ExchangeHead,
    records: &[Vec<u8>],
    key: &SecretKey,
    collector: &PublicKey,
) -> Result<Reply, ExchangeError> {
    let request = head.seal(records, key)?;
    let digest = key.suite().digest(&request);
    let answer = link.post(Request::new(PATH, REQUEST_TYPE, request)).await?;
    if answer.content_type == SIGNED_TYPE {
        let opened = Reply::open(&answer.body, collector, head.terminal, &digest);
        // A refusal whose body does not verify is judged by its status, like any other.
        if opened.is_ok() || answer.status < 400 {
            return opened.map_err(ExchangeError::Untrusted);
        }
    }
    Err(refused(answer))
}

/// What an answer means that is not the collector's signed one.
pub(crate) fn refused(answer: Answer) -> ExchangeError {
    if answer.status < 400 {
        return ExchangeError::NotTheCollector {
            status: answer.status,
            content_type: answer.content_type,
        };
    }
    ExchangeError::Refused {
        status: answer.status,
        retry_after: answer.retry_after,
        collectors: answer.content_type == PROBLEM_TYPE,
        detail: problem_detail(&answer),
    }
}

/// What a refusal in problem form says; empty for any other.
#[must_use]
pub fn problem_detail(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Problem {
        #[serde(default)]
        title: String,
        #[serde(default)]
        detail: String,
    }
    if answer.content_type != PROBLEM_TYPE {
        return String::new();
    }
    let Ok(Problem { title, detail }) = serde_json::from_slice(&answer.body) else {
        return String::new();
    };
    // It goes to a log and to a technician's screen: one line, no control characters.
    let text = if detail.is_empty() { title } else { detail };
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WISH: Option<Duration> = Some(Duration::from_secs(7));

    #[rstest::rstest]
    #[case::too_large(413, true, Retry::Now)]
    #[case::unknown_signer(401, true, Retry::AfterOperator)]
    #[case::revoked(403, true, Retry::AfterOperator)]
    #[case::proxy_wants_a_password(407, false, Retry::AfterOperator)]
    #[case::timed_out(408, false, Retry::Backoff { at_least: WISH })]
    #[case::too_many(429, true, Retry::Backoff { at_least: WISH })]
    #[case::collector_failed(500, true, Retry::Backoff { at_least: WISH })]
    #[case::proxy_without_collector(502, false, Retry::Backoff { at_least: WISH })]
    #[case::malformed(400, true, Retry::Never)]
    #[case::wrong_chain(422, true, Retry::Never)]
    #[case::somebody_elses_404(404, false, Retry::Backoff { at_least: WISH })]
    fn a_refusal_says_what_to_do(
        #[case] status: u16,
        #[case] collectors: bool,
        #[case] expected: Retry,
    ) {
        assert_eq!(refusal(status, WISH, collectors), expected);
    }

    #[test]
    fn a_portals_page_is_not_a_reply() {
        let error = refused(Answer {
            status: 200,
            content_type: "text/html".to_owned(),
            retry_after: None,
            body: b"<html>".to_vec(),
        });
        assert_eq!(error.retry(), Retry::Backoff { at_least: None });
        assert!(error.to_string().contains("portal"), "{error}");
    }
}

//! Problem bodies (RFC 9457): what a failed request tells its sender.
//!
//! `type` is one of a closed list, `detail` is safe for anyone to read; causes go to the log under
//! the request's id.

use std::any::Any;
use std::error::Error;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use manyi_shared::domain::Retry;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Refused;
use crate::store::StoreError;

/// The closed list of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemType {
    /// The body or a parameter is not what the endpoint takes.
    Malformed,
    /// No terminal with this id is enrolled.
    UnknownSigner,
    /// The signature does not fit the terminal's key.
    BadSignature,
    /// The terminal's identity was taken back.
    Revoked,
    /// The enrolment code is wrong, expired or used; which of them is not told.
    EnrolmentRefused,
    /// Signed, but the records are not what was signed.
    WrongChain,
    /// The body is larger than the endpoint takes.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// Too many tries.
    TooManyRequests,
    /// Nobody is logged in, or the token is not valid.
    Unauthorised,
    /// Logged in, but not allowed.
    Forbidden,
    /// There is nothing here.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// Somebody changed it meanwhile, or it would break a rule that must hold.
    Conflict,
    /// The window has no terminal that could do it.
    NoTerminal,
    /// The key stands for another request.
    OtherRequest,
    /// The centre cannot do it now; asking again later is right.
    Unavailable,
    /// Storing what one exchange carries failed, and would again.
    IngestFailed,
    /// A fault of the collector.
    Internal,
}

impl ProblemType {
    // One line each reads as the table it is.
    #[rustfmt::skip]
    const fn facts(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::Malformed => ("malformed", S::BAD_REQUEST, "Request is malformed"),
            Self::UnknownSigner => ("unknown-signer", S::UNAUTHORIZED, "Signer is unknown"),
            Self::BadSignature => ("bad-signature", S::UNAUTHORIZED, "Signature does not verify"),
            Self::Revoked => ("revoked", S::FORBIDDEN, "Terminal is revoked"),
            Self::EnrolmentRefused => ("enrolment-refused", S::FORBIDDEN, "Enrolment is refused"),
            Self::WrongChain => ("wrong-chain", S::UNPROCESSABLE_ENTITY, "Records are not what was signed"),
            Self::TooLarge => ("too-large", S::PAYLOAD_TOO_LARGE, "Request is too large"),
            Self::TooSlow => ("too-slow", S::REQUEST_TIMEOUT, "Request took too long to arrive"),
            Self::TooManyRequests => ("too-many-requests", S::TOO_MANY_REQUESTS, "Too many requests"),
            Self::Unauthorised => ("unauthorised", S::UNAUTHORIZED, "Nobody is logged in"),
            Self::Forbidden => ("forbidden", S::FORBIDDEN, "Not allowed"),
            Self::NotFound => ("not-found", S::NOT_FOUND, "There is nothing here"),
            Self::MethodNotAllowed => ("method-not-allowed", S::METHOD_NOT_ALLOWED, "Method is not allowed here"),
            Self::Conflict => ("conflict", S::CONFLICT, "Not possible as things stand"),
            Self::NoTerminal => ("no-terminal", S::CONFLICT, "Window has no terminal"),
            Self::OtherRequest => ("other-request", S::UNPROCESSABLE_ENTITY, "Key stands for another request"),
            Self::Unavailable => ("unavailable", S::SERVICE_UNAVAILABLE, "Not possible now"),
            Self::IngestFailed => ("ingest-failed", S::INTERNAL_SERVER_ERROR, "What was sent cannot be stored"),
            Self::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "Fault of the collector"),
        }
    }

    /// The problem's short name, as in its `type` and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().0
    }

    /// The problem's `type`, a URN.
    #[must_use]
    pub fn urn(self) -> String {
        format!("urn:manyi:problem:{}", self.facts().0)
    }
}

/// A problem on its way to the sender.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: ProblemType,
    detail: String,
    retry_after: Option<u64>,
}

/// A problem body as sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// One of a closed list of URNs, `urn:manyi:problem:…`.
    #[serde(rename = "type")]
    #[schema(example = "urn:manyi:problem:malformed")]
    kind: String,
    /// The problem's name.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

impl Problem {
    /// A problem with a detail that anyone may read.
    pub fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// With the number of seconds after which asking again is right.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Which problem it is.
    #[must_use]
    pub const fn kind(&self) -> ProblemType {
        self.kind
    }

    /// What is wrong, in words that anyone may read.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// There is nothing at this path.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ProblemType::NotFound, "")
    }

    /// The path exists, the method does not.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(ProblemType::MethodNotAllowed, "")
    }

    /// A fault of the collector; the cause is in the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            ProblemType::Internal,
            "the log has the cause under this request's id",
        )
    }

    /// The answer after a handler panicked.
    #[expect(clippy::needless_pass_by_value, reason = "the layer calls it so")]
    pub(crate) fn after_panic(cause: Box<dyn Any + Send + 'static>) -> Response<Body> {
        tracing::error!(panic = words_of(&*cause), "handler panicked");
        Self::internal().into_response()
    }
}

/// What a panic said.
pub(crate) fn words_of(cause: &(dyn Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied());
    text.unwrap_or("?").to_owned()
}

impl From<StoreError> for Problem {
    /// Logs the cause once, here, and says whether asking again is right.
    fn from(error: StoreError) -> Self {
        match error.retry() {
            Retry::Now | Retry::Backoff { .. } => {
                tracing::warn!(error = &error as &dyn Error, "database");
                Self::new(ProblemType::Unavailable, "the database is busy").retry_after(5)
            }
            Retry::AfterOperator => {
                tracing::error!(error = &error as &dyn Error, "database");
                let detail = "the database needs its operator";
                Self::new(ProblemType::Unavailable, detail).retry_after(60)
            }
            Retry::Never => {
                tracing::error!(error = &error as &dyn Error, "database");
                Self::internal()
            }
        }
    }
}

impl From<Refused> for Problem {
    /// What does not concern the caller looks as if it were not there.
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotHere => Self::not_found(),
            Refused::NotAllowed(_) => Self::new(ProblemType::Forbidden, refused.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let (_, status, title) = self.kind.facts();
        let body = ProblemBody {
            kind: self.kind.urn(),
            title,
            status: status.as_u16(),
            detail: self.detail,
        };
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

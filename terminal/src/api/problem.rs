//! Problem bodies (RFC 9457). `detail` is safe for anyone to read; causes go to the log.

use std::any::Any;

use axum::Json;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// The closed list of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemType {
    /// The body or the path is not what the endpoint takes.
    Malformed,
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// The body is larger than a prompt can be.
    TooLarge,
    /// The request was made to a name that is not this machine.
    ForeignHost,
    /// The request was made by another origin's page.
    ForeignOrigin,
    /// The prompt is for another window.
    UnknownWindow,
    /// The key has brought another prompt.
    KeyReused,
    /// No prompt is taken now.
    OutOfService,
    /// The window pauses.
    Paused,
    /// The hall network's door was knocked at without its token.
    Unauthorized,
    /// Too much at once from one address, or too many sockets.
    TooManyRequests,
    /// There is nothing here, or the prompt is forgotten.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// A fault of the terminal.
    Internal,
}

impl ProblemType {
    /// The whole list, for documents and tests.
    pub const ALL: [Self; 14] = [
        Self::Malformed,
        Self::UnsupportedMediaType,
        Self::TooLarge,
        Self::ForeignHost,
        Self::ForeignOrigin,
        Self::UnknownWindow,
        Self::KeyReused,
        Self::OutOfService,
        Self::Paused,
        Self::Unauthorized,
        Self::TooManyRequests,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Internal,
    ];

    const fn facts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::Malformed => ("malformed", StatusCode::BAD_REQUEST, "Request is malformed"),
            Self::UnsupportedMediaType => (
                "unsupported-media-type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Body is not JSON",
            ),
            Self::TooLarge => (
                "too-large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "Request is too large",
            ),
            Self::ForeignHost => (
                "foreign-host",
                StatusCode::MISDIRECTED_REQUEST,
                "Host is not this machine",
            ),
            Self::ForeignOrigin => (
                "foreign-origin",
                StatusCode::FORBIDDEN,
                "Origin is not this machine",
            ),
            Self::UnknownWindow => (
                "unknown-window",
                StatusCode::UNPROCESSABLE_ENTITY,
                "Terminal stands at another window",
            ),
            Self::KeyReused => (
                "key-reused",
                StatusCode::CONFLICT,
                "Idempotency key was used for another prompt",
            ),
            Self::Paused => ("paused", StatusCode::SERVICE_UNAVAILABLE, "Window pauses"),
            Self::Unauthorized => (
                "unauthorized",
                StatusCode::UNAUTHORIZED,
                "Token is missing or wrong",
            ),
            Self::TooManyRequests => (
                "too-many-requests",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
            ),
            Self::OutOfService => (
                "out-of-service",
                StatusCode::SERVICE_UNAVAILABLE,
                "Terminal is out of service",
            ),
            Self::NotFound => ("not-found", StatusCode::NOT_FOUND, "There is nothing here"),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "Method is not allowed here",
            ),
            Self::Internal => (
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "Fault of the terminal",
            ),
        }
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
}

/// A problem body as sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// One of a closed list of URNs, `urn:manyi:problem:…`.
    #[serde(rename = "type")]
    #[schema(example = "urn:manyi:problem:out-of-service")]
    kind: String,
    /// The problem's name.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request.
    detail: String,
}

/// How soon an out-of-service or busy terminal may be asked again, in seconds.
const RETRY_AFTER_SECONDS: u64 = 5;

impl Problem {
    /// A problem with a detail that anyone may read.
    pub fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }

    /// The answer after a handler panicked.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the layer hands the cause over"
    )]
    pub(super) fn after_panic(cause: Box<dyn Any + Send + 'static>) -> Response<Body> {
        let text = cause.downcast_ref::<String>().map(String::as_str);
        let text = text
            .or_else(|| cause.downcast_ref::<&str>().copied())
            .unwrap_or("?");
        tracing::error!(panic = text, "handler panicked");
        Self::new(ProblemType::Internal, "the log has the cause").into_response()
    }
}

impl From<&Problem> for ProblemBody {
    fn from(problem: &Problem) -> Self {
        let (_, status, title) = problem.kind.facts();
        Self {
            kind: problem.kind.urn(),
            title,
            status: status.as_u16(),
            detail: problem.detail.clone(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let (_, status, _) = self.kind.facts();
        let mut response = (status, Json(ProblemBody::from(&self))).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"manyi-terminal\""),
                );
            }
            _ => {}
        }
        response
    }
}

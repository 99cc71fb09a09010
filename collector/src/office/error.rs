//! Pages that say what went wrong.

use askama::Template;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};

use super::frame::Frame;
use super::guard::security_headers;
use super::language::Language;
use super::secret::SecretError;
use super::words::Words;
use crate::access::Refused;
use crate::problem::{Problem, ProblemType};

/// A problem shown as a page.
#[derive(Debug)]
pub(super) struct PageError {
    problem: Problem,
    language: Language,
    /// The page that was asked for, so that its address stays in the link to the other language.
    uri: Box<Uri>,
    /// What to say instead of the problem's usual words: title and advice.
    said: Option<(&'static str, &'static str)>,
}

#[derive(Debug, Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    words: &'static Words,
    status: u16,
    title: &'static str,
    advice: &'static str,
    /// What exactly, as programs are told it.
    detail: Option<String>,
}

impl PageError {
    pub(super) fn new(problem: Problem, language: Language) -> Self {
        let uri = Box::default();
        Self {
            problem,
            language,
            uri,
            said: None,
        }
    }

    /// In the language that the request asks for.
    pub(super) fn of(problem: Problem, parts: &Parts) -> Self {
        Self {
            uri: Box::new(parts.uri.clone()),
            ..Self::new(problem, Language::of(&parts.headers, &parts.uri))
        }
    }

    /// The same error in these words.
    pub(super) fn saying(self, title: &'static str, advice: &'static str) -> Self {
        Self {
            said: Some((title, advice)),
            ..self
        }
    }

    /// The same error on this page.
    pub(super) fn at(self, uri: &Uri) -> Self {
        Self {
            uri: Box::new(uri.clone()),
            ..self
        }
    }

    /// The same error in this language.
    pub(super) fn speaking(self, language: Language) -> Self {
        Self { language, ..self }
    }
}

impl From<Problem> for PageError {
    fn from(problem: Problem) -> Self {
        Self::new(problem, Language::default())
    }
}

impl From<Refused> for PageError {
    fn from(refused: Refused) -> Self {
        Problem::from(refused).into()
    }
}

impl From<SecretError> for PageError {
    fn from(error: SecretError) -> Self {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not make or compare a secret"
        );
        Problem::internal().into()
    }
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "could not draw a page");
        Problem::internal().into()
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let words = self.language.words();
        let (title, advice) = match self.problem.kind() {
            ProblemType::NotFound => (words.error_not_found, words.error_not_found_advice),
            ProblemType::Forbidden | ProblemType::Unauthorised => {
                (words.error_forbidden, words.error_forbidden_advice)
            }
            ProblemType::TooManyRequests => (words.error_too_many, words.error_too_many_advice),
            ProblemType::Unavailable => (words.error_unavailable, words.error_unavailable_advice),
            ProblemType::Internal => (words.error_internal, words.error_internal_advice),
            _ => (words.error_malformed, words.error_malformed_advice),
        };
        let (title, advice) = self.said.unwrap_or((title, advice));
        let detail = (self.problem.kind() == ProblemType::Malformed && self.said.is_none())
            .then(|| self.problem.detail().to_owned());
        let plain = self.problem.into_response();
        let page = ErrorPage {
            detail,
            frame: Frame::bare(self.language, &self.uri),
            words,
            status: plain.status().as_u16(),
            title,
            advice,
        };
        let Ok(html) = page.render() else {
            return plain;
        };
        let mut response = (plain.status(), Html(html)).into_response();
        if let Some(seconds) = plain.headers().get(axum::http::header::RETRY_AFTER) {
            response
                .headers_mut()
                .insert(axum::http::header::RETRY_AFTER, seconds.clone());
        }
        response
    }
}

/// Draws a page.
pub(super) fn draw(status: StatusCode, page: &impl Template) -> Result<Response, PageError> {
    Ok((status, Html(page.render()?)).into_response())
}

/// The answer where nothing is: a page for browsers, a problem body for programs.
pub async fn not_found(headers: HeaderMap, uri: Uri) -> Response {
    failed(Problem::not_found(), &headers, &uri).await
}

/// A problem as a page for browsers, as a problem body for programs.
pub(crate) async fn failed(problem: Problem, headers: &HeaderMap, uri: &Uri) -> Response {
    let accept = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if accept.contains("text/html") {
        let page = PageError::new(problem, Language::of(headers, uri));
        return security_headers(page.into_response()).await;
    }
    problem.into_response()
}

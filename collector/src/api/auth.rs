//! Who may call the API: a logged-in office user, or a program with an API token.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::app::AppState;
use crate::office::secret;
use crate::office::session;
use crate::problem::{Problem, ProblemType};

/// What an API token begins with, so that secret scanners and people recognise it.
pub const TOKEN_PREFIX: &str = "manyi_";

/// The caller of an API request, known and allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A user of the office pages.
    User(String),
    /// A program, by the name of its token.
    Token(String),
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        if let Some(header) = parts.headers.get(AUTHORIZATION) {
            let token = header
                .to_str()
                .ok()
                .and_then(|text| text.strip_prefix("Bearer "));
            let Some(token) = token.filter(|token| token.starts_with(TOKEN_PREFIX)) else {
                return Err(unauthorised("`Authorization` must be `Bearer manyi_…`"));
            };
            let name = state.store.token(secret::digest(token.trim())).await?;
            return name
                .map(Self::Token)
                .ok_or_else(|| unauthorised("the API token is not valid"));
        }
        match session::user(&parts.headers, state).await? {
            None => Err(unauthorised(
                "log in at /login, or send an API token as `Authorization: Bearer`",
            )),
            Some(user) if user.must_change => Err(Problem::new(
                ProblemType::Forbidden,
                "change the one-time password at /account/password first",
            )),
            Some(user) => Ok(Self::User(user.name)),
        }
    }
}

fn unauthorised(detail: &str) -> Problem {
    Problem::new(ProblemType::Unauthorised, detail)
}

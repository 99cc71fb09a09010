//! Who may call the API: a logged-in office user, or a program with an API token.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::access::{Access, Grant, Permission, Place, Tree, Who};
use crate::app::AppState;
use crate::office::secret;
use crate::office::session;
use crate::problem::{Problem, ProblemType};

/// What an API token begins with, so that secret scanners and people recognise it.
pub const TOKEN_PREFIX: &str = "manyi_";

/// The caller of an API request, known and allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who it is, and what it may do.
    pub access: Access,
}

impl Caller {
    /// The name of the user or of the token.
    #[must_use]
    pub fn name(&self) -> &str {
        self.access.who().name()
    }
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
            let name = name.ok_or_else(|| unauthorised("the API token is not valid"))?;
            let all = Grant::permissions_at(Permission::all().collect(), Place::Everywhere);
            let access = Access::new(Who::Token(name), vec![all], Tree::default());
            return Ok(Self { access });
        }
        match session::user(&parts.headers, state).await? {
            None => Err(unauthorised(
                "log in at /login, or send an API token as `Authorization: Bearer`",
            )),
            Some(user) if user.must_change => Err(Problem::new(
                ProblemType::Forbidden,
                "change the one-time password at /account/password first",
            )),
            Some(user) => Ok(Self {
                access: session::access(&user),
            }),
        }
    }
}

fn unauthorised(detail: &str) -> Problem {
    Problem::new(ProblemType::Unauthorised, detail)
}

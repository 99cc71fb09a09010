//! Who may call the API: a logged-in office user, or a program with an API token.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::access::{Access, Who};
use crate::app::AppState;
use crate::audit::By;
use crate::office::secret;
use crate::office::session::{self, Origin};
use crate::problem::{Problem, ProblemType};

/// What an API token begins with, so that secret scanners and people recognise it.
pub const TOKEN_PREFIX: &str = "manyi_";

/// A token's use is noted at most this often.
const NOTED_MS: i64 = 60_000;

/// The caller of an API request, known and allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who it is, and what it may do.
    pub access: Access,
    /// As the audit log names it.
    pub by: By,
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
        let origin = Origin::of(parts, &state.config);
        if let Some(header) = parts.headers.get(AUTHORIZATION) {
            let token = header
                .to_str()
                .ok()
                .and_then(|text| text.strip_prefix("Bearer "));
            let Some(token) = token.filter(|token| token.starts_with(TOKEN_PREFIX)) else {
                return Err(unauthorised("`Authorization` must be `Bearer manyi_…`"));
            };
            return of_token(token.trim(), &origin, state).await;
        }
        match session::person(&parts.headers, &origin, state).await? {
            None => Err(unauthorised(
                "log in at /login, or send an API token as `Authorization: Bearer`",
            )),
            Some(person) if person.user.must_change => Err(Problem::new(
                ProblemType::Forbidden,
                "change the one-time password at /account/password first",
            )),
            Some(person) => Ok(Self {
                access: person.access,
                by: person.by,
            }),
        }
    }
}

async fn of_token(token: &str, origin: &Origin, state: &AppState) -> Result<Caller, Problem> {
    let digest = secret::digest(token);
    let now_ms = state.clock.now_ms();
    let found = state.store.token(digest, now_ms).await?;
    let found = found.ok_or_else(|| unauthorised("the API token is not valid"))?;
    let noted = found.seen_ms.unwrap_or(i64::MIN);
    if now_ms.saturating_sub(noted) >= NOTED_MS {
        state.store.touch_token(digest, now_ms).await?;
    }
    let who = Who::Token(found.name);
    Ok(Caller {
        access: Access::new(who.clone(), vec![found.grant], found.tree),
        by: origin.by(who),
    })
}

fn unauthorised(detail: &str) -> Problem {
    Problem::new(ProblemType::Unauthorised, detail)
}

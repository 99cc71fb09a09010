//! Logins: a random token in a cookie, its digest in the database.

use axum::extract::FromRequestParts;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};

use super::error::PageError;
use super::secret;
use crate::access::{Access, Grant, Place, Role, Tree, Who};
use crate::app::AppState;
use crate::problem::Problem;
use crate::store::users::OfficeUser;

/// The name of the session's cookie.
pub const COOKIE_NAME: &str = "manyi_session";

const MS_PER_HOUR: i64 = 3_600_000;

/// The value of a cookie in the request.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = pairs
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The user whose session the request carries.
///
/// # Errors
/// A problem when the database fails.
pub async fn user(headers: &HeaderMap, state: &AppState) -> Result<Option<OfficeUser>, Problem> {
    let Some(token) = cookie(headers, COOKIE_NAME) else {
        return Ok(None);
    };
    Ok(state
        .store
        .session(secret::digest(token), state.clock.now_ms())
        .await?)
}

/// Starts a session and gives its cookie.
pub(super) async fn start(state: &AppState, user_name: String) -> Result<HeaderValue, PageError> {
    let token = secret::token()?;
    let now_ms = state.clock.now_ms();
    let hours = i64::from(state.config.session_hours);
    let expires_ms = now_ms.saturating_add(hours * MS_PER_HOUR);
    state
        .store
        .add_session(secret::digest(&token), user_name, expires_ms, now_ms)
        .await
        .map_err(Problem::from)?;
    set_cookie(&token, hours * 3600, state.config.cookie_secure)
}

/// Ends the request's session, if it has one, and gives the cookie that forgets it.
pub(super) async fn end(headers: &HeaderMap, state: &AppState) -> Result<HeaderValue, PageError> {
    if let Some(token) = cookie(headers, COOKIE_NAME) {
        state
            .store
            .remove_session(secret::digest(token))
            .await
            .map_err(Problem::from)?;
        state.live.session_ended();
    }
    set_cookie("", 0, state.config.cookie_secure)
}

fn set_cookie(token: &str, max_age: i64, secure: bool) -> Result<HeaderValue, PageError> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!(
        "{COOKIE_NAME}={token}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}"
    );
    let mut value = HeaderValue::try_from(text).map_err(|_| Problem::internal())?;
    value.set_sensitive(true);
    Ok(value)
}

/// What a user may do.
pub(crate) fn access(user: &OfficeUser) -> Access {
    let all = Grant::role(Role::Administrator, Place::Everywhere);
    Access::new(Who::User(user.name.clone()), vec![all], Tree::default())
}

/// Somebody who is logged in, and what they may do.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// The login name.
    pub(super) name: String,
    /// What they may do.
    pub(super) access: Access,
}

/// A user who is logged in and has a password of their own; others are sent where they get both.
#[derive(Debug)]
pub(super) struct LoggedIn(pub(super) Person);

impl FromRequestParts<AppState> for LoggedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let user = user(&parts.headers, state).await;
        match user.map_err(|problem| PageError::of(problem, parts).into_response())? {
            None => Err(Redirect::to("/login").into_response()),
            Some(user) if user.must_change => {
                Err(Redirect::to("/account/password").into_response())
            }
            Some(user) => Ok(Self(Person {
                access: access(&user),
                name: user.name,
            })),
        }
    }
}

//! Logins: a random token in a cookie, its digest in the database.
//!
//! A session ends at the latest after `session_hours`, earlier when it was not used for
//! `session_idle_minutes`, and at once when it, its user or all sessions of the user are ended. An
//! open live page counts as use. While a session waits for the second factor it opens the page that
//! asks for it, and nothing else; the session after it has another token.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};

use super::error::PageError;
use super::secret;
use crate::access::{Access, Who};
use crate::app::AppState;
use crate::audit::{By, network};
use crate::config::Config;
use crate::device::limit::sender;
use crate::problem::Problem;
use crate::store::users::{NewSession, OfficeUser, OpenSession, TokenDigest};

/// The name of the session's cookie without TLS.
pub const COOKIE_NAME: &str = "manyi_session";

/// Its name with TLS: browsers then take it only over TLS, for this host and the whole site
/// (draft-ietf-httpbis-rfc6265bis, cookie name prefixes).
pub const SECURE_COOKIE_NAME: &str = "__Host-manyi_session";

const MS_PER_HOUR: i64 = 3_600_000;
const MS_PER_MINUTE: i64 = 60_000;

/// The second factor must come within this time.
const WAITING_MS: i64 = 10 * MS_PER_MINUTE;

/// A use is noted at most this often: a page that asks every second must not write every second.
const NOTED_MS: i64 = MS_PER_MINUTE;

/// The longest name of a device that is kept, in characters.
const MAX_DEVICE: usize = 120;

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

const fn cookie_name(config: &Config) -> &'static str {
    if config.cookie_secure {
        SECURE_COOKIE_NAME
    } else {
        COOKIE_NAME
    }
}

/// The digest of the session's token, if the request carries one.
fn token_digest(headers: &HeaderMap, state: &AppState) -> Option<TokenDigest> {
    cookie(headers, cookie_name(&state.config)).map(secret::digest)
}

/// For how long a session may be left alone.
fn idle_ms(state: &AppState) -> i64 {
    i64::from(state.config.session_idle_minutes) * MS_PER_MINUTE
}

/// The session that the request carries, whatever it still waits for.
async fn open(headers: &HeaderMap, state: &AppState) -> Result<Option<OpenSession>, Problem> {
    let Some(digest) = token_digest(headers, state) else {
        return Ok(None);
    };
    let now_ms = state.clock.now_ms();
    let found = state.store.session(digest, idle_ms(state), now_ms).await?;
    if let Some(session) = &found
        && now_ms.saturating_sub(session.seen_ms) >= NOTED_MS
    {
        state.store.touch_session(digest, now_ms).await?;
    }
    Ok(found)
}

/// Somebody who is logged in, and what they may do.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// The login name.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) access: Access,
    /// As the audit log names them.
    pub(crate) by: By,
    /// The user as kept.
    pub(crate) user: OfficeUser,
    /// What lists call this session.
    pub(crate) session: String,
}

impl Person {
    fn of(session: OpenSession, origin: &Origin) -> Self {
        let who = Who::User(session.user.name.clone());
        Self {
            name: session.user.name.clone(),
            access: Access::new(who.clone(), session.user.grants.clone(), session.tree),
            by: origin.by(who),
            user: session.user,
            session: session.id,
        }
    }
}

/// The person whose session the request carries; none while it waits for the second factor.
///
/// # Errors
/// A problem when the database fails.
pub(crate) async fn person(
    headers: &HeaderMap,
    origin: &Origin,
    state: &AppState,
) -> Result<Option<Person>, Problem> {
    let found = open(headers, state).await?;
    Ok(found
        .filter(|session| !session.waits)
        .map(|session| Person::of(session, origin)))
}

/// The user whose session waits for the second factor.
pub(super) async fn waiting(
    headers: &HeaderMap,
    state: &AppState,
) -> Result<Option<OfficeUser>, Problem> {
    let found = open(headers, state).await?;
    Ok(found
        .filter(|session| session.waits)
        .map(|session| session.user))
}

/// Starts a session and gives its cookie; the session that the request carries ends.
pub(super) async fn start(
    state: &AppState,
    headers: &HeaderMap,
    origin: &Origin,
    user: String,
    waits: bool,
) -> Result<HeaderValue, PageError> {
    let token = secret::token()?;
    let now_ms = state.clock.now_ms();
    let lasts = if waits {
        WAITING_MS
    } else {
        i64::from(state.config.session_hours) * MS_PER_HOUR
    };
    let session = NewSession {
        digest: secret::digest(&token),
        id: uuid::Uuid::new_v4().simple().to_string(),
        user,
        expires_ms: now_ms.saturating_add(lasts),
        device: origin.device.clone(),
        network: origin.network.clone(),
        waits,
    };
    let former = token_digest(headers, state);
    state
        .store
        .add_session(session, former, now_ms)
        .await
        .map_err(Problem::from)?;
    set_cookie(&token, lasts / 1000, &state.config)
}

/// Ends the request's session, if it has one, and gives the cookie that forgets it.
pub(super) async fn end(
    headers: &HeaderMap,
    origin: &Origin,
    state: &AppState,
) -> Result<HeaderValue, PageError> {
    if let Some(digest) = token_digest(headers, state) {
        let by = person(headers, origin, state)
            .await?
            .map(|person| person.by);
        state
            .store
            .remove_session(digest, by, state.clock.now_ms())
            .await
            .map_err(Problem::from)?;
        state.live.session_ended();
    }
    set_cookie("", 0, &state.config)
}

/// Ends sessions of the person: the one of this id, or all but the request's own.
pub(super) async fn end_others(
    state: &AppState,
    headers: &HeaderMap,
    person: &Person,
    id: Option<String>,
) -> Result<u64, Problem> {
    let but = token_digest(headers, state);
    let ended = state.store.end_sessions(
        person.name.clone(),
        id,
        but,
        person.by.clone(),
        state.clock.now_ms(),
    );
    let ended = ended.await?;
    state.live.session_ended();
    Ok(ended)
}

/// A user's sessions.
pub(super) async fn list(
    state: &AppState,
    user: &str,
) -> Result<Vec<crate::store::users::SessionSummary>, Problem> {
    let now_ms = state.clock.now_ms();
    let found = state
        .store
        .sessions(user.to_owned(), idle_ms(state), now_ms);
    Ok(found.await?)
}

fn set_cookie(token: &str, max_age: i64, config: &Config) -> Result<HeaderValue, PageError> {
    let name = cookie_name(config);
    cookie_value(
        &format!("{name}={token}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Strict"),
        config,
    )
}

/// A cookie of ours; over TLS only where there is TLS.
pub(super) fn cookie_value(text: &str, config: &Config) -> Result<HeaderValue, PageError> {
    let secure = if config.cookie_secure { "; Secure" } else { "" };
    let value = HeaderValue::try_from(format!("{text}{secure}"));
    let mut value = value.map_err(|_| Problem::internal())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Where a request comes from, as far as it is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    /// The network of the address; empty when it is not known.
    pub(crate) network: String,
    /// What the browser says it is.
    pub(crate) device: String,
}

impl Origin {
    /// A caller from here.
    pub(crate) fn by(&self, who: Who) -> By {
        By {
            who,
            network: self.network.clone(),
        }
    }

    /// Where the request comes from.
    pub(crate) fn of(parts: &Parts, config: &Config) -> Self {
        let address = sender(&parts.headers, &parts.extensions, config.trusted_proxy);
        let device = parts
            .headers
            .get(USER_AGENT)
            .and_then(|value| value.to_str().ok());
        let device = device.unwrap_or_default().chars();
        Self {
            network: address.map(network).unwrap_or_default(),
            device: device
                .filter(|c| !c.is_control())
                .take(MAX_DEVICE)
                .collect(),
        }
    }
}

impl FromRequestParts<AppState> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::of(parts, &state.config))
    }
}

/// A user who is logged in and has a password of their own; others are sent where they get both.
#[derive(Debug)]
pub(super) struct LoggedIn(pub(super) Person);

impl FromRequestParts<AppState> for LoggedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let AnyLogin(person) = AnyLogin::from_request_parts(parts, state).await?;
        if person.user.must_change {
            return Err(Redirect::to("/account/password").into_response());
        }
        Ok(Self(person))
    }
}

/// A user who is logged in, maybe with the one-time password.
#[derive(Debug)]
pub(super) struct AnyLogin(pub(super) Person);

impl FromRequestParts<AppState> for AnyLogin {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let origin = Origin::of(parts, &state.config);
        let found = person(&parts.headers, &origin, state).await;
        let found = found.map_err(|problem| PageError::of(problem, parts).into_response())?;
        found
            .map(Self)
            .ok_or_else(|| Redirect::to("/login").into_response())
    }
}

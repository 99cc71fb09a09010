//! Logging in through another service: `OpenID` Connect, authorization code with PKCE.
//!
//! **Invariants**
//! 1. An answer of the service counts only in the browser that went there, once, within ten minutes:
//!    its `state` belongs to the cookie, and its token repeats the nonce.
//! 2. People are told apart by the service's `sub`, never by a name or address that can change hands.
//! 3. Whoever is disabled here does not come in, whatever the service says.
//!
//! The service asks for second factors itself; the one that a user set up here guards the password
//! here. Logging out here leaves the login at the service alone.
//!
//! # Source
//! `OpenID` Connect Core 1.0 §3.1, `OpenID` Connect Discovery 1.0, RFC 7636 (PKCE).

mod client;
mod token;
mod words;

#[cfg(test)]
mod tests;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::admin::is_login_name;
use super::error::{PageError, draw};
use super::frame::Frame;
use super::language::Language;
use super::login::{home, set_session};
use super::password::refused_change;
use super::secret;
use super::session::{LoggedIn, Origin, cookie, cookie_value};
use crate::access::{Grant, Who};
use crate::app::AppState;
use crate::audit::By;
use crate::config::OidcConfig;
use crate::problem::{Problem, ProblemType};
use crate::store::users::{OfficeUser, OidcTry, UserChange, UserRefused};
pub use client::Client;
use token::Claims;
use words::OidcWords;

/// The cookie that ties the way to the service to this browser. `Lax`: it must come along when the
/// service sends the browser back.
const COOKIE_NAME: &str = "manyi_oidc";

/// The way to the service and back takes this long at most.
const TRY_MS: i64 = 600_000;

#[derive(Debug, Template)]
#[template(path = "login_done.html")]
struct DonePage {
    frame: Frame,
    labels: &'static OidcWords,
    next: &'static str,
}

/// What the service sends back.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    error: Option<String>,
}

/// `GET /login/oidc`: off to the service.
pub(super) async fn start(
    State(state): State<AppState>,
    language: Language,
) -> Result<Response, PageError> {
    leave(&state, String::new())
        .await
        .map_err(|error| error.speaking(language))
}

/// `POST /account/link`: to the service, to be linked with who one is there.
pub(super) async fn link(
    State(state): State<AppState>,
    LoggedIn(person): LoggedIn,
    language: Language,
) -> Result<Response, PageError> {
    leave(&state, person.name)
        .await
        .map_err(|error| error.speaking(language))
}

fn configured(state: &AppState) -> Result<&OidcConfig, Problem> {
    state.config.oidc.as_ref().ok_or_else(Problem::not_found)
}

async fn leave(state: &AppState, link_user: String) -> Result<Response, PageError> {
    let config = configured(state)?;
    let now_ms = state.clock.now_ms();
    let service = state.oidc.service(config, now_ms).await?;
    let (token, answer) = (secret::token()?, secret::token()?);
    let started = OidcTry {
        state: secret::digest(&answer),
        nonce: secret::token()?,
        verifier: secret::token()?,
        link_user,
        expires_ms: now_ms.saturating_add(TRY_MS),
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(started.verifier.as_bytes()));
    let address = service.authorization(&[
        ("response_type", "code"),
        ("scope", "openid profile"),
        ("client_id", &config.client_id),
        ("redirect_uri", &config.redirect_uri),
        ("state", &answer),
        ("nonce", &started.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ])?;
    let kept = state
        .store
        .add_oidc_try(secret::digest(&token), started, now_ms);
    kept.await.map_err(Problem::from)?;
    let seconds = TRY_MS / 1000;
    let cookie = cookie_value(
        &format!("{COOKIE_NAME}={token}; Path=/login; Max-Age={seconds}; HttpOnly; SameSite=Lax"),
        &state.config,
    )?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to(&address)).into_response())
}

/// `GET /login/oidc/callback`: back from the service.
pub(super) async fn back(
    State(state): State<AppState>,
    language: Language,
    uri: Uri,
    headers: HeaderMap,
    origin: Origin,
    Query(answer): Query<Answer>,
) -> Result<Response, PageError> {
    let entered = async {
        let config = configured(&state)?;
        let (claims, started) = identify(&state, config, &headers, &answer).await?;
        let by = |name: &str| origin.by(Who::User(name.to_owned()));
        let user = user_of(&state, config, &claims, &started, by).await?;
        let labels = OidcWords::of(language);
        let next = home(&user);
        // A page, not a redirect: after a redirect from elsewhere browsers keep a `Strict` cookie back.
        let page = DonePage {
            frame: Frame::bare(language, &uri),
            labels,
            next,
        };
        let mut response = draw(StatusCode::OK, &page)?;
        set_session(&state, &headers, &origin, &user, &mut response).await?;
        Ok(response)
    };
    entered
        .await
        .map_err(|error: PageError| error.speaking(language))
}

fn refused(why: &'static str) -> Problem {
    tracing::info!(why, "login through the service refused");
    Problem::new(ProblemType::Forbidden, why)
}

/// Who came back, as the service's signed token says.
async fn identify(
    state: &AppState,
    config: &OidcConfig,
    headers: &HeaderMap,
    answer: &Answer,
) -> Result<(Claims, OidcTry), Problem> {
    let now_ms = state.clock.now_ms();
    let token = cookie(headers, COOKIE_NAME).ok_or_else(|| refused("no login was begun here"))?;
    let started = state
        .store
        .take_oidc_try(secret::digest(token), now_ms)
        .await?
        .ok_or_else(|| refused("the login took too long, or was answered before"))?;
    let same = secret::digest(&answer.state).ct_eq(&started.state);
    if !bool::from(same) {
        return Err(refused("the answer belongs to another login"));
    }
    if let Some(error) = &answer.error {
        // The service's own words are not for the page: anybody can write them into the address.
        let shown: String = error
            .chars()
            .filter(|c| c.is_ascii_graphic())
            .take(40)
            .collect();
        tracing::info!(error = shown, "the login service refused");
        return Err(refused("the login service refused"));
    }
    let service = state.oidc.service(config, now_ms).await?;
    let id_token = service
        .redeem(config, &answer.code, &started.verifier)
        .await?;
    let claims = state
        .oidc
        .check(config, &id_token, &started.nonce, now_ms)
        .await?;
    Ok((claims, started))
}

/// The user here: linked before, asking to be linked, or new where that is allowed.
async fn user_of(
    state: &AppState,
    config: &OidcConfig,
    claims: &Claims,
    started: &OidcTry,
    by: impl Fn(&str) -> By,
) -> Result<OfficeUser, Problem> {
    let (issuer, subject) = (config.issuer.clone(), claims.subject.clone());
    let known = state.store.identity(issuer.clone(), subject.clone());
    let (name, is_linked) = match (known.await?, started.link_user.as_str()) {
        (Some(name), asked) if asked.is_empty() || name == asked => (name, true),
        (Some(_), _) => return Err(refused_change(UserRefused::Linked)),
        (None, "") if config.add_users => (add(state, claims, &by).await?, false),
        (None, "") => return Err(refused("nobody here is linked with this login")),
        (None, asked) => (asked.to_owned(), false),
    };
    let allowed = async || {
        let user = state.store.user(name.clone()).await?;
        user.filter(|user| user.disabled_ms.is_none())
            .ok_or_else(|| refused("this user may not log in"))
    };
    allowed().await?;
    let change = async |wanted| {
        let now_ms = state.clock.now_ms();
        let changed = state
            .store
            .change_user(name.clone(), wanted, by(&name), now_ms);
        changed.await?.map_err(refused_change)
    };
    if !is_linked {
        change(UserChange::Link { issuer, subject }).await?;
    }
    if !config.roles_claim.is_empty() {
        change(UserChange::Claims(granted(config, claims))).await?;
    }
    allowed().await
}

/// Adds a user for somebody whom the service sent for the first time; without a password.
async fn add(
    state: &AppState,
    claims: &Claims,
    by: impl Fn(&str) -> By,
) -> Result<String, Problem> {
    let usable = claims.name.as_ref().filter(|name| is_login_name(name));
    let number: String = secret::digest(&claims.subject)
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let number = format!("oidc-{number}");
    // A name that is taken here is somebody else's, whatever the service says.
    for name in usable.into_iter().chain([&number]) {
        let user = OfficeUser {
            name: name.clone(),
            ..OfficeUser::default()
        };
        let wanted = UserChange::Add(Box::new(user));
        let now_ms = state.clock.now_ms();
        let added = state
            .store
            .change_user(name.clone(), wanted, by(name), now_ms);
        match added.await? {
            Ok(()) => return Ok(name.clone()),
            Err(UserRefused::Taken) => {}
            Err(other) => return Err(refused_change(other)),
        }
    }
    Err(refused("no name is free for this login"))
}

/// The roles that the claim's values stand for.
fn granted(config: &OidcConfig, claims: &Claims) -> Vec<Grant> {
    let held = config
        .roles
        .iter()
        .filter(|role| claims.roles.contains(&role.claim));
    let mut grants: Vec<Grant> = held.filter_map(|role| role.grant()).collect();
    grants.sort();
    grants.dedup();
    grants
}

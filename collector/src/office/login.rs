//! Logging in and out.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::error::{PageError, draw};
use super::frame::Frame;
use super::language::Language;
use super::words::Words;
use super::{secret, session};
use crate::app::AppState;
use crate::problem::Problem;

/// Longer input is refused before it is hashed.
pub(super) const MAX_PASSWORD_BYTES: usize = 256;

#[derive(Debug, Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    words: &'static Words,
    refused: bool,
}

/// The login form.
#[derive(Deserialize)]
pub(super) struct Login {
    user: String,
    password: String,
}

/// `GET /login`.
pub(super) async fn page(language: Language, uri: Uri) -> Result<Response, PageError> {
    form(language, &uri, false)
}

fn form(language: Language, uri: &Uri, refused: bool) -> Result<Response, PageError> {
    let page = LoginPage {
        frame: Frame::bare(language, uri),
        words: language.words(),
        refused,
    };
    draw(
        if refused {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::OK
        },
        &page,
    )
}

/// `POST /login`. A user who is not known and a wrong password get the same answer after the same
/// work.
pub(super) async fn log_in(
    State(state): State<AppState>,
    language: Language,
    uri: Uri,
    Form(login): Form<Login>,
) -> Result<Response, PageError> {
    attempt(&state, language, &uri, login)
        .await
        .map_err(|error| error.speaking(language))
}

async fn attempt(
    state: &AppState,
    language: Language,
    uri: &Uri,
    login: Login,
) -> Result<Response, PageError> {
    if login.password.len() > MAX_PASSWORD_BYTES {
        return form(language, uri, true);
    }
    let user = state.store.user(login.user).await.map_err(Problem::from)?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let verified = secret::verify(login.password, hash).await?;
    let Some(user) = user.filter(|_| verified) else {
        tracing::info!("login refused");
        return form(language, uri, true);
    };
    tracing::info!(user = user.name, "logged in");
    let next = if user.must_change {
        "/account/password"
    } else {
        "/office"
    };
    let cookie = session::start(state, user.name).await?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to(next)).into_response())
}

/// `POST /logout`.
pub(super) async fn log_out(
    State(state): State<AppState>,
    language: Language,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let cookie = session::end(&headers, &state)
        .await
        .map_err(|error| error.speaking(language))?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/login")).into_response())
}

//! Changing one's own password; forced while the one-time password stands.

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
use super::login::MAX_PASSWORD_BYTES;
use super::words::Words;
use super::{secret, session};
use crate::app::AppState;
use crate::problem::Problem;
use crate::store::users::OfficeUser;

/// The least length of a password of one's own, in characters.
const MIN_CHARACTERS: usize = 12;

#[derive(Debug, Template)]
#[template(path = "password.html")]
struct PasswordPage {
    frame: Frame,
    words: &'static Words,
    /// For password managers.
    user: String,
    must_change: bool,
    refused: Option<&'static str>,
}

/// The form.
#[derive(Deserialize)]
pub(super) struct Change {
    current: String,
    new: String,
    repeat: String,
}

/// `GET /account/password`.
pub(super) async fn page(
    State(state): State<AppState>,
    language: Language,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    match session::user(&headers, &state)
        .await
        .map_err(|problem| PageError::new(problem, language))?
    {
        None => Ok(Redirect::to("/login").into_response()),
        Some(user) => form(language, &uri, &user, None),
    }
}

fn form(
    language: Language,
    uri: &Uri,
    user: &OfficeUser,
    refused: Option<&'static str>,
) -> Result<Response, PageError> {
    let page = PasswordPage {
        frame: Frame::waiting(language, uri, &user.name),
        words: language.words(),
        user: user.name.clone(),
        must_change: user.must_change,
        refused,
    };
    draw(
        if refused.is_some() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        },
        &page,
    )
}

/// `POST /account/password`. Ends every other session of the user.
pub(super) async fn change(
    State(state): State<AppState>,
    language: Language,
    uri: Uri,
    headers: HeaderMap,
    Form(change): Form<Change>,
) -> Result<Response, PageError> {
    attempt(&state, language, &uri, &headers, change)
        .await
        .map_err(|error| error.speaking(language))
}

async fn attempt(
    state: &AppState,
    language: Language,
    uri: &Uri,
    headers: &HeaderMap,
    change: Change,
) -> Result<Response, PageError> {
    let Some(user) = session::user(headers, state).await? else {
        return Ok(Redirect::to("/login").into_response());
    };
    if let Some(refused) = refusal(&change, language.words()) {
        return form(language, uri, &user, Some(refused));
    }
    if !secret::verify(change.current, Some(user.password_hash.clone())).await? {
        return form(language, uri, &user, Some(language.words().password_wrong));
    }
    let hash = secret::hash(change.new).await?;
    state
        .store
        .set_password(user.name.clone(), hash)
        .await
        .map_err(Problem::from)?;
    state.live.session_ended();
    tracing::info!(user = user.name, "password changed");
    let cookie = session::start(state, user.name).await?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/office")).into_response())
}

fn refusal(change: &Change, words: &'static Words) -> Option<&'static str> {
    let rules = [
        (
            change.new.chars().count() < MIN_CHARACTERS,
            words.password_short,
        ),
        (
            change.new.len().max(change.current.len()) > MAX_PASSWORD_BYTES,
            words.password_long,
        ),
        (change.new != change.repeat, words.password_differs),
        (change.new == change.current, words.password_same),
    ];
    rules
        .into_iter()
        .find(|(broken, _)| *broken)
        .map(|(_, text)| text)
}

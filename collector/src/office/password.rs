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
use super::secret;
use super::session::{self, AnyLogin, Origin, Person};
use super::words::Words;
use crate::access::throttle::Pace;
use crate::app::AppState;
use crate::problem::{Problem, ProblemType};
use crate::store::users::{OfficeUser, UserChange, UserRefused};

/// The least length of a password of one's own, in characters.
const MIN_CHARACTERS: usize = 12;

/// Tries at the own password from an open session.
const TRIES: Pace = Pace {
    burst: 10,
    period_ms: 30_000,
};

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
    AnyLogin(person): AnyLogin,
    language: Language,
    uri: Uri,
) -> Result<Response, PageError> {
    form(language, &uri, &person.user, None)
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
    AnyLogin(person): AnyLogin,
    language: Language,
    uri: Uri,
    headers: HeaderMap,
    origin: Origin,
    Form(change): Form<Change>,
) -> Result<Response, PageError> {
    let changed = async {
        if let Some(refused) = refusal(&change, language.words()) {
            return form(language, &uri, &person.user, Some(refused));
        }
        if !is_own(&state, &person, change.current).await? {
            return form(
                language,
                &uri,
                &person.user,
                Some(language.words().password_wrong),
            );
        }
        let password_hash = secret::hash(change.new).await?;
        let wanted = UserChange::Password { password_hash };
        let by = person.by.clone();
        let changed =
            state
                .store
                .change_user(person.name.clone(), wanted, by, state.clock.now_ms());
        changed
            .await
            .map_err(Problem::from)?
            .map_err(refused_change)?;
        state.live.session_ended();
        tracing::info!(user = person.name, "password changed");
        let name = person.name.clone();
        let cookie = session::start(&state, &headers, &origin, name, false).await?;
        Ok(([(SET_COOKIE, cookie)], Redirect::to("/office")).into_response())
    };
    changed
        .await
        .map_err(|error: PageError| error.speaking(language))
}

/// Whether this is the person's password. Tried as often as at the login, so that an open session
/// is no way around that limit.
pub(super) async fn is_own(
    state: &AppState,
    person: &Person,
    password: String,
) -> Result<bool, PageError> {
    if password.len() > MAX_PASSWORD_BYTES {
        return Ok(false);
    }
    let bucket = secret::digest(&format!("own password\n{}", person.name));
    let now_ms = state.clock.now_ms();
    let taken = state.store.try_now(bucket, TRIES, now_ms).await;
    if let Err(wait_ms) = taken.map_err(Problem::from)? {
        let seconds = u64::try_from(wait_ms / 1000).unwrap_or_default() + 1;
        let problem = Problem::new(ProblemType::TooManyRequests, "too many tries");
        return Err(problem.retry_after(seconds).into());
    }
    let hash = Some(person.user.password_hash.clone());
    let verified = secret::verify(password, hash).await?;
    if verified {
        state.store.forgive(bucket).await.map_err(Problem::from)?;
    }
    Ok(verified)
}

/// A change that the store refused, as a problem.
pub(super) fn refused_change(refused: UserRefused) -> Problem {
    let kind = match refused {
        UserRefused::Unknown => return Problem::not_found(),
        UserRefused::NoSuchPlace => ProblemType::Malformed,
        UserRefused::Taken
        | UserRefused::Stale
        | UserRefused::LastAdministrator
        | UserRefused::Linked => ProblemType::Conflict,
    };
    Problem::new(kind, refused.to_string())
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

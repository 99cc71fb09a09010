//! Logging in and out.

mod words;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::error::{PageError, draw};
use super::frame::Frame;
use super::language::{self, Language};
use super::second_factor::{self, totp};
use super::secret;
use super::session::{self, Origin};
use super::words::Words;
use crate::access::throttle::Pace;
use crate::access::{Grant, Permission, Place, Who};
use crate::app::AppState;
use crate::audit::{Action, By, Note};
use crate::problem::{Problem, ProblemType};
use crate::store::users::OfficeUser;
use words::LoginWords;

/// Longer input is refused before it is hashed.
pub(super) const MAX_PASSWORD_BYTES: usize = 256;

/// The longest login name, in characters.
pub(super) const MAX_NAME: usize = 64;

/// Passwords tried for one user from one known network, or from everywhere else together: ten at
/// once, then one in 30 seconds. Twelve characters stand far beyond that; whoever tries from
/// elsewhere keeps nobody out who comes from where they came from before.
const PASSWORDS: Pace = Pace {
    burst: 10,
    period_ms: 30_000,
};

/// Codes tried for one user who has given the password: five at once, then one in five minutes.
/// With three codes in a million right at any time, a day of trying succeeds once in a thousand.
const CODES: Pace = Pace {
    burst: 5,
    period_ms: 300_000,
};

#[derive(Debug, Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    words: &'static Words,
    refused: bool,
    /// The name of another login service, as its button says.
    service: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "login_code.html")]
struct CodePage {
    frame: Frame,
    labels: &'static LoginWords,
    refused: bool,
}

/// The login form.
#[derive(Deserialize)]
pub(super) struct Login {
    user: String,
    password: String,
}

/// The second step's form.
#[derive(Deserialize)]
pub(super) struct Code {
    code: String,
}

/// `GET /login`.
pub(super) async fn page(
    State(state): State<AppState>,
    language: Language,
    uri: Uri,
) -> Result<Response, PageError> {
    form(&state, language, &uri, false)
}

fn form(
    state: &AppState,
    language: Language,
    uri: &Uri,
    refused: bool,
) -> Result<Response, PageError> {
    let page = LoginPage {
        frame: Frame::bare(language, uri),
        words: language.words(),
        refused,
        service: state.config.oidc.as_ref().map(|oidc| oidc.button.clone()),
    };
    draw(status(refused), &page)
}

const fn status(refused: bool) -> StatusCode {
    if refused {
        StatusCode::UNAUTHORIZED
    } else {
        StatusCode::OK
    }
}

/// `POST /login`. A user who is not known, one who is disabled and a wrong password get the same
/// answer after the same work.
pub(super) async fn log_in(
    State(state): State<AppState>,
    language: Language,
    uri: Uri,
    headers: HeaderMap,
    origin: Origin,
    Form(login): Form<Login>,
) -> Result<Response, PageError> {
    let tried = Tried {
        state: &state,
        language,
        uri: &uri,
        headers: &headers,
        origin: &origin,
    };
    tried
        .password(login)
        .await
        .map_err(|error| error.speaking(language))
}

/// `GET /login/code`: the second step.
pub(super) async fn code_page(
    State(state): State<AppState>,
    language: Language,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let waiting = session::waiting(&headers, &state).await;
    match waiting.map_err(|problem| PageError::new(problem, language))? {
        None => Ok(Redirect::to("/login").into_response()),
        Some(_) => code_form(language, &uri, false),
    }
}

fn code_form(language: Language, uri: &Uri, refused: bool) -> Result<Response, PageError> {
    let page = CodePage {
        frame: Frame::bare(language, uri),
        labels: LoginWords::of(language),
        refused,
    };
    draw(status(refused), &page)
}

/// `POST /login/code`: a code of the app, or a recovery code.
pub(super) async fn give_code(
    State(state): State<AppState>,
    language: Language,
    uri: Uri,
    headers: HeaderMap,
    origin: Origin,
    Form(code): Form<Code>,
) -> Result<Response, PageError> {
    let tried = Tried {
        state: &state,
        language,
        uri: &uri,
        headers: &headers,
        origin: &origin,
    };
    tried
        .code(code)
        .await
        .map_err(|error| error.speaking(language))
}

/// One try to log in.
struct Tried<'a> {
    state: &'a AppState,
    language: Language,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    origin: &'a Origin,
}

impl Tried<'_> {
    async fn password(&self, login: Login) -> Result<Response, PageError> {
        let state = self.state;
        if login.password.len() > MAX_PASSWORD_BYTES || login.user.chars().count() > MAX_NAME {
            return form(state, self.language, self.uri, true);
        }
        let bucket = self.password_bucket(&login.user).await?;
        self.take(bucket, PASSWORDS).await?;
        let user = state.store.user(login.user).await.map_err(Problem::from)?;
        let hash = user.as_ref().map(|user| user.password_hash.clone());
        let verified = secret::verify(login.password, hash).await?;
        let known = user.as_ref().map(|user| user.name.clone());
        let Some(user) = user.filter(|user| verified && user.disabled_ms.is_none()) else {
            self.failed(known, "password").await?;
            return form(state, self.language, self.uri, true);
        };
        state.store.forgive(bucket).await.map_err(Problem::from)?;
        self.go_on(user).await
    }

    /// A network from which the user has logged in has a bucket of its own.
    async fn password_bucket(&self, user: &str) -> Result<[u8; 32], Problem> {
        let network = self.origin.network.clone();
        let known = self.state.store.knows_network(user.to_owned(), network);
        let network = if known.await? {
            self.origin.network.as_str()
        } else {
            ""
        };
        Ok(secret::digest(&format!("password\n{user}\n{network}")))
    }

    async fn take(&self, bucket: [u8; 32], pace: Pace) -> Result<(), Problem> {
        let now_ms = self.state.clock.now_ms();
        let taken = self.state.store.try_now(bucket, pace, now_ms).await?;
        taken.map_err(|wait_ms| {
            let seconds = u64::try_from(wait_ms / 1000).unwrap_or_default() + 1;
            Problem::new(ProblemType::TooManyRequests, "too many login tries").retry_after(seconds)
        })
    }

    /// Whom we know gets an entry in the log; names that strangers make up do not.
    async fn failed(&self, user: Option<String>, what: &str) -> Result<(), Problem> {
        tracing::info!(what, "login refused");
        let Some(user) = user else { return Ok(()) };
        let object = format!("user:{user}");
        let by: By = self.origin.by(Who::User(user));
        let note = Note::new(by, Action::LogInFailed, Place::Everywhere, object).detail(what);
        Ok(self
            .state
            .store
            .note(note, self.state.clock.now_ms())
            .await?)
    }

    /// The password was right: on to the second factor, to a password of one's own, or in.
    async fn go_on(&self, user: OfficeUser) -> Result<Response, PageError> {
        if user.second_factor.is_some() {
            let name = user.name;
            let cookie = session::start(self.state, self.headers, self.origin, name, true).await?;
            return Ok(([(SET_COOKIE, cookie)], Redirect::to("/login/code")).into_response());
        }
        enter(self.state, self.headers, self.origin, &user).await
    }

    async fn code(&self, code: Code) -> Result<Response, PageError> {
        let state = self.state;
        let Some(user) = session::waiting(self.headers, state).await? else {
            return Ok(Redirect::to("/login").into_response());
        };
        let bucket = secret::digest(&format!("code\n{}", user.name));
        self.take(bucket, CODES).await?;
        if !self.is_right(&user, &code.code).await? {
            self.failed(Some(user.name), "code").await?;
            return code_form(self.language, self.uri, true);
        }
        state.store.forgive(bucket).await.map_err(Problem::from)?;
        enter(state, self.headers, self.origin, &user).await
    }

    async fn is_right(&self, user: &OfficeUser, typed: &str) -> Result<bool, Problem> {
        let state = self.state;
        if typed.len() > MAX_NAME {
            return Ok(false);
        }
        let now_ms = state.clock.now_ms();
        let factor = user.second_factor.as_ref();
        let opened = factor.and_then(|f| second_factor::open(&state.keys, &user.name, &f.sealed));
        if factor.is_some() && opened.is_none() {
            tracing::error!("no key of the collector opens this user's second factor");
        }
        let step = opened
            .zip(factor)
            .and_then(|(secret, factor)| totp::matching(&secret, typed, now_ms, factor.step));
        if let Some(step) = step {
            return Ok(state.store.use_step(user.name.clone(), step).await?);
        }
        let digest = secret::recovery_digest(typed);
        let by = self.origin.by(Who::User(user.name.clone()));
        let used = state
            .store
            .use_recovery_code(user.name.clone(), digest, by, now_ms);
        Ok(used.await?)
    }
}

/// The first page of a user: one that their roles open.
pub(super) fn home(user: &OfficeUser) -> &'static str {
    let may = |permission| {
        let mut held = user.grants.iter().map(Grant::permissions);
        held.any(|held| held.contains(permission))
    };
    if user.must_change {
        "/account/password"
    } else if may(Permission::SeeScores) {
        "/office"
    } else {
        "/account"
    }
}

/// Starts the session, in the user's language.
pub(super) async fn enter(
    state: &AppState,
    headers: &HeaderMap,
    origin: &Origin,
    user: &OfficeUser,
) -> Result<Response, PageError> {
    let mut response = Redirect::to(home(user)).into_response();
    set_session(state, headers, origin, user, &mut response).await?;
    Ok(response)
}

/// Puts the cookies of a session that begins into a response.
pub(super) async fn set_session(
    state: &AppState,
    headers: &HeaderMap,
    origin: &Origin,
    user: &OfficeUser,
    response: &mut Response,
) -> Result<(), PageError> {
    let cookie = session::start(state, headers, origin, user.name.clone(), false).await?;
    tracing::info!(user = user.name, "logged in");
    let headers = response.headers_mut();
    headers.append(SET_COOKIE, cookie);
    if let Some(cookie) = language::cookie_of(&user.language) {
        headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
    }
    Ok(())
}

/// `POST /logout`.
pub(super) async fn log_out(
    State(state): State<AppState>,
    language: Language,
    origin: Origin,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let cookie = session::end(&headers, &origin, &state)
        .await
        .map_err(|error| error.speaking(language))?;
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/login")).into_response())
}

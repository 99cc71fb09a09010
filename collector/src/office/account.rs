//! 我的账号: what one may do, one's language, second factor and sessions.

pub(super) mod words;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::admin::words::{AdminWords, grant_views};
use super::error::{PageError, draw};
use super::format::moment;
use super::frame::{Frame, Section};
use super::language::{self, Language};
use super::password::refused_change;
use super::session::{self, LoggedIn, Person};
use crate::app::AppState;
use crate::problem::Problem;
use crate::store::users::{SessionSummary, UserChange};
pub(super) use words::AccountWords;

#[derive(Debug, Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    labels: &'static AccountWords,
    name: String,
    full_name: String,
    has_password: bool,
    /// Role and place.
    grants: Vec<(&'static str, String)>,
    /// How many recovery codes are left, where there is a second factor.
    codes_left: Option<u64>,
    sessions: Vec<SessionView>,
    service: Option<String>,
    chosen: String,
}

/// A session as the page shows it.
#[derive(Debug)]
pub(super) struct SessionView {
    pub(super) id: String,
    pub(super) device: String,
    pub(super) network: String,
    pub(super) created: String,
    pub(super) seen: String,
    pub(super) current: bool,
}

impl SessionView {
    pub(super) fn of(session: SessionSummary, own: &str) -> Self {
        Self {
            current: session.id == own,
            device: device_name(&session.device),
            network: session.network,
            created: moment(session.created_ms),
            seen: moment(session.seen_ms),
            id: session.id,
        }
    }
}

/// Browser and system out of what a browser says of itself; all of it when nothing is known.
fn device_name(agent: &str) -> String {
    // The order matters: Edge and Chromium also say Chrome, and Chrome also says Safari.
    let browsers = [
        "Edg",
        "OPR",
        "Firefox",
        "MicroMessenger",
        "Chrome",
        "Safari",
    ];
    let systems = [
        "HarmonyOS",
        "Android",
        "iPhone",
        "iPad",
        "Windows",
        "Mac OS",
        "Linux",
    ];
    let first = |names: &[&'static str]| names.iter().copied().find(|name| agent.contains(name));
    match (first(&browsers), first(&systems)) {
        (Some(browser), Some(system)) => {
            let browser = if browser == "Edg" { "Edge" } else { browser };
            format!("{browser} · {system}")
        }
        _ if agent.is_empty() => "—".to_owned(),
        _ => agent.to_owned(),
    }
}

/// `GET /account`.
pub(super) async fn page(
    State(state): State<AppState>,
    logged_in: LoggedIn,
    language: Language,
    uri: Uri,
) -> Result<Response, PageError> {
    let frame = Frame::of(&logged_in, language, Section::Account, &uri);
    show(&state, logged_in.0, language, frame)
        .await
        .map_err(|error| error.speaking(language))
}

async fn show(
    state: &AppState,
    person: Person,
    language: Language,
    frame: Frame,
) -> Result<Response, PageError> {
    let codes_left = match person.user.second_factor {
        None => None,
        Some(_) => {
            let left = state.store.recovery_codes(person.name.clone());
            Some(left.await.map_err(Problem::from)?)
        }
    };
    let sessions = session::list(state, &person.name).await?;
    let sessions = sessions.into_iter();
    let page = AccountPage {
        frame,
        labels: AccountWords::of(language),
        has_password: !person.user.password_hash.is_empty(),
        grants: grant_views(&person.user.grants, AdminWords::of(language)),
        codes_left,
        sessions: sessions
            .map(|session| SessionView::of(session, &person.session))
            .collect(),
        service: state.config.oidc.as_ref().map(|oidc| oidc.button.clone()),
        chosen: language.code().to_owned(),
        name: person.name,
        full_name: person.user.full_name,
    };
    draw(StatusCode::OK, &page)
}

/// The language form.
#[derive(Deserialize)]
pub(super) struct Choice {
    language: String,
}

/// `POST /account/language`: for this browser, and for every login from now on.
pub(super) async fn choose_language(
    State(state): State<AppState>,
    LoggedIn(person): LoggedIn,
    language: Language,
    Form(choice): Form<Choice>,
) -> Result<Response, PageError> {
    let chosen = async {
        let Some(cookie) = language::cookie_of(&choice.language) else {
            return Err(PageError::from(super::malformed("`language` is zh or en")));
        };
        let wanted = UserChange::Language(choice.language);
        let now_ms = state.clock.now_ms();
        let changed = state
            .store
            .change_user(person.name, wanted, person.by, now_ms);
        changed
            .await
            .map_err(Problem::from)?
            .map_err(refused_change)?;
        let cookie = HeaderValue::from_static(cookie);
        Ok(([(SET_COOKIE, cookie)], Redirect::to("/account")).into_response())
    };
    chosen.await.map_err(|error| error.speaking(language))
}

/// Which session ends; all others without an id.
#[derive(Deserialize)]
pub(super) struct Ended {
    #[serde(default)]
    id: String,
}

/// `POST /account/sessions/end`.
pub(super) async fn end_sessions(
    State(state): State<AppState>,
    LoggedIn(person): LoggedIn,
    language: Language,
    headers: HeaderMap,
    Form(ended): Form<Ended>,
) -> Result<Response, PageError> {
    let id = Some(ended.id).filter(|id| !id.is_empty());
    session::end_others(&state, &headers, &person, id)
        .await
        .map_err(|problem| PageError::new(problem, language))?;
    Ok(Redirect::to("/account").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::firefox(
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Firefox · Linux"
    )]
    #[case::edge(
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
        "Edge · Windows"
    )]
    #[case::curl("curl/8.5", "curl/8.5")]
    #[case::nothing("", "—")]
    fn a_device_is_told_by_browser_and_system(#[case] agent: &str, #[case] expected: &str) {
        assert_eq!(device_name(agent), expected);
    }
}

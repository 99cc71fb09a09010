//! One terminal: everything that is known of it, and what can be done with it.

use askama::Template;
use axum::extract::{Path, State as App};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::tz::TimeZone;

use super::view::{Fact, Scene, kind};
use super::{FleetWords, one, place_of};
use crate::access::Permission;
use crate::alert::words::local;
use crate::app::AppState;
use crate::fleet::{Reason, State};
use crate::ingest::incident::Kind;
use crate::office::error::{PageError, draw};
use crate::office::frame::{Frame, Section};
use crate::office::incident_words::incident_words;
use crate::office::language::Language;
use crate::office::session::LoggedIn;
use crate::problem::Problem;
use crate::store::TerminalState;
use crate::store::fleet::{FleetTerminal, PastState};

/// States and self-tests that a page shows.
const SHOWN: u32 = 50;

#[derive(Debug, Template)]
#[template(path = "fleet_terminal.html")]
struct TerminalPage {
    frame: Frame,
    words: &'static FleetWords,
    id: String,
    title: String,
    state: &'static str,
    kind: &'static str,
    reasons: Vec<&'static str>,
    facts: Vec<Fact>,
    incidents: Vec<IncidentView>,
    tests: Vec<(String, u32)>,
    history: Vec<PastView>,
    in_use: bool,
    may_enrol: bool,
    may_clear: bool,
    rotating: bool,
}

#[derive(Debug)]
struct IncidentView {
    id: String,
    text: String,
}

#[derive(Debug)]
struct PastView {
    since: String,
    state: &'static str,
    kind: &'static str,
    reasons: Vec<&'static str>,
}

/// `GET /office/fleet/{terminal}`.
// needs: SeeFleet at the terminal's window
pub(super) async fn page(
    App(state): App<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let load = async {
        let terminal = one(&state, &user.0.access, Permission::SeeFleet, &id).await?;
        let known = terminal.watched.terminal;
        let past = state.store.past_states(known, SHOWN).await?;
        let tests = state.store.past_tests(known, SHOWN).await?;
        Ok::<_, Problem>((terminal, past, tests))
    };
    let (terminal, past, tests) = load
        .await
        .map_err(|problem| PageError::from(problem).speaking(language))?;
    let scene = Scene {
        language,
        now_ms: state.clock.now_ms(),
    };
    let words = FleetWords::of(language);
    let shown = terminal.shown(scene.now_ms);
    let zone = TimeZone::get(&terminal.watched.time_zone).unwrap_or(TimeZone::UTC);
    let allowed = |permission| user.0.access.allows(permission, &place_of(&terminal));
    let page = TerminalPage {
        frame: Frame::of(&user, language, Section::Fleet, &uri),
        words,
        title: title(&terminal),
        state: words.state(shown.state),
        kind: kind(shown.state),
        reasons: shown.reasons.iter().map(|r| words.reason(*r)).collect(),
        facts: scene.facts(&terminal),
        incidents: incidents(&terminal, language),
        tests: tests
            .into_iter()
            .map(|(day, levels)| (day_text(day), levels))
            .collect(),
        history: past
            .iter()
            .map(|past| past_view(past, words, &zone))
            .collect(),
        in_use: terminal.state == TerminalState::Active,
        may_enrol: allowed(Permission::EnrolTerminals),
        may_clear: allowed(Permission::ClearIncidents),
        rotating: terminal.rotate_wanted,
        id,
    };
    draw(StatusCode::OK, &page)
}

fn title(terminal: &FleetTerminal) -> String {
    format!("{} · {}", terminal.window_number, terminal.hall_name)
}

fn incidents(terminal: &FleetTerminal, language: Language) -> Vec<IncidentView> {
    let view = |(id, kind): &(String, String)| IncidentView {
        id: id.clone(),
        text: Kind::named(kind).map_or_else(
            || kind.clone(),
            |kind| incident_words(kind, language).to_owned(),
        ),
    };
    terminal.incidents.iter().map(view).collect()
}

fn past_view(past: &PastState, words: &FleetWords, zone: &TimeZone) -> PastView {
    let state = State::named(&past.state).unwrap_or(State::Retired);
    PastView {
        since: local(past.since_ms, zone),
        state: words.state(state),
        kind: kind(state),
        reasons: past
            .reasons
            .split(' ')
            .filter_map(Reason::named)
            .map(|reason| words.reason(reason))
            .collect(),
    }
}

/// `20261122` as `2026-11-22`.
fn day_text(day: u32) -> String {
    format!("{}-{:02}-{:02}", day / 10_000, day / 100 % 100, day % 100)
}

/// `POST /office/fleet/{terminal}/rotate`.
// needs: EnrolTerminals at the terminal's window
pub(super) async fn rotate(
    App(state): App<AppState>,
    user: LoggedIn,
    language: Language,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let act = async {
        let terminal = one(&state, &user.0.access, Permission::EnrolTerminals, &id).await?;
        let known = terminal.watched.terminal;
        state.store.want_rotation(known).await?;
        tracing::info!(terminal = %known, by = user.0.name, "a new key is wanted");
        Ok(back_to(&id))
    };
    act.await
        .map_err(|problem: Problem| PageError::from(problem).speaking(language))
}

#[derive(Debug, Template)]
#[template(path = "fleet_revoke.html")]
struct RevokePage {
    frame: Frame,
    words: &'static FleetWords,
    id: String,
    title: String,
}

/// `GET /office/fleet/{terminal}/revoke`: asks again.
// needs: EnrolTerminals at the terminal's window
pub(super) async fn confirm(
    App(state): App<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let terminal = one(&state, &user.0.access, Permission::EnrolTerminals, &id)
        .await
        .map_err(|problem| PageError::from(problem).speaking(language))?;
    let page = RevokePage {
        frame: Frame::of(&user, language, Section::Fleet, &uri),
        words: FleetWords::of(language),
        title: title(&terminal),
        id,
    };
    draw(StatusCode::OK, &page)
}

/// `POST /office/fleet/{terminal}/revoke`.
// needs: EnrolTerminals at the terminal's window
pub(super) async fn revoke(
    App(state): App<AppState>,
    user: LoggedIn,
    language: Language,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let act = async {
        let terminal = one(&state, &user.0.access, Permission::EnrolTerminals, &id).await?;
        let known = terminal.watched.terminal;
        state.store.revoke(known).await?;
        tracing::warn!(terminal = %known, by = user.0.name, "the terminal's identity is taken back");
        Ok(back_to(&id))
    };
    act.await
        .map_err(|problem: Problem| PageError::from(problem).speaking(language))
}

/// `POST /office/fleet/{terminal}/incidents/{incident}/clear`.
// needs: ClearIncidents at the terminal's window
pub(super) async fn clear(
    App(state): App<AppState>,
    user: LoggedIn,
    language: Language,
    Path((id, incident)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let act = async {
        let terminal = one(&state, &user.0.access, Permission::ClearIncidents, &id).await?;
        // Only one of this terminal: the permission was asked for at its window. One that is not open may
        // have been cleared by somebody else a moment ago.
        if terminal.incidents.iter().any(|(open, _)| *open == incident) {
            let now_ms = state.clock.now_ms();
            let by = user.0.name.clone();
            drop(state.store.clear_incident(incident, by, now_ms).await?);
        }
        Ok(back_to(&id))
    };
    act.await
        .map_err(|problem: Problem| PageError::from(problem).speaking(language))
}

fn back_to(id: &str) -> Response {
    Redirect::to(&format!("/office/fleet/{id}")).into_response()
}

//! Alerts: what is open, who is on it, what was.

use askama::Template;
use axum::extract::{Path, Query, State as App};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::tz::TimeZone;

use super::{FleetQuery, FleetWords};
use crate::access::{Permission, Place};
use crate::alert::words::{Tongue, local};
use crate::app::AppState;
use crate::office::error::{PageError, draw};
use crate::office::frame::{Frame, Section};
use crate::office::incident_words::incident_words;
use crate::office::language::Language;
use crate::office::session::LoggedIn;
use crate::problem::Problem;
use crate::store::alerts::{StoredAlert, WhichAlerts};

/// Alerts that were closed since are shown, too.
const SHOWN_MS: i64 = 7 * 24 * 3_600_000;

#[derive(Debug, Template)]
#[template(path = "alerts.html")]
struct AlertsPage {
    frame: Frame,
    words: &'static FleetWords,
    open: Vec<AlertView>,
    over: Vec<AlertView>,
    may_act: bool,
}

#[derive(Debug)]
struct AlertView {
    id: String,
    hall: String,
    hall_name: String,
    number: String,
    terminal: String,
    name: &'static str,
    detail: String,
    advice: &'static str,
    opened: String,
    acknowledged: Option<String>,
    closed: Option<String>,
}

/// The language of messages for a language of pages.
pub(super) const fn tongue(language: Language) -> Tongue {
    match language {
        Language::Chinese => Tongue::Chinese,
        Language::English => Tongue::English,
    }
}

impl AlertView {
    fn of(alert: &StoredAlert, language: Language) -> Self {
        let zone = TimeZone::get(&alert.time_zone).unwrap_or(TimeZone::UTC);
        let tongue = tongue(language);
        let kind = alert.kind();
        let words = kind.words(tongue);
        let incident = crate::ingest::incident::Kind::named(&alert.detail);
        let detail = match incident.filter(|_| kind == crate::alert::Kind::Incident) {
            Some(incident) => incident_words(incident, language).to_owned(),
            None => kind.detail(&alert.detail, tongue, &zone),
        };
        Self {
            id: alert.id_text(),
            hall: alert.hall.to_string(),
            hall_name: alert.hall_name.clone(),
            number: alert.window_number.clone(),
            terminal: alert.alert.about.terminal.to_string(),
            name: words.name,
            detail,
            advice: words.advice,
            opened: local(alert.opened_ms, &zone),
            acknowledged: alert
                .acknowledged
                .as_ref()
                .map(|(at, by)| format!("{by} {}", local(*at, &zone))),
            closed: alert.closed_ms.map(|at| local(at, &zone)),
        }
    }
}

/// `GET /office/alerts`.
// needs: SeeFleet at the window of each alert
pub(super) async fn page(
    App(state): App<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
    Query(query): Query<FleetQuery>,
) -> Result<Response, PageError> {
    let access = &user.0.access;
    let load = async {
        access.require_somewhere(Permission::SeeFleet)?;
        let mut halls = state.store.halls().await?;
        halls.retain(|hall| access.halls(Permission::SeeFleet).contains(&hall.id));
        let hall = query.hall.as_deref().filter(|hall| !hall.is_empty());
        let hall = hall
            .map(|id| halls.iter().find(|hall| hall.id.as_str() == id))
            .map(|found| found.ok_or_else(Problem::not_found))
            .transpose()?;
        let which = WhichAlerts {
            hall: hall.map(|hall| hall.id.clone()),
            terminal: None,
            closed_since_ms: Some(state.clock.now_ms().saturating_sub(SHOWN_MS)),
        };
        let mut alerts = state.store.alerts(which).await?;
        alerts.retain(|alert| {
            let place = Place::Window(alert.hall.clone(), alert.window.clone());
            access.allows(Permission::SeeFleet, &place)
        });
        alerts.sort_by_key(|alert| (alert.kind(), std::cmp::Reverse(alert.opened_ms)));
        let chosen = hall.map(|hall| hall.id.to_string());
        Ok::<_, Problem>((halls, chosen, alerts))
    };
    let (halls, chosen, alerts) = load
        .await
        .map_err(|problem| PageError::from(problem).speaking(language))?;
    let views = |open: bool| {
        let of = alerts
            .iter()
            .filter(move |alert| alert.closed_ms.is_none() == open);
        of.map(|alert| AlertView::of(alert, language)).collect()
    };
    let page = AlertsPage {
        frame: Frame::of(&user, language, Section::Fleet, &uri).with_halls(
            &halls,
            chosen.as_deref(),
            true,
        ),
        words: FleetWords::of(language),
        open: views(true),
        over: views(false),
        may_act: access.somewhere(Permission::ClearIncidents),
    };
    draw(StatusCode::OK, &page)
}

/// `POST /office/alerts/{hall}/{alert}/acknowledge`.
// needs: ClearIncidents at the window of the alert
pub(super) async fn acknowledge(
    App(state): App<AppState>,
    user: LoggedIn,
    language: Language,
    Path((hall, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let act = async {
        let hall = hall.parse().map_err(|_| Problem::not_found())?;
        let access = &user.0.access;
        if !access.halls(Permission::ClearIncidents).contains(&hall) {
            access.require(Permission::ClearIncidents, &Place::Hall(hall))?;
            return Err(Problem::not_found());
        }
        let which = WhichAlerts {
            hall: Some(hall),
            ..WhichAlerts::default()
        };
        let alerts = state.store.alerts(which).await?;
        // One that is not open any more needs nobody.
        if let Some(alert) = alerts.into_iter().find(|alert| alert.id_text() == id) {
            let place = Place::Window(alert.hall.clone(), alert.window.clone());
            access.require(Permission::ClearIncidents, &place)?;
            let (by, now_ms) = (user.0.name.clone(), state.clock.now_ms());
            // Whoever was first is on it.
            state
                .store
                .acknowledge(alert.hall, alert.alert.id, by, now_ms)
                .await?;
        }
        Ok(Redirect::to("/office/alerts").into_response())
    };
    act.await
        .map_err(|problem: Problem| PageError::from(problem).speaking(language))
}

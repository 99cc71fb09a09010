//! `/public`: what was published, for everybody. No login, no cookie, no script.

mod words;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::error::PageError;
use super::frame::Frame;
use super::language::Language;
use super::tables::{TableView, pick};
use crate::api::cached;
use crate::app::AppState;
use crate::config::Config;
use crate::device::limit::{self, Rate};
use crate::problem::Problem;
use crate::publish::Content;
use crate::publish::open::{Open, open};
use crate::roots::proof::hex;
use crate::store::publications::Published;
use words::PublicWords;

/// Telephones of one mobile network share addresses: many at once, then two a second.
const RATE: Rate = Rate {
    burst: 60,
    period_ms: 500,
};

pub(super) fn router(config: &Config) -> Router<AppState> {
    let page = Router::new().route("/public", get(page));
    let limited = limit::by_address(page.into(), config, RATE, |problem| {
        PageError::from(problem).into_response()
    });
    limited.into()
}

/// Which publication.
#[derive(Debug, Clone, Default, Deserialize)]
struct Asked {
    hall: Option<String>,
    month: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "public.html")]
struct Page {
    frame: Frame,
    words: &'static PublicWords,
    /// Name, address, whether it is this one.
    places: Vec<(String, String, bool)>,
    months: Vec<(String, String, bool)>,
    shown: Option<Shown>,
}

#[derive(Debug)]
struct Shown {
    place: String,
    hall: String,
    month: String,
    version: u32,
    why: String,
    when: String,
    digest: String,
    tables: Vec<TableView>,
    /// Definitions that the publication was made by.
    definitions: Vec<(String, String)>,
    /// The halls whose roots can be fetched.
    roots: Vec<String>,
}

/// `GET /public`.
// needs: nothing, it is for everybody
async fn page(
    State(state): State<AppState>,
    headers: HeaderMap,
    uri: Uri,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    // Only the address decides: a page that is kept must not depend on a cookie.
    let language = Language::of(&HeaderMap::new(), &uri);
    let drawn = async {
        let found = open(&state, asked.hall.as_deref(), asked.month.as_deref()).await?;
        let halls = state.store.halls().await?;
        let halls = halls.iter().map(|hall| hall.id.to_string()).collect();
        let page = view(found, language, &uri, halls);
        page.render().map_err(|error| {
            tracing::error!(%error, "could not draw a page");
            Problem::internal()
        })
    };
    let html = drawn
        .await
        .map_err(|problem| PageError::from(problem).speaking(language))?;
    Ok(cached(
        &headers,
        "text/html; charset=utf-8",
        html.into_bytes(),
    ))
}

fn view(found: Open, language: Language, uri: &Uri, halls: Vec<String>) -> Page {
    let lang = match language {
        Language::Chinese => "",
        Language::English => "&lang=en",
    };
    let here = found
        .shown
        .as_ref()
        .map(|(published, content)| (published.hall.clone(), content.month.clone()));
    let (hall, month) = here.unwrap_or_default();
    let place = |place: &crate::publish::open::OpenPlace| {
        let href = format!("/public?hall={}{lang}", place.hall);
        (pick(&place.name, language), href, place.hall == hall)
    };
    let one_month = |one: &String| {
        let href = format!("/public?hall={hall}&month={one}{lang}");
        (one.clone(), href, *one == month)
    };
    Page {
        frame: Frame::bare(language, uri),
        words: PublicWords::of(language),
        places: found.places.iter().map(place).collect(),
        months: found.months.iter().map(one_month).collect(),
        shown: found.shown.map(|shown| Shown::of(shown, language, halls)),
    }
}

impl Shown {
    fn of(
        (published, content): (Published, Content),
        language: Language,
        halls: Vec<String>,
    ) -> Self {
        let zone = TimeZone::get(&content.time_zone).unwrap_or(TimeZone::UTC);
        let when = Timestamp::from_millisecond(published.published_ms).ok();
        let when = when.map(|at| at.to_zoned(zone));
        let notes = content.tables.iter().flat_map(|table| &table.notes);
        let definitions = notes.filter(|note| note.about == "definition");
        Self {
            place: pick(&content.place, language),
            hall: published.hall.clone(),
            month: content.month.clone(),
            version: published.version,
            why: published.why,
            when: when.map_or(String::new(), |at| {
                at.strftime("%Y-%m-%d %H:%M %Z").to_string()
            }),
            digest: hex(&published.digest),
            tables: content
                .public
                .iter()
                .map(|t| TableView::of(t, language))
                .collect(),
            definitions: definitions
                .map(|note| (note.name.clone(), pick(&note.text, language)))
                .collect(),
            roots: halls
                .into_iter()
                .filter(|hall| published.hall.is_empty() || *hall == published.hall)
                .collect(),
        }
    }
}

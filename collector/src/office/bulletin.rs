//! `/office/bulletin`: the monthly bulletin, as it stands or as it was published, and the act of
//! publishing it.

mod act;
mod files;
mod words;

#[cfg(test)]
mod tests;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::error::{PageError, draw};
use super::frame::{Frame, Section};
use super::language::Language;
use super::session::LoggedIn;
use super::tables::TableView;
use crate::access::{Access, Permission, Place};
use crate::api::visible_halls;
use crate::app::AppState;
use crate::problem::{Problem, ProblemType};
use crate::publish::bulletin::month_before;
use crate::publish::{Bulletin, Content};
use crate::roots::proof::hex;
use crate::store::HallSummary;
use crate::store::publications::Published;
use words::BulletinWords;

/// Months that the page offers.
const MONTHS: usize = 13;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/office/bulletin", get(page))
        .route("/office/bulletin.csv", get(files::csv))
        .route("/office/bulletin.xlsx", get(files::xlsx))
        .route("/office/bulletin/publish", post(act::publish))
}

/// Which bulletin.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    /// The month, `2026-10`; without it the one before this.
    month: Option<String>,
    /// The hall; empty: all halls.
    hall: Option<String>,
    /// A published version; without it the newest, and before there is one the draft.
    version: Option<String>,
}

/// A bulletin and where it comes from.
struct Shown {
    content: Content,
    /// What was published; none for a draft.
    published: Option<Published>,
    /// Whether the month is over.
    complete: bool,
}

/// What was asked for, checked.
struct Chosen<'h> {
    month: String,
    hall: Option<&'h HallSummary>,
    draft: bool,
    version: Option<u32>,
}

impl Chosen<'_> {
    /// The place's key in the database.
    fn key(&self) -> String {
        self.hall.map_or(String::new(), |hall| hall.id.to_string())
    }

    /// The place of the access.
    fn place(&self) -> Place {
        self.hall
            .map_or(Place::Everywhere, |hall| Place::Hall(hall.id.clone()))
    }

    /// The month as the database keeps it.
    fn month_number(&self) -> u32 {
        self.month.replace('-', "").parse().unwrap_or(0)
    }
}

/// The one hall, when there is just one, is what nobody has to choose.
fn chosen<'h>(
    asked: &Asked,
    halls: &'h [HallSummary],
    access: &Access,
    now: Timestamp,
) -> Result<Chosen<'h>, Problem> {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let hall = match (filled(&asked.hall), halls) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(id), _) => {
            let found = halls.iter().find(|hall| hall.id.as_str() == id);
            Some(found.ok_or_else(Problem::not_found)?)
        }
    };
    let zone = hall
        .or_else(|| halls.first())
        .map_or("UTC", |hall| hall.time_zone.as_str());
    let month = filled(&asked.month).or_else(|| month_before(now, zone));
    let month = month.ok_or_else(Problem::internal)?;
    if crate::publish::month_of(&month).is_none() {
        let detail = "`month` must be a month such as 2026-10";
        return Err(Problem::new(ProblemType::Malformed, detail));
    }
    let draft = asked.version.as_deref() == Some("draft");
    let version = filled(&asked.version).filter(|_| !draft);
    let version = version.map(|text| text.parse()).transpose();
    let version = version.map_err(|_| {
        Problem::new(
            ProblemType::Malformed,
            "`version` must be a number or `draft`",
        )
    })?;
    let chosen = Chosen {
        month,
        hall,
        draft,
        version,
    };
    access.require(Permission::SeeScores, &chosen.place())?;
    Ok(chosen)
}

async fn shown(
    state: &AppState,
    chosen: &Chosen<'_>,
    halls: &[HallSummary],
) -> Result<Shown, Problem> {
    if !chosen.draft {
        let month = chosen.month_number();
        let found = state.store.publication(chosen.key(), month, chosen.version);
        if let Some((published, content)) = found.await? {
            return Ok(Shown {
                content: read(&content)?,
                published: Some(published),
                complete: true,
            });
        }
        if chosen.version.is_some() {
            return Err(Problem::not_found());
        }
    }
    let bulletin = Bulletin::count(state, chosen.hall, halls, &chosen.month).await?;
    Ok(Shown {
        content: bulletin.content,
        published: None,
        complete: bulletin.complete,
    })
}

/// What was frozen, read again.
pub(super) fn read(content: &str) -> Result<Content, Problem> {
    serde_json::from_str(content).map_err(|error| {
        tracing::error!(%error, "a publication cannot be read");
        Problem::internal()
    })
}

fn now(state: &AppState) -> Result<Timestamp, Problem> {
    Timestamp::from_millisecond(state.clock.now_ms()).map_err(|_| Problem::internal())
}

#[derive(Debug, Template)]
#[template(path = "bulletin.html")]
struct Page {
    frame: Frame,
    words: &'static BulletinWords,
    place: String,
    hall: String,
    month: String,
    months: Vec<String>,
    /// `v2`, or nothing for a draft.
    version: Option<u32>,
    /// The name in the file's address: `draft`, or the version's number.
    version_name: String,
    stamp: Option<Stamp>,
    history: Vec<Stamp>,
    complete: bool,
    may_publish: bool,
    may_export: bool,
    range: String,
    tables: Vec<TableView>,
}

/// A publication in words.
#[derive(Debug)]
struct Stamp {
    version: u32,
    when: String,
    by: String,
    why: String,
    digest: String,
    current: bool,
}

impl Stamp {
    fn of(published: &Published, zone: &TimeZone, current: Option<u32>) -> Self {
        let when = Timestamp::from_millisecond(published.published_ms).ok();
        let when = when.map(|at| at.to_zoned(zone.clone()));
        Self {
            version: published.version,
            when: when.map_or(String::new(), |at| {
                at.strftime("%Y-%m-%d %H:%M").to_string()
            }),
            by: published.by.clone(),
            why: published.why.clone(),
            digest: hex(&published.digest),
            current: current == Some(published.version),
        }
    }
}

/// `GET /office/bulletin`.
// needs: SeeScores at the hall, or everywhere for all halls
async fn page(
    State(state): State<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let drawn = async {
        let access = user.0.access.clone();
        let halls = visible_halls(&state, &access, Permission::SeeScores).await?;
        let chosen = chosen(&asked, &halls, &access, now(&state)?)?;
        let shown = shown(&state, &chosen, &halls).await?;
        let frame = Frame::of(&user, language, Section::Bulletin, &uri);
        let current = chosen.hall.map(|hall| hall.id.as_str());
        let frame = frame.with_halls(&halls, current, true);
        draw(
            StatusCode::OK,
            &view(&state, &chosen, shown, &access, frame).await?,
        )
    };
    drawn
        .await
        .map_err(|error: PageError| error.speaking(language))
}

async fn view(
    state: &AppState,
    chosen: &Chosen<'_>,
    shown: Shown,
    access: &Access,
    frame: Frame,
) -> Result<Page, Problem> {
    let zone = TimeZone::get(&shown.content.time_zone).unwrap_or(TimeZone::UTC);
    let version = shown.published.as_ref().map(|published| published.version);
    let all = state.store.publications(chosen.key()).await?;
    let history = all.iter().filter(|p| p.month == chosen.month_number());
    let language = frame.language;
    let place = &shown.content.place;
    Ok(Page {
        words: BulletinWords::of(language),
        place: match language {
            Language::Chinese => place.zh.clone(),
            Language::English => place.en.clone(),
        },
        hall: chosen.key(),
        months: months(now(state)?, &shown.content.time_zone, &chosen.month),
        month: chosen.month.clone(),
        version,
        version_name: version.map_or_else(|| "draft".to_owned(), |v| v.to_string()),
        stamp: shown
            .published
            .as_ref()
            .map(|p| Stamp::of(p, &zone, version)),
        history: history.map(|p| Stamp::of(p, &zone, version)).collect(),
        complete: shown.complete,
        may_publish: access.allows(Permission::Publish, &chosen.place()),
        may_export: access.allows(Permission::Export, &chosen.place()),
        range: format!("{} – {}", shown.content.from, shown.content.to),
        tables: shown
            .content
            .tables
            .iter()
            .map(|table| TableView::of(table, language))
            .collect(),
        frame,
    })
}

/// This month and those before it, the newest first; the chosen one is among them.
fn months(now: Timestamp, zone: &str, chosen: &str) -> Vec<String> {
    let mut months = Vec::new();
    let mut day = now
        .in_tz(zone)
        .map_or(jiff::civil::date(1970, 1, 1), |at| at.date());
    for _ in 0..MONTHS {
        months.push(day.strftime("%Y-%m").to_string());
        let before = day.first_of_month().yesterday();
        day = before.unwrap_or(day);
    }
    if !months.iter().any(|month| month == chosen) {
        months.push(chosen.to_owned());
    }
    months
}

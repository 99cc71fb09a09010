//! The audit log: the page, and the same as a file.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::Tabs;
use super::words::AdminWords;
use crate::access::{Access, Permission, Place};
use crate::app::AppState;
use crate::audit::{Action, Entry, Note};
use crate::office::error::{PageError, draw};
use crate::office::format::moment;
use crate::office::frame::{Frame, Section};
use crate::office::language::Language;
use crate::office::malformed;
use crate::office::session::{LoggedIn, Person};
use crate::problem::Problem;
use crate::roots::proof::hex;
use crate::store::audit::AuditFilter;

/// Entries on a page.
const PAGE: usize = 100;

/// Entries in a file: a year of a busy office. A file that would have more is refused, not cut.
const FILE: usize = 200_000;

/// Entries that are looked at in one query of the database.
const BATCH: u32 = 1000;

/// The filter as written.
#[derive(Debug, Clone, Default, Deserialize)]
pub(in crate::office) struct AuditQuery {
    #[serde(default)]
    who: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    object: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    before: Option<u64>,
}

#[derive(Debug, Template)]
#[template(path = "admin_audit.html")]
struct AuditPage {
    frame: Frame,
    tabs: Tabs,
    query: AuditQuery,
    /// Actions to choose from: name, words.
    actions: Vec<(&'static str, String)>,
    entries: Vec<EntryView>,
    /// The query of the next page.
    older: Option<u64>,
}

#[derive(Debug)]
struct EntryView {
    seq: u64,
    at: String,
    who: String,
    network: String,
    action: String,
    object: String,
    detail: String,
}

impl EntryView {
    fn of(entry: Entry, labels: &AdminWords) -> Self {
        Self {
            seq: entry.seq,
            at: moment(entry.at_ms),
            who: entry.who,
            network: entry.network,
            action: labels.action_name(&entry.action),
            object: entry.object,
            detail: entry.detail,
        }
    }
}

impl AuditQuery {
    fn filter(&self) -> Result<AuditFilter, Problem> {
        let some = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(AuditFilter {
            who: some(&self.who),
            action: some(&self.action),
            object: some(&self.object),
            from_ms: day(&self.from, "from", false)?,
            until_ms: day(&self.to, "to", true)?,
            before_seq: self.before,
        })
    }
}

/// The first moment of a day, or of the day after.
fn day(text: &str, name: &str, after: bool) -> Result<Option<i64>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || malformed(&format!("`{name}` must be a date such as 2026-01-31"));
    let mut day: Date = text.parse().map_err(|_| wrong())?;
    if after {
        day = day.tomorrow().map_err(|_| wrong())?;
    }
    let start = day.to_zoned(TimeZone::system()).map_err(|_| wrong())?;
    Ok(Some(start.timestamp().as_millisecond()))
}

/// Whether an entry is the caller's to see. One of a place that cannot be read is the whole log's.
fn sees(access: &Access, entry: &Entry) -> bool {
    let place: Place = entry.place.parse().unwrap_or(Place::Everywhere);
    access.allows(Permission::SeeAudit, &place)
}

/// The newest entries that the filter lets through and the caller may see, `most` of them.
async fn visible(
    state: &AppState,
    access: &Access,
    mut filter: AuditFilter,
    most: usize,
) -> Result<Vec<Entry>, Problem> {
    let mut found = Vec::new();
    loop {
        let batch = state.store.audit_entries(filter.clone(), BATCH).await?;
        let whole = batch.len() == usize::try_from(BATCH).unwrap_or(usize::MAX);
        filter.before_seq = batch.last().map(|entry| entry.seq);
        found.extend(batch.into_iter().filter(|entry| sees(access, entry)));
        if !whole || found.len() >= most {
            found.truncate(most);
            return Ok(found);
        }
    }
}

async fn looked(state: &AppState, person: &Person, action: Action) -> Result<(), Problem> {
    let note = Note::new(person.by.clone(), action, Place::Everywhere, "audit");
    Ok(state.store.note(note, state.clock.now_ms()).await?)
}

// needs: SeeAudit somewhere; entries of other places are left out
/// `GET /office/admin/audit`.
pub(in crate::office) async fn page(
    State(state): State<AppState>,
    logged_in: LoggedIn,
    language: Language,
    uri: Uri,
    Query(query): Query<AuditQuery>,
) -> Result<Response, PageError> {
    let shown = async {
        let access = &logged_in.0.access;
        access.require_somewhere(Permission::SeeAudit)?;
        looked(&state, &logged_in.0, Action::SeeAudit).await?;
        let mut entries = visible(&state, access, query.filter()?, PAGE + 1).await?;
        let more = entries.len() > PAGE;
        entries.truncate(PAGE);
        let labels = AdminWords::of(language);
        let page = AuditPage {
            frame: Frame::of(&logged_in, language, Section::Administration, &uri),
            tabs: Tabs::of(access, labels, "audit"),
            actions: Action::ALL
                .map(|action| (action.name(), labels.action_name(action.name())))
                .into(),
            older: entries.last().filter(|_| more).map(|entry| entry.seq),
            entries: entries
                .into_iter()
                .map(|entry| EntryView::of(entry, labels))
                .collect(),
            query,
        };
        draw(StatusCode::OK, &page)
    };
    shown
        .await
        .map_err(|error: PageError| error.speaking(language))
}

// needs: SeeAudit somewhere; entries of other places are left out
/// `GET /office/admin/audit.csv`.
pub(in crate::office) async fn csv(
    State(state): State<AppState>,
    LoggedIn(person): LoggedIn,
    language: Language,
    Query(query): Query<AuditQuery>,
) -> Result<Response, PageError> {
    let written = async {
        person.access.require_somewhere(Permission::SeeAudit)?;
        looked(&state, &person, Action::ExportAudit).await?;
        let entries = visible(&state, &person.access, query.filter()?, FILE + 1).await?;
        if entries.len() > FILE {
            return Err(malformed("more than 200000 entries; choose a shorter time").into());
        }
        let text = table(&entries).map_err(|error| {
            tracing::error!(%error, "could not write the audit log as CSV");
            Problem::internal()
        })?;
        let headers = [
            (
                CONTENT_TYPE,
                HeaderValue::from_static("text/csv; charset=utf-8"),
            ),
            (
                CONTENT_DISPOSITION,
                HeaderValue::from_static("attachment; filename=\"audit.csv\""),
            ),
        ];
        Ok((headers, text).into_response())
    };
    written
        .await
        .map_err(|error: PageError| error.speaking(language))
}

fn table(entries: &[Entry]) -> Result<Vec<u8>, csv::Error> {
    // The mark tells spreadsheets that it is UTF-8.
    let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    writer.write_record([
        "seq", "at", "who", "network", "action", "place", "object", "before", "after", "detail",
    ])?;
    for entry in entries {
        let at = Timestamp::from_millisecond(entry.at_ms).map(|at| at.to_string());
        let digest = |digest: Option<[u8; 32]>| digest.map(|d| hex(&d)).unwrap_or_default();
        writer.write_record([
            entry.seq.to_string(),
            at.unwrap_or_default(),
            entry.who.clone(),
            entry.network.clone(),
            entry.action.clone(),
            entry.place.clone(),
            plain(&entry.object),
            digest(entry.before),
            digest(entry.after),
            plain(&entry.detail),
        ])?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

/// A text that a spreadsheet would take for a formula gets a quote in front.
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

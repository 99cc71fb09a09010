//! The bulletin as CSV and XLSX: the same tables as on the page.

use axum::extract::{Query, State};
use axum::response::Response;

use super::{Asked, Chosen, Shown, chosen, now, shown};
use crate::access::Permission;
use crate::api::auth::Caller;
use crate::api::visible_halls;
use crate::api::{CSV, attachment, workbook};
use crate::app::AppState;
use crate::export::{Made, Note, Table, csv as csv_file};
use crate::problem::Problem;
use crate::roots::proof::hex;

/// `GET /office/bulletin.csv`.
// needs: SeeScores and Export at the hall, or everywhere for all halls
pub(super) async fn csv(
    State(state): State<AppState>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let (tables, name, _) = tables(&state, &caller, &asked).await?;
    let tables: Vec<&Table> = tables.iter().collect();
    Ok(attachment(
        CSV,
        &format!("{name}.csv"),
        csv_file::file(&tables),
    ))
}

/// `GET /office/bulletin.xlsx`.
// needs: SeeScores and Export at the hall, or everywhere for all halls
pub(super) async fn xlsx(
    State(state): State<AppState>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let (tables, name, made) = tables(&state, &caller, &asked).await?;
    let tables: Vec<&Table> = tables.iter().collect();
    workbook(&tables, &made, &format!("{name}.xlsx"))
}

async fn tables(
    state: &AppState,
    caller: &Caller,
    asked: &Asked,
) -> Result<(Vec<Table>, String, Made), Problem> {
    let halls = visible_halls(state, &caller.access, Permission::SeeScores).await?;
    let chosen = chosen(asked, &halls, &caller.access, now(state)?)?;
    caller.access.require(Permission::Export, &chosen.place())?;
    let mut shown = shown(state, &chosen, &halls).await?;
    let made = Made::now(state, caller.name())?;
    let notes = notes(&shown, &chosen, &made);
    if let Some(first) = shown.content.tables.first_mut() {
        first.notes.splice(0..0, notes);
    }
    let version = shown.published.map_or_else(
        || "draft".to_owned(),
        |published| format!("v{}", published.version),
    );
    let place = chosen.hall.map_or("all", |hall| hall.id.as_str());
    let name = format!("bulletin_{place}_{}_{version}", chosen.month);
    Ok((shown.content.tables, name, made))
}

/// What must be known to read the tables.
fn notes(shown: &Shown, chosen: &Chosen<'_>, made: &Made) -> Vec<Note> {
    let content = &shown.content;
    let mut notes = vec![
        Note::value("scope", "month", content.month.clone()),
        Note::new("scope", "place", content.place.clone()),
        Note::value(
            "scope",
            "hall",
            chosen.hall.map_or("*", |hall| hall.id.as_str()),
        ),
        Note::value("range", "from", content.from.clone()),
        Note::value("range", "to", content.to.clone()),
        Note::value("time_zone", "", content.time_zone.clone()),
    ];
    match &shown.published {
        Some(published) => notes.extend([
            Note::value("published", "version", published.version.to_string()),
            Note::value("published", "by", published.by.clone()),
            Note::value("published", "sha256", hex(&published.digest)),
            Note::value("published", "why", published.why.clone()),
        ]),
        None => notes.push(Note::value("published", "version", "draft")),
    }
    notes.extend(made.notes());
    notes
}

//! `GET /api/v1/scores.csv` and `/api/v1/scores.xlsx`.

use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::table::table;
use super::{ScoreParams, answer};
use crate::access::Permission;
use crate::api::auth::Caller;
use crate::app::AppState;
use crate::export::{Made, csv, xlsx};
use crate::problem::{Problem, ProblemBody};

/// The media type of CSV files here.
pub(crate) const CSV: &str = "text/csv; charset=utf-8; header=present";
/// The media type of workbooks.
pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Scores as a CSV file
///
/// The answer of `/api/v1/scores` to the same query, row for row and digit for digit. UTF-8 with a
/// byte order mark; the first column is `group`, `total` or `note`, and the notes say scope, range,
/// time zone, rounding and every definition. A value that is not there is an empty field, and the
/// column `remarks` says why.
#[utoipa::path(
    get,
    path = "/api/v1/scores.csv",
    tag = "scores",
    params(ScoreParams),
    responses(
        (status = 200, description = "The table", content_type = "text/csv"),
        (status = 400, description = "A parameter is wrong; `detail` names it and what is allowed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "Neither session nor valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
// needs: SeeScores and Export at the halls that are asked for
pub(crate) async fn csv(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    caller.access.require_somewhere(Permission::Export)?;
    let body = answer(&state, &caller, query.as_deref()).await?;
    let made = Made::now(&state, caller.name())?;
    let name = body.file_name("csv");
    let bytes = csv::file(&[&table(body, &made)]);
    Ok(attachment(CSV, &name, bytes))
}

/// Scores as a workbook
///
/// The same table as `/api/v1/scores.csv`; numbers are numbers, percentages show the printed
/// digits, and the sheet 说明 has scope and definitions.
#[utoipa::path(
    get,
    path = "/api/v1/scores.xlsx",
    tag = "scores",
    params(ScoreParams),
    responses(
        (status = 200, description = "The workbook", content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (status = 400, description = "A parameter is wrong; `detail` names it and what is allowed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "Neither session nor valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
// needs: SeeScores and Export at the halls that are asked for
pub(crate) async fn xlsx(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    caller.access.require_somewhere(Permission::Export)?;
    let body = answer(&state, &caller, query.as_deref()).await?;
    let made = Made::now(&state, caller.name())?;
    let name = body.file_name("xlsx");
    let table = table(body, &made);
    workbook(&[&table], &made, &name)
}

/// Tables as a workbook to be saved.
pub(crate) fn workbook(
    tables: &[&crate::export::Table],
    made: &Made,
    name: &str,
) -> Result<Response, Problem> {
    let bytes = xlsx::file(tables, made.at.as_second()).map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not make a workbook"
        );
        Problem::internal()
    })?;
    Ok(attachment(XLSX, name, bytes))
}

/// A file to be saved under this name, which is plain ASCII.
pub(crate) fn attachment(kind: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    (
        [
            (CONTENT_TYPE, kind.to_owned()),
            (CONTENT_DISPOSITION, disposition),
        ],
        bytes,
    )
        .into_response()
}

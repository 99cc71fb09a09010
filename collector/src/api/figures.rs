//! `GET /public/v1/figures.json` and `figures.csv`: what was published, for everybody.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::scores::files::CSV;
use crate::app::AppState;
use crate::export::{Table, csv as csv_file};
use crate::problem::{Problem, ProblemBody, ProblemType};
use crate::publish::open::{FiguresBody, open, with_notes};
use crate::roots::proof::hex;

/// How long a browser or a proxy may show an answer without asking again, in seconds.
const MAX_AGE: &str = "public, max-age=300";

/// Which figures.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FigureParams {
    /// The hall; empty: all halls together. Default: the first place that was published.
    #[param(example = "371581-01")]
    hall: Option<String>,
    /// The month. Default: the newest that was published.
    #[param(example = "2026-10")]
    month: Option<String>,
}

type Params = Result<Query<FigureParams>, QueryRejection>;

fn read(params: Params) -> Result<FigureParams, Problem> {
    let Query(params) = params.map_err(|e| Problem::new(ProblemType::Malformed, e.body_text()))?;
    Ok(params)
}

/// Published figures
///
/// The newest version of a month's publication: figures by hall and item. Groups that are too small
/// are withheld. No login, no cookie; the answer may be kept for five minutes and has an `ETag`.
#[utoipa::path(
    get,
    path = "/public/v1/figures.json",
    tag = "public",
    params(FigureParams),
    responses(
        (status = 200, body = FiguresBody),
        (status = 304, description = "As the ETag says"),
        (status = 400, description = "A parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "Nothing was published of that place or month", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, with Retry-After", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
// needs: nothing, it is for everybody
pub(super) async fn json(
    State(state): State<AppState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Problem> {
    let params = read(params)?;
    let found = open(&state, params.hall.as_deref(), params.month.as_deref()).await?;
    let body = serde_json::to_vec(&FiguresBody::of(&found)).map_err(|error| {
        tracing::error!(%error, "could not write JSON");
        Problem::internal()
    })?;
    Ok(cached(&headers, "application/json", body))
}

/// Published figures as a CSV file
///
/// The same tables as `/public/v1/figures.json`, with every definition.
#[utoipa::path(
    get,
    path = "/public/v1/figures.csv",
    tag = "public",
    params(FigureParams),
    responses(
        (status = 200, description = "The tables", content_type = "text/csv"),
        (status = 304, description = "As the ETag says"),
        (status = 400, description = "A parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "Nothing was published of that place or month", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, with Retry-After", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
// needs: nothing, it is for everybody
pub(super) async fn csv(
    State(state): State<AppState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Problem> {
    let params = read(params)?;
    let found = open(&state, params.hall.as_deref(), params.month.as_deref()).await?;
    let tables = with_notes(found.shown.ok_or_else(Problem::not_found)?);
    let tables: Vec<&Table> = tables.iter().collect();
    Ok(cached(&headers, CSV, csv_file::file(&tables)))
}

/// An answer that may be kept, or 304 when the asker has it.
pub(crate) fn cached(asked: &HeaderMap, kind: &'static str, body: Vec<u8>) -> Response {
    let digest = hex(&Sha256::digest(&body));
    let tag = format!("\"{}\"", digest.get(..32).unwrap_or(&digest));
    let known = asked.get_all(IF_NONE_MATCH).iter();
    let known = known.filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(',')).map(str::trim);
    let same = known.any(|one| one.strip_prefix("W/").unwrap_or(one) == tag);
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(MAX_AGE));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    response
}

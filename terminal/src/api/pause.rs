//! Pausing the window: nobody is asked while the clerk is away.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::{Problem, ProblemBody};
use super::{Api, intake, prompts};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read, set))
}

/// Whether the window pauses.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PauseBody {
    /// True while prompts are refused.
    paused: bool,
}

/// Whether the window pauses.
#[utoipa::path(
    get, path = "/v1/pause", tag = "pause",
    responses((status = 200, description = "Whether it does", body = PauseBody))
)]
async fn read(State(api): State<Api>) -> Json<PauseBody> {
    let paused = api.registry.health().paused;
    Json(PauseBody { paused })
}

/// Pauses the window or lets it go on.
///
/// A question that is on the screen stays until it ends; new prompts are refused with `paused`
/// until the window goes on. A restart of the terminal ends the pause.
#[utoipa::path(
    put, path = "/v1/pause", tag = "pause", request_body = PauseBody,
    responses(
        (status = 200, description = "It is so", body = PauseBody),
        (status = 400, description = "Malformed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Stopping", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn set(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<PauseBody>, Problem> {
    let wanted: PauseBody = prompts::json(&headers, body)?;
    intake::pause(&api, wanted.paused).await?;
    Ok(Json(wanted))
}

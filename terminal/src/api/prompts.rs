//! Asking for a prompt, looking at it, taking it back.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use manyi_shared::domain::PromptId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::intake::NewPrompt;
use super::problem::{Problem, ProblemBody, ProblemType};
use super::{Api, MAX_BODY_BYTES, guard, intake};
use crate::flow::Trigger;
use crate::registry::PromptState;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(read, withdraw))
}

/// Where a prompt stands. How it ended is never told.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PromptBody {
    /// The prompt's id.
    #[schema(example = "07070707070707070707070707070707-1")]
    id: String,
    /// Where it stands.
    state: StateName,
    /// Whether its outcome, whatever it was, is safely recorded.
    recorded: bool,
}

/// Where a prompt stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StateName {
    /// Taken, not asked yet.
    Waiting,
    /// On the screen.
    Asking,
    /// Over.
    Ended,
}

impl PromptBody {
    pub(super) fn new(id: PromptId, state: PromptState) -> Self {
        Self {
            id: id.to_string(),
            state: match state {
                PromptState::Waiting => StateName::Waiting,
                PromptState::Asking => StateName::Asking,
                PromptState::Ended => StateName::Ended,
            },
            recorded: state == PromptState::Ended,
        }
    }
}

/// Asks for a prompt.
///
/// The question appears at once and replaces the one before it, whose prompt ends. With an
/// `Idempotency-Key` a request may be repeated until it is answered: the same key asks once.
#[utoipa::path(
    post, path = "/v1/prompts", tag = "prompts", request_body = NewPrompt,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "1 to 64 visible ASCII characters, new for every prompt; the newest 1000 are remembered")),
    responses(
        (status = 200, description = "Taken before, by the same key; where it stands now", body = PromptBody,
         headers(("Location" = String, description = "The prompt"))),
        (status = 201, description = "Taken", body = PromptBody,
         headers(("Location" = String, description = "The prompt"))),
        (status = 400, description = "Malformed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "The key has brought another prompt", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Another window", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Out of service or paused", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn create(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let new: NewPrompt = json(&headers, body)?;
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = keys.next().map(|key| intake::checked_key(key.as_bytes()));
    if keys.next().is_some() {
        return Err(Problem::new(
            ProblemType::Malformed,
            "there is more than one Idempotency-Key",
        ));
    }
    let taken = intake::take(&api, new, key.transpose()?, trigger(&headers, api.via)).await?;
    let status = if taken.again {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let location = format!("/v1/prompts/{}", taken.id);
    let body = PromptBody::new(taken.id, taken.state);
    Ok((status, [(LOCATION, location)], Json(body)).into_response())
}

/// The header that makes repeating safe (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The daemon's header on prompts that it brings from the office; only this machine's programs are
/// believed.
const TRIGGER: &str = "manyi-trigger";

fn trigger(headers: &HeaderMap, via: Trigger) -> Trigger {
    let office = headers.get(TRIGGER).is_some_and(|value| value == "office");
    if office && via == Trigger::Api {
        Trigger::Office
    } else {
        via
    }
}

/// A body that is declared as JSON, fits and is what the endpoint takes.
pub(super) fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<T, Problem> {
    guard::json_only(headers)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let detail = format!("a body has at most {MAX_BODY_BYTES} bytes");
            Problem::new(ProblemType::TooLarge, detail)
        }
        _ => Problem::new(ProblemType::Malformed, "the body could not be read"),
    })?;
    serde_json::from_slice(&body)
        .map_err(|error| Problem::new(ProblemType::Malformed, error.to_string()))
}

/// Where a prompt stands.
///
/// The last 1000 prompts since the terminal's start are remembered.
#[utoipa::path(
    get, path = "/v1/prompts/{id}", tag = "prompts",
    params(("id" = String, Path, description = "The prompt's id")),
    responses(
        (status = 200, description = "Known", body = PromptBody),
        (status = 404, description = "Unknown or forgotten", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn read(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<PromptBody>, Problem> {
    let (id, state) = intake::known(&api, &id)?;
    Ok(Json(PromptBody::new(id, state)))
}

/// Takes a prompt back.
///
/// A prompt that is still asking ends; one that has ended stays as it is. Doing it again changes
/// nothing.
#[utoipa::path(
    delete, path = "/v1/prompts/{id}", tag = "prompts",
    params(("id" = String, Path, description = "The prompt's id")),
    responses(
        (status = 204, description = "It is over, or is about to be"),
        (status = 404, description = "Unknown or forgotten", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn withdraw(State(api): State<Api>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    intake::withdraw(&api, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

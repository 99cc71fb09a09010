//! Asking for a prompt, looking at it, taking it back.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use manyi_shared::domain::{CaseNumber, ItemCode, PromptId, ServiceEvent, StaffId, WindowId};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::{Problem, ProblemBody, ProblemType};
use super::{Api, guard};
use crate::conductor::Message;
use crate::flow::Names;
use crate::registry::PromptState;

/// An item's name fits on two lines of the ask page.
const MAX_ITEM_NAME: usize = 100;
/// A clerk's name, a foreign one included.
const MAX_STAFF_NAME: usize = 40;

/// The conductor answers in well under a millisecond; a second means that it hangs.
const ANSWER_TIME: Duration = Duration::from_secs(1);

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(read, withdraw))
}

/// What a prompt is about. Everything is optional.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPrompt {
    /// The clerk's staff number, up to 24 characters of `A-Z a-z 0-9 - _ . /`.
    #[schema(value_type = Option<String>, example = "LQ0101")]
    staff: Option<StaffId>,
    /// The service item's code 实施编码, up to 31 such characters.
    #[schema(value_type = Option<String>)]
    item: Option<ItemCode>,
    /// The case number 办件编号, up to 50 such characters.
    #[schema(value_type = Option<String>)]
    case_number: Option<CaseNumber>,
    /// The item's name for the screen, up to 100 characters, where the profile does not have it.
    item_name: Option<String>,
    /// The clerk's name for the screen, up to 40 characters, where the profile does not have it.
    staff_name: Option<String>,
    /// The window the prompt is for; the terminal refuses another than its own.
    #[schema(value_type = Option<String>, example = "A01")]
    window: Option<WindowId>,
}

/// Where a prompt stands. How it ended is never told.
#[derive(Debug, Serialize, ToSchema)]
struct PromptBody {
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
    fn new(id: PromptId, state: PromptState) -> Self {
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
/// The question appears at once and replaces the one before it, whose prompt ends.
#[utoipa::path(
    post, path = "/v1/prompts", tag = "prompts", request_body = NewPrompt,
    responses(
        (status = 201, description = "Taken", body = PromptBody,
         headers(("Location" = String, description = "The prompt"))),
        (status = 400, description = "Malformed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Another window", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Out of service", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
async fn create(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    guard::json_only(&headers)?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(ProblemType::TooLarge, "a prompt has at most 4096 bytes")
        }
        _ => Problem::new(ProblemType::Malformed, "the body could not be read"),
    })?;
    let new: NewPrompt = serde_json::from_slice(&body)
        .map_err(|error| Problem::new(ProblemType::Malformed, error.to_string()))?;
    let names = Names {
        item: shown("item_name", new.item_name, MAX_ITEM_NAME)?,
        staff: shown("staff_name", new.staff_name, MAX_STAFF_NAME)?,
    };
    if let (Some(asked), Some(own)) = (&new.window, api.registry.health().window)
        && *asked != own
    {
        let detail = format!("this terminal stands at window {own}, not at {asked}");
        return Err(Problem::new(ProblemType::UnknownWindow, detail));
    }
    let event = ServiceEvent {
        staff: new.staff,
        item: new.item,
        case_number: new.case_number,
    };
    let id = ask(&api, |reply| Message::Prompt {
        event,
        names,
        reply,
    })
    .await?
    .ok_or_else(|| {
        Problem::new(
            ProblemType::OutOfService,
            "no prompt is taken now; /v1/health says why",
        )
    })?;
    let state = api.registry.prompt(id).unwrap_or(PromptState::Waiting);
    let location = format!("/v1/prompts/{id}");
    Ok((
        StatusCode::CREATED,
        [(LOCATION, location)],
        Json(PromptBody::new(id, state)),
    )
        .into_response())
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
    let (id, state) = known(&api, &id)?;
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
    let (id, _) = known(&api, &id)?;
    ask(&api, |reply| Message::Cancel { id, reply }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn known(api: &Api, id: &str) -> Result<(PromptId, PromptState), Problem> {
    let id = id.parse::<PromptId>().ok();
    id.and_then(|id| api.registry.prompt(id).map(|state| (id, state)))
        .ok_or_else(|| {
            Problem::new(
                ProblemType::NotFound,
                "no prompt with this id is remembered",
            )
        })
}

/// Text for the screen: not empty, not longer than its place, and without control characters.
fn shown(field: &str, text: Option<String>, max: usize) -> Result<Option<String>, Problem> {
    let Some(text) = text else {
        return Ok(None);
    };
    if text.trim().is_empty() || text.chars().count() > max || text.chars().any(char::is_control) {
        let detail = format!("{field} must be 1 to {max} characters without control characters");
        return Err(Problem::new(ProblemType::Malformed, detail));
    }
    Ok(Some(text))
}

/// Sends a message to the conductor and waits for its answer.
async fn ask<T>(
    api: &Api,
    message: impl FnOnce(oneshot::Sender<T>) -> Message,
) -> Result<T, Problem> {
    let (reply, answer) = oneshot::channel();
    let unavailable = || Problem::new(ProblemType::OutOfService, "the terminal is stopping");
    api.conductor
        .send(message(reply))
        .map_err(|_| unavailable())?;
    match tokio::time::timeout(ANSWER_TIME, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(unavailable()),
        Err(_) => {
            tracing::error!("the conductor does not answer");
            Err(Problem::new(
                ProblemType::Internal,
                "the terminal does not answer",
            ))
        }
    }
}

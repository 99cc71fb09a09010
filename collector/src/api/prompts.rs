//! `POST /api/v1/prompts` and `GET /api/v1/prompts/{id}`: questions that the office wants asked.
//!
//! The terminal hears of one with its next exchange and says with the one after whether it took it;
//! what the citizen answers comes as a rating like any other.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use manyi_shared::domain::{CaseNumber, HallId, ItemCode, StaffId, WindowId};
use manyi_shared::wire::digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::Caller;
use crate::access::{Permission, Place, Who};
use crate::app::AppState;
use crate::problem::{Problem, ProblemBody, ProblemType};
use crate::store::prompts::{KeptPrompt, NewPrompt, PromptAbout, PromptAnswer, PromptRefused};

/// Seconds within which a question makes sense: the citizen still stands at the window.
const VALID: std::ops::RangeInclusive<u32> = 5..=600;
const USUALLY_VALID: u32 = 60;

/// The longest name a terminal shows, in characters.
const MAX_NAME: usize = 100;

/// The longest Idempotency-Key, in bytes.
const MAX_KEY: usize = 200;

/// The largest body, in bytes.
pub(super) const MAX_BODY: usize = 8192;

/// A question to be asked at a window.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PromptRequest {
    #[schema(example = "371581-01")]
    hall: String,
    #[schema(example = "A01")]
    window: String,
    /// The clerk's staff number.
    staff: Option<String>,
    /// The item's code.
    item: Option<String>,
    case_number: Option<String>,
    /// For an item that is not in the hall's table.
    item_name: Option<String>,
    /// For a clerk who is not in the hall's table.
    staff_name: Option<String>,
    /// For how long it makes sense to ask, 5 to 600 seconds; 60 when left out.
    valid_seconds: Option<u32>,
}

/// A question and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PromptBody {
    id: String,
    hall: String,
    window: String,
    /// `pending` until the window's terminal has said `taken` or `refused`, or until `expired`.
    #[schema(example = "pending")]
    state: &'static str,
    /// When it makes no sense any more.
    #[schema(example = "2026-03-24T01:01:00Z")]
    expires_at: String,
}

/// Ask for a question at a window
///
/// Needs `Authorization: Bearer` with an API token. With an `Idempotency-Key` (up to 200
/// characters) the same request may be sent again and stands for one question; the key is
/// remembered for a week. The terminal hears of it with its next exchange: as soon as it is
/// heard of, at the latest after the `heartbeat_seconds` of its profile.
#[utoipa::path(
    post,
    path = "/api/v1/prompts",
    tag = "prompts",
    params(("Idempotency-Key" = Option<String>, Header, description = "The caller's own key of the question")),
    request_body = PromptRequest,
    responses(
        (status = 202, description = "Kept; `Location` tells where to ask what became of it", body = PromptBody),
        (status = 400, description = "`detail` names the field and what is allowed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "No valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "A session, not a token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "not-found: no such hall or window", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "no-terminal: no terminal is enrolled at the window", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "other-request: the key was used for another question", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "As many as a terminal takes are waiting", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn ask(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Json<PromptRequest>, JsonRejection>,
) -> Result<Response, Problem> {
    let access = caller.access;
    let Who::Token(name) = access.who().clone() else {
        return Err(Problem::new(
            ProblemType::Forbidden,
            "questions are asked for with an API token, not with a login",
        ));
    };
    let Json(request) = body.map_err(|e| Problem::new(ProblemType::Malformed, e.body_text()))?;
    let now_ms = state.clock.now_ms();
    let mut prompt = request.check(now_ms)?;
    let window = Place::Window(prompt.hall.clone(), prompt.window.clone());
    access.require(Permission::AskCitizens, &window)?;
    prompt.caller = name;
    prompt.caller_key = caller_key(&headers)?;
    let window = prompt.window.clone();
    let kept = state.store.add_prompt(prompt).await?.map_err(refusal)?;
    let body = PromptBody::of(&kept, now_ms);
    tracing::info!(%window, id = body.id, "the office wants a question asked");
    let location = format!("/api/v1/prompts/{}", body.id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(body)).into_response())
}

/// What became of a question
#[utoipa::path(
    get,
    path = "/api/v1/prompts/{id}",
    tag = "prompts",
    params(("id" = String, Path, description = "As the answer to POST gave it")),
    responses(
        (status = 200, body = PromptBody),
        (status = 401, description = "Neither session nor valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "not-found: there is none, or it is older than a week", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn state(
    State(state): State<AppState>,
    caller: Caller,
    id: Result<Path<Uuid>, PathRejection>,
) -> Result<Json<PromptBody>, Problem> {
    let Ok(Path(id)) = id else {
        return Err(Problem::not_found());
    };
    let kept = state.store.prompt(id.into_bytes()).await?;
    let kept = kept.ok_or_else(Problem::not_found)?;
    let window = Place::Window(kept.hall.clone(), kept.window.clone());
    // Who asked may hear what became of it, and who looks after the terminal.
    let allowed = [Permission::AskCitizens, Permission::SeeFleet];
    if !allowed.iter().any(|p| caller.access.allows(*p, &window)) {
        return Err(Problem::not_found());
    }
    Ok(Json(PromptBody::of(&kept, state.clock.now_ms())))
}

fn refusal(refused: PromptRefused) -> Problem {
    let kind = match refused {
        PromptRefused::NoWindow => ProblemType::NotFound,
        PromptRefused::NoTerminal => ProblemType::NoTerminal,
        PromptRefused::OtherRequest => ProblemType::OtherRequest,
        PromptRefused::TooMany => {
            return Problem::new(ProblemType::TooManyRequests, refused.to_string()).retry_after(5);
        }
    };
    Problem::new(kind, refused.to_string())
}

/// What stands for the caller's own key.
fn caller_key(headers: &HeaderMap) -> Result<Option<[u8; 32]>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let bytes = value.as_bytes();
    if bytes.is_empty() || bytes.len() > MAX_KEY {
        let detail = format!("`Idempotency-Key` must have 1 to {MAX_KEY} characters");
        return Err(Problem::new(ProblemType::Malformed, detail));
    }
    Ok(Some(digest(bytes)))
}

impl PromptRequest {
    /// The prompt, when every field can be used.
    fn check(self, now_ms: i64) -> Result<NewPrompt, Problem> {
        let asked = serde_json::to_vec(&self).map_err(|_| Problem::internal())?;
        let valid = self.valid_seconds.unwrap_or(USUALLY_VALID);
        if !VALID.contains(&valid) {
            let detail = format!("`valid_seconds` is {valid}, but must be 5 to 600");
            return Err(Problem::new(ProblemType::Malformed, detail));
        }
        Ok(NewPrompt {
            id: Uuid::new_v4().into_bytes(),
            hall: code::<HallId>("hall", &self.hall)?,
            window: code::<WindowId>("window", &self.window)?,
            about: PromptAbout {
                staff: checked(self.staff, "staff", code::<StaffId>)?,
                item: checked(self.item, "item", code::<ItemCode>)?,
                case_number: checked(self.case_number, "case_number", code::<CaseNumber>)?,
                item_name: checked(self.item_name, "item_name", name)?,
                staff_name: checked(self.staff_name, "staff_name", name)?,
            },
            now_ms,
            expires_ms: now_ms.saturating_add(i64::from(valid) * 1000),
            caller: String::new(),
            caller_key: None,
            request: digest(&asked),
        })
    }
}

/// A field that may be left out, unchanged when it can be used.
fn checked<T>(
    value: Option<String>,
    field: &'static str,
    check: impl FnOnce(&'static str, &str) -> Result<T, Problem>,
) -> Result<Option<String>, Problem> {
    if let Some(value) = &value {
        check(field, value)?;
    }
    Ok(value)
}

fn code<T>(field: &'static str, text: &str) -> Result<T, Problem>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    text.parse().map_err(|error: T::Err| {
        Problem::new(ProblemType::Malformed, format!("`{field}`: {error}"))
    })
}

fn name(field: &'static str, text: &str) -> Result<(), Problem> {
    let fits = !text.trim().is_empty()
        && text.chars().count() <= MAX_NAME
        && !text.chars().any(char::is_control);
    if fits {
        return Ok(());
    }
    let detail = format!("`{field}` must have 1 to {MAX_NAME} printable characters");
    Err(Problem::new(ProblemType::Malformed, detail))
}

impl PromptBody {
    fn of(kept: &KeptPrompt, now_ms: i64) -> Self {
        let state = match kept.answer {
            Some(PromptAnswer::Taken) => "taken",
            Some(PromptAnswer::Refused) => "refused",
            None if now_ms >= kept.expires_ms => "expired",
            None => "pending",
        };
        let expires = jiff::Timestamp::from_millisecond(kept.expires_ms);
        Self {
            id: Uuid::from_bytes(kept.id).to_string(),
            hall: kept.hall.to_string(),
            window: kept.window.to_string(),
            state,
            expires_at: expires.map_or_else(|_| String::new(), |at| format!("{at:.0}")),
        }
    }
}

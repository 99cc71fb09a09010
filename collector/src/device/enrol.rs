//! `POST /device/v1/enrol`: a one-time code for an identity.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::Response;
use manyi_shared::wire::limits::MAX_ENROL_BYTES;
use manyi_shared::wire::{EnrolReply, EnrolRequest, EnvelopeError};

use super::{signed, unread};
use crate::app::AppState;
use crate::hall::signed_profile;
use crate::metrics::ENROLMENTS;
use crate::problem::{Problem, ProblemType};

/// One text for a wrong, an expired and a used code: a guesser learns nothing.
const REFUSED: &str = "the code is wrong, expired or used; ask the office for a new one";

/// Trade a one-time code for an identity.
///
/// The body is a `COSE_Sign1` envelope made with the terminal's own new key; so is the answer, with
/// the collector's key. The same key may ask again with the same code until the code expires, and
/// gets the same identity.
#[utoipa::path(
    post, path = "/device/v1/enrol", tag = "device",
    request_body(content = super::SignedMessage, content_type = "application/cose", description = "Signed enrolment request, at most 4096 bytes"),
    responses(
        (status = 200, description = "Signed identity: terminal id, hall, window, profile", content_type = "application/cose", body = super::SignedMessage),
        (status = 400, description = "malformed", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 401, description = "bad-signature", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 403, description = "enrolment-refused: wrong, expired or used code", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 413, description = "too-large", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 429, description = "too-many-requests, with Retry-After", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 503, description = "unavailable, with Retry-After", content_type = "application/problem+json", body = crate::problem::ProblemBody),
    )
)]
pub(super) async fn enrol(
    State(state): State<AppState>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let result = answer(&state, body).await;
    let label = match &result {
        Ok(_) => "enrolled",
        Err(problem) => problem.kind().name(),
    };
    metrics::counter!(ENROLMENTS, "result" => label).increment(1);
    result
}

async fn answer(
    state: &AppState,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|rejection| unread(&rejection, MAX_ENROL_BYTES))?;
    let request = EnrolRequest::open(&body).map_err(|error| {
        tracing::info!(%error, "enrolment request cannot be read");
        match error {
            EnvelopeError::BadSignature => Problem::new(
                ProblemType::BadSignature,
                "the request is not signed with the key it brings",
            ),
            _ => Problem::new(
                ProblemType::Malformed,
                "the body is no signed enrolment request",
            ),
        }
    })?;
    let now_ms = state.clock.now_ms();
    let key = request.key;
    // Before the code is used.
    let ours = state.key(key.suite())?;
    let enrolled = state
        .store
        .enrol(request.code, key, request.software, now_ms)
        .await?
        .map_err(|reason| {
            tracing::warn!(%reason, key = key.fingerprint(), "enrolment refused");
            Problem::new(ProblemType::EnrolmentRefused, REFUSED)
        })?;
    let source = state
        .store
        .profile_source(enrolled.hall.clone(), enrolled.window.clone());
    let Some(source) = source.await? else {
        tracing::warn!(window = %enrolled.window, "enrolled at a window that is gone");
        return Err(Problem::new(ProblemType::EnrolmentRefused, REFUSED));
    };
    tracing::info!(
        terminal = %enrolled.terminal, hall = %enrolled.hall, window = %enrolled.window,
        key = key.fingerprint(), "terminal enrolled"
    );
    let reply = EnrolReply {
        request: key.suite().digest(&body),
        terminal: enrolled.terminal,
        collector: ours.public(),
        hall: enrolled.hall,
        window: enrolled.window,
        profile: signed_profile(source, ours),
        server_ms: now_ms,
    };
    Ok(signed(StatusCode::OK, reply.seal(ours)))
}

//! `POST /device/v1/asset`: a file that the terminal's profile names.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use manyi_shared::wire::{EnvelopeError, SignedAssetRequest};

use super::unread;
use crate::app::AppState;
use crate::problem::{Problem, ProblemType};

/// The largest request, in bytes: a digest in a signed envelope is below 200.
pub(super) const MAX_ASSET_REQUEST: usize = 1024;

/// Fetch a file that the profile names.
///
/// The body is a `COSE_Sign1` envelope with the file's SHA-256, made with the terminal's key. The
/// answer is the file; whoever asked knows by its digest that it is the right one.
#[utoipa::path(
    post, path = "/device/v1/asset", tag = "device",
    request_body(content = super::SignedMessage, content_type = "application/cose", description = "Signed request, at most 1024 bytes"),
    responses(
        (status = 200, description = "The file's bytes", content_type = "application/octet-stream", body = super::SignedMessage),
        (status = 400, description = "malformed", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 401, description = "unknown-signer or bad-signature", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 403, description = "revoked", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 404, description = "not-found: no profile of the terminal's hall names it", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 413, description = "too-large", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 429, description = "too-many-requests, with Retry-After", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 503, description = "unavailable, with Retry-After", content_type = "application/problem+json", body = crate::problem::ProblemBody),
    )
)]
pub(super) async fn asset(
    State(state): State<AppState>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|rejection| unread(&rejection, MAX_ASSET_REQUEST))?;
    let parsed = SignedAssetRequest::parse(&body).map_err(|error| refuse(&error))?;
    let terminal = parsed.claimed_terminal();
    let Some(known) = state.store.terminal(terminal).await? else {
        tracing::warn!(%terminal, "request for a file from a stranger");
        let detail = "no terminal with this id is enrolled here";
        return Err(Problem::new(ProblemType::UnknownSigner, detail));
    };
    let wanted = known.open(&parsed).map_err(|error| {
        tracing::warn!(%terminal, %error, "request for a file refused");
        refuse(&error)
    })?;
    if known.revoked {
        let detail = "the office has taken this terminal's identity back";
        return Err(Problem::new(ProblemType::Revoked, detail));
    }
    let bytes = state.store.asset(known.hall, wanted.digest).await?;
    let bytes = bytes.ok_or_else(|| {
        Problem::new(
            ProblemType::NotFound,
            "no profile of the hall names this file",
        )
    })?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

fn refuse(error: &EnvelopeError) -> Problem {
    let kind = match error {
        EnvelopeError::BadSignature => ProblemType::BadSignature,
        _ => ProblemType::Malformed,
    };
    Problem::new(kind, error.to_string())
}

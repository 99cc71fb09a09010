//! `POST /device/v1/rotate`: a terminal trades its key for a new one.
//!
//! **Invariants**
//! 1. The old key is taken until the new one has signed an exchange, and not a moment longer.
//! 2. The same request may come as often as it likes and is answered the same.
//!
//! **Crash** before the answer: the terminal asks again, signed with whichever key is in force; after
//! it: either key opens the next exchange.

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::Response;
use manyi_shared::wire::limits::MAX_ENROL_BYTES;
use manyi_shared::wire::{EnvelopeError, RotationReply, SignedRotation};

use super::{signed, unread};
use crate::app::AppState;
use crate::problem::{Problem, ProblemType};

/// Know a terminal by a new key.
///
/// The body is a `COSE_Sign1` envelope made with the key in force, with the new key's own proof in it.
/// The old key is taken until the first exchange that is signed with the new one.
#[utoipa::path(
    post, path = "/device/v1/rotate", tag = "device",
    request_body(content = super::SignedMessage, content_type = "application/cose", description = "Signed rotation, at most 4096 bytes"),
    responses(
        (status = 200, description = "Signed answer: the new key is known", content_type = "application/cose", body = super::SignedMessage),
        (status = 400, description = "malformed, or a key of another suite", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 401, description = "unknown-signer or bad-signature", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 403, description = "revoked", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 413, description = "too-large", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 503, description = "unavailable, with Retry-After", content_type = "application/problem+json", body = crate::problem::ProblemBody),
    )
)]
pub(super) async fn rotate(
    State(state): State<AppState>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|rejection| unread(&rejection, MAX_ENROL_BYTES))?;
    let parsed = SignedRotation::parse(&body).map_err(|error| refuse(&error))?;
    let terminal = parsed.claimed_terminal();
    let Some(known) = state.store.terminal(terminal).await? else {
        tracing::warn!(%terminal, "rotation for a stranger");
        let detail = "no terminal with this id is enrolled here";
        return Err(Problem::new(ProblemType::UnknownSigner, detail));
    };
    let rotation = known.open(&parsed).map_err(|error| {
        tracing::warn!(%terminal, %error, "rotation refused");
        refuse(&error)
    })?;
    if known.revoked {
        let detail = "the office has taken this terminal's identity back";
        return Err(Problem::new(ProblemType::Revoked, detail));
    }
    let suite = known.key.suite();
    if rotation.new_key.suite() != suite {
        let detail = format!("the terminal is of suite {suite}; enrol it anew to change that");
        return Err(Problem::new(ProblemType::Malformed, detail));
    }
    let ours = state.key(suite)?;
    state
        .store
        .note_next_key(terminal, rotation.new_key)
        .await?;
    tracing::info!(%terminal, key = rotation.new_key.fingerprint(), "a new key is known");
    let reply = RotationReply {
        terminal,
        request: suite.digest(&body),
        new_key: rotation.new_key,
    };
    Ok(signed(StatusCode::OK, reply.seal(ours)))
}

fn refuse(error: &EnvelopeError) -> Problem {
    let kind = match error {
        EnvelopeError::BadSignature => ProblemType::BadSignature,
        _ => ProblemType::Malformed,
    };
    Problem::new(kind, error.to_string())
}

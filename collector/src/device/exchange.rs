//! `POST /device/v1/exchange`: records in, acknowledgement out.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::Response;
use manyi_shared::domain::{HallId, Retry, TerminalId};
use manyi_shared::wire::limits::MAX_EXCHANGE_BYTES;
use manyi_shared::wire::{
    EnvelopeError, Exchange, ExchangeError, PublicKey, Reply, ReplyStatus, SecretKey,
    SignedExchange,
};

use super::{signed, unread};
use crate::app::AppState;
use crate::hall::signed_profile;
use crate::ingest::{Delivery, Receipt, Span};
use crate::metrics::{CONFLICTS, DEAD_LETTERS, EXCHANGES, INCIDENTS, INGEST_SECONDS, RECORDS};
use crate::problem::{Problem, ProblemType, words_of};
use crate::store::{KnownTerminal, StoreError};

/// Take records in.
///
/// The body is a signed head with compressed records (ARCHITECTURE has the formats). Everything that could be
/// verified is answered with a `COSE_Sign1` reply: taken or conflict 200, revoked 403, gap or stale
/// number 409.
#[utoipa::path(
    post, path = "/device/v1/exchange", tag = "device",
    request_body(content = super::SignedMessage, content_type = "application/cbor", description = "Signed exchange, at most 786432 bytes"),
    responses(
        (status = 200, description = "Signed reply: taken, or kept as a second history", content_type = "application/cose", body = super::SignedMessage),
        (status = 400, description = "malformed", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 401, description = "unknown-signer or bad-signature", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 403, description = "Signed reply: the office took the terminal's identity back", content_type = "application/cose", body = super::SignedMessage),
        (status = 408, description = "too-slow: the body did not arrive in time", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 409, description = "Signed reply: gap, or an exchange number that was used", content_type = "application/cose", body = super::SignedMessage),
        (status = 413, description = "too-large", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 422, description = "wrong-chain", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 500, description = "ingest-failed: storing just this fails, send less at once", content_type = "application/problem+json", body = crate::problem::ProblemBody),
        (status = 503, description = "unavailable, with Retry-After", content_type = "application/problem+json", body = crate::problem::ProblemBody),
    )
)]
pub(super) async fn exchange(
    State(state): State<AppState>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let started = tokio::time::Instant::now();
    let result = answer(&state, body).await;
    metrics::histogram!(INGEST_SECONDS).record(started.elapsed());
    let label = match &result {
        Ok((status, _)) => status_name(*status),
        Err(problem) => problem.kind().name(),
    };
    metrics::counter!(EXCHANGES, "result" => label).increment(1);
    result.map(|(status, bytes)| signed(http_status(status), bytes))
}

const fn status_name(status: ReplyStatus) -> &'static str {
    match status {
        ReplyStatus::Taken => "taken",
        ReplyStatus::Gap => "gap",
        ReplyStatus::StaleNumber => "stale-number",
        ReplyStatus::Conflict => "conflict",
        ReplyStatus::Revoked => "revoked",
    }
}

const fn http_status(status: ReplyStatus) -> StatusCode {
    match status {
        ReplyStatus::Taken | ReplyStatus::Conflict => StatusCode::OK,
        ReplyStatus::Gap | ReplyStatus::StaleNumber => StatusCode::CONFLICT,
        ReplyStatus::Revoked => StatusCode::FORBIDDEN,
    }
}

async fn answer(
    state: &AppState,
    body: Result<Bytes, BytesRejection>,
) -> Result<(ReplyStatus, Vec<u8>), Problem> {
    let body = body.map_err(|rejection| unread(&rejection, MAX_EXCHANGE_BYTES))?;
    let received_ms = state.clock.now_ms();
    let parsed = SignedExchange::parse(&body).map_err(|error| refuse(&error))?;
    let terminal = parsed.claimed_terminal();
    let Some(known) = state.store.terminal(terminal).await? else {
        tracing::warn!(%terminal, "exchange from a stranger");
        let detail = "no terminal with this id is enrolled here";
        return Err(Problem::new(ProblemType::UnknownSigner, detail));
    };
    let (key, new) = key_in_use(&known, &parsed);
    let exchange = parsed.open(&key).map_err(|error| {
        tracing::warn!(%terminal, %error, "exchange refused");
        refuse(&error)
    })?;
    if new {
        let adopted = state.store.adopt_next_key(terminal, key, received_ms);
        adopted.await?;
        tracing::info!(%terminal, key = key.fingerprint(), "the terminal's new key is in force");
    }
    if known.revoked {
        state.store.note_refused(terminal, received_ms).await?;
        let key = state.key(known.key.suite())?;
        let Exchange { head, request, .. } = exchange;
        return Ok(revoked(state, key, (terminal, request, head.number)));
    }
    take(state, known, exchange, received_ms).await
}

/// The key that an exchange is to be opened with, and whether it is the terminal's new one, used for
/// the first time.
fn key_in_use(known: &KnownTerminal, exchange: &SignedExchange) -> (PublicKey, bool) {
    match known.next_key {
        Some(next) if exchange.is_signed_by(&next) => (next, true),
        _ => (known.key, false),
    }
}

/// What a terminal without an identity is told. Signed, so that nobody in between can silence a
/// tablet by a 403 of their own.
fn revoked(
    state: &AppState,
    key: &SecretKey,
    (terminal, request, number): (TerminalId, [u8; 32], u64),
) -> (ReplyStatus, Vec<u8>) {
    let reply = Reply {
        terminal,
        request,
        status: ReplyStatus::Revoked,
        acknowledgement: None,
        server_ms: state.clock.now_ms(),
        next_number: number.saturating_add(1),
        profile: None,
        prompts: Vec::new(),
        behind: Vec::new(),
        rotate_key: false,
    };
    (ReplyStatus::Revoked, reply.seal(key))
}

/// Stores a verified exchange and signs the reply.
async fn take(
    state: &AppState,
    known: KnownTerminal,
    exchange: Exchange,
    received_ms: i64,
) -> Result<(ReplyStatus, Vec<u8>), Problem> {
    let (terminal, request) = (exchange.head.terminal, exchange.request);
    let number = exchange.head.number;
    if i64::try_from(number).is_err() {
        let detail = "the exchange number is above what can be counted";
        return Err(Problem::new(ProblemType::Malformed, detail));
    }
    // Before anything is stored: what cannot be acknowledged would be sent again and again.
    let key = state.key(known.key.suite())?;
    let obeyed = exchange.head.profile_version;
    let rotate_key = known.rotate_wanted && known.next_key.is_none();
    let hall = known.hall.clone();
    let receipt = store(state, known.hall, exchange, received_ms).await?;
    if receipt.revoked {
        return Ok(revoked(state, key, (terminal, request, number)));
    }
    report(&receipt, terminal);
    if receipt.counted {
        state.changed.send_modify(|n| *n = n.wrapping_add(1));
    }
    let profile = if receipt.profile_version == obeyed {
        None
    } else {
        let source = state
            .store
            .profile_source(hall, receipt.window.clone())
            .await?;
        source.map(|source| signed_profile(source, key))
    };
    let reply = Reply {
        terminal,
        request,
        status: receipt.status,
        acknowledgement: receipt.acknowledgement,
        server_ms: state.clock.now_ms(),
        next_number: receipt.next_number,
        profile,
        prompts: receipt.prompts,
        behind: receipt.behind,
        rotate_key,
    };
    Ok((receipt.status, reply.seal(key)))
}

/// Reads and stores what came. What fails here and would fail again is told apart from a centre
/// that has no time: the terminal then looks for the record that is the cause, and sends it by
/// itself to be kept unread.
async fn store(
    state: &AppState,
    hall: HallId,
    exchange: Exchange,
    received_ms: i64,
) -> Result<Receipt, Problem> {
    let (terminal, span) = (exchange.head.terminal, Span::of(&exchange.head));
    let read = catch_unwind(AssertUnwindSafe(|| {
        Delivery::new(hall, exchange, received_ms)
    }));
    let result = match read {
        Ok(delivery) => state.store.ingest(delivery).await,
        Err(cause) => Err(StoreError::Panicked(words_of(&*cause))),
    };
    result.map_err(|error| match (error.retry(), span) {
        (Retry::Never, Some(span)) => {
            tracing::error!(
                %terminal, stream = %span.stream, first = span.first.get(), last = span.last(),
                error = &error as &dyn Error, "storing these positions failed"
            );
            Problem::new(
                ProblemType::IngestFailed,
                "storing this fails; send fewer records at once, and one that fails by itself as unread",
            )
        }
        _ => error.into(),
    })
}

/// Counts and logs what happened; never what a record says.
fn report(receipt: &Receipt, terminal: TerminalId) {
    let verdicts = &receipt.verdicts;
    let counts = [
        ("accepted", verdicts.accepted),
        ("duplicate", verdicts.duplicate),
        ("rejected", verdicts.rejected),
        ("conflict", verdicts.conflict),
        ("refused", verdicts.refused),
    ];
    for (verdict, n) in counts.into_iter().filter(|(_, n)| *n > 0) {
        metrics::counter!(RECORDS, "verdict" => verdict).increment(n);
    }
    metrics::counter!(CONFLICTS).increment(verdicts.conflict);
    let rejected = receipt.acknowledgement.iter().flat_map(|ack| &ack.rejected);
    // Those of duplicates come first and were counted when they were new.
    let new = usize::try_from(verdicts.rejected).unwrap_or(usize::MAX);
    for rejection in rejected.rev().take(new) {
        metrics::counter!(DEAD_LETTERS, "reason" => rejection.reason.name()).increment(1);
        tracing::warn!(
            %terminal, seq = rejection.seq.get(), reason = rejection.reason.name(),
            "record is kept as a dead letter"
        );
    }
    for incident in &receipt.incidents {
        let kind = incident.kind.name();
        metrics::counter!(INCIDENTS, "kind" => kind).increment(1);
        tracing::error!(%terminal, window = %receipt.window, kind, "{}", incident.text());
    }
}

/// What the sender of an exchange that cannot be verified is told.
fn refuse(error: &ExchangeError) -> Problem {
    let kind = match error {
        ExchangeError::TooLong(_) => ProblemType::TooLarge,
        ExchangeError::Envelope(EnvelopeError::BadSignature) | ExchangeError::OtherTerminal => {
            ProblemType::BadSignature
        }
        ExchangeError::Malformed(_) | ExchangeError::Envelope(_) => ProblemType::Malformed,
        ExchangeError::Digest | ExchangeError::Records(_) | ExchangeError::WrongChain => {
            ProblemType::WrongChain
        }
    };
    Problem::new(kind, error.to_string())
}

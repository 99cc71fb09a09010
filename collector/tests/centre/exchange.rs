//! Exchanges: what is refused before it is looked into, and what the replies say.

use axum::http::StatusCode;
use manyi_collector::store::{IngestStore, TerminalState};
use manyi_shared::domain::{Level, Watermark};
use manyi_shared::wire::limits::MAX_EXCHANGE_BYTES;
use manyi_shared::wire::{Profile, ReplyStatus, Run, SecretKey};

use crate::support::{Centre, Tablet, seq};

const PATH: &str = "/device/v1/exchange";

async fn with_ratings(centre: &Centre, n: usize) -> Tablet {
    let mut tablet = centre.tablet("A01").await;
    for _ in 0..n {
        tablet.rate(Level::VerySatisfied);
    }
    tablet
}

async fn refused(centre: &Centre, body: Vec<u8>, status: StatusCode, name: &str) {
    let answer = centre.post(PATH, body).await;
    assert_eq!((answer.status, answer.problem().as_str()), (status, name));
    assert_eq!(centre.number("SELECT COUNT(*) FROM record"), 0);
    assert_eq!(
        centre.number("SELECT COALESCE(MAX(last_number), 0) FROM terminal"),
        0
    );
}

#[tokio::test]
async fn a_rating_is_taken_counted_and_acknowledged() {
    let centre = Centre::new().await;
    let mut tablet = with_ratings(&centre, 1).await;
    let mut changed = centre.state.changed.subscribe();
    let body = tablet.send_all();
    let (status, reply) = centre.exchange(&tablet, body).await;
    assert_eq!((status, reply.status), (StatusCode::OK, ReplyStatus::Taken));
    let ack = reply.acknowledgement.expect("an acknowledgement");
    assert_eq!(ack.watermark, Watermark::new(2));
    assert_eq!(ack.hash, tablet.chain(2));
    assert!(ack.rejected.is_empty());
    assert_eq!(reply.next_number, 2);
    assert_eq!(reply.profile, None);
    assert_eq!(
        centre.number("SELECT SUM(n) FROM tally WHERE outcome = 1 AND level = 5"),
        1
    );
    assert!(changed.has_changed().expect("a sender"));
    changed.mark_unchanged();
    let body = tablet.heartbeat();
    centre.exchange(&tablet, body).await;
    assert!(
        !changed.has_changed().expect("a sender"),
        "a heartbeat counts nothing"
    );
}

#[tokio::test]
async fn wrong_and_truncated_cbor_is_refused() {
    let centre = Centre::new().await;
    let whole = with_ratings(&centre, 3).await.send_all();
    refused(&centre, Vec::new(), StatusCode::BAD_REQUEST, "malformed").await;
    refused(
        &centre,
        vec![0xff; 100],
        StatusCode::BAD_REQUEST,
        "malformed",
    )
    .await;
    for length in [1, 10, whole.len() / 2, whole.len() - 1] {
        refused(
            &centre,
            whole[..length].to_vec(),
            StatusCode::BAD_REQUEST,
            "malformed",
        )
        .await;
    }
}

#[tokio::test]
async fn a_stranger_is_refused() {
    let centre = Centre::new().await;
    let mut tablet = with_ratings(&centre, 1).await;
    tablet.terminal = manyi_shared::domain::TerminalId::random();
    refused(
        &centre,
        tablet.send_all(),
        StatusCode::UNAUTHORIZED,
        "unknown-signer",
    )
    .await;
}

#[tokio::test]
async fn another_key_is_refused() {
    let centre = Centre::new().await;
    let mut tablet = with_ratings(&centre, 1).await;
    tablet.key = SecretKey::from_seed(&[77; 32]);
    refused(
        &centre,
        tablet.send_all(),
        StatusCode::UNAUTHORIZED,
        "bad-signature",
    )
    .await;
}

#[tokio::test]
async fn a_revoked_terminal_is_refused() {
    let centre = Centre::new().await;
    let mut tablet = with_ratings(&centre, 1).await;
    assert!(centre.store.revoke(tablet.terminal).await.expect("stored"));
    let state = centre.store.terminals().await.expect("readable")[0].state;
    assert_eq!(state, TerminalState::Revoked);
    let body = tablet.send_all();
    let (status, reply) = centre.exchange(&tablet, body).await;
    assert_eq!(
        (status, reply.status),
        (StatusCode::FORBIDDEN, ReplyStatus::Revoked),
        "signed, so that nobody in between can say it"
    );
    assert_eq!(centre.number("SELECT COUNT(*) FROM record"), 0);
}

#[tokio::test]
async fn an_oversized_body_is_refused() {
    let centre = Centre::new().await;
    let body = vec![0; MAX_EXCHANGE_BYTES + 1];
    refused(&centre, body, StatusCode::PAYLOAD_TOO_LARGE, "too-large").await;
}

#[tokio::test]
async fn records_that_do_not_lead_to_the_signed_chain_are_refused() {
    let centre = Centre::new().await;
    let mut tablet = with_ratings(&centre, 2).await;
    let run = Run {
        stream: tablet.stream,
        first: seq(1),
        count: 3,
        base: tablet.chain(0),
        head: tablet.chain(2),
    };
    let head = tablet.head(Some(run));
    let body = head
        .seal(&tablet.records, &tablet.key)
        .expect("an exchange");
    refused(
        &centre,
        body,
        StatusCode::UNPROCESSABLE_ENTITY,
        "wrong-chain",
    )
    .await;
}

#[tokio::test]
async fn records_exchanged_under_the_signature_are_refused() {
    let centre = Centre::new().await;
    let mut tablet = with_ratings(&centre, 2).await;
    let mut body = tablet.send_all();
    // The compressed records are the end of the body.
    let last = body.len() - 1;
    body[last] ^= 1;
    refused(
        &centre,
        body,
        StatusCode::UNPROCESSABLE_ENTITY,
        "wrong-chain",
    )
    .await;
}

#[tokio::test]
async fn a_replayed_exchange_changes_nothing_and_is_told_the_next_number() {
    let centre = Centre::new().await;
    let mut tablet = with_ratings(&centre, 2).await;
    let first = tablet.send(1, 2);
    let second = tablet.send(3, 1);
    centre.exchange(&tablet, first.clone()).await;
    centre.exchange(&tablet, second).await;
    let before: i64 = centre.number("SELECT last_seen_ms FROM terminal");
    centre.clock.advance(5000);
    let (status, reply) = centre.exchange(&tablet, first).await;
    assert_eq!(
        (status, reply.status),
        (StatusCode::CONFLICT, ReplyStatus::StaleNumber)
    );
    assert_eq!(reply.next_number, 3);
    assert_eq!(centre.number("SELECT last_seen_ms FROM terminal"), before);
    assert_eq!(centre.number("SELECT COUNT(*) FROM record"), 3);
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 2);
}

#[tokio::test]
async fn a_heartbeat_tells_how_the_tablet_is() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.pass(90_000);
    let (_, reply) = {
        let body = tablet.heartbeat();
        centre.exchange(&tablet, body).await
    };
    assert_eq!(
        (reply.status, reply.acknowledgement),
        (ReplyStatus::Taken, None)
    );
    assert_eq!(reply.server_ms, crate::support::NOW);
    assert_eq!(centre.number("SELECT wall_offset_ms FROM terminal"), 90_000);
    assert_eq!(centre.number("SELECT backlog FROM terminal"), 1);
    assert_eq!(centre.number("SELECT synchronised FROM terminal"), 1);
}

#[tokio::test]
async fn what_an_exchange_brings_is_no_longer_unsent_once_it_is_taken() {
    let centre = Centre::new().await;
    let mut tablet = with_ratings(&centre, 3).await;
    let body = tablet.send_all();
    centre.exchange(&tablet, body).await;
    assert_eq!(centre.number("SELECT backlog FROM terminal"), 0);
}

#[tokio::test]
async fn a_terminal_with_an_old_profile_gets_the_new_one_in_the_reply() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("C05").await;
    tablet.profile_version = 0;
    let body = tablet.heartbeat();
    let (_, reply) = centre.exchange(&tablet, body).await;
    let profile =
        Profile::open(&reply.profile.expect("a profile"), &tablet.collector).expect("signed");
    assert_eq!((profile.window_id.as_str(), profile.version), ("C05", 1));
}

#[tokio::test]
async fn health_readiness_metrics_and_the_document_answer() {
    let centre = Centre::new().await;
    let mut tablet = with_ratings(&centre, 1).await;
    let body = tablet.send_all();
    centre.exchange(&tablet, body).await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(centre.get(path).await.status, StatusCode::OK, "{path}");
    }
    let metrics = String::from_utf8(centre.get("/metrics").await.body).expect("text");
    for name in [
        "manyi_exchanges_total{result=\"taken\"}",
        "manyi_records_total{verdict=\"accepted\"}",
        "manyi_ingest_seconds_bucket",
        "manyi_enrolments_total{result=\"enrolled\"}",
    ] {
        assert!(metrics.contains(name), "{name} is not in\n{metrics}");
    }
    let document: serde_json::Value =
        serde_json::from_slice(&centre.get("/openapi.json").await.body).expect("JSON");
    for path in [
        "/device/v1/enrol",
        "/device/v1/exchange",
        "/device/v1/asset",
        "/api/v1/alarms",
        "/api/v1/prompts",
        "/api/v1/prompts/{id}",
        "/healthz",
        "/readyz",
        "/metrics",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    assert_eq!(
        document["components"]["schemas"]["SignedMessage"]["format"],
        "binary"
    );
    let answer = centre.get("/device/v1/exchange").await;
    assert_eq!(answer.problem(), "method-not-allowed");
    assert!(answer.headers.contains_key("x-request-id"));
}

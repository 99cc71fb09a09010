//! Terminals of two suites at one collector, and collectors whose office chose another.

use std::sync::Arc;

use axum::http::StatusCode;
use manyi_collector::app::{self, AppState};
use manyi_collector::store::IngestStore;
use manyi_shared::domain::{Level, Watermark};
use manyi_shared::wire::{ReplyStatus, Run, SecretKey, SignedExchange, Suite};
use tower::ServiceExt;

use crate::program::{fails, initialised, program, succeeds, text};
use crate::support::{Centre, Tablet, collector_key, enrol_request, seq};

const ENROL: &str = "/device/v1/enrol";
const EXCHANGE: &str = "/device/v1/exchange";

fn other(suite: Suite) -> Suite {
    match suite {
        Suite::Ed25519Sha256 => Suite::Sm2Sm3,
        Suite::Sm2Sm3 => Suite::Ed25519Sha256,
    }
}

async fn rated(centre: &Centre, suite: Suite, window: &str, ratings: usize) -> Tablet {
    let mut tablet = centre.tablet_in(suite, window).await;
    (0..ratings).for_each(|_| tablet.rate(Level::Satisfied));
    tablet
}

#[tokio::test]
async fn terminals_of_both_suites_are_served_each_with_its_own() {
    let centre = Centre::new().await;
    for (suite, window, ratings) in [
        (Suite::Ed25519Sha256, "A01", 2),
        (Suite::Sm2Sm3, "A02", 3),
        (Suite::Ed25519Sha256, "B01", 1),
    ] {
        let mut tablet = rated(&centre, suite, window, ratings).await;
        assert_eq!(tablet.collector, collector_key(suite).public());
        // In two runs: the second goes on from the chain that the centre stored.
        let first = tablet.send(1, ratings);
        let (status, reply) = centre.exchange(&tablet, first).await;
        assert_eq!((status, reply.status), (StatusCode::OK, ReplyStatus::Taken));
        let rest = tablet.send(ratings + 1, 1);
        let (_, reply) = centre.exchange(&tablet, rest).await;
        let ack = reply.acknowledgement.expect("an acknowledgement");
        assert_eq!(ack.watermark, Watermark::new(ratings as u64 + 1));
        assert_eq!(ack.hash, tablet.chain(ratings + 1));
    }
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 6);
    assert_eq!(
        centre.number("SELECT COUNT(*) FROM stream WHERE suite = 2"),
        1
    );
    assert_eq!(centre.number("SELECT COUNT(*) FROM dead_letter"), 0);
}

#[tokio::test]
async fn a_key_of_the_other_suite_signs_for_nobody() {
    for suite in Suite::ALL {
        let centre = Centre::new().await;
        let mut tablet = rated(&centre, suite, "A01", 1).await;
        tablet.key = SecretKey::of(other(suite), &[77; 32]).expect("a key");
        let answer = centre.post(EXCHANGE, tablet.send_all()).await;
        assert_eq!(answer.problem(), "bad-signature");
        assert_eq!(centre.number("SELECT COUNT(*) FROM record"), 0);
    }
}

/// A tablet that was enrolled anew in another suite still has streams of its first.
#[tokio::test]
async fn a_stream_keeps_its_suite_when_the_terminal_has_a_key_of_another() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet_in(Suite::Sm2Sm3, "A01").await;
    tablet.suite = Suite::Ed25519Sha256;
    tablet.open_stream();
    tablet.rate(Level::Satisfied);
    let body = tablet.send_all();
    let (_, reply) = centre.exchange(&tablet, body).await;
    assert_eq!(reply.status, ReplyStatus::Taken);
    assert_eq!(centre.number("SELECT suite FROM stream"), 1);
    assert_eq!(centre.number("SELECT COUNT(*) FROM dead_letter"), 0);
}

#[tokio::test]
async fn a_stream_that_changes_its_suite_is_a_second_history() {
    for suite in Suite::ALL {
        let centre = Centre::new().await;
        let mut tablet = rated(&centre, suite, "A01", 2).await;
        let body = tablet.send(1, 2);
        centre.exchange(&tablet, body).await;
        let base = tablet.chain(2).in_suite(other(suite));
        let records = tablet.records.split_off(2);
        let run = Run {
            stream: tablet.stream,
            first: seq(3),
            count: 1,
            base,
            head: base.extend(&records[0]),
        };
        let head = tablet.head(Some(run));
        let body = head.seal(&records, &tablet.key).expect("an exchange");
        let (_, reply) = centre.exchange(&tablet, body).await;
        assert_eq!(reply.status, ReplyStatus::Conflict);
        assert_eq!(centre.number("SELECT COUNT(*) FROM record"), 2);
        assert_eq!(centre.number("SELECT COUNT(*) FROM conflict"), 1);
    }
}

#[tokio::test]
async fn an_opening_that_names_another_suite_than_its_chain_opens_nothing() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet_in(Suite::Sm2Sm3, "A01").await;
    let mut opening = tablet.opening();
    opening.suite = Suite::Ed25519Sha256;
    tablet.open_with(opening);
    tablet.rate(Level::Satisfied);
    let body = tablet.send_all();
    let (_, reply) = centre.exchange(&tablet, body).await;
    assert_eq!(reply.status, ReplyStatus::Taken);
    let said: String = centre.sql("SELECT detail FROM dead_letter");
    assert!(said.contains("another suite"), "{said}");
}

#[tokio::test]
async fn a_request_whose_suite_is_renamed_is_refused() {
    let centre = Centre::new().await;
    let mut tablet = rated(&centre, Suite::Sm2Sm3, "A01", 1).await;
    let mut body = tablet.send_all();
    assert!(SignedExchange::parse(&body).is_ok());
    // The algorithm -65538 in the signed header, as CBOR; -65537 is nobody's.
    let alg = [0x3a, 0x00, 0x01, 0x00, 0x01];
    let at = body.windows(5).position(|bytes| bytes == alg);
    body[at.expect("the algorithm") + 4] = 0x00;
    let answer = centre.post(EXCHANGE, body).await;
    assert_eq!(answer.problem(), "malformed");
}

/// The office chose `gm` and gave out a code, but nobody has started the collector again.
#[tokio::test]
async fn without_a_key_of_the_codes_suite_nothing_is_used_up() {
    let centre = Centre::new().await;
    let code = centre.code_in(Suite::Sm2Sm3, "A01").await;
    let key = SecretKey::of(Suite::Sm2Sm3, &[1; 32]).expect("a key");
    let alone = AppState::new(
        centre.store.clone(),
        Arc::clone(&centre.state.config),
        centre.clock.clone(),
        collector_key(Suite::Ed25519Sha256),
    );
    let mut request = axum::http::Request::post(ENROL)
        .body(axum::body::Body::from(enrol_request(&code, &key)))
        .expect("a request");
    let peer = std::net::SocketAddr::from(([10, 0, 0, 1], 5000));
    request
        .extensions_mut()
        .insert(axum::extract::ConnectInfo(peer));
    let answer = app::router(alone).oneshot(request).await.expect("answers");
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    let answer = centre.post(ENROL, enrol_request(&code, &key)).await;
    assert_eq!(answer.status, StatusCode::OK, "the code is still good");
}

#[test]
fn an_office_that_chooses_gm_gets_a_key_and_codes_of_it() {
    let dir = initialised();
    crate::program::import_demo(dir.path());
    let code = |suite| {
        let output = program(dir.path(), &["enrol-code", "--window", "A01"])
            .env("MANYI_SUITE", suite)
            .output()
            .expect("runs");
        assert!(output.status.success());
        text(&output.stdout)
    };
    assert!(!code("ed25519").contains("G-"), "as it was");
    let output = program(dir.path(), &["serve"])
        .env("MANYI_SUITE", "gm")
        .output()
        .expect("runs");
    let said = text(&output.stderr);
    assert!(said.contains("collector.gm.key"), "{said}");
    assert!(said.contains("manyi-collector init"), "{said}");

    let before = std::fs::read(dir.path().join("collector.key")).expect("a key");
    let made = program(dir.path(), &["init"])
        .env("MANYI_SUITE", "gm")
        .output()
        .expect("runs");
    assert!(text(&made.stdout).contains("suite:           gm"));
    let key = std::fs::read(dir.path().join("collector.gm.key")).expect("a key");
    assert_eq!((key.len(), key[0]), (33, 2));
    let after = std::fs::read(dir.path().join("collector.key")).expect("a key");
    assert_eq!(before, after, "the first key stays");
    assert!(code("gm").contains("G-"));
    succeeds(dir.path(), &["init"]);
}

#[test]
fn a_suite_that_nobody_knows_is_named() {
    let dir = initialised();
    let output = program(dir.path(), &["check-config"])
        .env("MANYI_SUITE", "rsa")
        .output()
        .expect("runs");
    let said = text(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("suite") && said.contains("gm"), "{said}");
}

/// The key of terminals in use is lost: they would take no reply, so the collector does not start.
#[tokio::test]
async fn a_collector_without_the_key_of_terminals_in_use_does_not_start() {
    let centre = Centre::new().await;
    let tablet = centre.tablet_in(Suite::Sm2Sm3, "A01").await;
    let dir = centre.dir.path();
    succeeds(dir, &["init"]);
    let said = fails(dir, &["serve"]);
    assert!(said.contains("collector.gm.key"), "{said}");
    assert!(said.contains("backup"), "{said}");
    // A terminal whose identity was taken back needs none.
    assert!(centre.store.revoke(tablet.terminal).await.expect("stored"));
    assert_eq!(centre.store.suites().await.expect("readable"), []);
}

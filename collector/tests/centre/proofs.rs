//! Daily roots, proofs of one rating, and the check of everything that is stored.

use axum::http::StatusCode;
use manyi_collector::roots::proof::{Proof, ProofFault};
use manyi_collector::roots::publish;
use manyi_collector::store::{NoEvidence, ProofStore, RecordId};
use manyi_collector::verify::Report;
use manyi_shared::domain::{HallId, Level, Outcome, PromptId, ServiceEvent};
use manyi_shared::wire::{DayRoot, SecretKey, StreamTip};

use crate::program::{fails, succeeds};
use crate::support::{Centre, NOW, Tablet, seq};

pub(crate) const DAY_MS: i64 = 86_400_000;

pub(crate) fn hall() -> HallId {
    "371581-01".parse().expect("a hall")
}

pub(crate) fn collector() -> SecretKey {
    SecretKey::from_seed(&[9; 32])
}

pub(crate) async fn verified(centre: &Centre) -> Report {
    let report = centre.store.verify(hall(), vec![centre.key]).await;
    report.expect("readable")
}

pub(crate) async fn published(centre: &Centre, now_ms: i64) -> Vec<DayRoot> {
    let roots = publish(centre.store.as_ref(), &collector(), &[hall()], now_ms).await;
    roots.expect("stored")
}

/// A day at a window with everything in it, and the next morning.
pub(crate) async fn worked(centre: &Centre) -> Tablet {
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::VerySatisfied);
    tablet.end(Outcome::TimedOut, ServiceEvent::default());
    tablet.rate(Level::VeryDissatisfied);
    tablet.amend(4, Level::Satisfied, &[406]);
    tablet.misuse(4, 1, 3);
    tablet.leave(4, "13800000000");
    tablet.self_test(20_260_324, Level::Satisfied);
    tablet.records.push(vec![0xff; 3]);
    tablet.end_of(1, Outcome::Declined, ServiceEvent::default());
    // {0: 77, 1: 5}
    tablet.records.push(vec![0xa2, 0x00, 0x18, 77, 0x01, 0x05]);
    let body = tablet.send_all();
    centre.exchange(&tablet, body).await;
    centre.clock.advance(DAY_MS);
    tablet.pass(DAY_MS.unsigned_abs());
    tablet.rate(Level::BasicallySatisfied);
    tablet.amend(2, Level::Dissatisfied, &[]);
    let body = tablet.send(12, 10);
    centre.exchange(&tablet, body).await;
    tablet
}

/// Goes on in a new stream that names the one before.
pub(crate) async fn restarted(centre: &Centre, tablet: &mut Tablet) {
    let records = tablet.records.len();
    let tip = StreamTip {
        stream: tablet.stream,
        seq: seq(records as u64),
        hash: tablet.chain(records),
    };
    tablet.open_stream();
    let mut opening = tablet.opening();
    opening.previous = Some(tip);
    tablet.open_with(opening);
    tablet.rate(Level::Satisfied);
    let body = tablet.send_all();
    centre.exchange(tablet, body).await;
}

#[tokio::test]
async fn what_was_taken_in_fits() {
    let centre = Centre::new().await;
    let mut tablet = worked(&centre).await;
    restarted(&centre, &mut tablet).await;
    published(&centre, NOW + 2 * DAY_MS).await;
    let report = verified(&centre).await;
    assert_eq!(report.findings, []);
    assert_eq!(report.notes, []);
    assert_eq!(
        (report.streams, report.signed_streams, report.records),
        (2, 2, 15)
    );
    assert_eq!(
        (report.counted, report.dead_letters, report.days),
        (5, 2, 2)
    );
}

#[tokio::test]
async fn a_day_is_published_once_it_is_over_and_never_again() {
    let centre = Centre::new().await;
    assert_eq!(published(&centre, NOW).await, [], "nothing came yet");
    worked(&centre).await;
    // The demo hall's midnight is at 16:00 UTC, seven hours after NOW's one o'clock.
    let midnight = NOW + 15 * 3_600_000;
    assert_eq!(published(&centre, midnight - 1).await, []);
    let first = published(&centre, midnight).await;
    let [first] = first.as_slice() else {
        panic!("{first:?}")
    };
    assert_eq!(
        (first.day, first.leaves, first.previous),
        (20_260_324, 11, None)
    );
    assert_eq!(
        (first.until_ms, first.from_ms),
        (midnight, midnight - DAY_MS)
    );
    assert_eq!(published(&centre, midnight).await, []);
    let next = published(&centre, midnight + 3 * DAY_MS).await;
    let days: Vec<_> = next.iter().map(|root| (root.day, root.leaves)).collect();
    assert_eq!(
        days,
        [(20_260_325, 2), (20_260_326, 0), (20_260_327, 0)],
        "days without records, too"
    );
    assert_eq!(next[0].previous, Some(first.digest()));
    assert_eq!(next[1].previous, Some(next[0].digest()));
    assert!(verified(&centre).await.is_good());
}

#[tokio::test]
async fn nothing_is_received_into_a_published_day_even_when_the_clock_is_set_back() {
    let centre = Centre::new().await;
    let mut tablet = worked(&centre).await;
    published(&centre, NOW + 2 * DAY_MS).await;
    centre.clock.set(NOW);
    tablet.rate(Level::Satisfied);
    let body = tablet.send(14, 1);
    centre.exchange(&tablet, body).await;
    let until: i64 = centre.number("SELECT MAX(until_ms) FROM day_root");
    assert_eq!(
        centre.number("SELECT received_ms FROM record WHERE seq = 14"),
        until
    );
    assert_eq!(verified(&centre).await.findings, []);
}

#[tokio::test]
async fn a_crash_between_closing_and_publishing_changes_no_root() {
    let centre = Centre::new().await;
    let mut tablet = worked(&centre).await;
    let over = NOW + 15 * 3_600_000;
    let closed = centre.store.close_day(hall(), over).await;
    let closed = closed.expect("stored").expect("a day");
    // Before the next run something comes in, with a clock that is late.
    centre.clock.set(over - 1);
    tablet.rate(Level::Satisfied);
    let body = tablet.send(14, 1);
    centre.exchange(&tablet, body).await;
    let roots = published(&centre, over).await;
    assert_eq!(
        (roots[0].day, roots[0].leaves),
        (closed.day, 11),
        "what came after the closing is not in it"
    );
    assert_eq!(verified(&centre).await.findings, []);
}

async fn proof_of(centre: &Centre, tablet: &Tablet, n: u64) -> Result<Proof, NoEvidence> {
    let record = RecordId {
        terminal: tablet.terminal,
        stream: tablet.stream,
        seq: n,
    };
    let evidence = centre.store.evidence(hall(), record).await;
    let evidence = evidence.expect("readable")?;
    let place = (tablet.terminal, tablet.stream, n);
    Ok(Proof::new(hall(), place, evidence).expect("roots"))
}

#[tokio::test]
async fn a_rating_is_proved_with_its_window_its_time_and_its_amendments() {
    let centre = Centre::new().await;
    let tablet = worked(&centre).await;
    let early = proof_of(&centre, &tablet, 2).await;
    assert_eq!(early, Err(NoEvidence::NotPublished { seq: 1 }));
    let roots = published(&centre, NOW + 2 * DAY_MS).await;
    let proof = proof_of(&centre, &tablet, 2).await.expect("proved");
    let published: Vec<_> = roots
        .iter()
        .map(|r| manyi_collector::roots::proof::hex(&r.root))
        .collect();
    let shown = proof.check(&[centre.key.fingerprint()], &published);
    let shown = shown.expect("holds");
    assert_eq!(shown.opened.window.as_str(), "A01");
    assert_eq!(
        (shown.level, shown.amendments),
        (Some(2), 1),
        "amended the next day"
    );
    let days: Vec<_> = shown.roots.iter().map(|root| root.day).collect();
    assert_eq!(days, [20_260_324, 20_260_325], "its own day first");
    let text = shown.text(true, true);
    assert!(
        text.contains("window   A01")
            && text.contains("非常满意 (level 5), amended to 不满意 (level 2)")
            && text.contains("2026-03-24T01:00:00Z"),
        "{text}"
    );
    let nowhere = proof_of(&centre, &tablet, 99).await;
    assert_eq!(nowhere, Err(NoEvidence::NoRecord));
}

#[tokio::test]
async fn a_proof_that_was_touched_proves_nothing() {
    let centre = Centre::new().await;
    let tablet = worked(&centre).await;
    published(&centre, NOW + 2 * DAY_MS).await;
    let proof = proof_of(&centre, &tablet, 2).await.expect("proved");
    let fault = |touch: &dyn Fn(&mut Proof)| {
        let mut touched = proof.clone();
        touch(&mut touched);
        touched.check(&[], &[]).expect_err("must not hold")
    };
    let other = proof_of(&centre, &tablet, 4).await.expect("proved");
    // A bad rating shown as the good one before it.
    assert!(matches!(
        fault(&|p| p.records[1].record = other.records[1].record.clone()),
        ProofFault::NotUnderRoot { seq: 2, .. }
    ));
    assert!(matches!(
        fault(&|p| {
            p.records[1].seq = 4;
            p.seq = 4;
        }),
        ProofFault::NotUnderRoot { seq: 4, .. }
    ));
    assert!(matches!(
        fault(&|p| p.hall = "999999-01".parse().unwrap()),
        ProofFault::Signature { .. }
    ));
    assert!(matches!(
        fault(&|p| p.stream = manyi_shared::domain::StreamId::random()),
        ProofFault::NotUnderRoot { .. }
    ));
    assert!(matches!(
        fault(&|p| drop(p.records.remove(0))),
        ProofFault::Content(_)
    ));
    let foreign = SecretKey::from_seed(&[8; 32]);
    let wanted = foreign.public().fingerprint();
    assert!(matches!(
        proof.check(&[wanted], &[]),
        Err(ProofFault::OtherKey { .. })
    ));
    assert!(matches!(
        proof.check(&[], &["00".repeat(32)]),
        Err(ProofFault::OtherRoot { .. })
    ));
}

#[tokio::test]
async fn roots_are_read_by_everybody() {
    let centre = Centre::new().await;
    worked(&centre).await;
    published(&centre, NOW + 2 * DAY_MS).await;
    let answer = centre.get("/public/v1/roots?hall=371581-01").await;
    assert_eq!(answer.status, StatusCode::OK);
    let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(body["keys"][0]["fingerprint"], centre.key.fingerprint());
    let roots = body["roots"].as_array().expect("a list");
    assert_eq!(roots.len(), 2);
    assert_eq!(
        (&roots[0]["day"], &roots[1]["day"]),
        (&20_260_325.into(), &20_260_324.into())
    );
    assert_eq!(roots[0]["previous"], roots[1]["digest"]);
    let answer = centre.get("/public/v1/roots?before=20260325").await;
    let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(body["roots"].as_array().map(Vec::len), Some(1));
    let nowhere = centre.get("/public/v1/roots?hall=1").await;
    assert_eq!(
        (nowhere.status, nowhere.problem().as_str()),
        (StatusCode::NOT_FOUND, "not-found")
    );
    let wrong = centre.get("/public/v1/roots?day=1").await;
    assert_eq!(wrong.problem(), "malformed");
}

#[tokio::test]
async fn the_commands_tell_what_they_found_and_answer_by_their_exit_status() {
    let centre = Centre::new().await;
    let tablet = worked(&centre).await;
    let dir = centre.dir.path();
    std::fs::write(dir.join("collector.key"), collector().to_bytes()).expect("written");
    let said = succeeds(dir, &["verify"]);
    assert!(
        said.contains("everything fits; 13 records of 1 streams (1 signed"),
        "{said}"
    );
    // The records came in March 2026; by the system's clock these days are over.
    let said = succeeds(dir, &["roots", "publish"]);
    assert!(said.starts_with("2026-03-24\t11\t"), "{said}");
    let root = said
        .lines()
        .next()
        .and_then(|line| line.rsplit('\t').next());
    let root = root.expect("a root").to_owned();
    let listed = succeeds(dir, &["roots", "list", "--days", "9999"]);
    assert!(listed.contains(&root), "{listed}");
    let prompt = PromptId {
        stream: tablet.stream,
        ordinal: 3,
    };
    let file = dir.join("proof.json");
    let out = file.to_str().expect("a path");
    succeeds(
        dir,
        &["proof", "--prompt", &prompt.to_string(), "--out", out],
    );
    let elsewhere = tempfile::tempdir().expect("a directory");
    let said = succeeds(elsewhere.path(), &["verify-proof", out, "--root", &root]);
    assert!(
        said.contains("window   A01") && said.contains("amended to 满意"),
        "{said}"
    );
    assert_eq!(elsewhere.path().read_dir().expect("readable").count(), 0);
    let other = "0".repeat(64);
    let said = fails(elsewhere.path(), &["verify-proof", out, "--root", &other]);
    assert!(said.contains("none of the roots that were given"), "{said}");

    centre
        .kept
        .execute("UPDATE record SET level = 5 WHERE seq = 4");
    let output = crate::program::program(dir, &["verify", "--json"])
        .output()
        .expect("runs");
    assert!(!output.status.success());
    let body: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(body["good"], false);
    let what: Vec<_> = body["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|f| &f["what"])
        .collect();
    assert_eq!(what, ["columns", "counts"]);
    assert_eq!(body["findings"][0]["position"], 4);
    assert_eq!(body["findings"][0]["window"], "A01");
}

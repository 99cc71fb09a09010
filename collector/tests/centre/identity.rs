//! Identities that change hands or keys.

use axum::http::StatusCode;
use manyi_collector::store::{IdentityStore, IngestStore, TerminalState};
use manyi_shared::domain::Level;
use manyi_shared::wire::{ReplyStatus, Rotation, RotationReply, SecretKey, Suite, TerminalMessage};

use crate::program::{fails, succeeds};
use crate::proofs::verified;
use crate::support::{Answer, Centre, Tablet};

const ROTATE: &str = "/device/v1/rotate";

fn fresh() -> SecretKey {
    SecretKey::generate(Suite::default()).expect("randomness")
}

async fn rotate(centre: &Centre, tablet: &Tablet, new: &SecretKey, by: &SecretKey) -> Answer {
    let request = Rotation::new(tablet.terminal, new).seal(by);
    let digest = by.suite().digest(&request);
    let answer = centre.post(ROTATE, request).await;
    if answer.status == StatusCode::OK {
        let reply = RotationReply::open(&answer.body, &tablet.collector, &digest);
        let reply = reply.expect("signed by the collector");
        assert_eq!(
            (reply.terminal, reply.new_key),
            (tablet.terminal, new.public())
        );
    }
    answer
}

fn keys(centre: &Centre, tablet: &Tablet) -> (Vec<u8>, Option<Vec<u8>>) {
    let sql = "SELECT public_key, next_key FROM terminal WHERE terminal_id = ?1";
    let id = tablet.terminal.as_bytes();
    let row = centre
        .db()
        .query_row(sql, [id], |row| Ok((row.get(0)?, row.get(1)?)));
    row.expect("a terminal")
}

#[tokio::test]
async fn a_cut_at_any_step_of_a_rotation_locks_nobody_out() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    let (old, new) = (
        SecretKey::from_bytes(&tablet.key.to_bytes()).expect("a key"),
        fresh(),
    );
    // The answer is lost: asked again with the old key, answered the same.
    for _ in 0..2 {
        let answer = rotate(&centre, &tablet, &new, &old).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    // Cut before the rename: the old key still sends.
    tablet.rate(Level::Satisfied);
    let body = tablet.send_all();
    assert_eq!(centre.exchange(&tablet, body).await.0, StatusCode::OK);
    assert_eq!(
        keys(&centre, &tablet).1.as_deref(),
        Some(new.public().as_bytes())
    );
    // After the rename: the new one does, also for the same request once more.
    tablet.key = SecretKey::from_bytes(&new.to_bytes()).expect("a key");
    let answer = rotate(&centre, &tablet, &new, &new).await;
    assert_eq!(answer.status, StatusCode::OK);
    tablet.rate(Level::Satisfied);
    let body = tablet.send(3, 1);
    assert_eq!(centre.exchange(&tablet, body).await.0, StatusCode::OK);
    assert_eq!(
        keys(&centre, &tablet),
        (new.public().as_bytes().to_vec(), None)
    );
    let answer = rotate(&centre, &tablet, &new, &new).await;
    assert_eq!(answer.status, StatusCode::OK, "in force already");
    assert_eq!(keys(&centre, &tablet).1, None);
    // And the old one is forgotten, but for checking what it signed.
    tablet.key = old;
    let body = tablet.heartbeat();
    let refused = centre.post("/device/v1/exchange", body).await;
    assert_eq!(refused.problem(), "bad-signature");
    assert_eq!(verified(&centre).await.findings, []);
    assert_eq!(centre.number("SELECT COUNT(*) FROM former_key"), 1);
}

#[tokio::test]
async fn what_an_old_key_signed_is_still_believed_after_the_rotation() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::Satisfied);
    let body = tablet.send_all();
    centre.exchange(&tablet, body).await;
    let new = fresh();
    rotate(&centre, &tablet, &new, &tablet.key).await;
    tablet.key = new;
    let body = tablet.heartbeat();
    centre.exchange(&tablet, body).await;
    let report = verified(&centre).await;
    assert_eq!((report.findings, report.signed_streams), (Vec::new(), 1));
}

#[tokio::test]
async fn a_rotation_nobody_may_ask_for_changes_nothing() {
    let centre = Centre::new().await;
    let tablet = centre.tablet("A01").await;
    let (thief, new) = (fresh(), fresh());
    let before = keys(&centre, &tablet);
    let stolen = rotate(&centre, &tablet, &new, &thief).await;
    assert_eq!(stolen.problem(), "bad-signature");
    // Signed with the right key, but of another terminal.
    let other = centre.tablet("A02").await;
    let crossed = Rotation::new(other.terminal, &new).seal(&tablet.key);
    assert_eq!(
        centre.post(ROTATE, crossed).await.problem(),
        "bad-signature"
    );
    let gm = SecretKey::generate(Suite::Sm2Sm3).expect("randomness");
    let answer = rotate(&centre, &tablet, &gm, &tablet.key).await;
    assert_eq!(answer.problem(), "malformed", "a terminal keeps its suite");
    assert_eq!(
        centre.post(ROTATE, vec![0xff; 9]).await.problem(),
        "malformed"
    );
    assert!(centre.store.revoke(tablet.terminal).await.expect("stored"));
    let revoked = rotate(&centre, &tablet, &new, &tablet.key).await;
    assert_eq!(revoked.problem(), "revoked");
    assert_eq!(keys(&centre, &tablet), before);
}

#[tokio::test]
async fn the_office_asks_for_a_new_key_until_there_is_one() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    let id = tablet.terminal.to_string();
    let dir = centre.dir.path();
    assert!(succeeds(dir, &["terminal", "rotate", &id]).contains("asked for a new key"));
    let asked = async |tablet: &mut Tablet| {
        let body = tablet.heartbeat();
        centre.exchange(tablet, body).await.1.rotate_key
    };
    assert!(asked(&mut tablet).await);
    assert!(asked(&mut tablet).await, "the reply may have been lost");
    let new = fresh();
    rotate(&centre, &tablet, &new, &tablet.key).await;
    assert!(!asked(&mut tablet).await, "it is on its way");
    tablet.key = new;
    assert!(!asked(&mut tablet).await);
    let nobody = "00000000-0000-4000-8000-000000000000";
    assert!(fails(dir, &["terminal", "rotate", nobody]).contains("no terminal"));
}

#[tokio::test]
async fn a_terminal_that_was_replaced_delivers_what_it_sealed_before() {
    let centre = Centre::new().await;
    let mut old = centre.tablet("A01").await;
    old.rate(Level::VeryDissatisfied);
    let body = old.send_all();
    centre.exchange(&old, body).await;
    old.rate(Level::Satisfied);
    centre.clock.advance(60_000);
    let dir = centre.dir.path();
    let said = succeeds(dir, &["enrol-code", "--window", "A01", "--valid", "7d"]);
    assert!(
        said.contains("7 days") && said.contains(&old.terminal.to_string()),
        "{said}"
    );
    let new = centre.tablet("A01").await;
    let states: Vec<_> = centre.store.terminals().await.expect("readable");
    let states: Vec<_> = states.iter().map(|t| (t.id, t.state)).collect();
    assert_eq!(
        states,
        [
            (old.terminal, TerminalState::Replaced),
            (new.terminal, TerminalState::Active)
        ]
    );
    let standing = centre
        .store
        .standing_at(old.hall.clone(), old.window.clone())
        .await;
    assert_eq!(standing.expect("readable"), [new.terminal]);
    // Found in a drawer months later.
    centre.clock.advance(90 * 86_400_000);
    let body = old.send(3, 1);
    let (_, reply) = centre.exchange(&old, body).await;
    assert_eq!(reply.status, ReplyStatus::Taken);
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 2);
    assert_eq!(incidents(&centre), 0);
    let alarms = succeeds(dir, &["alarms"]);
    assert!(!alarms.contains(&old.terminal.to_string()), "{alarms}");
}

fn incidents(centre: &Centre) -> i64 {
    centre.number("SELECT COUNT(*) FROM incident WHERE kind = 'replaced_in_use'")
}

#[tokio::test]
async fn a_terminal_that_is_used_after_it_was_replaced_is_an_alarm_and_loses_nothing() {
    let centre = Centre::new().await;
    let mut old = centre.tablet("A01").await;
    let body = old.send_all();
    centre.exchange(&old, body).await;
    centre.clock.advance(60_000);
    centre.tablet("A01").await;
    centre.clock.advance(3_600_000);
    old.pass(3_660_000);
    old.open_stream();
    old.rate(Level::Satisfied);
    for _ in 0..2 {
        let body = old.send_all();
        let (_, reply) = centre.exchange(&old, body).await;
        assert_eq!(reply.status, ReplyStatus::Taken);
    }
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 1);
    assert_eq!(incidents(&centre), 1, "told once");
    let told: String = centre
        .sql("SELECT window_id || ' ' || detail FROM incident WHERE kind = 'replaced_in_use'");
    assert!(
        told.starts_with("A01 ") && told.contains("was replaced by another"),
        "{told}"
    );
}

#[tokio::test]
async fn a_tablet_that_was_flashed_again_is_no_second_device() {
    let centre = Centre::new().await;
    centre.tablet("A01").await;
    centre.tablet("A01").await;
    let counted = "SELECT COUNT(*) FROM terminal WHERE state = 'active' AND window_id = 'A01'";
    assert_eq!(centre.number(counted), 1);
    let summary = centre.store.terminals().await.expect("readable");
    assert_eq!(summary.len(), 2, "what it was is still listed");
}

//! A record with which every exchange fails, and a centre that came back from a backup.

use axum::http::StatusCode;
use manyi_shared::domain::{Level, Watermark};
use manyi_shared::wire::{Claim, Loss, LossCause, RecordBody, RejectReason, ReplyStatus, Run};

use crate::program::{fails, succeeds};
use crate::rules::{ack, in_order, rejected, send};
use crate::support::{Centre, NOW, Tablet, seq};

/// Makes the database refuse to take this record as anything but unread bytes.
fn poison(centre: &Centre, bytes: &[u8]) {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    centre.kept.execute_each(
        &format!(
            "CREATE TRIGGER poison BEFORE INSERT ON record WHEN NEW.bytes = x'{hex}' \
             AND NEW.kind <> 0 BEGIN SELECT RAISE(ABORT, 'on purpose'); END"
        ),
        &format!(
            "CREATE FUNCTION poison() RETURNS trigger AS $$ BEGIN RAISE 'on purpose'; END $$ \
             LANGUAGE plpgsql; CREATE TRIGGER poison BEFORE INSERT ON record FOR EACH ROW \
             WHEN (NEW.bytes = '\\x{hex}' AND NEW.kind <> 0) EXECUTE FUNCTION poison()"
        ),
    );
}

/// An exchange with one record, which is not to be read.
fn unread(tablet: &mut Tablet, position: usize) -> Vec<u8> {
    let run = Run {
        stream: tablet.stream,
        first: seq(position as u64),
        count: 1,
        base: tablet.chain(position - 1),
        head: tablet.chain(position),
    };
    let mut head = tablet.head(Some(run));
    head.unread = true;
    let record = tablet.records.get(position - 1).expect("sealed").clone();
    head.seal(&[record], &tablet.key).expect("an exchange")
}

#[tokio::test]
async fn what_cannot_be_stored_has_its_own_problem_and_goes_in_unread() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    for _ in 0..3 {
        tablet.rate(Level::Satisfied);
    }
    poison(&centre, &tablet.records[2]);
    let body = tablet.send_all();
    let answer = centre.post("/device/v1/exchange", body).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.problem(), "ingest-failed");
    assert!(!answer.headers.contains_key("retry-after"));
    assert_eq!(
        centre.number("SELECT COUNT(*) FROM record"),
        0,
        "all or nothing"
    );
    send(&centre, &mut tablet, 1, 2).await;
    let body = unread(&mut tablet, 3);
    let (_, reply) = centre.exchange(&tablet, body).await;
    assert_eq!(reply.status, ReplyStatus::Taken);
    assert_eq!(ack(&reply).watermark, Watermark::new(3));
    assert_eq!(rejected(&reply), [(3, RejectReason::Refused)]);
    let reply = send(&centre, &mut tablet, 4, 1).await;
    assert_eq!(ack(&reply).watermark, Watermark::new(4));
    let kept: Vec<u8> = centre.sql("SELECT bytes FROM record WHERE seq = 3 AND kind = 0");
    assert_eq!(kept, tablet.records[2]);
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 2);
    let incident: String = centre.sql("SELECT kind FROM incident");
    assert_eq!(incident, "unread");
    in_order(&centre).await;
    // Told again, it is a duplicate like any other.
    let body = unread(&mut tablet, 3);
    let (_, reply) = centre.exchange(&tablet, body).await;
    assert_eq!(rejected(&reply), [(3, RejectReason::Refused)]);
    assert_eq!(centre.number("SELECT COUNT(*) FROM incident"), 1);
}

#[tokio::test]
async fn an_unread_opening_holds_nothing_up() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::Satisfied);
    let body = unread(&mut tablet, 1);
    let (_, reply) = centre.exchange(&tablet, body).await;
    assert_eq!(ack(&reply).watermark, Watermark::new(1));
    send(&centre, &mut tablet, 2, 1).await;
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 1);
    in_order(&centre).await;
}

#[tokio::test]
async fn claims_are_answered_with_what_is_held_where_that_is_less() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::Satisfied);
    tablet.rate(Level::Satisfied);
    send(&centre, &mut tablet, 1, 2).await;
    let claim = |n: usize| Claim {
        stream: tablet.stream,
        watermark: Watermark::new(n as u64),
        hash: tablet.chain(n),
    };
    let other = manyi_shared::domain::StreamId::random();
    let unknown = Claim {
        stream: other,
        watermark: Watermark::new(9),
        hash: tablet.chain(1),
    };
    let (held, less, more) = (claim(2), claim(1), claim(3));
    let mut ask = async |claims: &[Claim]| {
        let mut head = tablet.head(None);
        head.claims = claims.to_vec();
        let body = head.seal(&[], &tablet.key).expect("an exchange");
        centre.exchange(&tablet, body).await.1.behind
    };
    assert_eq!(ask(&[held, less]).await, []);
    assert_eq!(ask(&[more]).await, [held]);
    let behind = ask(&[held, unknown]).await;
    let [told] = behind.as_slice() else {
        panic!("{behind:?}")
    };
    assert_eq!((told.stream, told.watermark.get()), (other, 0));
}

/// An exchange with a poisoned rating and its correction; the rating was sent unread.
async fn with_a_letter(centre: &Centre) -> Tablet {
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::VerySatisfied);
    tablet.amend(2, Level::Dissatisfied, &[]);
    tablet.records.push(b"\xff".to_vec());
    send(centre, &mut tablet, 1, 1).await;
    let body = unread(&mut tablet, 2);
    centre.exchange(&tablet, body).await;
    let reply = send(centre, &mut tablet, 3, 2).await;
    let reasons = [RejectReason::NoTarget, RejectReason::Malformed];
    assert_eq!(rejected(&reply), [(3, reasons[0]), (4, reasons[1])]);
    assert_eq!(centre.number("SELECT COUNT(*) FROM tally"), 0);
    tablet
}

fn lines(text: &str) -> Vec<serde_json::Value> {
    let line = |line: &str| serde_json::from_str(line).expect("JSON");
    text.lines().map(line).collect()
}

#[tokio::test]
async fn a_dead_letter_that_can_be_read_now_counts_once_and_what_pointed_at_it_does_too() {
    let centre = Centre::new().await;
    let mut tablet = with_a_letter(&centre).await;
    let dir = centre.dir.path();
    let listed = lines(&succeeds(dir, &["dead-letters", "list", "--json"]));
    let reasons: Vec<_> = listed.iter().map(|line| line["reason"].clone()).collect();
    assert_eq!(reasons, ["refused", "no_target", "malformed"]);
    let stream = tablet.stream.to_string();
    let shown = succeeds(dir, &["dead-letters", "show", &stream, "2"]);
    assert!(shown.contains("reads as\tOutcome"), "{shown}");
    for _ in 0..2 {
        succeeds(dir, &["dead-letters", "replay", "--json"]);
        assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 1);
        assert_eq!(centre.number("SELECT SUM(n) FROM tally WHERE level = 2"), 1);
        in_order(&centre).await;
    }
    let wide = "SELECT latest_ms - earliest_ms FROM record WHERE seq = 2";
    assert_eq!(centre.number(wide), 1000, "it was just sealed");
    let left = lines(&succeeds(dir, &["dead-letters", "list", "--json"]));
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["reason"], "malformed");
    assert!(
        left[0]["replayed_by"]
            .as_str()
            .expect("a name")
            .contains("uid")
    );
    let all = lines(&succeeds(dir, &["dead-letters", "list", "--all", "--json"]));
    let taken = all.iter().filter(|line| line["taken"] == true).count();
    assert_eq!((all.len(), taken), (3, 2));
    // The stream goes on as if nothing had been.
    tablet.rate(Level::Satisfied);
    let reply = send(&centre, &mut tablet, 2, 4).await;
    assert_eq!(rejected(&reply), [(4, RejectReason::Malformed)]);
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 2);
    in_order(&centre).await;
}

#[tokio::test]
async fn one_dead_letter_is_read_again_by_itself_and_one_that_is_none_is_refused() {
    let centre = Centre::new().await;
    let tablet = with_a_letter(&centre).await;
    let dir = centre.dir.path();
    let stream = tablet.stream.to_string();
    let said = succeeds(dir, &["dead-letters", "replay", &stream, "4"]);
    assert!(said.contains("malformed"), "{said}");
    assert_eq!(centre.number("SELECT COUNT(*) FROM tally"), 0);
    let said = fails(dir, &["dead-letters", "replay", &stream, "1"]);
    assert!(said.contains("no dead letter"), "{said}");
    let said = fails(dir, &["dead-letters", "show", &stream, "0"]);
    assert!(said.contains("from 1 on"), "{said}");
    in_order(&centre).await;
}

#[tokio::test]
async fn an_opening_that_is_read_again_gives_its_stream_a_place_in_time() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.pass(3_600_000);
    tablet.rate(Level::Satisfied);
    centre.clock.advance(86_400_000);
    let body = unread(&mut tablet, 1);
    centre.exchange(&tablet, body).await;
    send(&centre, &mut tablet, 2, 1).await;
    let at = "SELECT at_ms FROM record WHERE seq = 2";
    assert_eq!(centre.number(at), NOW + 86_400_000);
    succeeds(centre.dir.path(), &["dead-letters", "replay"]);
    assert_eq!(centre.number(at), NOW + 3_600_000);
    assert_eq!(
        centre.number("SELECT slot FROM tally"),
        (NOW + 3_600_000) / 900_000
    );
    in_order(&centre).await;
}

#[tokio::test]
async fn an_incident_stands_until_it_is_cleared_and_who_cleared_it_is_kept() {
    let centre = Centre::new().await;
    let tablet = with_a_letter(&centre).await;
    let dir = centre.dir.path();
    let alarm = &lines(&succeeds(dir, &["alarms", "--json"]))[0];
    assert_eq!(
        (&alarm["cause"], &alarm["window"]),
        (&"unread".into(), &"A01".into())
    );
    assert_eq!(alarm["terminal"], tablet.terminal.to_string());
    let id = alarm["incident"].as_str().expect("an id").to_owned();
    let metrics = String::from_utf8(centre.get("/metrics").await.body).expect("text");
    assert!(
        metrics.contains("manyi_alarms{cause=\"unread\"} 1"),
        "{metrics}"
    );
    let none = fails(dir, &["alarms", "--clear", "ffffffffffffffff"]);
    assert!(none.contains("no open incident"), "{none}");
    let said = succeeds(dir, &["alarms", "--clear", &id[..6]]);
    assert!(said.contains(&id), "{said}");
    assert_eq!(succeeds(dir, &["alarms"]), "");
    let by: String = centre.sql("SELECT cleared_by FROM incident WHERE cleared_ms > 0");
    assert!(by.contains("uid"), "{by}");
    fails(dir, &["alarms", "--clear", &id]);
}

#[tokio::test]
async fn what_a_tablet_says_it_may_have_lost_is_an_incident_with_its_bounds() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    let other = manyi_shared::domain::StreamId::random();
    tablet.seal(RecordBody::Loss(Loss {
        cause: LossCause::DamagedJournal,
        stream: Some(other),
        from: Some(seq(5)),
        until: Some(seq(9)),
        earliest_ms: Some(NOW - 5000),
        latest_ms: Some(NOW),
        records: Some(5),
    }));
    tablet.seal(RecordBody::Loss(Loss {
        cause: LossCause::UnreadableJournal,
        stream: None,
        from: None,
        until: None,
        earliest_ms: None,
        latest_ms: None,
        records: None,
    }));
    send(&centre, &mut tablet, 1, 3).await;
    send(&centre, &mut tablet, 1, 3).await;
    let alarms = lines(&succeeds(centre.dir.path(), &["alarms", "--json"]));
    let causes: std::collections::BTreeSet<_> = alarms
        .iter()
        .filter_map(|alarm| alarm["cause"].as_str())
        .collect();
    assert_eq!(
        causes.into_iter().collect::<Vec<_>>(),
        ["damaged_journal", "unreadable_journal"]
    );
    let bounded = alarms
        .iter()
        .find(|alarm| alarm["cause"] == "damaged_journal");
    let bounded = bounded.expect("told");
    let text = bounded["text"].as_str().expect("words");
    assert!(
        text.contains(&format!(
            "stream {other}, positions 5 to 9, at most 5 records"
        )),
        "{text}"
    );
    assert_eq!(bounded["latest"], "2026-03-24T01:00:00Z");
    in_order(&centre).await;
}

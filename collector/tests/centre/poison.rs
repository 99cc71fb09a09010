//! A record with which every exchange fails, and a centre that came back from a backup.

use axum::http::StatusCode;
use manyi_shared::domain::{Level, Watermark};
use manyi_shared::wire::{Claim, RejectReason, ReplyStatus, Run};

use crate::rules::{ack, in_order, rejected, send};
use crate::support::{Centre, Tablet, seq};

/// Makes the database refuse to take this record as anything but unread bytes.
fn poison(centre: &Centre, bytes: &[u8]) {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    centre
        .db()
        .execute_batch(&format!(
            "CREATE TRIGGER poison BEFORE INSERT ON record WHEN NEW.bytes = x'{hex}' \
             AND NEW.kind <> 0 BEGIN SELECT RAISE(ABORT, 'on purpose'); END"
        ))
        .expect("made");
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
    let record = tablet.records[position - 1].clone();
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

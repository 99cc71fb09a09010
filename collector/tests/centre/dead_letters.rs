//! Records that are kept but not counted: the stream goes on, and the terminal is told.

use manyi_shared::domain::{Level, Outcome, ServiceEvent, StreamId, TerminalId, Watermark};
use manyi_shared::wire::{RejectReason, ReplyStatus};

use crate::rules::{ack, in_order, rejected, send};
use crate::support::{Centre, NOW};

#[tokio::test]
async fn bytes_that_are_no_record_become_a_dead_letter_and_the_stream_goes_on() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.records.push(b"\xff\x00broken".to_vec());
    tablet.records.push(vec![0xa1, 0x00]);
    // A rating of level 9.
    tablet
        .records
        .push(vec![0xa5, 0, 2, 1, 0, 4, 1, 5, 1, 6, 9]);
    tablet.rate(Level::VerySatisfied);
    let reply = send(&centre, &mut tablet, 1, 5).await;
    assert_eq!(reply.status, ReplyStatus::Taken);
    assert_eq!(ack(&reply).watermark, Watermark::new(5));
    let malformed = RejectReason::Malformed;
    assert_eq!(
        rejected(&reply),
        [(2, malformed), (3, malformed), (4, malformed)]
    );
    assert_eq!(
        centre.number("SELECT COUNT(*) FROM record WHERE kind = 0"),
        3
    );
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 1);
    let bytes: Vec<u8> = centre.sql("SELECT bytes FROM record WHERE seq = 2");
    assert_eq!(bytes, b"\xff\x00broken");
    // A terminal that lost the reply learns of them again.
    let again = send(&centre, &mut tablet, 2, 2).await;
    assert_eq!(rejected(&again), [(2, malformed), (3, malformed)]);
    assert_eq!(centre.number("SELECT COUNT(*) FROM dead_letter"), 3);
    in_order(&centre).await;
}

#[tokio::test]
async fn a_kind_of_a_newer_terminal_is_kept_without_complaint() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    // {0: 77, 1: 5}
    tablet.records.push(vec![0xa2, 0x00, 0x18, 77, 0x01, 0x05]);
    tablet.rate(Level::Satisfied);
    let reply = send(&centre, &mut tablet, 1, 3).await;
    assert_eq!(
        (reply.status, rejected(&reply)),
        (ReplyStatus::Taken, vec![])
    );
    assert_eq!(centre.number("SELECT kind FROM record WHERE seq = 2"), 77);
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 1);
}

#[tokio::test]
async fn a_stream_that_names_another_terminal_or_stream_is_not_believed() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    for wrong in 0..3 {
        tablet.open_stream();
        let mut opening = tablet.opening();
        match wrong {
            0 => opening.terminal = TerminalId::random(),
            1 => opening.stream = StreamId::random(),
            _ => {}
        }
        tablet.open_with(opening);
        if wrong == 2 {
            tablet.records.clear();
        }
        tablet.rate(Level::Satisfied);
        let n = tablet.records.len();
        let reply = send(&centre, &mut tablet, 1, n).await;
        assert_eq!(reply.status, ReplyStatus::Taken);
        assert_eq!(
            rejected(&reply),
            [(1, RejectReason::Opening)],
            "case {wrong}"
        );
    }
    assert_eq!(
        centre.number("SELECT COUNT(*) FROM stream WHERE opened_ms IS NULL"),
        3
    );
    // The ratings after a wrong opening count; when they were is known by their reception only.
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 2);
    assert_eq!(
        centre.number("SELECT MIN(at_ms) FROM record WHERE outcome = 1"),
        NOW
    );
    in_order(&centre).await;
}

#[tokio::test]
async fn a_second_opening_is_not_obeyed() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    let opening = tablet.records[0].clone();
    tablet.records.push(opening);
    let reply = send(&centre, &mut tablet, 1, 2).await;
    assert_eq!(rejected(&reply), [(2, RejectReason::Opening)]);
}

#[tokio::test]
async fn an_unknown_window_is_told_and_the_ratings_count_where_the_terminal_was_enrolled() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    for hall in ["371581-01", "999999-01"] {
        let mut opening = tablet.opening();
        opening.window = if hall == "371581-01" { "Z99" } else { "A02" }
            .parse()
            .expect("a window");
        opening.hall = hall.parse().expect("a hall");
        opening.stream = StreamId::random();
        tablet.stream = opening.stream;
        tablet.ordinal = 0;
        tablet.open_with(opening);
        tablet.rate(Level::Satisfied);
        let reply = send(&centre, &mut tablet, 1, 2).await;
        assert_eq!(rejected(&reply), [(1, RejectReason::UnknownWindow)]);
    }
    assert_eq!(
        centre.number("SELECT SUM(n) FROM tally WHERE window_id = 'A01'"),
        2
    );
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 2);
    in_order(&centre).await;
}

#[tokio::test]
async fn a_prompt_has_one_outcome() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.end(Outcome::TimedOut, ServiceEvent::default());
    tablet.rate(Level::VerySatisfied);
    let good = Outcome::Rated {
        level: Level::VerySatisfied,
        tags: Vec::new(),
    };
    tablet.end_of(1, good, ServiceEvent::default());
    send(&centre, &mut tablet, 1, 3).await;
    let reply = send(&centre, &mut tablet, 4, 1).await;
    assert_eq!(rejected(&reply), [(4, RejectReason::SecondOutcome)]);
    assert_eq!(
        centre.number("SELECT SUM(n) FROM tally WHERE outcome = 3"),
        1
    );
    assert_eq!(
        centre.number("SELECT SUM(n) FROM tally WHERE outcome = 1"),
        1
    );
    assert_eq!(
        centre.number("SELECT COUNT(*) FROM record WHERE seq = 4 AND outcome IS NULL"),
        1
    );
    in_order(&centre).await;
}

#[tokio::test]
async fn an_amendment_of_something_else_than_a_rating_is_a_dead_letter() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.end(Outcome::Declined, ServiceEvent::default());
    for target in [1, 2, 4, 5, 99] {
        tablet.amend(target, Level::VerySatisfied, &[]);
    }
    let reply = send(&centre, &mut tablet, 1, 4).await;
    assert_eq!(
        rejected(&reply),
        [(3, RejectReason::NoTarget), (4, RejectReason::NoTarget)]
    );
    let reply = send(&centre, &mut tablet, 5, 3).await;
    assert_eq!(rejected(&reply).len(), 3);
    assert_eq!(centre.number("SELECT COUNT(*) FROM tally"), 1);
    in_order(&centre).await;
}

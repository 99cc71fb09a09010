//! What comes beside ratings: self-tests, misuse, messages, and how a prompt came about.

use manyi_shared::domain::{Call, CallerKey, Level, Outcome, ServiceEvent, Trigger};
use manyi_shared::wire::{
    Misuse, OutcomeRecord, RecordBody, RejectReason, ReplyStatus, SealError, SealedText,
};

use crate::rules::{in_order, rejected, send};
use crate::support::{Centre, office_secret, seq};

const DAY: u32 = 20_260_324;

fn tests(centre: &Centre) -> Vec<(u32, u8)> {
    let db = centre.db();
    let mut statement = db
        .prepare("SELECT day, level FROM self_test ORDER BY day, level")
        .expect("prepares");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.expect("runs")
        .collect::<Result<_, _>>()
        .expect("reads")
}

#[tokio::test]
async fn a_self_test_is_kept_apart_and_never_counted() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    for level in Level::ALL {
        tablet.self_test(DAY, level);
    }
    let reply = send(&centre, &mut tablet, 1, 6).await;
    assert_eq!(
        (reply.status, rejected(&reply)),
        (ReplyStatus::Taken, vec![])
    );
    let all = [(DAY, 1), (DAY, 2), (DAY, 3), (DAY, 4), (DAY, 5)];
    assert_eq!(tests(&centre), all);
    assert_eq!(centre.number("SELECT COUNT(*) FROM tally"), 0);
    assert_eq!(
        centre.number("SELECT COUNT(*) FROM record WHERE kind = 4 AND outcome IS NULL"),
        5
    );
    let window: String = centre.sql("SELECT MAX(window_id) FROM self_test");
    assert_eq!(window, "A01");
    in_order(&centre).await;
}

#[tokio::test]
async fn the_first_arrival_of_a_days_level_stands_however_often_it_is_sent() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.self_test(DAY, Level::VerySatisfied);
    send(&centre, &mut tablet, 1, 2).await;
    let first = centre.number("SELECT received_ms FROM self_test");
    centre.clock.advance(60_000);
    send(&centre, &mut tablet, 1, 2).await;
    // A restarted program tests again.
    tablet.open_stream();
    tablet.self_test(DAY, Level::VerySatisfied);
    tablet.self_test(DAY + 1, Level::VerySatisfied);
    let reply = send(&centre, &mut tablet, 1, 3).await;
    assert!(rejected(&reply).is_empty());
    assert_eq!(tests(&centre), [(DAY, 5), (DAY + 1, 5)]);
    assert_eq!(
        centre.number("SELECT MIN(received_ms) FROM self_test"),
        first
    );
}

#[tokio::test]
async fn a_self_test_without_a_day_gets_the_halls_day_of_when_it_was_sealed() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.clock.wall_ms = 5000;
    tablet.clock.synchronised = false;
    tablet.open_stream();
    tablet.self_test(0, Level::Satisfied);
    // Nine in the morning, ten hours ago: the evening before.
    tablet.pass(10 * 3_600_000);
    send(&centre, &mut tablet, 1, 2).await;
    assert_eq!(tests(&centre), [(DAY - 1, 4)]);
}

#[tokio::test]
async fn misuse_is_told_beside_the_outcome_and_the_rating_still_counts() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::VeryDissatisfied);
    tablet.misuse(2, Misuse::DRAGGED | Misuse::BURST, 17);
    tablet.end(Outcome::TimedOut, ServiceEvent::default());
    send(&centre, &mut tablet, 1, 4).await;
    // The second one's target is stored already.
    tablet.misuse(4, Misuse::HELD, 1);
    let reply = send(&centre, &mut tablet, 5, 1).await;
    assert!(rejected(&reply).is_empty());
    let seen = |seq: i64| {
        centre.sql::<String>(&format!(
            "SELECT misuse_kinds || '|' || misuse_touches || '|' || misuse_span_ms FROM record \
             WHERE seq = {seq}"
        ))
    };
    assert_eq!(
        (seen(2).as_str(), seen(4).as_str()),
        ("12|17|1500", "2|1|1500")
    );
    assert_eq!(centre.number("SELECT SUM(n) FROM tally WHERE level = 1"), 1);
    assert_eq!(
        centre.number("SELECT SUM(n) FROM tally WHERE outcome = 3"),
        1
    );
    in_order(&centre).await;
}

#[tokio::test]
async fn misuse_of_something_else_than_a_counted_outcome_is_a_dead_letter() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.self_test(DAY, Level::Satisfied);
    for target in [1, 2, 3, 4, 99] {
        tablet.misuse(target, Misuse::HELD, 1);
    }
    let no = RejectReason::NoTarget;
    let reply = send(&centre, &mut tablet, 1, 5).await;
    assert_eq!(rejected(&reply), [(3, no), (4, no), (5, no)]);
    let reply = send(&centre, &mut tablet, 6, 2).await;
    assert_eq!(rejected(&reply), [(6, no), (7, no)]);
    in_order(&centre).await;
}

#[tokio::test]
async fn a_message_stays_sealed_and_only_the_office_reads_it_with_its_rating() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::VeryDissatisfied);
    tablet.leave(2, "13800000000");
    send(&centre, &mut tablet, 1, 3).await;
    // One whose rating is stored already; and the first once more.
    tablet.leave(2, "13900000000");
    let reply = send(&centre, &mut tablet, 3, 2).await;
    assert!(rejected(&reply).is_empty());
    assert_eq!(centre.number("SELECT COUNT(*) FROM message"), 2);
    let bytes: Vec<u8> = centre.sql("SELECT sealed FROM message WHERE seq = 3");
    let sealed: SealedText = minicbor::decode(&bytes).expect("a sealed text");
    let secret = office_secret();
    assert_eq!(
        secret.open(&sealed, tablet.stream, seq(2)).as_deref(),
        Ok("13800000000")
    );
    assert_eq!(
        secret.open(&sealed, tablet.stream, seq(3)),
        Err(SealError::DoesNotOpen)
    );
    // The database does not have it in clear, in whatever column.
    let bytes = centre.kept.bytes(centre.dir.path());
    assert!(!bytes.windows(11).any(|text| text == b"13800000000"));
    in_order(&centre).await;
}

#[tokio::test]
async fn a_message_with_something_else_than_a_rating_is_a_dead_letter_and_its_bytes_are_kept() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.end(Outcome::Declined, ServiceEvent::default());
    tablet.leave(2, "13800000000");
    tablet.leave(9, "13800000000");
    let no = RejectReason::NoTarget;
    let reply = send(&centre, &mut tablet, 1, 3).await;
    assert_eq!(rejected(&reply), [(3, no)]);
    let reply = send(&centre, &mut tablet, 4, 1).await;
    assert_eq!(rejected(&reply), [(4, no)]);
    tablet.leave(2, "13800000000");
    let reply = send(&centre, &mut tablet, 5, 1).await;
    assert_eq!(rejected(&reply), [(5, no)]);
    assert_eq!(centre.number("SELECT COUNT(*) FROM message"), 0);
    let bytes: Vec<u8> = centre.sql("SELECT bytes FROM record WHERE seq = 3");
    assert_eq!(bytes, tablet.records[2]);
}

/// The check that the others rely on.
#[tokio::test]
async fn the_recount_finds_what_the_records_do_not_say() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::Dissatisfied);
    tablet.misuse(2, Misuse::HELD, 3);
    tablet.leave(2, "13800000000");
    tablet.self_test(DAY, Level::Satisfied);
    send(&centre, &mut tablet, 1, 5).await;
    in_order(&centre).await;
    for (spoil, differences) in [
        ("UPDATE record SET misuse_touches = 4 WHERE seq = 2", 2),
        ("DELETE FROM message", 3),
        ("UPDATE self_test SET level = 5", 5),
    ] {
        centre.kept.execute(spoil);
        let found = centre.store.beside_differences().await.expect("readable");
        assert_eq!(found, differences, "{spoil}");
    }
}

#[tokio::test]
async fn how_a_prompt_came_about_is_kept_with_its_outcome() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    let key = CallerKey::of("Q-0412");
    let calls = [
        Call {
            trigger: Trigger::Lan,
            key: Some(key),
        },
        Call {
            trigger: Trigger::Clerk,
            key: None,
        },
    ];
    for (ordinal, call) in (1..).zip(calls) {
        tablet.seal(RecordBody::Outcome(OutcomeRecord {
            ordinal,
            outcome: Outcome::TimedOut,
            tag_set: None,
            response_ms: None,
            event: ServiceEvent::default(),
            call,
        }));
    }
    send(&centre, &mut tablet, 1, 3).await;
    assert_eq!(centre.number("SELECT trigger FROM record WHERE seq = 2"), 2);
    assert_eq!(centre.number("SELECT trigger FROM record WHERE seq = 3"), 6);
    let kept: Option<Vec<u8>> = centre.sql("SELECT caller_key FROM record WHERE seq = 2");
    assert_eq!(kept, Some(key.0.to_vec()));
    let none: Option<Vec<u8>> = centre.sql("SELECT caller_key FROM record WHERE seq = 3");
    assert_eq!(none, None);
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 2);
}

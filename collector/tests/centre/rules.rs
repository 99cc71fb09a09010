//! Ingest rules: duplicates, gaps, second histories, dead letters, amendments, time.

use axum::http::StatusCode;
use manyi_shared::domain::{Level, Outcome, ServiceEvent, Watermark};
use manyi_shared::wire::{
    Acknowledgement, ChainHash, Profile, RejectReason, Reply, ReplyStatus, Run,
};

use crate::support::{Centre, NOW, Tablet, seq};

pub(crate) fn ack(reply: &Reply) -> &Acknowledgement {
    reply.acknowledgement.as_ref().expect("an acknowledgement")
}

pub(crate) fn rejected(reply: &Reply) -> Vec<(u64, RejectReason)> {
    ack(reply)
        .rejected
        .iter()
        .map(|r| (r.seq.get(), r.reason))
        .collect()
}

pub(crate) async fn send(
    centre: &Centre,
    tablet: &mut Tablet,
    first: usize,
    count: usize,
) -> Reply {
    let body = tablet.send(first, count);
    centre.exchange(tablet, body).await.1
}

pub(crate) async fn in_order(centre: &Centre) {
    let report = crate::proofs::verified(centre).await;
    assert_eq!(report.findings, [], "verify finds nothing");
    recounted(centre).await;
}

/// As [`in_order`], where rescued rows may lie inside folds: `verify` still takes the fold's hour for
/// such a row's own time and says so, which is its mistake and not the centre's.
pub(crate) async fn in_order_beside_folds(centre: &Centre) {
    let mut report = crate::proofs::verified(centre).await;
    report.findings.retain(|finding| {
        let what = format!("{:?}", finding.what);
        !(what.starts_with("Columns([Difference { column: \"at_ms\"")
            && what.matches("column:").count() == 1)
    });
    assert_eq!(report.findings, [], "verify finds nothing else");
    recounted(centre).await;
}

async fn recounted(centre: &Centre) {
    assert_eq!(centre.store.tally_differences().await.expect("readable"), 0);
    assert_eq!(
        centre.store.beside_differences().await.expect("readable"),
        0
    );
    assert_eq!(centre.store.whole_differences().await.expect("readable"), 0);
}

#[tokio::test]
async fn records_sent_again_are_stored_and_counted_once() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    for level in Level::ALL {
        tablet.rate(level);
    }
    for (first, count) in [(1, 3), (1, 3), (2, 3), (1, 6), (4, 3)] {
        let reply = send(&centre, &mut tablet, first, count).await;
        assert_eq!(reply.status, ReplyStatus::Taken);
    }
    assert_eq!(centre.number("SELECT COUNT(*) FROM record"), 6);
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 5);
    assert_eq!(centre.number("SELECT watermark FROM stream"), 6);
    in_order(&centre).await;
}

#[tokio::test]
async fn a_run_above_the_watermark_is_a_gap_and_names_what_is_held() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    for _ in 0..4 {
        tablet.rate(Level::Satisfied);
    }
    let body = tablet.send(3, 2);
    let (status, reply) = centre.exchange(&tablet, body).await;
    assert_eq!(
        (status, reply.status),
        (StatusCode::CONFLICT, ReplyStatus::Gap)
    );
    assert_eq!(ack(&reply).watermark, Watermark::default());
    assert_eq!(ack(&reply).hash, tablet.chain(0));
    send(&centre, &mut tablet, 1, 2).await;
    let reply = send(&centre, &mut tablet, 4, 2).await;
    assert_eq!(reply.status, ReplyStatus::Gap);
    assert_eq!(
        (ack(&reply).watermark, ack(&reply).hash),
        (Watermark::new(2), tablet.chain(2))
    );
    assert_eq!(centre.number("SELECT COUNT(*) FROM record"), 2);
    assert_eq!(
        centre.number("SELECT last_number FROM terminal"),
        3,
        "the number was used"
    );
}

/// The state of a card that was copied after two ratings: both copies go on by themselves.
async fn cloned(centre: &Centre) -> (Tablet, Vec<Vec<u8>>) {
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::Satisfied);
    tablet.rate(Level::Satisfied);
    let copy = tablet.records.clone();
    tablet.rate(Level::VeryDissatisfied);
    let reply = send(centre, &mut tablet, 1, 4).await;
    assert_eq!(reply.status, ReplyStatus::Taken);
    (tablet, copy)
}

#[tokio::test]
async fn other_bytes_at_a_known_position_are_kept_beside_the_first_and_alarmed() {
    let centre = Centre::new().await;
    let (mut tablet, copy) = cloned(&centre).await;
    let held = tablet.chain(4);
    tablet.records = copy;
    tablet.rate(Level::VerySatisfied);
    tablet.rate(Level::VerySatisfied);
    let body = tablet.send_all();
    let (status, reply) = centre.exchange(&tablet, body).await;
    assert_eq!(
        (status, reply.status),
        (StatusCode::OK, ReplyStatus::Conflict)
    );
    assert_eq!(
        (ack(&reply).watermark, ack(&reply).hash),
        (Watermark::new(4), held)
    );
    assert_eq!(ack(&reply).conflict_kept, Some(Watermark::new(5)));
    assert_eq!(
        centre.number("SELECT COUNT(*) FROM conflict"),
        2,
        "from the first difference"
    );
    assert_eq!(centre.number("SELECT COUNT(*) FROM record"), 4);
    assert_eq!(
        centre.number("SELECT COUNT(*) FROM tally WHERE level = 5"),
        0
    );

    // Told again it is kept once; going on above the watermark it is kept, too.
    send(&centre, &mut tablet, 1, 5).await;
    assert_eq!(centre.number("SELECT COUNT(*) FROM conflict"), 2);
    tablet.rate(Level::VerySatisfied);
    let reply = send(&centre, &mut tablet, 6, 1).await;
    assert_eq!(reply.status, ReplyStatus::Conflict);
    assert_eq!(ack(&reply).conflict_kept, Some(Watermark::new(6)));
    assert_eq!(centre.number("SELECT COUNT(*) FROM conflict"), 3);
    in_order(&centre).await;
}

#[tokio::test]
async fn a_chain_that_does_not_begin_where_ours_ends_is_a_second_history() {
    let centre = Centre::new().await;
    let (mut tablet, copy) = cloned(&centre).await;
    tablet.records = copy;
    for _ in 0..3 {
        tablet.rate(Level::VerySatisfied);
    }
    // Only what is above our watermark: no byte differs, but its base does.
    let reply = send(&centre, &mut tablet, 5, 1).await;
    assert_eq!(reply.status, ReplyStatus::Conflict);
    assert_eq!(centre.number("SELECT COUNT(*) FROM conflict"), 1);
    assert_eq!(centre.number("SELECT COUNT(*) FROM record"), 4);
}

#[tokio::test]
async fn a_new_stream_that_does_not_begin_at_its_genesis_is_not_counted() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::VerySatisfied);
    let base = ChainHash::from_bytes([5; 32]);
    let run = Run {
        stream: tablet.stream,
        first: seq(1),
        count: 2,
        base,
        head: base.extend_all(tablet.records.iter().map(Vec::as_slice)),
    };
    let head = tablet.head(Some(run));
    let body = head
        .seal(&tablet.records, &tablet.key)
        .expect("an exchange");
    let (_, reply) = centre.exchange(&tablet, body).await;
    assert_eq!(reply.status, ReplyStatus::Conflict);
    assert_eq!(centre.number("SELECT COUNT(*) FROM conflict"), 2);
    assert_eq!(centre.number("SELECT COUNT(*) FROM record"), 0);
}

#[tokio::test]
async fn an_amendment_moves_the_count_whether_its_rating_is_new_or_stored() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::VerySatisfied);
    tablet.amend(2, Level::Dissatisfied, &[]);
    send(&centre, &mut tablet, 1, 3).await;
    assert_eq!(centre.number("SELECT SUM(n) FROM tally WHERE level = 2"), 1);
    tablet.amend(2, Level::Satisfied, &[]);
    tablet.amend(2, Level::VeryDissatisfied, &[110, 112]);
    let reply = send(&centre, &mut tablet, 4, 2).await;
    assert!(rejected(&reply).is_empty(), "{reply:?}");
    assert_eq!(centre.number("SELECT SUM(n) FROM tally WHERE level = 1"), 1);
    assert_eq!(
        centre.number("SELECT COUNT(*) FROM tally"),
        1,
        "nothing is left of the others"
    );
    let tags: String = centre.sql("SELECT tags FROM record WHERE seq = 2");
    assert_eq!(tags, "110,112");
    assert_eq!(centre.number("SELECT level FROM record WHERE seq = 2"), 1);
    assert_eq!(
        centre.number("SELECT amended_by FROM record WHERE seq = 2"),
        5
    );
    in_order(&centre).await;
}

#[tokio::test]
async fn what_the_prompt_named_is_kept_and_nobody_is_invented() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::Satisfied);
    let event = ServiceEvent {
        staff: Some("LQ0102".parse().expect("a number")),
        item: Some("11371581MB9Y1037XH4000101001001".parse().expect("a code")),
        case_number: Some("37158120260324000123".parse().expect("a number")),
    };
    let outcome = Outcome::Rated {
        level: Level::Satisfied,
        tags: Vec::new(),
    };
    tablet.end(outcome, event);
    send(&centre, &mut tablet, 1, 3).await;
    let row = |seq: i64| {
        let what = "staff_id || '|' || item_code || '|' || COALESCE(case_number, '-') || '|' || \
             department_id || '|' || channel";
        centre.sql::<String>(&format!("SELECT {what} FROM record WHERE seq = {seq}"))
    };
    assert_eq!(row(2), "||-|11371581MB9Y1037XH|4");
    assert_eq!(
        row(3),
        "LQ0102|11371581MB9Y1037XH4000101001001|37158120260324000123|11371581MB9Y1037XH|4"
    );
}

#[tokio::test]
async fn a_rating_sealed_without_a_right_clock_counts_when_it_was_given() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    // A tablet that woke up in 1970 and waited 26 hours for the network.
    tablet.clock.wall_ms = 5000;
    tablet.clock.synchronised = false;
    tablet.open_stream();
    tablet.pass(1000);
    tablet.rate(Level::Satisfied);
    tablet.pass(26 * 3_600_000);
    send(&centre, &mut tablet, 1, 2).await;
    let at = centre.number("SELECT at_ms FROM record WHERE seq = 2");
    assert_eq!(at, NOW - 26 * 3_600_000);
    assert_eq!(centre.number("SELECT slot FROM tally"), at / 900_000);
}

#[tokio::test]
async fn a_hall_that_is_imported_anew_reaches_the_terminal_with_the_next_reply() {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet("A01").await;
    let mut tables =
        manyi_collector::hall::HallTables::read(&crate::support::demo_data()).expect("tables");
    tables.windows[0].name = "A01 新名字".to_owned();
    use manyi_collector::store::IngestStore;
    centre
        .store
        .import_hall(tables)
        .await
        .expect("stored")
        .expect("not refused");
    let body = tablet.heartbeat();
    let (_, reply) = centre.exchange(&tablet, body).await;
    let profile =
        Profile::open(&reply.profile.expect("a profile"), &tablet.collector).expect("signed");
    assert_eq!(
        (profile.version, profile.window_name.as_str()),
        (2, "A01 新名字")
    );
}

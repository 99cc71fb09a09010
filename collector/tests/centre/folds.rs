//! What a tablet no longer has one by one: folds of a full card, and what is gone for good.

use std::collections::BTreeMap;

use manyi_shared::domain::{Level, Outcome, ServiceEvent, Watermark};
use manyi_shared::wire::{Fold, FoldEntry, Record, RecordBody, Reply, ReplyStatus};

use crate::rules::{ack, in_order, send};
use crate::support::{Centre, Tablet, seq};

const HOUR: u64 = 3_600_000;

/// What the journal of a tablet makes of these positions: amendments applied, counts by the hour.
pub(crate) fn fold_of(tablet: &Tablet, first: u64, last: u64) -> Fold {
    let mut ends: BTreeMap<u64, FoldEntry> = BTreeMap::new();
    let mut highest = 0;
    for (position, bytes) in (1..=last).zip(&tablet.records) {
        let Ok(record) = Record::decode(bytes) else {
            continue;
        };
        match record.body {
            RecordBody::Outcome(outcome) if outcome.ordinal > highest => {
                highest = outcome.ordinal;
                let entry = FoldEntry {
                    hour: u32::try_from(record.at.elapsed_ms / HOUR).expect("small"),
                    wall_step_ms: record.at.wall_step_ms,
                    synchronised: record.at.synchronised,
                    outcome: outcome.outcome.kind(),
                    level: outcome.outcome.level(),
                    n: 1,
                };
                ends.insert(position, entry);
            }
            RecordBody::Amendment(amendment) => {
                if let Some(entry) = ends.get_mut(&amendment.target.get())
                    && entry.level.is_some()
                {
                    entry.level = Some(amendment.level);
                }
            }
            _ => {}
        }
    }
    let mut counts: BTreeMap<FoldEntry, u32> = BTreeMap::new();
    for (_, entry) in ends.range(first..) {
        *counts.entry(*entry).or_default() += 1;
    }
    let entries = counts
        .into_iter()
        .map(|(entry, n)| FoldEntry { n, ..entry });
    Fold {
        stream: tablet.stream,
        first: seq(first),
        last: seq(last),
        base: tablet.chain(usize::try_from(first - 1).expect("small")),
        head: tablet.chain(usize::try_from(last).expect("small")),
        entries: entries.collect(),
    }
}

/// The same positions, of which nothing is known any more.
pub(crate) fn gone_of(tablet: &Tablet, first: u64, last: u64) -> Fold {
    Fold {
        entries: Vec::new(),
        ..fold_of(tablet, first, last)
    }
}

pub(crate) async fn send_fold(centre: &Centre, tablet: &mut Tablet, fold: Fold) -> Reply {
    let mut head = tablet.head(None);
    head.fold = Some(fold);
    let body = head.seal(&[], &tablet.key).expect("an exchange");
    centre.exchange(tablet, body).await.1
}

/// Levels with how many count for each, declined as 0.
fn counts(centre: &Centre) -> BTreeMap<u8, i64> {
    let db = centre.db();
    let mut statement = db
        .prepare("SELECT level, SUM(n) FROM tally GROUP BY 1")
        .expect("prepares");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.expect("runs")
        .collect::<Result<_, _>>()
        .expect("reads")
}

fn incidents(centre: &Centre) -> Vec<String> {
    let db = centre.db();
    let mut statement = db
        .prepare(
            "SELECT kind || ' ' || COALESCE(from_seq, '-') || '-' || COALESCE(until_seq, '-') \
             || ' ' || COALESCE(records, '-') FROM incident ORDER BY 1",
        )
        .expect("prepares");
    let rows = statement.query_map([], |row| row.get(0));
    rows.expect("runs")
        .collect::<Result<_, _>>()
        .expect("reads")
}

/// An opening, three ratings over two hours, one of them corrected, and one declined.
async fn busy(centre: &Centre) -> Tablet {
    let mut tablet = centre.tablet("A01").await;
    tablet.rate(Level::VerySatisfied);
    tablet.rate(Level::Satisfied);
    tablet.amend(3, Level::Dissatisfied, &[]);
    tablet.pass(HOUR);
    tablet.rate(Level::VerySatisfied);
    tablet.end(Outcome::Declined, ServiceEvent::default());
    centre.clock.advance(HOUR as i64);
    tablet
}

#[tokio::test]
async fn a_fold_counts_by_window_and_hour_and_the_stream_goes_on_after_it() {
    let centre = Centre::new().await;
    let mut tablet = busy(&centre).await;
    send(&centre, &mut tablet, 1, 1).await;
    let fold = fold_of(&tablet, 2, 6);
    let reply = send_fold(&centre, &mut tablet, fold.clone()).await;
    assert_eq!(reply.status, ReplyStatus::Taken);
    assert_eq!(
        (ack(&reply).watermark, ack(&reply).hash),
        (Watermark::new(6), tablet.chain(6))
    );
    let wanted = BTreeMap::from([(0, 1), (2, 1), (5, 2)]);
    assert_eq!(counts(&centre), wanted);
    let named = "SELECT COUNT(*) FROM tally WHERE staff_id <> '' OR item_code <> ''";
    assert_eq!(centre.number(named), 0);
    assert_eq!(centre.number("SELECT COUNT(DISTINCT slot) FROM tally"), 2);
    assert_eq!(incidents(&centre), ["folded 2-6 4"]);
    // The reply was lost: it counts nothing twice.
    let reply = send_fold(&centre, &mut tablet, fold).await;
    assert_eq!(reply.status, ReplyStatus::Taken);
    assert_eq!(counts(&centre), wanted);
    tablet.rate(Level::VerySatisfied);
    let reply = send(&centre, &mut tablet, 7, 1).await;
    assert_eq!(ack(&reply).watermark, Watermark::new(7));
    assert_eq!(counts(&centre), BTreeMap::from([(0, 1), (2, 1), (5, 3)]));
    in_order(&centre).await;
}

#[tokio::test]
async fn a_fold_above_the_watermark_is_a_gap_and_one_of_another_past_is_kept_beside() {
    let centre = Centre::new().await;
    let mut tablet = busy(&centre).await;
    let fold = fold_of(&tablet, 4, 6);
    let reply = send_fold(&centre, &mut tablet, fold).await;
    assert_eq!(reply.status, ReplyStatus::Gap);
    send(&centre, &mut tablet, 1, 3).await;
    let before = counts(&centre);
    let mut other = fold_of(&tablet, 4, 6);
    other.base = tablet.chain(2);
    let reply = send_fold(&centre, &mut tablet, other).await;
    assert_eq!(reply.status, ReplyStatus::Conflict);
    assert_eq!(ack(&reply).conflict_kept, Some(Watermark::new(6)));
    let mut other = fold_of(&tablet, 2, 6);
    other.base = tablet.chain(2);
    let reply = send_fold(&centre, &mut tablet, other).await;
    assert_eq!(reply.status, ReplyStatus::Conflict);
    assert_eq!(counts(&centre), before);
    assert_eq!(centre.number("SELECT COUNT(*) FROM conflict"), 2);
    assert_eq!(incidents(&centre), ["second_history 4-6 -"]);
    in_order(&centre).await;
}

#[tokio::test]
async fn what_is_gone_counts_nothing_and_a_person_is_told_what_it_was() {
    let centre = Centre::new().await;
    let mut tablet = busy(&centre).await;
    send(&centre, &mut tablet, 1, 2).await;
    let fold = gone_of(&tablet, 3, 5);
    let reply = send_fold(&centre, &mut tablet, fold).await;
    assert_eq!(ack(&reply).watermark, Watermark::new(5));
    let reply = send(&centre, &mut tablet, 6, 1).await;
    assert_eq!(ack(&reply).watermark, Watermark::new(6));
    assert_eq!(counts(&centre), BTreeMap::from([(0, 1), (5, 1)]));
    assert_eq!(incidents(&centre), ["gone 3-5 3"]);
    let bounds = "SELECT latest_ms - earliest_ms FROM incident";
    assert_eq!(centre.number(bounds), HOUR as i64 + 1000);
    in_order(&centre).await;
}

#[tokio::test]
async fn a_whole_stream_may_be_gone_with_its_opening() {
    let centre = Centre::new().await;
    let mut tablet = busy(&centre).await;
    let fold = gone_of(&tablet, 1, 4);
    let reply = send_fold(&centre, &mut tablet, fold).await;
    assert_eq!(ack(&reply).watermark, Watermark::new(4));
    let reply = send(&centre, &mut tablet, 5, 2).await;
    assert_eq!(ack(&reply).watermark, Watermark::new(6));
    assert_eq!(counts(&centre), BTreeMap::from([(0, 1), (5, 1)]));
    assert_eq!(incidents(&centre), ["gone 1-4 4"]);
    in_order(&centre).await;
}

//! The law of ingest: whatever is sent, lost, repeated or sent out of order, every record is
//! stored once, and the counts are those of the records.

use std::collections::{BTreeMap, BTreeSet};

use manyi_shared::domain::{Level, Outcome, ServiceEvent, Withdrawal};
use manyi_shared::wire::Suite;
use proptest::prelude::*;

use crate::support::{Centre, Tablet};

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Rate(u8),
    TimeOut,
    Withdraw,
    Amend { back: usize, level: u8 },
    Garbage,
    SecondOutcome,
    SelfTest { day: u32, level: u8 },
    Misuse { back: usize, touches: u16 },
    Leave { back: usize },
    Restart,
    Pass(u64),
    Send { from: usize, count: usize },
    Replay(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u8..=5).prop_map(Step::Rate),
        1 => Just(Step::TimeOut),
        1 => Just(Step::Withdraw),
        2 => (0_usize..6, 1_u8..=5).prop_map(|(back, level)| Step::Amend { back, level }),
        1 => Just(Step::Garbage),
        1 => Just(Step::SecondOutcome),
        2 => (0_u32..3, 1_u8..=5).prop_map(|(day, level)| Step::SelfTest { day, level }),
        2 => (0_usize..6, 1_u16..9).prop_map(|(back, touches)| Step::Misuse { back, touches }),
        1 => (0_usize..6).prop_map(|back| Step::Leave { back }),
        1 => Just(Step::Restart),
        1 => (0_u64..2_000_000).prop_map(Step::Pass),
        5 => (0_usize..12, 1_usize..9).prop_map(|(from, count)| Step::Send { from, count }),
        1 => (0_usize..10).prop_map(Step::Replay),
    ]
}

/// What the tablet knows to be true.
#[derive(Default)]
struct Truth {
    /// How each prompt of the open stream ended, by position: outcome and level.
    open: BTreeMap<u64, (u8, u8)>,
    counts: BTreeMap<(u8, u8), i64>,
    /// Days and levels of self-tests.
    tests: BTreeSet<(u32, u8)>,
    /// How many touches were told beside the outcomes of the open stream; then how often which.
    open_misuse: BTreeMap<u64, u16>,
    misuse: BTreeMap<u16, i64>,
    messages: i64,
    sealed: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
    sent: Vec<Vec<u8>>,
}

impl Truth {
    fn end(&mut self, tablet: &Tablet, outcome: u8, level: u8) {
        self.open
            .insert(tablet.records.len() as u64, (outcome, level));
    }

    fn close(&mut self, tablet: &Tablet) {
        for key in std::mem::take(&mut self.open).into_values() {
            *self.counts.entry(key).or_default() += 1;
        }
        for touches in std::mem::take(&mut self.open_misuse).into_values() {
            *self.misuse.entry(touches).or_default() += 1;
        }
        self.sealed
            .push((tablet.stream.as_bytes().to_vec(), tablet.records.clone()));
    }
}

async fn send(centre: &Centre, tablet: &Tablet, truth: &mut Truth, body: Vec<u8>) {
    truth.sent.push(body.clone());
    centre.exchange(tablet, body).await;
}

async fn happen(centre: &Centre, tablet: &mut Tablet, truth: &mut Truth, step: &Step) {
    let level = |n: u8| Level::try_from(n).expect("a level");
    match *step {
        Step::Rate(n) => {
            tablet.rate(level(n));
            truth.end(tablet, 1, n);
        }
        Step::TimeOut => {
            tablet.end(Outcome::TimedOut, ServiceEvent::default());
            truth.end(tablet, 3, 0);
        }
        Step::Withdraw => {
            let outcome = Outcome::Withdrawn(Withdrawal::Replaced);
            tablet.end(outcome, ServiceEvent::default());
            truth.end(tablet, 4, 0);
        }
        Step::Amend { back, level: n } => {
            let target = tablet.records.len().saturating_sub(back).max(1) as u64;
            tablet.amend(target, level(n), &[]);
            if let Some((1, standing)) = truth.open.get_mut(&target) {
                *standing = n;
            }
        }
        Step::SelfTest { day, level: n } => {
            tablet.self_test(20_260_324 + day, level(n));
            truth.tests.insert((20_260_324 + day, n));
        }
        Step::Misuse { back, touches } => {
            let target = tablet.records.len().saturating_sub(back).max(1) as u64;
            tablet.misuse(target, 1, touches);
            if truth.open.contains_key(&target) {
                truth.open_misuse.insert(target, touches);
            }
        }
        Step::Leave { back } => {
            let target = tablet.records.len().saturating_sub(back).max(1) as u64;
            tablet.leave(target, "13800000000");
            let rated = matches!(truth.open.get(&target), Some((1, _)));
            truth.messages += i64::from(rated);
        }
        Step::Garbage => tablet.records.push(vec![0xff; 3]),
        Step::SecondOutcome if tablet.ordinal > 0 => {
            tablet.end_of(1, Outcome::Declined, ServiceEvent::default());
        }
        Step::SecondOutcome => {}
        Step::Restart => {
            let body = tablet.send_all();
            send(centre, tablet, truth, body).await;
            truth.close(tablet);
            tablet.open_stream();
        }
        Step::Pass(ms) => tablet.pass(ms),
        Step::Send { from, count } => {
            let first = tablet.records.len().saturating_sub(from).max(1);
            let body = tablet.send(first, count);
            send(centre, tablet, truth, body).await;
        }
        Step::Replay(back) => {
            if let Some(body) = truth.sent.iter().rev().nth(back).cloned() {
                centre.exchange(tablet, body).await;
            }
        }
    }
}

async fn every_record_once(suite: Suite, steps: Vec<Step>) {
    let centre = Centre::new().await;
    let mut tablet = centre.tablet_in(suite, "A01").await;
    let mut truth = Truth::default();
    for step in &steps {
        happen(&centre, &mut tablet, &mut truth, step).await;
    }
    let body = tablet.send_all();
    send(&centre, &tablet, &mut truth, body).await;
    truth.close(&tablet);

    let db = centre.db();
    let mut total = 0;
    for (stream, records) in &truth.sealed {
        let mut statement = db
            .prepare("SELECT bytes FROM record WHERE stream_id = ?1 ORDER BY seq")
            .expect("prepares");
        let stored: Vec<Vec<u8>> = statement
            .query_map([stream], |row| row.get(0))
            .expect("runs")
            .collect::<Result<_, _>>()
            .expect("reads");
        assert_eq!(&stored, records);
        total += records.len() as i64;
    }
    assert_eq!(centre.number("SELECT COUNT(*) FROM record"), total);
    assert_eq!(centre.number("SELECT COUNT(*) FROM conflict"), 0);
    crate::rules::in_order(&centre).await;
    let rows = "SELECT outcome, level, SUM(n) FROM tally GROUP BY 1, 2";
    let counts: Vec<(u8, u8, i64)> =
        all(&db, rows, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let counts: BTreeMap<_, _> = counts.into_iter().map(|(o, l, n)| ((o, l), n)).collect();
    assert_eq!(counts, truth.counts);
    beside(&centre, &db, &truth);
}

/// What comes beside the ratings is as the tablet told it.
fn beside(centre: &Centre, db: &rusqlite::Connection, truth: &Truth) {
    let tests = all(db, "SELECT day, level FROM self_test", |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    assert_eq!(tests.len(), truth.tests.len());
    assert_eq!(tests.into_iter().collect::<BTreeSet<_>>(), truth.tests);
    let misuse = "SELECT misuse_touches, COUNT(*) FROM record WHERE misuse_kinds IS NOT NULL \
         AND outcome IS NOT NULL GROUP BY 1";
    let misuse = all(db, misuse, |row| Ok((row.get(0)?, row.get(1)?)));
    assert_eq!(misuse.into_iter().collect::<BTreeMap<_, _>>(), truth.misuse);
    assert_eq!(
        centre.number("SELECT COUNT(*) FROM message"),
        truth.messages
    );
}

fn all<T>(
    db: &rusqlite::Connection,
    sql: &str,
    take: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Vec<T> {
    let mut statement = db.prepare(sql).expect("prepares");
    let rows = statement.query_map([], take).expect("runs");
    rows.collect::<Result<_, _>>().expect("reads")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::support::cases(64), ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_stored_once_and_counted_as_it_stands(
        suite in prop::sample::select(&Suite::ALL),
        steps in prop::collection::vec(step(), 1..50),
    ) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(every_record_once(suite, steps));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_terminals_at_once_are_all_taken() {
    let centre = std::sync::Arc::new(Centre::new().await);
    let mut tasks = Vec::new();
    for (suite, window) in Suite::ALL.into_iter().cycle().zip([
        "A01", "A02", "B01", "B02", "C01", "C02", "D01", "D02", "E01", "F01",
    ]) {
        let mut tablet = centre.tablet_in(suite, window).await;
        let centre = std::sync::Arc::clone(&centre);
        tasks.push(tokio::spawn(async move {
            for round in 0..20 {
                tablet.rate(Level::Satisfied);
                let body = tablet.send(round + 2 - usize::from(round == 0), 2);
                centre.exchange(&tablet, body).await;
            }
        }));
    }
    for task in tasks {
        task.await.expect("finished");
    }
    assert_eq!(centre.number("SELECT SUM(n) FROM tally"), 200);
    assert_eq!(centre.store.tally_differences().await.expect("readable"), 0);
}

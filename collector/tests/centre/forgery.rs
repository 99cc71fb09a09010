//! Every way to touch what is stored is found, and told with its place.
//!
//! Mutations are drawn by a seed, each made in a transaction that is rolled back. What is expected
//! is written beside what is done: the finding's name, the stream, the position.

mod make;

use manyi_collector::store::sqlite::SqliteStore;
use manyi_collector::verify::Report;
use manyi_shared::domain::{Level, StreamId};
use manyi_shared::wire::PublicKey;
use rusqlite::Connection;

use crate::days::{Dice, Work, work_on};
use crate::proofs::{DAY_MS, hall, published, restarted, worked};
use crate::support::{Centre, NOW, Tablet};
use make::{Expected, Forger};

/// How many mutations; the wire's are in `shared/tests/forgery.rs`.
const MUTATIONS: u64 = 5000;

/// A hall with four streams of two terminals, two published days and one that goes on.
async fn hall_with_history() -> (Centre, Vec<Tablet>) {
    let centre = Centre::new().await;
    let mut first = worked(&centre).await;
    let mut kept = vec![copy(&first)];
    let mut second = centre.tablet("B02").await;
    work_on(&mut second, &Work::ordinary(), &mut Dice::new(7), 12);
    for (from, n) in [(1, 5), (6, 1), (7, 7)] {
        let body = second.send(from, n);
        centre.exchange(&second, body).await;
    }
    kept.push(copy(&second));
    let roots = published(&centre, NOW + 2 * DAY_MS).await;
    assert_eq!(roots.len(), 2);
    centre.clock.advance(DAY_MS);
    for tablet in [&mut first, &mut second] {
        restarted(&centre, tablet).await;
        for level in [Level::VerySatisfied, Level::Dissatisfied, Level::Satisfied] {
            tablet.rate(level);
        }
        tablet.amend(3, Level::BasicallySatisfied, &[307]);
        let body = tablet.send(3, 9);
        centre.exchange(tablet, body).await;
        kept.push(copy(tablet));
    }
    second_history(&centre, &mut second).await;
    (centre, kept)
}

/// What mutations need to know of a tablet's stream.
fn copy(tablet: &Tablet) -> Tablet {
    Tablet {
        key: manyi_shared::wire::SecretKey::from_bytes(&tablet.key.to_bytes()).expect("a key"),
        collector: tablet.collector,
        terminal: tablet.terminal,
        hall: tablet.hall.clone(),
        window: tablet.window.clone(),
        clock: tablet.clock,
        opened: tablet.opened,
        stream: tablet.stream,
        records: tablet.records.clone(),
        ordinal: tablet.ordinal,
        number: tablet.number,
        profile_version: tablet.profile_version,
        suite: tablet.suite,
    }
}

/// The tablet tells other bytes for positions that are held.
async fn second_history(centre: &Centre, tablet: &mut Tablet) {
    let honest = tablet.records.clone();
    tablet.records.truncate(4);
    tablet.rate(Level::VeryDissatisfied);
    let body = tablet.send_all();
    centre.exchange(tablet, body).await;
    tablet.records = honest;
}

fn seen(db: &Connection, key: &PublicKey) -> Report {
    SqliteStore::verify_seen(db, &hall(), &[*key]).expect("readable")
}

fn tells(report: &Report, expected: &Expected) -> bool {
    report.findings.iter().any(|finding| {
        let place = finding.place.as_ref();
        let stream = place.map(|place| place.stream);
        let seq = place.and_then(|place| place.seq);
        expected.names.contains(&finding.what.name())
            && expected.stream.is_none_or(|wanted| stream == Some(wanted))
            && (expected.seqs.is_empty() || seq.is_some_and(|seq| expected.seqs.contains(&seq)))
    })
}

/// Nothing is blamed on streams that nobody touched.
fn blames_others(report: &Report, touched: Option<StreamId>) -> bool {
    let Some(touched) = touched else {
        return false;
    };
    report.findings.iter().any(|finding| {
        let place = finding.place.as_ref();
        place.is_some_and(|place| place.stream != touched) && finding.what.name() != "link"
    })
}

#[tokio::test]
async fn every_mutation_of_what_is_stored_is_found_and_told_with_its_place() {
    let (centre, tablets) = hall_with_history().await;
    let db = centre.db();
    let honest = seen(&db, &centre.key);
    assert_eq!(honest.findings, []);
    assert_eq!(honest.streams, 4);
    let mut forger = Forger::new(&db, &tablets);
    let mut kinds = std::collections::BTreeMap::new();
    let mut missed = Vec::new();
    for seed in 0..MUTATIONS {
        db.execute_batch("BEGIN").expect("begins");
        let done = forger.touch(&mut Dice::new(seed));
        let report = seen(&db, &centre.key);
        db.execute_batch("ROLLBACK").expect("rolled back");
        if !tells(&report, &done) || blames_others(&report, done.stream) {
            let told: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
            missed.push(format!("seed {seed}: {done:?}\n  told: {told:#?}"));
        }
        *kinds.entry(done.what).or_insert(0) += 1;
    }
    let shown: Vec<_> = missed.iter().take(8).cloned().collect();
    assert!(
        missed.is_empty(),
        "{} missed:\n{}",
        missed.len(),
        shown.join("\n")
    );
    assert_eq!(kinds.len(), make::KINDS, "{kinds:?}");
    assert_eq!(seen(&db, &centre.key).findings, [], "and nothing was left");
}

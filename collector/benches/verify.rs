//! `manyi-collector verify` over a hall of a million records: how long, and in how much memory.
//!
//! The records come through the real ingest. Run with
//! `cargo bench -p manyi-collector --bench verify`; `MANYI_RECORDS` changes how many.

#![expect(clippy::print_stdout, reason = "a bench prints its result")]
#![expect(clippy::indexing_slicing, reason = "a bench may panic")]
#![expect(dead_code, reason = "test support has more than the bench needs")]

#[path = "../tests/centre/days.rs"]
mod days;
#[path = "../tests/centre/support.rs"]
mod support;

use std::time::Instant;

use days::{Dice, Work, work_on};
use manyi_collector::ingest::Delivery;
use manyi_collector::roots::publish;
use manyi_collector::store::{IngestStore, ProofStore};
use manyi_shared::wire::{SecretKey, SignedExchange};
use support::{Centre, NOW};

/// Records of one stream: some months of a tablet that nobody switches off.
const STREAM: usize = 5000;

/// Records of one exchange.
const RUN: usize = 500;

fn main() {
    let wanted = std::env::var("MANYI_RECORDS").ok();
    let wanted = wanted.and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(measure(wanted));
}

async fn measure(wanted: usize) {
    let centre = Centre::new().await;
    let start = Instant::now();
    let streams = fill(&centre, wanted).await;
    println!(
        "{} records of {streams} streams taken in, {:.1?}",
        streams * STREAM,
        start.elapsed()
    );
    let hall = "371581-01".parse().expect("a hall");
    let start = Instant::now();
    let key = SecretKey::from_seed(&[9; 32]);
    let roots = publish(centre.store.as_ref(), &key, &[hall], NOW + 2 * 86_400_000).await;
    println!(
        "{} days published, {:.1?}",
        roots.expect("stored").len(),
        start.elapsed()
    );
    let hall = "371581-01".parse().expect("a hall");
    let before = resident("VmRSS");
    let start = Instant::now();
    let report = centre.store.verify(hall, vec![centre.key]).await;
    let took = start.elapsed();
    let report = report.expect("readable");
    assert!(report.is_good(), "{:?}", report.findings);
    println!(
        "{} records of {} streams verified, {took:.1?}: {:.0} a second",
        report.records,
        report.streams,
        report.records as f64 / took.as_secs_f64()
    );
    println!(
        "resident before {before} KiB, at most {} KiB in the whole run",
        resident("VmHWM")
    );
}

/// Takes in whole streams until there are as many records as wanted.
async fn fill(centre: &Centre, wanted: usize) -> usize {
    let mut tablets = Vec::new();
    for window in ["A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08"] {
        tablets.push(centre.tablet(window).await);
    }
    let streams = wanted.div_ceil(STREAM);
    for stream in 0..streams {
        let at = stream % tablets.len();
        let tablet = &mut tablets[at];
        tablet.clock.wall_ms = NOW - 150 * 86_400_000;
        tablet.open_stream();
        let mut dice = Dice::new(stream as u64);
        work_on(tablet, &Work::ordinary(), &mut dice, STREAM - 1);
        for first in (1..=STREAM).step_by(RUN) {
            let body = tablet.send(first, RUN);
            let parsed = SignedExchange::parse(&body).expect("parses");
            let exchange = parsed.open(&tablet.key.public()).expect("verifies");
            let delivery = Delivery::new(tablet.hall.clone(), exchange, NOW);
            centre.store.ingest(delivery).await.expect("stored");
        }
    }
    streams
}

/// A line of /proc/self/status, in KiB.
fn resident(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|n| n.parse().ok()).unwrap_or_default()
}

//! A small fleet comes home to a real collector. `sh tests/run --long fleet` brings 5,000.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

use std::time::Duration;

use manyi_e2e::citizens::note;
use manyi_e2e::fleet::{Plan, Report, Return, run};

async fn fleet(terminals: usize, comes_back: Return) -> Report {
    let plan = Plan {
        terminals,
        ratings: 120,
        away: Duration::from_secs(72 * 3600),
        comes_back,
        speed: 10,
        seed: getrandom::u64().unwrap(),
        limit: Duration::from_secs(120),
    };
    let report = run(plan, &[("exchange_slots", "2".to_owned())]).await;
    let report = report.unwrap();
    note(format_args!("{report}"));
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_whose_network_is_back_is_drained_to_the_last_record() {
    let report = fleet(200, Return::Network).await;
    assert_eq!(report.faults(), Vec::<String>::new());
    assert_eq!(report.records, 200 * 121);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_turned_away_comes_back_when_told_to_and_nobody_is_starved() {
    // More than the line holds before the collector has measured anything, in one instant.
    let report = fleet(600, Return::AtOnce).await;
    assert!(report.turned_away > 0, "nobody was turned away");
    assert_eq!(report.faults(), Vec::<String>::new());
    assert_eq!(report.records, 600 * 121);
}

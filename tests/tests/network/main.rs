//! Many real daemons with real journals, a real collector, and a network in between that does
//! everything wrong that networks do. At the end the centre holds what was sealed: every record once,
//! unaltered, and none that was not sealed.
//!
//! `sh tests/run --long network` runs it with 200 terminals and 100,000 ratings.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

mod poison;
mod tablet;

use std::path::Path;
use std::time::{Duration, Instant};

use manyi_e2e::citizens::note;
use manyi_e2e::dice::Dice;
use manyi_e2e::faults::tls::Authority;
use manyi_e2e::faults::{Front, Proxy, Weather};
use manyi_e2e::ledger::{self, Ledger};
use manyi_e2e::office::{Office, window};
use manyi_e2e::progress::bar;
use tablet::{Running, Tablet, pace};

/// The longest time in which not a single record is acknowledged anywhere.
const STUCK: Duration = Duration::from_secs(120);

/// How large a run is, from the environment; without it what a test suite has time for.
struct Scale {
    terminals: usize,
    ratings: u64,
    seed: u64,
}

impl Scale {
    fn from_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
        let terminals = number("MANYI_NETWORK_TERMINALS").unwrap_or(12);
        let scale = Self {
            terminals: usize::try_from(terminals).unwrap(),
            ratings: number("MANYI_NETWORK_RATINGS").unwrap_or(3000),
            seed: number("MANYI_NETWORK_SEED").unwrap_or_else(|| getrandom::u64().unwrap()),
        };
        note(format_args!(
            "{} terminals, {} ratings; again with MANYI_NETWORK_SEED={}",
            scale.terminals, scale.ratings, scale.seed
        ));
        scale
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_the_network_does_the_centre_holds_every_record_once_and_unaltered() {
    let scale = Scale::from_environment();
    let mut office = Office::new(scale.terminals).unwrap();
    office.start().unwrap();
    let authority = Authority::new().unwrap();
    let ca_file = office.folder().join("ca.pem");
    std::fs::write(&ca_file, authority.pem()).unwrap();
    let front = Front::Tls(authority.certificates("localhost").unwrap());
    let proxy = Proxy::start(office.address(), front, Weather::calm());
    let proxy = proxy.await.unwrap();

    let tablets = enrol(&office, &proxy, &ca_file, scale.terminals).await;
    proxy.set_weather(Weather::storm(scale.seed));
    let daemons: Vec<Running> = tablets.iter().map(Tablet::daemon).collect();
    let daemons = seal(&tablets, daemons, &scale).await;
    drain(&tablets).await;
    for daemon in daemons {
        daemon.stop().await;
    }
    let (happened, requests) = (proxy.happened(), proxy.requests());
    drop(proxy);
    office.stop().unwrap();

    let records = compare(&tablets, &office.data_dir().join("collector.sqlite"));
    let faults: u64 = happened.values().sum();
    note(format_args!(
        "network: {records} records of {} ratings at the centre, each once and unaltered, through \
         {faults} faults in {requests} requests: {happened:?}",
        scale.ratings
    ));
    for name in Weather::names() {
        assert!(happened.contains_key(name), "no {name} in this run");
    }
}

/// Tablets at the first windows, enrolled through the proxy.
async fn enrol(office: &Office, proxy: &Proxy, ca_file: &Path, count: usize) -> Vec<Tablet> {
    let progress = bar(count as u64, "terminals enrolled");
    let mut tablets = Vec::new();
    for n in 0..count {
        let folder = office.folder().join(format!("tablet-{n}"));
        let tablet = Tablet::new(&folder, ca_file, pace(count));
        let code = office.code(&window(n)).unwrap();
        tablet.enrol(&proxy.url(), code).await;
        tablets.push(tablet);
        progress.inc(1);
    }
    progress.finish_and_clear();
    tablets
}

/// All terminals seal while the daemons send; half-way each terminal and its daemon start anew.
async fn seal(tablets: &[Tablet], daemons: Vec<Running>, scale: &Scale) -> Vec<Running> {
    let progress = bar(scale.ratings, "ratings sealed");
    let per_terminal = scale.ratings / tablets.len() as u64;
    let rest = scale.ratings % tablets.len() as u64;
    let dice = |n: u64| Dice::of(scale.seed, n);
    let turns = tablets.iter().zip(daemons).enumerate();
    let turns = turns.map(|(n, (tablet, daemon))| {
        let n = n as u64;
        let ratings = per_terminal + u64::from(n < rest);
        let (progress, tablet) = (progress.clone(), tablet.clone());
        let dice = [dice(2 * n), dice(2 * n + 1)];
        tokio::spawn(async move {
            let in_thread = |ratings: u64, dice: Dice| {
                let (tablet, progress) = (tablet.clone(), progress.clone());
                let sealing = move || tablet.seal(ratings, dice, || progress.inc(1));
                tokio::task::spawn_blocking(sealing)
            };
            let [before, after] = dice;
            in_thread(ratings / 2, before).await.unwrap();
            daemon.stop().await;
            let daemon = tablet.daemon();
            in_thread(ratings - ratings / 2, after).await.unwrap();
            daemon
        })
    });
    let turns: Vec<_> = turns.collect();
    let mut daemons = Vec::new();
    for turn in turns {
        daemons.push(turn.await.unwrap());
    }
    progress.finish_and_clear();
    daemons
}

/// Waits until every tablet knows that the centre holds everything. The network stays as it is.
async fn drain(tablets: &[Tablet]) {
    let left = || tablets.iter().map(Tablet::unacknowledged).sum::<u64>();
    let mut least = left();
    let progress = bar(least, "records drained");
    let mut moved = Instant::now();
    while least > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = left();
        if now < least {
            moved = Instant::now();
        }
        assert!(
            moved.elapsed() < STUCK,
            "{now} records are still not acknowledged after {STUCK:?} without any progress"
        );
        least = now;
        progress.set_position(progress.length().unwrap_or(0).saturating_sub(now));
    }
    progress.finish_and_clear();
}

/// The journals against the collector's database; how many records there are.
fn compare(tablets: &[Tablet], database: &Path) -> usize {
    let mut sealed = Ledger::default();
    for tablet in tablets {
        sealed.add_journal(&tablet.data.journal()).unwrap();
    }
    let held = Ledger::of_centre(database).unwrap();
    assert_eq!(sealed.differences(&held, 20), Vec::<String>::new());
    for table in ["dead_letter", "conflict"] {
        assert_eq!(ledger::rows(database, table).unwrap(), 0, "{table}");
    }
    let chains = held.chains().unwrap();
    assert_eq!(chains, sealed.chains().unwrap());
    assert_eq!(chains, ledger::watermarks(database).unwrap());
    let recount = sealed.recount().unwrap();
    assert_eq!(recount, held.recount().unwrap());
    assert_eq!(recount, ledger::tally(database).unwrap());
    held.len()
}

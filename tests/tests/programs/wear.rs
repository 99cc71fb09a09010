//! What the tablet's programs write to its card, as the kernel counts it in `/proc/PID/io`.
//!
//! `write_bytes` counts whole pages, 4 KiB each, when they become dirty; what the file system writes
//! about files (its own journal, inodes, folders) is nobody's and is not in it.
//!
//! `sh tests/run --long wear`; `MANYI_WEAR_RATINGS` and `MANYI_WEAR_IDLE_SECONDS` say how much.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use manyi_e2e::citizens::note;
use manyi_e2e::citizens::plan::{Answer, Citizen};
use manyi_e2e::figures::Figures;
use manyi_e2e::power::campaign::scratch;
use manyi_e2e::progress::bar;
use manyi_e2e::usage::written_bytes;
use manyi_e2e::wait::{pause, wait_until};
use manyi_shared::domain::Level;

use crate::office::hall;
use crate::rig::{COUNTED, Rig};

/// The goal (guarantee 7), in bytes written to the card.
const PER_RATING: f64 = 10.0 * 1024.0;
/// The goal for an hour in which nobody comes.
const PER_IDLE_HOUR: f64 = 1024.0 * 1024.0;

/// Nothing written for so long: what a start leaves to do is done.
const QUIET: Duration = Duration::from_secs(4);

/// The usual heartbeat of a hall, and quick pages.
const PROFILE: &str = "ask_reasons = false\nguard_ms = 50\nthanks_seconds = 1\nask_seconds = 120\n";

fn number_of(name: &str, usual: u32) -> u32 {
    std::env::var(name).map_or(usual, |number| number.parse().unwrap())
}

/// Bytes written so far by terminal and daemon.
fn written(rig: &Rig) -> anyhow::Result<[u64; 2]> {
    let of = |program: Option<&manyi_e2e::programs::Program>| {
        written_bytes(program.context("it does not run")?.id())
    };
    Ok([of(rig.terminal.as_ref())?, of(rig.sync.as_ref())?])
}

#[test]
#[ignore = "a measurement; sh tests/run --long wear"]
fn a_rating_costs_the_card_at_most_ten_kibibytes() {
    let ratings = number_of("MANYI_WEAR_RATINGS", 8);
    let idle = number_of("MANYI_WEAR_IDLE_SECONDS", 0);
    let mut rig = Rig::with_hall(hall(PROFILE).path()).unwrap();
    // On a tablet what the programs say goes to the system's log, not to files of theirs.
    let logs = scratch().unwrap();
    rig.logs = logs.path().to_owned();
    rig.enrol().unwrap();
    rig.start_sync().unwrap();
    rig.wait_for_profile().unwrap();
    rig.start_terminal().unwrap();
    // The first one pays for what a start leaves to do.
    rate(&rig, 0);
    rig.score_of(1).unwrap();
    wait_until_quiet(&rig);
    let progress = bar(u64::from(ratings), "ratings");
    let costs: Vec<[f64; 2]> = (1..=ratings)
        .map(|number| {
            let before = written(&rig).unwrap();
            rate(&rig, number);
            // Each is sent and acknowledged by itself, as in a hall where people come one by one.
            let score = rig.score_of(u64::from(number) + 1).unwrap();
            assert_eq!(score.tally.prompts(), u64::from(number) + 1);
            let after = written(&rig).unwrap();
            progress.inc(1);
            std::array::from_fn(|program| as_float(after[program] - before[program]))
        })
        .collect();
    progress.finish_and_clear();
    let kib = |pick: &dyn Fn(&[f64; 2]) -> f64| {
        Figures::of(costs.iter().map(|cost| pick(cost) / 1024.0)).unwrap()
    };
    note(format_args!("written per rating, KiB"));
    note(format_args!("  terminal {}", kib(&|cost| cost[0])));
    note(format_args!("  daemon   {}", kib(&|cost| cost[1])));
    note(format_args!(
        "  both     {}",
        kib(&|cost| cost[0] + cost[1])
    ));
    let mean = costs.iter().flatten().sum::<f64>() / f64::from(ratings);
    assert!(
        mean > 0.0,
        "nothing is written: the folder for temporary files is in memory"
    );
    if idle > 0 {
        idle_hour(&rig, idle);
    }
    let verdict = if mean <= PER_RATING { "met" } else { "NOT MET" };
    note(format_args!(
        "wear: {:.1} KiB per rating; goal, at most 10: {verdict}",
        mean / 1024.0
    ));
    assert!(mean <= PER_RATING, "{:.1} KiB per rating", mean / 1024.0);
}

fn as_float(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below what is exact")]
    let bytes = bytes as f64;
    bytes
}

fn rate(rig: &Rig, number: u32) {
    let tablet = rig.tablet().unwrap();
    let level = Level::ALL[number as usize % Level::ALL.len()];
    let visit = tablet.serve(&Citizen {
        item: Some(("1137158100MB9Y0011400010100100".to_owned(), String::new())),
        staff: None,
        case_number: format!("LQ-{number}"),
        answer: Answer::Rate {
            level,
            tags: Vec::new(),
        },
        look_ms: 50,
    });
    visit.unwrap();
    tablet.wait_until_ready().unwrap();
}

/// The first start makes the voice's sounds in the background.
fn wait_until_quiet(rig: &Rig) {
    let mut last = (written(rig).unwrap(), Instant::now());
    wait_until("the programs to write nothing", COUNTED * 4, || {
        let now = written(rig).unwrap_or_default();
        if now != last.0 {
            last = (now, Instant::now());
        }
        last.1.elapsed() > QUIET
    })
    .unwrap();
}

/// Some minutes without a citizen, told as an hour.
fn idle_hour(rig: &Rig, seconds: u32) {
    let (before, start) = (written(rig).unwrap(), Instant::now());
    let progress = bar(u64::from(seconds), "idle seconds");
    for _ in 0..seconds {
        pause(Duration::from_secs(1));
        progress.inc(1);
    }
    progress.finish_and_clear();
    let after = written(rig).unwrap();
    let hours = start.elapsed().as_secs_f64() / 3600.0;
    let [terminal, sync] = [0, 1].map(|program| as_float(after[program] - before[program]) / hours);
    note(format_args!(
        "written per idle hour, KiB (of {seconds} s): terminal {:.0}, daemon {:.0}",
        terminal / 1024.0,
        sync / 1024.0
    ));
    let sum = terminal + sync;
    assert!(sum <= PER_IDLE_HOUR, "{:.0} KiB an idle hour", sum / 1024.0);
}

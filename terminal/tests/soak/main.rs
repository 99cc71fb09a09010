//! Thousands of citizens at one terminal: memory stays, and the journal has exactly what was tapped.
//!
//! 300 come in an ordinary test run; `sh tests/run --long soak` sends 10,000, or
//! `MANYI_SOAK_PROMPTS=N cargo test -p manyi-terminal --test soak -- --nocapture`.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test of its own process"
)]

mod kiosk;
mod people;
mod profile;

#[path = "../common/office.rs"]
mod office;
#[path = "../common/profile.rs"]
mod usual;

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use manyi_shared::domain::{Outcome, Seq, StreamId, Withdrawal};
use manyi_shared::journal::{Reader, StoredStream};
use manyi_shared::tablet::DataDir;
use manyi_shared::wire::RecordBody;
use manyi_ui::fonts;

use kiosk::Kiosk;
use people::Person;

/// What the terminal may grow by after it has warmed up, in KiB.
const GROWTH_KIB: u64 = 2 * 1024;
/// Each page is drawn once in so many, glyph by glyph; unoptimised, a picture takes some tenths of a
/// second. A prime, so that every kind of page has its turn.
const DRAW_EVERY: u64 = if cfg!(debug_assertions) { 29 } else { 1 };
/// Citizens until caches are full.
const WARM_UP: usize = 500;

#[test]
fn memory_stays_and_the_journal_is_exact_after_many_citizens() {
    const NAME: &str = "memory_stays_and_the_journal_is_exact_after_many_citizens";
    const INSIDE: &str = "MANYI_SOAK_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        soak();
        return;
    }
    // fontconfig reads its environment once: only a new process knows our own fonts and no others.
    let folder = tempfile::tempdir().unwrap();
    let config = fonts::write_fontconfig(&fonts::locate(None).unwrap(), folder.path()).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(INSIDE, "1")
        .env("FONTCONFIG_FILE", config)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn soak() {
    let people: usize = std::env::var("MANYI_SOAK_PROMPTS").map_or(300, |n| n.parse().unwrap());
    let warm_up = WARM_UP.min(people / 2);
    let folder = tempfile::tempdir().unwrap();
    office::enrol(&DataDir::new(folder.path()), &profile::profile());
    let mut kiosk = Kiosk::start(folder.path(), DRAW_EVERY);
    let mut wanted = Vec::new();
    let mut warm = 0;
    for number in 0..people {
        if number == warm_up {
            warm = pss_kib();
        }
        wanted.extend(Person::of(number).come(&mut kiosk));
        if number % 1000 == 999 {
            println!("{} citizens: {} KiB", number + 1, pss_kib());
        }
    }
    let end = pss_kib();
    println!(
        "{people} citizens, {} pictures drawn: {warm} KiB after {warm_up}, {end} KiB at the end",
        kiosk.drawn
    );
    assert_eq!(kiosk.stop(), 0, "prompts were left unsealed");
    let sealed = journal(folder.path());
    assert_eq!(sealed.len(), wanted.len());
    for (sealed, wanted) in sealed.iter().zip(&wanted) {
        assert_eq!(sealed, wanted);
    }
    assert!(
        end < warm + GROWTH_KIB,
        "memory grew from {warm} to {end} KiB"
    );
}

/// The memory of this process: PSS, in KiB.
fn pss_kib() -> u64 {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.unwrap()
        .trim()
        .trim_end_matches("kB")
        .trim()
        .parse()
        .unwrap()
}

/// Every record but the opening, in one line each and in order; the chain holds.
fn journal(folder: &Path) -> Vec<String> {
    let reader = Reader::open(&DataDir::new(folder).journal()).unwrap();
    let streams = reader.streams().unwrap();
    let [stream] = streams.as_slice() else {
        panic!("{} streams", streams.len());
    };
    let report = reader.verify(stream).unwrap();
    assert!(report.verdict.is_good(), "{report:?}");
    let mut lines = Vec::new();
    let mut cases = HashMap::new();
    reader
        .for_each_record(stream, |record| {
            let body = record.decode().unwrap().body;
            lines.extend(line(body, record.seq, stream, &mut cases));
        })
        .unwrap();
    lines
}

fn line(
    body: RecordBody,
    seq: Seq,
    stream: &StoredStream,
    cases: &mut HashMap<Seq, String>,
) -> Option<String> {
    Some(match body {
        RecordBody::StreamOpened(_) => return None,
        RecordBody::Outcome(record) => {
            let case = record.event.case_number.unwrap().as_str().to_owned();
            cases.insert(seq, case.clone());
            let how = match record.outcome {
                Outcome::Rated { level, tags } if tags.is_empty() => {
                    format!("rated {}", level.number())
                }
                Outcome::Declined => "declined".to_owned(),
                Outcome::TimedOut => "timed out".to_owned(),
                Outcome::Withdrawn(Withdrawal::Cancelled) => "cancelled".to_owned(),
                Outcome::Withdrawn(Withdrawal::Replaced) => "replaced".to_owned(),
                other => format!("{other:?}"),
            };
            format!("{case} {how}")
        }
        RecordBody::Amendment(record) => {
            let tags: Vec<u16> = record.tags.iter().map(|tag| tag.number()).collect();
            let level = record.level.number();
            format!("{} amended {level} {tags:?}", cases[&record.target])
        }
        RecordBody::Message(record) => {
            let id: StreamId = stream.id;
            let text = profile::office().open(&record.sealed, id, record.target);
            format!("{} number {}", cases[&record.target], text.unwrap())
        }
        other => format!("{other:?}"),
    })
}

//! What the journal costs over the least that SQLite can do: a bare insert-and-commit of the same
//! bytes under the same settings (WAL, FULL), side by side in one run.
//!
//! `cargo bench -p manyi-shared --features journal --bench append [-- ROUNDS]`
//!
//! Rounds alternate, so that a noisy machine disturbs both alike; the ratio of medians is the
//! figure, with the quartiles of the per-round ratios as its spread.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use manyi_shared::domain::{
    BootId, Call, CaseNumber, ClockReading, HallId, ItemCode, Level, Outcome, ServiceEvent,
    StaffId, TerminalId, WindowId,
};
use manyi_shared::journal::{Opening, Reader, Writer};
use manyi_shared::wire::{OutcomeRecord, RecordBody};
use rusqlite::Connection;

const APPENDS_A_ROUND: u32 = 200;

fn reading(uptime_ms: u64) -> ClockReading {
    ClockReading {
        wall_ms: 1_795_000_000_000,
        uptime_ms,
        boot: BootId::from_bytes([2; 16]),
        synchronised: false,
    }
}

fn body(ordinal: u32) -> RecordBody {
    RecordBody::Outcome(OutcomeRecord {
        ordinal,
        outcome: Outcome::Rated {
            level: Level::VerySatisfied,
            tags: Vec::new(),
        },
        tag_set: None,
        response_ms: Some(2_000 + ordinal % 3_000),
        event: ServiceEvent {
            staff: Some(StaffId::new("LQ0101").unwrap()),
            item: Some(ItemCode::new("1137158100431234XY000013101200").unwrap()),
            case_number: Some(CaseNumber::new(format!("LQ20261121{ordinal:06}")).unwrap()),
        },
        call: Call::default(),
    })
}

/// The bare loop's table has what must be stored in any case: the bytes, by position.
fn bare(path: &Path) -> Connection {
    let conn = Connection::open(path).unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    conn.pragma_update(None, "synchronous", "FULL").unwrap();
    conn.execute_batch("CREATE TABLE r (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL)")
        .unwrap();
    conn
}

fn median(values: &mut [f64], at: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let index = ((values.len() - 1) as f64 * at).round() as usize;
    values.get(index).copied().unwrap_or_default()
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6 / f64::from(APPENDS_A_ROUND)
}

fn main() {
    let rounds: usize = std::env::args()
        .filter_map(|a| a.parse().ok())
        .next()
        .unwrap_or(40);
    let folder = tempfile::tempdir_in(std::env::current_dir().unwrap().join("target"))
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let opening = Opening {
        suite: manyi_shared::wire::Suite::Ed25519Sha256,
        terminal: TerminalId::from_bytes([1; 16]),
        hall: HallId::new("371581-01").unwrap(),
        window: WindowId::new("A01").unwrap(),
        software: "bench".to_owned(),
    };
    let journal_path = folder.path().join("journal.sqlite");
    let mut writer = Writer::open(&journal_path, &opening, reading(0)).unwrap();
    // The same bytes for both: sealed once, read back.
    for ordinal in 1..=APPENDS_A_ROUND {
        writer
            .append(body(ordinal), &reading(u64::from(ordinal)))
            .unwrap();
    }
    let reader = Reader::open(&journal_path).unwrap();
    let mut records = Vec::new();
    let streams = reader.streams().unwrap();
    reader
        .for_each_record(streams.first().unwrap(), |r| records.push(r.bytes))
        .unwrap();
    records.remove(0);
    let bare_conn = bare(&folder.path().join("bare.sqlite"));

    let (mut journal_us, mut bare_us, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut ordinal = APPENDS_A_ROUND;
    for _ in 0..rounds {
        let start = Instant::now();
        for bytes in &records {
            bare_conn
                .prepare_cached("INSERT INTO r (bytes) VALUES (?)")
                .and_then(|mut insert| insert.execute([bytes]))
                .unwrap();
        }
        let bare_took = micros(start.elapsed());
        let start = Instant::now();
        for _ in 0..APPENDS_A_ROUND {
            ordinal += 1;
            writer
                .append(body(ordinal), &reading(u64::from(ordinal)))
                .unwrap();
        }
        let journal_took = micros(start.elapsed());
        bare_us.push(bare_took);
        journal_us.push(journal_took);
        ratios.push(journal_took / bare_took);
    }
    println!("{rounds} rounds of {APPENDS_A_ROUND} commits each, alternating");
    println!(
        "bare insert   p25 {:7.1}  p50 {:7.1}  p75 {:7.1} µs a commit",
        median(&mut bare_us, 0.25),
        median(&mut bare_us, 0.5),
        median(&mut bare_us, 0.75)
    );
    println!(
        "journal       p25 {:7.1}  p50 {:7.1}  p75 {:7.1} µs a commit",
        median(&mut journal_us, 0.25),
        median(&mut journal_us, 0.5),
        median(&mut journal_us, 0.75)
    );
    println!(
        "ratio         p25 {:7.2}  p50 {:7.2}  p75 {:7.2}   (of medians {:.2})",
        median(&mut ratios, 0.25),
        median(&mut ratios, 0.5),
        median(&mut ratios, 0.75),
        median(&mut journal_us, 0.5) / median(&mut bare_us, 0.5)
    );
}

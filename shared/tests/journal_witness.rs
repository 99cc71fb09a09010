//! A card that gives back an older journal: whole, and short of what something beside it remembers.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use manyi_shared::domain::{
    BootId, Call, ClockReading, HallId, Level, Outcome, Seq, ServiceEvent, StreamId, TerminalId,
    WindowId,
};
use manyi_shared::journal::{Backlog, Opening, Witness, Writer};
use manyi_shared::wire::{LossCause, OutcomeRecord, RecordBody, Suite};

fn opening() -> Opening {
    Opening {
        suite: Suite::Ed25519Sha256,
        terminal: TerminalId::from_bytes([1; 16]),
        hall: HallId::new("371581-01").unwrap(),
        window: WindowId::new("A01").unwrap(),
        software: "test".to_owned(),
    }
}

fn at(ms: u64) -> ClockReading {
    ClockReading {
        wall_ms: 1_000_000_i64.saturating_add_unsigned(ms),
        uptime_ms: ms,
        boot: BootId::from_bytes([2; 16]),
        synchronised: false,
    }
}

fn rating() -> RecordBody {
    RecordBody::Outcome(OutcomeRecord {
        ordinal: 1,
        outcome: Outcome::Rated {
            level: Level::Satisfied,
            tags: Vec::new(),
        },
        tag_set: None,
        response_ms: None,
        event: ServiceEvent::default(),
        call: Call::default(),
    })
}

fn open(path: &Path, ms: u64) -> Writer {
    Writer::open(path, &opening(), at(ms)).unwrap()
}

fn witness(stream: StreamId, tip: u64) -> Witness {
    let tip = Seq::new(tip).unwrap();
    Witness { stream, tip }
}

/// A journal whose first stream has an opening, sealed at 0 ms, and ratings at 1,000 and 2,000 ms.
fn two_ratings(path: &Path) -> StreamId {
    let mut writer = open(path, 0);
    writer.append(rating(), &at(1_000)).unwrap();
    writer.append(rating(), &at(2_000)).unwrap();
    writer.stream()
}

#[test]
fn a_journal_that_ends_before_what_is_remembered_says_so_once_with_its_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let first = two_ratings(&path);
    let mut writer = open(&path, 9_000);
    let loss = writer.hear(witness(first, 5), &at(9_500)).unwrap().unwrap();
    assert_eq!(loss.cause, LossCause::OlderJournal);
    assert_eq!(
        (loss.stream, loss.from, loss.until),
        (Some(first), Seq::new(4), None)
    );
    assert_eq!(
        (loss.earliest_ms, loss.latest_ms),
        (Some(1_002_000), Some(1_009_500))
    );
    assert_eq!(writer.tip(), Seq::new(2).unwrap(), "it is a record");
    // The same witness again, now and at the next start; the stream has not grown by it.
    assert_eq!(writer.hear(witness(first, 5), &at(9_600)).unwrap(), None);
    drop(writer);
    let mut writer = open(&path, 10_000);
    assert_eq!(writer.hear(witness(first, 6), &at(10_500)).unwrap(), None);
}

#[test]
fn where_the_whole_stream_is_gone_the_end_of_the_one_before_may_be_gone_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    two_ratings(&path);
    let gone = StreamId::from_bytes([7; 16]);
    let mut writer = open(&path, 9_000);
    let loss = writer.hear(witness(gone, 1), &at(9_500)).unwrap().unwrap();
    assert_eq!((loss.stream, loss.from, loss.until), (None, None, None));
    assert_eq!(
        (loss.earliest_ms, loss.latest_ms),
        (Some(1_002_000), Some(1_009_500))
    );
}

#[test]
fn what_is_here_or_was_here_and_is_pruned_is_not_missed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let first = two_ratings(&path);
    let mut writer = open(&path, 9_000);
    for tip in 1..=3 {
        assert_eq!(writer.hear(witness(first, tip), &at(9_500)).unwrap(), None);
    }
    let mut daemon = Backlog::open(&path).unwrap();
    let run = daemon.next_run(10, 64 * 1024, &[]).unwrap().unwrap();
    let held = run
        .records
        .iter()
        .fold(run.base, |hash, bytes| hash.extend(bytes));
    daemon
        .acknowledge(first, Seq::new(3).unwrap().into(), held)
        .unwrap();
    daemon.prune(0).unwrap();
    assert_eq!(writer.hear(witness(first, 3), &at(9_500)).unwrap(), None);
}

//! The journal against an in-memory model, with reopening and killed processes, and every file it
//! must refuse.

#![allow(
    clippy::allow_attributes,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod journal_model;

use std::path::Path;

use manyi_shared::domain::{
    BootId, Call, ClockReading, HallId, Level, Outcome, Seq, ServiceEvent, StreamId, TerminalId,
    Watermark, WindowId,
};
use manyi_shared::journal::{Backlog, JournalError, Opening, Reader, Verdict, Writer};
use manyi_shared::wire::{ChainHash, OutcomeRecord, Record, RecordBody, Suite};
use rusqlite::Connection;

pub(crate) fn opening() -> Opening {
    opening_in(Suite::Ed25519Sha256)
}

pub(crate) fn opening_in(suite: Suite) -> Opening {
    Opening {
        suite,
        terminal: TerminalId::from_bytes([1; 16]),
        hall: HallId::new("371581-01").unwrap(),
        window: WindowId::new("A01").unwrap(),
        software: "test".to_owned(),
    }
}

pub(crate) fn reading(uptime_ms: u64) -> ClockReading {
    ClockReading {
        wall_ms: 1_795_000_000_000 + i64::try_from(uptime_ms).unwrap(),
        uptime_ms,
        boot: BootId::from_bytes([2; 16]),
        synchronised: false,
    }
}

pub(crate) fn rating(ordinal: u32, level: Level) -> RecordBody {
    RecordBody::Outcome(OutcomeRecord {
        ordinal,
        outcome: Outcome::Rated {
            level,
            tags: Vec::new(),
        },
        tag_set: None,
        response_ms: Some(1_000),
        event: ServiceEvent::default(),
        call: Call::default(),
    })
}

fn with_ratings(path: &Path, n: u32) -> (StreamId, ChainHash) {
    let mut writer = Writer::open(path, &opening(), reading(0)).unwrap();
    let mut hash = None;
    for ordinal in 1..=n {
        let at = reading(u64::from(ordinal));
        hash = Some(
            writer
                .append(rating(ordinal, Level::Satisfied), &at)
                .unwrap()
                .hash,
        );
    }
    (writer.stream(), hash.unwrap())
}

#[test]
fn a_second_terminal_is_kept_out_and_the_first_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut first = Writer::open(&path, &opening(), reading(0)).unwrap();
    let second = Writer::open(&path, &opening(), reading(0));
    assert!(matches!(second, Err(JournalError::InUse { .. })));
    first
        .append(rating(1, Level::Satisfied), &reading(1))
        .unwrap();
}

#[test]
fn the_next_stream_names_the_end_of_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let (first, hash) = with_ratings(&path, 3);
    let second = Writer::open(&path, &opening(), reading(0)).unwrap();
    let reader = Reader::open(&path).unwrap();
    let stream = reader
        .streams()
        .unwrap()
        .into_iter()
        .find(|s| s.id == second.stream())
        .unwrap();
    let mut tips = Vec::new();
    reader
        .for_each_record(&stream, |record| {
            if let RecordBody::StreamOpened(opened) = record.decode().unwrap().body {
                tips.push(opened.previous.unwrap());
            }
        })
        .unwrap();
    let tip = tips[0];
    assert_eq!((tip.stream, tip.seq.get(), tip.hash), (first, 4, hash));
}

#[test]
fn a_failed_append_spends_the_writer_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut writer = Writer::open(&path, &opening(), reading(0)).unwrap();
    writer
        .append(rating(1, Level::Satisfied), &reading(1))
        .unwrap();
    // A trigger stands in for a full card: SQLite refuses the row and says so.
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON record BEGIN SELECT RAISE(ABORT, 'full'); END",
        )
        .unwrap();
    let failed = writer.append(rating(2, Level::Satisfied), &reading(2));
    assert!(
        matches!(failed, Err(JournalError::Append { seq: 3, .. })),
        "{failed:?}"
    );
    other.execute_batch("DROP TRIGGER full").unwrap();
    let again = writer.append(rating(2, Level::Satisfied), &reading(3));
    assert!(matches!(again, Err(JournalError::Spent)), "{again:?}");
    drop(writer);
    let reader = Reader::open(&path).unwrap();
    let stream = &reader.streams().unwrap()[0];
    let report = reader.verify(stream).unwrap();
    assert_eq!((report.records, report.verdict), (2, Verdict::Whole));
}

#[test]
fn a_reader_and_the_daemon_do_not_create_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    assert!(matches!(
        Reader::open(&path),
        Err(JournalError::Missing { .. })
    ));
    assert!(matches!(
        Backlog::open(&path),
        Err(JournalError::Missing { .. })
    ));
    assert!(!path.exists());
}

/// Opens the file in every role; returns the writer's error. The bytes must not change.
fn refused(path: &Path) -> JournalError {
    let before = std::fs::read(path).unwrap();
    let error = Writer::open(path, &opening(), reading(0)).unwrap_err();
    assert!(Backlog::open(path).is_err());
    assert!(Reader::open(path).is_err());
    assert_eq!(std::fs::read(path).unwrap(), before, "the file was touched");
    error
}

#[test]
fn a_journal_of_a_newer_version_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    with_ratings(&path, 2);
    Connection::open(&path)
        .and_then(|c| {
            c.execute_batch("CREATE TABLE more (x)")?;
            c.pragma_update(None, "user_version", 3)?;
            c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        })
        .unwrap();
    let error = refused(&path);
    assert!(
        matches!(error, JournalError::Newer { found: 3, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("left as it is"), "{error}");
}

#[rstest::rstest]
#[case::text(b"this is not a database, it only has the right name and some length to it".to_vec())]
#[case::one_byte(vec![0x53])]
#[case::header_only(b"SQLite format 3\0".to_vec())]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is(#[case] content: Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    std::fs::write(&path, content).unwrap();
    let error = refused(&path);
    assert!(matches!(error, JournalError::Unreadable { .. }), "{error}");
}

#[test]
fn somebody_elses_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE t (x)")
        .unwrap();
    let error = refused(&path);
    assert!(matches!(error, JournalError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains("application id"), "{error}");
}

#[test]
fn a_damaged_page_is_found_at_the_start_and_the_file_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    with_ratings(&path, 2_000);
    let mut bytes = std::fs::read(&path).unwrap();
    assert!(
        bytes.len() > 40_000,
        "the records must fill several pages: {}",
        bytes.len()
    );
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Writer::open(&path, &opening(), reading(0)).unwrap_err();
    assert!(matches!(error, JournalError::Unreadable { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_changed_record_breaks_the_chain_and_verify_names_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    with_ratings(&path, 5);
    Connection::open(&path)
        .unwrap()
        .execute(
            "UPDATE record SET bytes = (SELECT bytes FROM record WHERE seq = 3) WHERE seq = 4",
            [],
        )
        .unwrap();
    let reader = Reader::open(&path).unwrap();
    let report = reader.verify(&reader.streams().unwrap()[0]).unwrap();
    assert_eq!(report.verdict, Verdict::Broken(Seq::new(4).unwrap()));
}

#[test]
fn a_removed_record_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    with_ratings(&path, 5);
    Connection::open(&path)
        .unwrap()
        .execute("DELETE FROM record WHERE seq = 4", [])
        .unwrap();
    let reader = Reader::open(&path).unwrap();
    let report = reader.verify(&reader.streams().unwrap()[0]).unwrap();
    assert_eq!(report.verdict, Verdict::Missing(Seq::new(4).unwrap()));
}

#[test]
fn a_reader_counts_what_is_not_acknowledged_and_finds_single_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let (stream, hash) = with_ratings(&path, 5);
    let reader = Reader::open(&path).unwrap();
    let stored = reader.streams().unwrap().remove(0);
    assert_eq!(reader.unacknowledged(&stored).unwrap(), 6);
    let last = reader.record(&stored, Seq::new(6).unwrap()).unwrap();
    assert_eq!(last.map(|record| record.hash), Some(hash));
    assert_eq!(reader.record(&stored, Seq::new(7).unwrap()).unwrap(), None);
    let first = reader.record(&stored, Seq::FIRST).unwrap().unwrap();
    let mut backlog = Backlog::open(&path).unwrap();
    backlog
        .acknowledge(stream, Watermark::new(1), first.hash)
        .unwrap();
    let stored = reader.streams().unwrap().remove(0);
    assert_eq!(reader.unacknowledged(&stored).unwrap(), 5);
}

#[test]
fn an_acknowledgement_of_another_history_or_of_the_unknown_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let (stream, hash) = with_ratings(&path, 5);
    let mut backlog = Backlog::open(&path).unwrap();
    let wrong = ChainHash::from_bytes([0; 32]);
    assert!(matches!(
        backlog.acknowledge(stream, Watermark::new(6), wrong),
        Err(JournalError::OtherHistory { .. })
    ));
    assert!(matches!(
        backlog.acknowledge(stream, Watermark::new(7), hash),
        Err(JournalError::Unknown { .. })
    ));
    assert!(matches!(
        backlog.acknowledge(StreamId::from_bytes([9; 16]), Watermark::new(1), hash),
        Err(JournalError::Unknown { .. })
    ));
    assert_eq!(backlog.unacknowledged().unwrap(), 6);
    backlog
        .acknowledge(stream, Watermark::new(6), hash)
        .unwrap();
    assert_eq!(backlog.unacknowledged().unwrap(), 0);
}

#[test]
fn a_centre_that_went_back_in_time_is_filled_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let (stream, hash) = with_ratings(&path, 5);
    let mut backlog = Backlog::open(&path).unwrap();
    let run = backlog.next_run(100, 100_000, &[]).unwrap().unwrap();
    let second = run.base.extend(&run.records[0]).extend(&run.records[1]);
    backlog
        .acknowledge(stream, Watermark::new(6), hash)
        .unwrap();
    backlog
        .acknowledge(stream, Watermark::new(2), second)
        .unwrap();
    let again = backlog.next_run(100, 100_000, &[]).unwrap().unwrap();
    assert_eq!((again.first.get(), again.records.len()), (3, 4));
    backlog
        .acknowledge(
            stream,
            Watermark::new(0),
            ChainHash::genesis(run.terminal, stream),
        )
        .unwrap();
    assert_eq!(backlog.next_run(100, 100_000, &[]).unwrap().unwrap(), run);
}

#[test]
fn a_centre_that_lost_what_is_pruned_here_is_not_sent_the_rest_as_if_it_were_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let (stream, hash) = with_ratings(&path, 5);
    let mut backlog = Backlog::open(&path).unwrap();
    backlog
        .acknowledge(stream, Watermark::new(6), hash)
        .unwrap();
    assert_eq!(backlog.prune(2).unwrap().records, 4);
    let genesis = ChainHash::genesis(opening().terminal, stream);
    assert!(matches!(
        backlog.acknowledge(stream, Watermark::new(0), genesis),
        Err(JournalError::Unknown { seq: 1, .. })
    ));
    assert_eq!(backlog.next_run(100, 100_000, &[]).unwrap(), None);
}

#[test]
fn numbers_are_reserved_while_the_terminal_commits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut writer = Writer::open(&path, &opening(), reading(0)).unwrap();
    let mut backlog = Backlog::open(&path).unwrap();
    let daemon = std::thread::spawn(move || {
        (0..100)
            .map(|_| {
                backlog
                    .reserve_exchange_numbers(2, 0)
                    .map_err(|e| format!("{e:?}"))
            })
            .collect::<Vec<_>>()
    });
    for ordinal in 1..=300 {
        writer
            .append(
                rating(ordinal, Level::Satisfied),
                &reading(u64::from(ordinal)),
            )
            .unwrap();
    }
    let numbers: Vec<u64> = daemon
        .join()
        .unwrap()
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(numbers, (0..100).map(|n| 1 + 2 * n).collect::<Vec<u64>>());
}

#[test]
fn exchange_numbers_are_never_given_twice_not_even_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    with_ratings(&path, 1);
    let first = Backlog::open(&path)
        .unwrap()
        .reserve_exchange_numbers(10, 0)
        .unwrap();
    let second = Backlog::open(&path)
        .unwrap()
        .reserve_exchange_numbers(10, 0)
        .unwrap();
    let third = Backlog::open(&path)
        .unwrap()
        .reserve_exchange_numbers(10, 1_000)
        .unwrap();
    assert_eq!((first, second, third), (1, 11, 1_000));
}

#[test]
fn a_reader_sees_a_running_terminals_records_and_does_not_hold_it_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut writer = Writer::open(&path, &opening(), reading(0)).unwrap();
    let reader = Reader::open(&path).unwrap();
    writer
        .append(rating(1, Level::VeryDissatisfied), &reading(1))
        .unwrap();
    let stream = reader.streams().unwrap().remove(0);
    let mut levels = Vec::new();
    reader
        .for_each_record(&stream, |stored| {
            if let Ok(Record {
                body: RecordBody::Outcome(o),
                ..
            }) = stored.decode()
            {
                levels.extend(o.outcome.level());
            }
            // The reader is in the middle of its look: the writer must get through all the same.
        })
        .unwrap();
    writer
        .append(rating(2, Level::Satisfied), &reading(2))
        .unwrap();
    assert_eq!(levels, [Level::VeryDissatisfied]);
}

//! Journals of version 1, as terminals in halls have them, made by the text that made them.

#![allow(
    clippy::allow_attributes,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::path::Path;

use manyi_shared::domain::{
    BootId, Call, ClockReading, HallId, Level, Outcome, Seq, ServiceEvent, StreamId, TerminalId,
    Watermark, WindowId,
};
use manyi_shared::journal::{Backlog, Opening, Pending, Reader, SCHEMA_VERSION, Verdict, Writer};
use manyi_shared::wire::{
    ChainHash, OutcomeRecord, Record, RecordBody, RecordTime, StreamOpened, Suite,
};
use rusqlite::{Connection, params};

/// Frozen: what version 1 executed.
const V1: &str = "
    CREATE TABLE stream (
        stream_no   INTEGER PRIMARY KEY,
        stream_id   BLOB NOT NULL UNIQUE,
        terminal_id BLOB NOT NULL
    );
    CREATE TABLE record (
        stream_no INTEGER NOT NULL REFERENCES stream,
        seq       INTEGER NOT NULL,
        bytes     BLOB NOT NULL,
        hash      BLOB NOT NULL,
        PRIMARY KEY (stream_no, seq)
    ) WITHOUT ROWID;
    CREATE TABLE acknowledged (
        stream_no INTEGER PRIMARY KEY REFERENCES stream,
        seq       INTEGER NOT NULL,
        hash      BLOB NOT NULL
    );
    CREATE TABLE note (
        name  TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) WITHOUT ROWID;
";

const TERMINAL: TerminalId = TerminalId::from_bytes([1; 16]);

fn opening() -> Opening {
    Opening {
        suite: Suite::Ed25519Sha256,
        terminal: TERMINAL,
        hall: HallId::new("371581-01").unwrap(),
        window: WindowId::new("A01").unwrap(),
        software: "test".to_owned(),
    }
}

fn reading() -> ClockReading {
    ClockReading {
        wall_ms: 1_795_000_000_000,
        uptime_ms: 0,
        boot: BootId::from_bytes([2; 16]),
        synchronised: false,
    }
}

struct V1Stream {
    id: StreamId,
    hashes: Vec<ChainHash>,
}

/// A journal of version 1 with one stream for every `(records, acknowledged, pruned)`.
fn v1(path: &Path, streams: &[(u64, u64, u64)]) -> Vec<V1Stream> {
    let mut conn = Connection::open(path).unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    let tx = conn.transaction().unwrap();
    tx.execute_batch(V1).unwrap();
    tx.pragma_update(None, "application_id", 0x4d61_6e79)
        .unwrap();
    tx.pragma_update(None, "user_version", 1).unwrap();
    let mut made = Vec::new();
    for (no, &(records, acknowledged, pruned)) in (1_u8..).zip(streams) {
        let id = StreamId::from_bytes([no; 16]);
        tx.execute(
            "INSERT INTO stream VALUES (?, ?, ?)",
            params![no, id.as_bytes(), TERMINAL.as_bytes()],
        )
        .unwrap();
        let mut hash = ChainHash::genesis(TERMINAL, id);
        let mut hashes = Vec::new();
        for seq in 1..=records {
            let bytes = record(id, seq);
            hash = hash.extend(&bytes);
            hashes.push(hash);
            if seq > pruned {
                tx.execute(
                    "INSERT INTO record VALUES (?, ?, ?, ?)",
                    params![no, seq, bytes, hash.as_bytes()],
                )
                .unwrap();
            }
            if seq == acknowledged {
                tx.execute(
                    "INSERT INTO acknowledged VALUES (?, ?, ?)",
                    params![no, seq, hash.as_bytes()],
                )
                .unwrap();
            }
        }
        made.push(V1Stream { id, hashes });
    }
    tx.execute("INSERT INTO note VALUES ('next_exchange', 77)", [])
        .unwrap();
    tx.commit().unwrap();
    made
}

fn record(stream: StreamId, seq: u64) -> Vec<u8> {
    let body = if seq == 1 {
        RecordBody::StreamOpened(StreamOpened {
            terminal: TERMINAL,
            stream,
            suite: Suite::Ed25519Sha256,
            previous: None,
            wall_ms: 0,
            uptime_ms: 0,
            boot: reading().boot,
            software: "manyi-terminal 0.1.0".to_owned(),
            hall: opening().hall,
            window: opening().window,
            channel: manyi_shared::domain::Channel::Tablet,
        })
    } else {
        RecordBody::Outcome(OutcomeRecord {
            ordinal: u32::try_from(seq).unwrap(),
            outcome: Outcome::Rated {
                level: Level::Satisfied,
                tags: Vec::new(),
            },
            tag_set: None,
            response_ms: Some(1_000),
            event: ServiceEvent::default(),
            call: Call::default(),
        })
    };
    let at = RecordTime::default();
    Record { at, body }.encode().unwrap()
}

/// A sent stream without records, one that is half pruned, one that nobody has seen.
const STREAMS: [(u64, u64, u64); 3] = [(10, 10, 10), (20, 15, 5), (30, 0, 0)];

#[rstest::rstest]
fn a_journal_of_version_1_goes_on_where_it_was(#[values(true, false)] terminal_first: bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let made = v1(&path, &STREAMS);
    if terminal_first {
        drop(Writer::open(&path, &opening(), reading()).unwrap());
    }
    let mut backlog = Backlog::open(&path).unwrap();
    drop(Writer::open(&path, &opening(), reading()).unwrap());
    let version: i64 = Connection::open(&path)
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, SCHEMA_VERSION);
    let Some(Pending::Run(run)) = backlog.next(100, 1_000_000, &[]).unwrap() else {
        panic!("nothing to send")
    };
    assert_eq!((run.stream, run.first.get()), (made[1].id, 16));
    assert_eq!(
        (run.base, run.head()),
        (made[1].hashes[14], made[1].hashes[19])
    );
    backlog
        .acknowledge(run.stream, run.last().into(), run.head())
        .unwrap();
    let Some(Pending::Run(run)) = backlog.next(100, 1_000_000, &[]).unwrap() else {
        panic!("nothing to send")
    };
    assert_eq!((run.stream, run.first.get()), (made[2].id, 1));
    assert_eq!(backlog.reserve_exchange_numbers(1, 0).unwrap(), 77);
}

#[test]
fn what_was_pruned_before_the_upgrade_is_known_to_be_gone_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let made = v1(&path, &STREAMS);
    let backlog = Backlog::open(&path).unwrap();
    for (stream, pruned) in [(&made[0], 10), (&made[1], 6)] {
        let held = Watermark::new(2);
        let gone = backlog.gone(stream.id, held, stream.hashes[1]).unwrap();
        let fold = gone.unwrap().fold;
        assert_eq!((fold.first.get(), fold.last.get()), (3, pruned));
        assert_eq!(fold.base, stream.hashes[1]);
        assert_eq!(fold.head, stream.hashes[fold.last.get() as usize - 1]);
        assert!(fold.entries.is_empty());
    }
    let held = Watermark::new(7);
    let gone = backlog.gone(made[1].id, held, made[1].hashes[6]).unwrap();
    assert_eq!(gone, None);
}

#[test]
fn a_journal_of_version_1_can_be_looked_at_before_it_is_upgraded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    v1(&path, &STREAMS);
    let before = std::fs::read(&path).unwrap();
    let reader = Reader::open(&path).unwrap();
    let verdicts: Vec<_> = reader
        .streams()
        .unwrap()
        .iter()
        .map(|stream| {
            let unsent = reader.unacknowledged(stream).unwrap();
            (unsent, reader.verify(stream).unwrap().verdict)
        })
        .collect();
    let sixth = Seq::new(6).unwrap();
    assert_eq!(
        verdicts,
        [
            (0, Verdict::Whole),
            (5, Verdict::PrunedBefore(sixth)),
            (30, Verdict::Whole)
        ]
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

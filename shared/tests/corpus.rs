//! The corpus: records of every release, two still to come among them, as a tablet's card may have them.
//!
//! One file a release in `corpus/`, one record a line: its bytes in hexadecimal and what it is. A change
//! of a format adds a file or lines, never edits any. Whatever this program cannot read it passes on
//! byte for byte.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::path::Path;

use manyi_shared::domain::{BootId, ClockReading, StreamId, TerminalId};
use manyi_shared::journal::{Backlog, Opening, Pending, Writer};
use manyi_shared::wire::{
    ChainHash, ExchangeHead, Health, Record, RecordBody, Run, SecretKey, SignedExchange,
};

/// Releases that this program knows; those after it are still to come.
const KNOWN: u32 = 3;

struct Line {
    release: u32,
    what: String,
    bytes: Vec<u8>,
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

fn corpus() -> Vec<Line> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let release = name.split('-').next().unwrap().parse().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (hex, what) = line.split_once("  ").unwrap();
            lines.push(Line {
                release,
                what: what.to_owned(),
                bytes: unhex(hex),
            });
        }
    }
    assert!(lines.len() >= 21, "the corpus only grows");
    lines
}

#[test]
fn every_record_of_every_release_is_read() {
    for line in corpus() {
        let record = Record::decode(&line.bytes)
            .unwrap_or_else(|error| panic!("{}: {}: {error}", line.release, line.what));
        let unknown = matches!(record.body, RecordBody::Unknown { .. });
        assert_eq!(unknown, line.what.starts_with("kind 99"), "{}", line.what);
        if line.release <= KNOWN {
            assert_eq!(record.encode().unwrap(), line.bytes, "{}", line.what);
        }
    }
}

const TERMINAL: TerminalId = TerminalId::from_bytes([0x11; 16]);

fn clock() -> ClockReading {
    ClockReading {
        wall_ms: 1_795_000_000_000,
        uptime_ms: 5_000,
        boot: BootId::from_bytes([0x33; 16]),
        synchronised: true,
    }
}

/// A journal whose stream goes on with these bytes, as another release would have sealed them.
fn seal_raw(path: &Path, records: &[Vec<u8>]) -> StreamId {
    let opening = Opening {
        terminal: TERMINAL,
        hall: "371581-01".parse().unwrap(),
        window: "A01".parse().unwrap(),
        suite: manyi_shared::wire::Suite::default(),
        software: "test".to_owned(),
    };
    let writer = Writer::open(path, &opening, clock()).unwrap();
    let stream = writer.stream();
    drop(writer);
    let conn = rusqlite::Connection::open(path).unwrap();
    let hash: [u8; 32] = conn
        .query_row("SELECT hash FROM record WHERE seq = 1", [], |row| {
            row.get(0)
        })
        .unwrap();
    let mut hash = ChainHash::from_bytes(hash);
    for (seq, bytes) in (2_u64..).zip(records) {
        hash = hash.extend(bytes);
        conn.execute(
            "INSERT INTO record (stream_no, seq, bytes, hash) VALUES (1, ?1, ?2, ?3)",
            rusqlite::params![seq, bytes, hash.as_bytes()],
        )
        .unwrap();
    }
    stream
}

#[test]
fn the_whole_corpus_goes_from_the_card_through_an_exchange_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let records: Vec<_> = corpus().into_iter().map(|line| line.bytes).collect();
    let stream = seal_raw(&path, &records);
    let backlog = Backlog::open(&path).unwrap();
    let Some(Pending::Run(pending)) = backlog.next(1000, 1 << 19, &[]).unwrap() else {
        panic!("nothing to send");
    };
    let head = ExchangeHead {
        terminal: TERMINAL,
        number: 1,
        clock: clock(),
        health: Health {
            software: "test".to_owned(),
            backlog: 0,
            oldest_unsent_ms: None,
            disk_free_bytes: None,
            profile_problem: None,
            journal_problem: None,
            ..Health::default()
        },
        profile_version: 0,
        run: Some(Run {
            stream,
            first: pending.first,
            count: u32::try_from(pending.records.len()).unwrap(),
            base: pending.base,
            head: pending.head(),
        }),
        prompts: Vec::new(),
        fold: None,
        claims: Vec::new(),
        unread: false,
    };
    let key = SecretKey::from_seed(&[0x55; 32]);
    let sent = head.seal(&pending.records, &key).unwrap();
    let exchange = SignedExchange::parse(&sent).unwrap().open(&key.public());
    let arrived = exchange
        .unwrap()
        .records
        .into_iter()
        .map(|(bytes, _)| bytes);
    assert!(arrived.skip(1).eq(records));
}

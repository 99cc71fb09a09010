//! The corpus of heartbeats: one file a release in `corpus_heartbeats/`, one still to come among
//! them. Only add; never edit.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::path::Path;

use manyi_shared::domain::{BootId, ClockReading, TerminalId};
use manyi_shared::wire::{
    Board, ExchangeHead, Health, Screen, SecretKey, SelfTested, ShownPage, SignedExchange,
};
use minicbor::{Decode, Encode};

/// Releases that this program knows; those after it are still to come.
const KNOWN: u32 = 2;

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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus_heartbeats");
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
    assert!(lines.len() >= 7, "the corpus only grows");
    lines
}

fn sync(health: Health) -> Health {
    Health {
        software: "manyi-sync 0.1.0".to_owned(),
        backlog: 8,
        oldest_unsent_ms: Some(62_000),
        disk_free_bytes: Some(1 << 33),
        ..health
    }
}

fn painting() -> Screen {
    Screen {
        software: "manyi-terminal 0.1.0".to_owned(),
        uptime_ms: 7_200_000,
        page: ShownPage::Idle.number(),
        turns: 719,
        frames: 718,
        turned_uptime_ms: Some(7_199_500),
        drawn_uptime_ms: Some(7_199_520),
        last_rating_ms: Some(1_795_000_000_000),
        self_test: Some(SelfTested {
            day: 20_261_122,
            good: true,
        }),
    }
}

#[test]
fn every_heartbeat_of_every_release_is_read() {
    for line in corpus() {
        let health = Health::decode(&line.bytes).unwrap_or_else(|| panic!("{}", line.what));
        if line.release <= KNOWN {
            assert_eq!(health.encode(), line.bytes, "{}", line.what);
        }
    }
}

#[test]
fn screen_and_board_have_their_golden_bytes() {
    let screen = Some(painting());
    let board = |temperature_mc, disk_total_bytes| {
        Some(Board {
            temperature_mc,
            disk_total_bytes,
        })
    };
    let started = Screen {
        software: "manyi-terminal 0.1.0".to_owned(),
        uptime_ms: 12_000,
        page: ShownPage::OutOfService.number(),
        ..Screen::default()
    };
    let golden = [
        sync(Health {
            screen,
            board: board(Some(48_312), Some(31_268_536_320)),
            ..Health::default()
        }),
        sync(Health {
            screen: Some(started),
            board: board(None, None),
            ..Health::default()
        }),
        sync(Health {
            board: board(Some(-4_250), None),
            ..Health::default()
        }),
    ];
    let second: Vec<_> = corpus().into_iter().filter(|l| l.release == 2).collect();
    assert_eq!(second.len(), golden.len());
    for (line, health) in second.iter().zip(golden) {
        assert_eq!(health.encode(), line.bytes, "{}", line.what);
    }
}

#[test]
fn of_a_later_release_what_is_known_is_read_and_the_rest_skipped() {
    let later = corpus().into_iter().find(|line| line.release == 3).unwrap();
    let health = Health::decode(&later.bytes).unwrap();
    let screen = health.screen.unwrap();
    assert_eq!(screen.shown(), None, "a page of a later release");
    assert_eq!(
        Screen {
            page: ShownPage::Idle.number(),
            ..screen
        },
        painting()
    );
    assert_eq!(health.board.unwrap().temperature_mc, Some(48_312));
}

/// The heartbeat as the first release knows it: its reader, kept.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct FirstHealth {
    #[n(0)]
    software: String,
    #[n(1)]
    backlog: u64,
    #[n(2)]
    oldest_unsent_ms: Option<u64>,
    #[n(3)]
    disk_free_bytes: Option<u64>,
    #[n(4)]
    profile_problem: Option<String>,
    #[n(5)]
    journal_problem: Option<String>,
}

#[test]
fn a_centre_of_the_first_release_reads_every_later_heartbeat() {
    for line in corpus() {
        let old: FirstHealth = minicbor::decode(&line.bytes).unwrap();
        let new = Health::decode(&line.bytes).unwrap();
        assert_eq!(
            (old.software, old.backlog, old.disk_free_bytes),
            (new.software, new.backlog, new.disk_free_bytes),
            "{}",
            line.what
        );
    }
}

#[test]
fn a_heartbeat_comes_through_a_signed_exchange_and_long_texts_do_not() {
    let key = SecretKey::from_seed(&[0x55; 32]);
    let head = |screen| ExchangeHead {
        terminal: TerminalId::from_bytes([0x11; 16]),
        number: 1,
        clock: ClockReading {
            wall_ms: 1_795_000_000_000,
            uptime_ms: 7_201_000,
            boot: BootId::from_bytes([0x33; 16]),
            synchronised: true,
        },
        health: sync(Health {
            screen: Some(screen),
            ..Health::default()
        }),
        profile_version: 0,
        run: None,
        prompts: Vec::new(),
        fold: None,
        claims: Vec::new(),
        unread: false,
    };
    let open = |screen| {
        let sent = head(screen).seal(&[], &key).unwrap();
        let signed = SignedExchange::parse(&sent).unwrap();
        signed.open(&key.public()).map(|exchange| exchange.head)
    };
    assert_eq!(open(painting()).unwrap(), head(painting()));
    let long = Screen {
        software: "x".repeat(201),
        ..painting()
    };
    assert!(open(long).is_err());
}

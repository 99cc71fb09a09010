//! Damaged journals: whatever a card does to one, the terminal goes on at once, nothing is invented,
//! and every record that is not saved is told as a possible loss.

#![allow(
    clippy::allow_attributes,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use manyi_shared::domain::{
    BootId, Call, CaseNumber, ClockReading, HallId, Level, Outcome, Seq, ServiceEvent, StreamId,
    TerminalId, WindowId,
};
use manyi_shared::journal::{Backlog, Opening, Pending, Reader, Salvage, Writer, open_or_salvage};
use manyi_shared::wire::{
    Loss, LossCause, Message, MessageKind, OfficeSecret, OutcomeRecord, RecordBody, Suite,
};

type Place = (StreamId, u64);

fn opening() -> Opening {
    Opening {
        suite: Suite::Ed25519Sha256,
        terminal: TerminalId::from_bytes([1; 16]),
        hall: HallId::new("371581-01").unwrap(),
        window: WindowId::new("A01").unwrap(),
        software: "test".to_owned(),
    }
}

fn reading(uptime_ms: u64) -> ClockReading {
    ClockReading {
        wall_ms: 1_795_000_000_000 + i64::try_from(uptime_ms).unwrap(),
        uptime_ms,
        boot: BootId::from_bytes([2; 16]),
        synchronised: false,
    }
}

fn rating(ordinal: u32) -> RecordBody {
    RecordBody::Outcome(OutcomeRecord {
        ordinal,
        outcome: Outcome::Rated {
            level: Level::ALL[ordinal as usize % 5],
            tags: Vec::new(),
        },
        tag_set: None,
        response_ms: Some(1_000 + ordinal),
        event: ServiceEvent {
            staff: None,
            item: None,
            case_number: Some(CaseNumber::new(format!("C-{ordinal}")).unwrap()),
        },
        call: Call::default(),
    })
}

/// Long enough for overflow pages.
fn message(stream: StreamId, target: Seq) -> RecordBody {
    let key = OfficeSecret::generate().unwrap().public();
    RecordBody::Message(Message {
        target,
        what: MessageKind::Comment,
        sealed: key.seal(&"满意".repeat(150), stream, target).unwrap(),
    })
}

/// What was sealed before anything happened.
struct Before {
    sealed: BTreeMap<Place, Vec<u8>>,
    /// The centre has it; it may be gone.
    acknowledged: BTreeSet<Place>,
}

/// Three starts, with pruned, acknowledged and unsent records and a long one among them, as the
/// files lie while the last one runs; `log` tells whether the newest are only in the log.
fn story(folder: &Path, log: bool) -> Before {
    let path = folder.join("journal.sqlite");
    let live = tempfile::tempdir().unwrap();
    let live_path = live.path().join("journal.sqlite");
    let (mut sealed, mut acknowledged) = (BTreeMap::new(), BTreeSet::new());
    for start in 0..3_u32 {
        // The chain says which suite a stream is of, whatever a damaged row says.
        let opening = Opening {
            suite: Suite::ALL[(start as usize + 1) % Suite::ALL.len()],
            ..opening()
        };
        let (mut writer, salvage) = open_or_salvage(&live_path, &opening, reading(0)).unwrap();
        assert_eq!(salvage, Salvage::default());
        for ordinal in 1..=60 {
            let at = reading(u64::from(start * 1_000 + ordinal) * 1_000);
            let appended = writer.append(rating(ordinal), &at).unwrap();
            if ordinal == 30 {
                let body = message(writer.stream(), appended.seq);
                writer.append(body, &at).unwrap();
            }
        }
        collect(&live_path, &mut sealed);
        if start < 2 {
            let mut backlog = Backlog::open(&live_path).unwrap();
            let most = if start == 0 { 100 } else { 20 };
            let Some(Pending::Run(run)) = backlog.next(most, 1_000_000, &[]).unwrap() else {
                panic!("nothing to send")
            };
            backlog
                .acknowledge(run.stream, run.last().into(), run.head())
                .unwrap();
            acknowledged.extend((1..=run.last().get()).map(|seq| (run.stream, seq)));
            backlog.prune(10).unwrap();
        }
        if start == 2 {
            if !log {
                rusqlite::Connection::open(&live_path)
                    .unwrap()
                    .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                    .unwrap();
            }
            for suffix in ["", "-wal"] {
                let name = format!("journal.sqlite{suffix}");
                if live.path().join(&name).exists() {
                    std::fs::copy(live.path().join(&name), folder.join(&name)).unwrap();
                }
            }
            std::fs::copy(
                live.path().join("journal.lock"),
                folder.join("journal.lock"),
            )
            .unwrap();
        }
    }
    assert!(path.exists());
    Before {
        sealed,
        acknowledged,
    }
}

fn collect(path: &Path, into: &mut BTreeMap<Place, Vec<u8>>) {
    let reader = Reader::open(path).unwrap();
    for stream in reader.streams().unwrap() {
        reader
            .for_each_record(&stream, |record| {
                into.insert((stream.id, record.seq.get()), record.bytes);
            })
            .unwrap();
    }
}

/// What is in the journal after a salvage.
struct After {
    own: BTreeMap<Place, Vec<u8>>,
    rescued: BTreeMap<Place, Vec<Vec<u8>>>,
    losses: Vec<Loss>,
}

fn after(path: &Path) -> After {
    let mut own = BTreeMap::new();
    collect(path, &mut own);
    let mut after = After {
        own: BTreeMap::new(),
        rescued: BTreeMap::new(),
        losses: Vec::new(),
    };
    for bytes in own.values() {
        match manyi_shared::wire::Record::decode(bytes).unwrap().body {
            RecordBody::Loss(loss) => after.losses.push(loss),
            RecordBody::Rescued(rescued) => {
                let place = (rescued.stream, rescued.seq.get());
                after.rescued.entry(place).or_default().push(rescued.bytes);
            }
            _ => {}
        }
    }
    after.own = own;
    after
}

fn covers(loss: &Loss, (stream, seq): Place) -> bool {
    loss.stream.is_none_or(|lost| lost == stream)
        && loss.from.is_none_or(|from| from.get() <= seq)
        && loss.until.is_none_or(|until| seq <= until.get())
}

/// Opens what a harm has left, and holds the promise against it.
fn keeps_the_promise(folder: &Path, before: &Before, what: &str) -> (Salvage, After) {
    let path = folder.join("journal.sqlite");
    let (mut writer, salvage) = open_or_salvage(&path, &opening(), reading(5_000_000))
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(!salvage.unfinished, "{what}");
    writer.append(rating(1), &reading(5_000_100)).unwrap();
    drop(writer);
    let after = after(&path);
    for (place, bytes) in &before.sealed {
        if let Some(own) = after.own.get(place) {
            assert_eq!(own, bytes, "{what}: other bytes at {place:?}");
            continue;
        }
        let rescued = after.rescued.get(place);
        if rescued.is_some_and(|copies| copies.contains(bytes))
            || before.acknowledged.contains(place)
        {
            continue;
        }
        assert!(
            after.losses.iter().any(|loss| covers(loss, *place)),
            "{what}: {place:?} is lost without a word: {:?}",
            after.losses
        );
    }
    drains(&path, what);
    (salvage, after)
}

/// A collector that takes everything in order takes everything.
fn drains(path: &Path, what: &str) {
    let mut backlog = Backlog::open(path).unwrap();
    loop {
        let pending = backlog
            .next(100, 100_000, &[])
            .unwrap_or_else(|e| panic!("{what}: {e}"));
        match pending {
            None => break,
            Some(Pending::Run(run)) => backlog
                .acknowledge(run.stream, run.last().into(), run.head())
                .unwrap(),
            Some(Pending::Fold(fold)) => panic!("{what}: {fold:?}"),
        }
    }
    assert_eq!(backlog.unacknowledged().unwrap(), 0);
    let reader = Reader::open(path).unwrap();
    for stream in reader.streams().unwrap() {
        let report = reader.verify(&stream).unwrap();
        assert!(report.verdict.is_good(), "{what}: {report:?}");
    }
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(name)
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// Small numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % n
    }
}

/// One story, copied for every harm.
struct Original {
    folder: tempfile::TempDir,
    before: Before,
}

impl Original {
    fn new(log: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let before = story(folder.path(), log);
        Self { folder, before }
    }

    fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        copy
    }
}

#[rstest::rstest]
fn a_whole_journal_is_left_where_it_is(#[values(true, false)] log: bool) {
    let original = Original::new(log);
    let (salvage, after) = keeps_the_promise(original.folder.path(), &original.before, "no harm");
    assert_eq!(salvage, Salvage::default());
    assert!(after.losses.is_empty());
}

#[test]
fn any_page_may_be_zeroed() {
    let original = Original::new(false);
    let pages = std::fs::metadata(file(original.folder.path(), "journal.sqlite"))
        .unwrap()
        .len() as usize
        / 1024;
    assert!(pages > 20, "{pages} pages");
    let mut saved = 0;
    for page in 0..pages {
        let folder = original.copy();
        change(&file(folder.path(), "journal.sqlite"), |bytes| {
            bytes[page * 1024..(page + 1) * 1024].fill(0);
        });
        let what = format!("page {page} zeroed");
        let (salvage, _) = keeps_the_promise(folder.path(), &original.before, &what);
        saved += salvage.saved + salvage.rescued;
        for aside in &salvage.set_aside {
            let kept = std::fs::metadata(aside).unwrap().len() as usize;
            assert_eq!(kept, pages * 1024, "{what}");
        }
    }
    let all = original.before.sealed.len() - original.before.acknowledged.len();
    assert!(saved as usize > pages / 2 * (all * 8 / 10), "{saved} saved");
}

#[rstest::rstest]
fn any_bit_may_flip(#[values("journal.sqlite", "journal.sqlite-wal")] name: &str) {
    let original = Original::new(name.ends_with("-wal"));
    let mut dice = Dice(7);
    for round in 0..150 {
        let folder = original.copy();
        let mut at = (0, 0);
        change(&file(folder.path(), name), |bytes| {
            at = (dice.below(bytes.len()), dice.below(8));
            bytes[at.0] ^= 1 << at.1;
        });
        let what = format!("round {round}: bit {at:?} of {name} flipped");
        let (_, after) = keeps_the_promise(folder.path(), &original.before, &what);
        // One bit costs at most one record; when not even its row can be read any more, the one behind
        // it, too, which nothing proves then.
        let lost = original.before.sealed.iter().filter(|(place, bytes)| {
            let rescued = after.rescued.get(place);
            !after.own.contains_key(place)
                && !rescued.is_some_and(|copies| copies.contains(bytes))
                && !original.before.acknowledged.contains(place)
        });
        assert!(lost.count() <= 2, "{what}");
    }
}

#[rstest::rstest]
fn files_may_be_cut_short(#[values("journal.sqlite", "journal.sqlite-wal")] name: &str) {
    let original = Original::new(name.ends_with("-wal"));
    let mut dice = Dice(11);
    for round in 0..40 {
        let folder = original.copy();
        let mut length = 0;
        change(&file(folder.path(), name), |bytes| {
            length = dice.below(bytes.len());
            bytes.truncate(length);
        });
        let what = format!("round {round}: {name} cut to {length}");
        if name.ends_with("-wal") {
            // What a log loses at its end, nobody can see; but nothing else may go wrong.
            let path = file(folder.path(), "journal.sqlite");
            drop(open_or_salvage(&path, &opening(), reading(0)).unwrap());
            drains(&path, &what);
        } else {
            keeps_the_promise(folder.path(), &original.before, &what);
        }
    }
}

#[rstest::rstest]
#[case::empty(Vec::new())]
#[case::zeros(vec![0; 40_960])]
#[case::text(b"somebody's holiday pictures".repeat(100))]
#[case::one_byte(vec![0x53])]
#[case::header_only(b"SQLite format 3\0".to_vec())]
fn what_cannot_be_read_at_all_is_one_loss(#[case] content: Vec<u8>) {
    let original = Original::new(false);
    let path = file(original.folder.path(), "journal.sqlite");
    std::fs::write(&path, &content).unwrap();
    let (salvage, after) =
        keeps_the_promise(original.folder.path(), &original.before, "unreadable");
    assert_eq!(
        std::fs::read(&salvage.set_aside[0]).unwrap_or_default(),
        content
    );
    let causes: Vec<_> = after.losses.iter().map(|loss| loss.cause).collect();
    assert_eq!(causes, [LossCause::UnreadableJournal]);
}

#[test]
fn a_journal_that_vanished_is_a_loss_and_a_first_start_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "journal.sqlite");
    let (writer, salvage) = open_or_salvage(&path, &opening(), reading(0)).unwrap();
    assert_eq!(salvage, Salvage::default());
    drop(writer);
    std::fs::remove_file(&path).unwrap();
    let (_, salvage) = open_or_salvage(&path, &opening(), reading(0)).unwrap();
    assert_eq!(salvage.losses.len(), 1, "{salvage:?}");
    assert_eq!(salvage.losses[0].cause, LossCause::UnreadableJournal);
}

#[test]
fn a_log_whose_database_is_gone_is_salvaged() {
    let original = Original::new(true);
    std::fs::remove_file(file(original.folder.path(), "journal.sqlite")).unwrap();
    let (salvage, _) = keeps_the_promise(original.folder.path(), &original.before, "log alone");
    assert!(salvage.saved + salvage.rescued > 50, "{salvage:?}");
}

#[test]
fn a_salvage_is_done_once_and_a_second_damage_keeps_the_first_file() {
    let original = Original::new(false);
    let folder = original.folder.path();
    let path = file(folder, "journal.sqlite");
    let harm = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2 / 1024 * 1024;
        bytes[middle..middle + 2048].fill(0xff);
    };
    change(&path, harm);
    let (first, after_first) = keeps_the_promise(folder, &original.before, "first");
    assert_eq!(first.set_aside.len(), 1);
    let (again, after_again) = keeps_the_promise(folder, &original.before, "again");
    assert_eq!(again, Salvage::default());
    assert_eq!(after_first.losses, after_again.losses);
    assert_eq!(after_first.rescued, after_again.rescued);
    change(&path, |bytes| bytes.truncate(bytes.len() / 2));
    // Everything was sent by now.
    let sent = Before {
        acknowledged: original.before.sealed.keys().copied().collect(),
        sealed: original.before.sealed.clone(),
    };
    let (second, _) = keeps_the_promise(folder, &sent, "second");
    assert_eq!(second.set_aside.len(), 1);
    assert_ne!(first.set_aside, second.set_aside);
    assert!(first.set_aside[0].exists() && second.set_aside[0].exists());
}

/// The files as they lie after every step of a salvage, as a power cut leaves them.
#[test]
fn a_salvage_that_is_cut_short_begins_again_without_duplicates() {
    let original = Original::new(false);
    let middle = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2 / 1024 * 1024;
        bytes[middle..middle + 1024].fill(0);
    };
    let whole = original.copy();
    change(&file(whole.path(), "journal.sqlite"), middle);
    let (_, expected) = keeps_the_promise(whole.path(), &original.before, "in one go");
    for cut_after in 0..8 {
        let folder = original.copy();
        let path = file(folder.path(), "journal.sqlite");
        change(&path, middle);
        let (mut writer, mut work) =
            manyi_shared::journal::open_or_set_aside(&path, &opening(), reading(0)).unwrap();
        for _ in 0..cut_after {
            work.step(&mut writer, &reading(1)).unwrap();
        }
        let cut = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            if !entry.file_name().to_string_lossy().ends_with("-shm") {
                std::fs::copy(entry.path(), cut.path().join(entry.file_name())).unwrap();
            }
        }
        let what = format!("cut after {cut_after} steps");
        let (_, after) = keeps_the_promise(cut.path(), &original.before, &what);
        assert_eq!(after.rescued, expected.rescued, "{what}");
        assert_eq!(after.losses.len(), expected.losses.len(), "{what}");
    }
}

#[test]
fn the_next_stream_names_the_end_of_what_was_saved() {
    let original = Original::new(false);
    let folder = original.folder.path();
    let path = file(folder, "journal.sqlite");
    // A page without records: everything is saved.
    change(&path, |bytes| bytes[70] ^= 0x10);
    let (salvage, after) = keeps_the_promise(folder, &original.before, "header");
    assert_eq!(salvage.set_aside.len(), 1);
    let (place, _) = original.before.sealed.iter().next_back().unwrap();
    let newest = original
        .before
        .sealed
        .keys()
        .filter(|(stream, _)| *stream == place.0)
        .count();
    assert!(newest > 0);
    let previous: Vec<_> = after
        .own
        .values()
        .filter_map(
            |bytes| match manyi_shared::wire::Record::decode(bytes).unwrap().body {
                RecordBody::StreamOpened(opened) => Some(opened.previous),
                _ => None,
            },
        )
        .collect();
    let named: BTreeSet<_> = previous.iter().flatten().map(|tip| tip.stream).collect();
    // Every start but the first follows another, and each another one.
    assert_eq!(named.len(), previous.iter().flatten().count());
    assert!(
        previous
            .iter()
            .filter(|previous| previous.is_none())
            .count()
            <= 1
    );
}

#[test]
fn what_the_card_has_changed_is_not_sent_and_the_terminal_is_told() {
    let original = Original::new(false);
    let folder = original.folder.path();
    let path = file(folder, "journal.sqlite");
    let (writer, _) = open_or_salvage(&path, &opening(), reading(0)).unwrap();
    let backlog = Backlog::open(&path).unwrap();
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute(
            "UPDATE record SET bytes = CAST(bytes || x'00' AS BLOB) WHERE seq = 45
             AND stream_no = (SELECT max(stream_no) - 1 FROM stream)",
            [],
        )
        .unwrap();
    let older = backlog.next(500, 100_000, &[]).unwrap().unwrap().stream();
    let Some(Pending::Run(run)) = backlog.next(500, 100_000, &[older]).unwrap() else {
        panic!("nothing to send")
    };
    // The run ends before the place; the next one would begin there.
    assert_eq!(run.last().get(), 44);
    assert!(!manyi_shared::journal::is_suspect(&path));
    let mut backlog = Backlog::open(&path).unwrap();
    backlog
        .acknowledge(run.stream, run.last().into(), run.head())
        .unwrap();
    // Another stream that has something to send goes on; the terminal is told all the same.
    let present = backlog.next(500, 100_000, &[older]).unwrap().unwrap();
    assert_eq!(present.stream(), writer.stream());
    assert!(manyi_shared::journal::is_suspect(&path));
    let skipped = [older, writer.stream()];
    let error = backlog.next(500, 100_000, &skipped).unwrap_err();
    assert!(error.to_string().contains("record 45"), "{error}");
    assert!(manyi_shared::journal::is_suspect(&path));
    drop(writer);
    let before = Before {
        acknowledged: (1..=44).map(|seq| (run.stream, seq)).collect(),
        sealed: original
            .before
            .sealed
            .into_iter()
            .filter(|((stream, _), _)| *stream == run.stream)
            .collect(),
    };
    keeps_the_promise(folder, &before, "changed on the card");
    assert!(!manyi_shared::journal::is_suspect(&path));
}

/// For what follows, one writer is enough.
#[test]
fn a_newer_journal_and_another_programs_are_left_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "journal.sqlite");
    drop(Writer::open(&path, &opening(), reading(0)).unwrap());
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE more (x); PRAGMA user_version = 9;")
        .unwrap();
    drop(conn);
    assert!(open_or_salvage(&path, &opening(), reading(0)).is_err());
    let other = tempfile::tempdir().unwrap();
    let path = file(other.path(), "journal.sqlite");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(conn);
    assert!(open_or_salvage(&path, &opening(), reading(0)).is_err());
    for folder in [&folder, &other] {
        let aside = std::fs::read_dir(folder.path())
            .unwrap()
            .filter(|entry| {
                let name = entry.as_ref().unwrap().file_name();
                name.to_string_lossy().contains("damaged")
            })
            .count();
        assert_eq!(aside, 0);
    }
}

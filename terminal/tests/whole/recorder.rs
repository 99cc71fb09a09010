//! The recorder alone: what it could not keep is told, and what a clock did is told once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use manyi_shared::domain::{
    BootId, Call, Clock, ClockReading, HallId, Level, Outcome, PromptId, Seq, ServiceEvent,
    StreamId, TerminalId, WindowId,
};
use manyi_shared::journal::{Limits, Opening, Reader};
use manyi_shared::tablet::DataDir;
use manyi_shared::wire::{
    LossCause, MessageKind, OfficeKey, OfficeSecret, OutcomeRecord, Record, RecordBody, RecordTime,
    Suite,
};
use manyi_terminal::flow::{Event, Names, Prompt};
use manyi_terminal::recorder::{self, Answer, Job};
use tempfile::TempDir;

use crate::terminal::{PATIENCE, records};

/// A clock that says what a test wants.
#[derive(Debug)]
struct SetClock {
    reading: Mutex<ClockReading>,
    right: AtomicBool,
}

impl Clock for SetClock {
    fn read(&self) -> ClockReading {
        let mut reading = self.reading.lock().unwrap();
        reading.uptime_ms += 10;
        reading.wall_ms += 10;
        ClockReading {
            synchronised: self.right.load(Ordering::SeqCst),
            ..*reading
        }
    }
}

/// A recorder and the test that is its conductor.
struct Desk {
    folder: TempDir,
    clock: Arc<SetClock>,
    jobs: Option<Sender<Job>>,
    answers: Receiver<Answer>,
    thread: Option<JoinHandle<()>>,
}

fn opening() -> Opening {
    Opening {
        suite: Suite::Ed25519Sha256,
        terminal: TerminalId::from_bytes([1; 16]),
        hall: HallId::new("371581-01").unwrap(),
        window: WindowId::new("A01").unwrap(),
        software: "manyi-terminal test".to_owned(),
    }
}

fn rating(ordinal: u32) -> RecordBody {
    RecordBody::Outcome(OutcomeRecord {
        ordinal,
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

impl Desk {
    /// A recorder with an open stream; the clock is right or not.
    fn new(right: bool) -> Self {
        let mut desk = Self::start(tempfile::tempdir().unwrap(), right);
        desk.open();
        desk
    }

    fn start(folder: TempDir, right: bool) -> Self {
        let clock = Arc::new(SetClock {
            reading: Mutex::new(ClockReading {
                wall_ms: 1_000,
                uptime_ms: 1_000,
                boot: BootId::from_bytes([5; 16]),
                synchronised: false,
            }),
            right: AtomicBool::new(right),
        });
        let (ear, answers) = channel();
        let answer = move |answer| ear.send(answer).unwrap_or_default();
        let data = DataDir::new(folder.path());
        let started = recorder::start(data, Limits::default(), clock.clone(), answer);
        let (jobs, thread) = started.unwrap();
        Self {
            folder,
            clock,
            jobs: Some(jobs),
            answers,
            thread: Some(thread),
        }
    }

    fn data(&self) -> DataDir {
        DataDir::new(self.folder.path())
    }

    fn ask(&self, job: Job) {
        self.jobs.as_ref().unwrap().send(job).unwrap();
    }

    fn event(&self) -> Event {
        loop {
            if let Answer::Event(event) = self.answers.recv_timeout(PATIENCE).unwrap() {
                return event;
            }
        }
    }

    /// Opens a stream; says which, and whether the record in doubt was kept.
    fn open(&mut self) -> (StreamId, bool) {
        self.ask(Job::Open(opening()));
        match self.event() {
            Event::Opened { stream, kept, .. } => (stream, kept),
            other => panic!("{other:?}"),
        }
    }

    fn seal(&self, body: RecordBody) -> Event {
        self.ask(Job::Seal(body));
        self.event()
    }

    fn text(&self, key: OfficeKey) -> Event {
        self.ask(Job::SealText {
            key,
            target: Seq::new(2).unwrap(),
            what: MessageKind::Phone,
            text: "13800000000".to_owned(),
        });
        self.event()
    }

    fn set_clock(&self, wall_ms: i64, right: bool) {
        self.clock.reading.lock().unwrap().wall_ms = wall_ms;
        self.clock.right.store(right, Ordering::SeqCst);
    }

    /// Makes every insert fail, or no longer.
    fn card(&self, broken: bool) {
        let conn = rusqlite::Connection::open(self.data().journal()).unwrap();
        let how = if broken {
            "CREATE TRIGGER broken BEFORE INSERT ON record
             BEGIN SELECT RAISE(ABORT, 'the card is broken'); END"
        } else {
            "DROP TRIGGER broken"
        };
        conn.execute_batch(how).unwrap();
    }

    /// The names of the newest streams' records, each stream's opening left out.
    fn names(&self) -> Vec<Vec<&'static str>> {
        let streams = records(&self.data());
        let name = |body: &RecordBody| match body {
            RecordBody::Outcome(_) => "outcome",
            RecordBody::Message(_) => "message",
            RecordBody::ClockSet => "clock set",
            RecordBody::Loss(_) => "loss",
            _ => "other",
        };
        let names = |stream: &Vec<RecordBody>| stream.iter().map(name).collect();
        streams.iter().map(names).collect()
    }

    /// Every loss that was told: cause, stream, first and last position, how many.
    fn losses(&self) -> Vec<(LossCause, Option<StreamId>, [Option<u64>; 3])> {
        let told = records(&self.data()).into_iter().flatten();
        let loss = |body| match body {
            RecordBody::Loss(loss) => Some((
                loss.cause,
                loss.stream,
                [
                    loss.from.map(Seq::get),
                    loss.until.map(Seq::get),
                    loss.records,
                ],
            )),
            _ => None,
        };
        told.filter_map(loss).collect()
    }

    /// Ends the recorder, which does first what it has to do after its last job, and reads.
    fn end_and_read(mut self) -> Vec<Vec<&'static str>> {
        self.jobs = None;
        self.thread.take().unwrap().join().unwrap();
        self.names()
    }
}

fn key() -> OfficeKey {
    OfficeSecret::generate().unwrap().public()
}

/// X25519 with this point has no secret: nothing can be encrypted to it.
fn no_key() -> OfficeKey {
    OfficeKey::from_bytes([0; 32])
}

#[test]
fn a_message_that_cannot_be_encrypted_is_told_as_not_kept_and_is_nowhere() {
    let mut desk = Desk::new(true);
    assert!(matches!(desk.seal(rating(1)), Event::Sealed(_)));
    assert!(matches!(desk.text(no_key()), Event::SealFailed(_)));
    let first = Reader::open(&desk.data().journal()).unwrap();
    let stream = first.streams().unwrap()[0].id;
    let (_, kept) = desk.open();
    assert!(!kept);
    assert_eq!(
        desk.losses(),
        [(
            LossCause::NotKept,
            Some(stream),
            [Some(3), Some(3), Some(1)]
        )]
    );
    assert_eq!(desk.names(), [vec!["outcome"], vec!["loss"]]);
}

#[test]
fn a_message_after_a_broken_card_is_counted_among_what_was_not_kept() {
    let mut desk = Desk::new(true);
    assert!(matches!(desk.seal(rating(1)), Event::Sealed(_)));
    desk.card(true);
    assert!(matches!(desk.seal(rating(2)), Event::SealFailed(_)));
    assert!(matches!(desk.text(key()), Event::SealFailed(_)));
    desk.card(false);
    desk.open();
    let [(cause, _, bounds)] = desk.losses()[..] else {
        panic!("{:?}", desk.losses());
    };
    assert_eq!(
        (cause, bounds),
        (LossCause::NotKept, [Some(3), Some(4), Some(2)])
    );
    desk.open();
    assert_eq!(desk.losses().len(), 1, "told once");
}

#[test]
fn the_clock_that_becomes_right_is_told_once_for_all_records_before_it() {
    let desk = Desk::new(false);
    assert!(matches!(desk.seal(rating(1)), Event::Sealed(_)));
    desk.set_clock(1_800_000_000_000, true);
    // A question is on the screen when the clock is set.
    desk.ask(Job::Note(Prompt {
        id: PromptId {
            stream: StreamId::from_bytes([9; 16]),
            ordinal: 2,
        },
        ordinal: 2,
        event: ServiceEvent::default(),
        call: Call::default(),
        names: Names::default(),
    }));
    assert!(matches!(desk.seal(rating(2)), Event::Sealed(_)));
    // Set again, while it is right.
    desk.set_clock(1_900_000_000_000, true);
    assert!(matches!(desk.seal(rating(3)), Event::Sealed(_)));
    assert_eq!(
        desk.end_and_read(),
        [vec!["outcome", "clock set", "outcome", "outcome"]]
    );
}

#[test]
fn a_clock_that_goes_wrong_and_becomes_right_again_is_told_twice() {
    let desk = Desk::new(false);
    // The recorder looks at the clock before it takes the next job.
    let mut ordinal = 0;
    for (wall_ms, right) in [
        (1_800_000_000_000, true),
        (2_000, false),
        (1_800_000_100_000, true),
    ] {
        desk.set_clock(wall_ms, right);
        for _ in 0..2 {
            ordinal += 1;
            assert!(matches!(desk.seal(rating(ordinal)), Event::Sealed(_)));
        }
    }
    let names = desk.end_and_read();
    let told = names[0].iter().filter(|name| **name == "clock set").count();
    assert_eq!(told, 2, "{names:?}");
}

#[test]
fn a_start_with_a_right_clock_says_nothing_about_it() {
    let desk = Desk::new(true);
    assert!(matches!(desk.seal(rating(1)), Event::Sealed(_)));
    assert_eq!(desk.end_and_read(), [vec!["outcome"]]);
}

/// The commit of the clock's record fails and is on the card all the same. The rating after it was
/// never tried: taking the one for the other would thank for a rating that is nowhere.
#[test]
fn a_rating_behind_a_clock_record_in_doubt_is_not_taken_for_kept() {
    let mut desk = Desk::new(false);
    desk.card(true);
    desk.set_clock(1_800_000_000_000, true);
    // The recorder looks at its clock after the job: this note is on the screen only.
    desk.ask(Job::Note(Prompt {
        id: PromptId {
            stream: StreamId::from_bytes([9; 16]),
            ordinal: 1,
        },
        ordinal: 1,
        event: ServiceEvent::default(),
        call: Call::default(),
        names: Names::default(),
    }));
    assert!(matches!(desk.seal(rating(1)), Event::SealFailed(_)));
    desk.card(false);
    let (stream, seq) = put_clock_record(desk.data().journal());
    let (_, kept) = desk.open();
    assert!(!kept);
    assert_eq!(
        desk.losses(),
        [(
            LossCause::NotKept,
            Some(stream),
            [Some(seq + 1), Some(seq + 1), Some(1)]
        )]
    );
}

/// Puts the record of a set clock at the end of the only stream, as its commit would have.
fn put_clock_record(journal: PathBuf) -> (StreamId, u64) {
    let reader = Reader::open(&journal).unwrap();
    let stored = reader.streams().unwrap().remove(0);
    let last = reader.record(&stored, Seq::FIRST).unwrap().unwrap();
    drop(reader);
    let reading = ClockReading {
        wall_ms: 1_000,
        uptime_ms: 1_000,
        boot: BootId::from_bytes([5; 16]),
        synchronised: false,
    };
    let bytes = Record {
        at: RecordTime::between(&reading, &reading),
        body: RecordBody::ClockSet,
    }
    .encode()
    .unwrap();
    let hash = last.hash.extend(&bytes);
    rusqlite::Connection::open(journal)
        .unwrap()
        .execute(
            "INSERT INTO record (stream_no, seq, bytes, hash)
             SELECT stream_no, 2, ?, ? FROM stream",
            rusqlite::params![bytes, hash.as_bytes()],
        )
        .unwrap();
    (stored.id, 2)
}

/// The files of a folder but for what SQLite shares between processes.
fn copy_of(folder: &std::path::Path, only: &str) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(only) && !name.ends_with("-shm") {
            std::fs::copy(entry.path(), copy.path().join(name)).unwrap();
        }
    }
    copy
}

#[test]
fn a_card_that_gives_back_an_older_journal_is_told_of() {
    let mut desk = Desk::new(true);
    let (stream, _) = desk.open();
    assert!(matches!(desk.seal(rating(1)), Event::Sealed(_)));
    // What the card will give back: whole, but without the second rating and all after it.
    let older = copy_of(desk.folder.path(), "journal");
    assert!(matches!(desk.seal(rating(2)), Event::Sealed(_)));
    desk.ask(Job::Note(Prompt {
        id: PromptId { stream, ordinal: 3 },
        ordinal: 3,
        event: ServiceEvent::default(),
        call: Call::default(),
        names: Names::default(),
    }));
    assert!(matches!(desk.seal(rating(3)), Event::Sealed(_)));
    let note = std::fs::read(desk.folder.path().join("open-prompt.json")).unwrap();
    desk.end_and_read();
    std::fs::write(older.path().join("open-prompt.json"), note).unwrap();

    let mut next = Desk::start(older, true);
    next.open();
    assert_eq!(
        next.losses(),
        [(LossCause::OlderJournal, Some(stream), [Some(3), None, None])]
    );
    next.open();
    assert_eq!(next.losses().len(), 1, "told once");
}

#[test]
fn a_start_after_an_orderly_stop_or_a_kill_tells_of_no_older_journal() {
    let mut desk = Desk::new(true);
    let (stream, _) = desk.open();
    for ordinal in 1..=3 {
        desk.ask(Job::Note(Prompt {
            id: PromptId { stream, ordinal },
            ordinal,
            event: ServiceEvent::default(),
            call: Call::default(),
            names: Names::default(),
        }));
        assert!(matches!(desk.seal(rating(ordinal)), Event::Sealed(_)));
    }
    // A kill right now leaves all of it with the kernel.
    let killed = copy_of(desk.folder.path(), "");
    let mut next = Desk::start(killed, true);
    next.open();
    assert_eq!(next.losses(), []);
    desk.open();
    assert_eq!(desk.losses(), []);
}

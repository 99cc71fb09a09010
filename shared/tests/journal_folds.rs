//! Full cards: what citizens said stays countable, and a centre that takes everything in order gets
//! it all.

#![allow(
    clippy::allow_attributes,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::collections::BTreeMap;
use std::path::Path;

use manyi_shared::domain::{
    BootId, Call, CaseNumber, ClockReading, HallId, ItemCode, Level, Outcome, OutcomeKind, Seq,
    ServiceEvent, StaffId, StreamId, TerminalId, Watermark, WindowId,
};
use manyi_shared::journal::{Backlog, Limits, Opening, Pending, Reader, Writer};
use manyi_shared::wire::limits::MAX_FOLD_ENTRIES;
use manyi_shared::wire::{
    Amendment, ChainHash, Message, MessageKind, Misuse, OfficeKey, OfficeSecret, OutcomeRecord,
    Record, RecordBody,
};
use proptest::prelude::*;

fn opening() -> Opening {
    Opening {
        suite: manyi_shared::wire::Suite::Ed25519Sha256,
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
        synchronised: true,
    }
}

fn outcome(ordinal: u32, outcome: Outcome) -> RecordBody {
    RecordBody::Outcome(OutcomeRecord {
        ordinal,
        outcome,
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

fn rated(level: Level) -> Outcome {
    Outcome::Rated {
        level,
        tags: Vec::new(),
    }
}

/// Memory, where syncs cost nothing: what a card keeps is not the question here.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

type Counts = BTreeMap<(OutcomeKind, Option<Level>), u64>;

/// A centre that takes what comes in order and checks every chain.
#[derive(Default)]
struct Centre {
    held: BTreeMap<StreamId, (u64, ChainHash)>,
    outcomes: BTreeMap<(StreamId, u64), (OutcomeKind, Option<Level>)>,
    folded: Counts,
    folds: usize,
}

impl Centre {
    /// Takes at most so many deliveries; the reply to some may be lost.
    fn take(&mut self, path: &Path, deliveries: usize, lose_reply: bool) {
        let mut backlog = Backlog::open(path).unwrap();
        for _ in 0..deliveries {
            let Some(pending) = backlog.next(50, 100_000, &[]).unwrap() else {
                return;
            };
            let (stream, last) = (pending.stream(), pending.last());
            let head = self.receive(&pending);
            if !lose_reply {
                backlog.acknowledge(stream, last.into(), head).unwrap();
            }
        }
    }

    fn receive(&mut self, pending: &Pending) -> ChainHash {
        let genesis = ChainHash::genesis(pending.terminal(), pending.stream());
        let stream = pending.stream();
        let (watermark, chain) = *self.held.entry(stream).or_insert((0, genesis));
        let head = match pending {
            Pending::Run(run) => {
                assert!(run.first.get() <= watermark + 1, "a gap");
                let mut hash = run.base;
                for (n, bytes) in (0..).zip(&run.records) {
                    let seq = run.first.get() + n;
                    if seq == watermark + 1 {
                        assert_eq!(hash, chain, "another history");
                    }
                    hash = hash.extend(bytes);
                    if seq > watermark {
                        self.record(stream, seq, bytes);
                    }
                }
                hash
            }
            Pending::Fold(pending) => {
                let fold = &pending.fold;
                assert_eq!(
                    (fold.first.get(), fold.base),
                    (watermark + 1, chain),
                    "a fold over what the centre has"
                );
                assert!(fold.first > Seq::FIRST && fold.entries.len() <= MAX_FOLD_ENTRIES);
                for entry in &fold.entries {
                    *self.folded.entry((entry.outcome, entry.level)).or_default() +=
                        u64::from(entry.n);
                }
                self.folds += 1;
                fold.head
            }
        };
        let last = pending.last().get();
        if last > watermark {
            self.held.insert(stream, (last, head));
        }
        head
    }

    fn record(&mut self, stream: StreamId, seq: u64, bytes: &[u8]) {
        match Record::decode(bytes).unwrap().body {
            RecordBody::Outcome(o) => {
                let counted = (o.outcome.kind(), o.outcome.level());
                self.outcomes.insert((stream, seq), counted);
            }
            RecordBody::Amendment(a) => {
                let target = self.outcomes.get_mut(&(stream, a.target.get()));
                target.expect("an amendment of what was folded").1 = Some(a.level);
            }
            RecordBody::Message(m) => {
                assert!(
                    self.outcomes.contains_key(&(stream, m.target.get())),
                    "a message to what was folded"
                );
            }
            _ => {}
        }
    }

    fn counts(&self) -> Counts {
        let mut counts = self.folded.clone();
        for outcome in self.outcomes.values() {
            *counts.entry(*outcome).or_default() += 1;
        }
        counts
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// So many ordinary ratings.
    Rate(u8, u16),
    /// Another way for a prompt to end.
    Other(bool),
    Correct(Level),
    Message,
    Misuse,
    Restart,
    /// The card is full.
    Full,
    Send {
        deliveries: usize,
        lose_reply: bool,
    },
    /// A pause of so many minutes.
    Pass(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u8..5, 1_u16..120).prop_map(|(level, n)| Step::Rate(level, n)),
        1 => any::<bool>().prop_map(Step::Other),
        3 => prop::sample::select(Level::ALL.to_vec()).prop_map(Step::Correct),
        1 => Just(Step::Message),
        1 => Just(Step::Misuse),
        1 => Just(Step::Restart),
        3 => Just(Step::Full),
        1 => (1_usize..6).prop_map(|deliveries| Step::Send { deliveries, lose_reply: false }),
        1 => (1_u64..300).prop_map(Step::Pass),
    ]
}

struct Terminal {
    folder: tempfile::TempDir,
    writer: Option<Writer>,
    key: OfficeKey,
    ordinal: u32,
    now: u64,
    /// The last outcome of this stream, while it can be corrected.
    last: Option<(Seq, Level)>,
    said: Counts,
    centre: Centre,
}

impl Terminal {
    fn new() -> Self {
        let mut terminal = Self {
            folder: folder(),
            writer: None,
            key: OfficeSecret::generate().unwrap().public(),
            ordinal: 0,
            now: 0,
            last: None,
            said: Counts::new(),
            centre: Centre::default(),
        };
        terminal.restart();
        terminal
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("journal.sqlite")
    }

    fn restart(&mut self) {
        self.writer = None;
        let mut writer = Writer::open(&self.path(), &opening(), reading(self.now)).unwrap();
        writer.limit(Limits { cap_bytes: 0 });
        self.writer = Some(writer);
        self.last = None;
    }

    fn seal(&mut self, body: RecordBody) -> Seq {
        self.now += 20_000;
        let at = reading(self.now);
        self.writer.as_mut().unwrap().append(body, &at).unwrap().seq
    }

    fn end(&mut self, how: Outcome) -> Seq {
        self.ordinal += 1;
        *self.said.entry((how.kind(), how.level())).or_default() += 1;
        let body = outcome(self.ordinal, how);
        self.seal(body)
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Rate(level, n) => {
                for _ in 0..n {
                    let level = Level::ALL[usize::from(level)];
                    self.last = Some((self.end(rated(level)), level));
                }
            }
            Step::Other(declined) => {
                let how = if declined {
                    Outcome::Declined
                } else {
                    Outcome::TimedOut
                };
                self.end(how);
                self.last = None;
            }
            Step::Correct(level) => {
                let Some((target, before)) = self.last else {
                    return;
                };
                *self
                    .said
                    .get_mut(&(OutcomeKind::Rated, Some(before)))
                    .unwrap() -= 1;
                *self
                    .said
                    .entry((OutcomeKind::Rated, Some(level)))
                    .or_default() += 1;
                self.last = Some((target, level));
                self.seal(RecordBody::Amendment(Amendment {
                    target,
                    level,
                    tags: Vec::new(),
                    tag_set: None,
                }));
            }
            Step::Message => {
                let Some((target, _)) = self.last else { return };
                let stream = self.writer.as_ref().unwrap().stream();
                let sealed = self.key.seal("13800000000", stream, target).unwrap();
                self.seal(RecordBody::Message(Message {
                    target,
                    what: MessageKind::Phone,
                    sealed,
                }));
            }
            Step::Misuse => {
                let Some((target, _)) = self.last else { return };
                self.seal(RecordBody::Misuse(Misuse {
                    target,
                    kinds: Misuse::BURST,
                    touches: 3,
                    span_ms: 100,
                }));
            }
            Step::Restart => self.restart(),
            Step::Full => {
                self.writer.as_mut().unwrap().make_room().unwrap();
            }
            Step::Send {
                deliveries,
                lose_reply,
            } => {
                let path = self.path();
                self.centre.take(&path, deliveries, lose_reply);
            }
            Step::Pass(minutes) => self.now += minutes * 60_000,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_citizens_said_adds_up_however_full_the_card_was(
        steps in prop::collection::vec(any_step(), 10..40)
    ) {
        let mut terminal = Terminal::new();
        for step in &steps {
            terminal.step(step);
        }
        terminal.writer = None;
        let path = terminal.path();
        let reader = Reader::open(&path).unwrap();
        for stream in reader.streams().unwrap() {
            let report = reader.verify(&stream).unwrap();
            prop_assert!(report.verdict.is_good(), "{report:?}");
        }
        terminal.centre.take(&path, usize::MAX, false);
        terminal.said.retain(|_, n| *n > 0);
        prop_assert_eq!(terminal.centre.counts(), terminal.said);
        prop_assert_eq!(Backlog::open(&path).unwrap().unacknowledged().unwrap(), 0);
    }
}

#[test]
fn a_full_card_keeps_the_counts_and_frees_the_room() {
    let mut terminal = Terminal::new();
    for day in 0..30_u8 {
        terminal.step(&Step::Rate(day % 5, 200));
    }
    let path = terminal.path();
    let before = Backlog::open(&path).unwrap().unacknowledged().unwrap();
    let room = terminal.writer.as_mut().unwrap().make_room().unwrap();
    assert!(room.folded > 5_900, "{room:?}");
    assert_eq!(
        Backlog::open(&path).unwrap().unacknowledged().unwrap(),
        before
    );
    terminal.centre.take(&path, usize::MAX, false);
    assert!(terminal.centre.folds > 0);
    assert_eq!(terminal.centre.counts(), terminal.said);
}

#[test]
fn what_the_centre_has_goes_before_anything_is_folded() {
    let mut terminal = Terminal::new();
    terminal.step(&Step::Rate(0, 300));
    let path = terminal.path();
    terminal.centre.take(&path, usize::MAX, false);
    let room = terminal.writer.as_mut().unwrap().make_room().unwrap();
    assert_eq!((room.pruned, room.folded), (301, 0));
}

/// The size of a journal of so many days with 1,000 ratings each, in bytes.
fn size_after(days: u32) -> (tempfile::TempDir, u64) {
    let folder = folder();
    let path = folder.path().join("journal.sqlite");
    let mut writer = Writer::open(&path, &opening(), reading(0)).unwrap();
    for ordinal in 0..days * 1_000 {
        let at = reading(u64::from(ordinal) * 86_400);
        let level = Level::ALL[ordinal as usize % 5];
        writer
            .append(outcome(ordinal + 1, rated(level)), &at)
            .unwrap();
        writer.make_room().unwrap();
    }
    drop(writer);
    let size = std::fs::metadata(&path).unwrap().len();
    (folder, size)
}

const CAP: u64 = 64 * 1024 * 1024;

#[test]
fn a_year_of_a_thousand_ratings_a_day_will_fit() {
    let (_folder, size) = size_after(10);
    let year = size * 365 / 10;
    assert!(year < CAP, "{size} bytes in ten days, {year} in a year");
}

/// `cargo test -p manyi-shared --features journal --test journal_folds -- --ignored` (a minute).
#[test]
#[ignore = "a minute long"]
fn a_year_of_a_thousand_ratings_a_day_fits_and_drains() {
    let (folder, size) = size_after(365);
    assert!(size < CAP, "{size}");
    let path = folder.path().join("journal.sqlite");
    let mut backlog = Backlog::open(&path).unwrap();
    let mut records = 0;
    let mut at = Watermark::default();
    while let Some(Pending::Run(run)) = backlog.next(500, 400_000, &[]).unwrap() {
        assert_eq!(run.first, at.next());
        records += run.records.len();
        at = run.last().into();
        backlog.acknowledge(run.stream, at, run.head()).unwrap();
    }
    assert_eq!(records, 365_001, "every rating in detail");
    assert_eq!(backlog.unacknowledged().unwrap(), 0);
}

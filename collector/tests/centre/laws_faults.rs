//! The law of ingest under faults: whatever is folded, rescued, sent again or sent late, every
//! outcome counts once, as it stands, and the columns are what the bytes come to.

use std::collections::{BTreeMap, BTreeSet};

use manyi_shared::domain::{Level, Outcome, ServiceEvent, StreamId};
use manyi_shared::wire::{Fold, Record, RecordBody, Rescued};
use proptest::prelude::*;

use crate::folds::{fold_of, send_fold};
use crate::support::{Centre, Tablet, seq};

#[derive(Debug, Clone)]
enum Step {
    Rate(u8),
    TimeOut,
    Amend { back: usize, level: u8 },
    SelfTest(u8),
    Leave { back: usize },
    Garbage,
    Pass(u64),
    Clock { right: bool },
    Send { count: usize, heard: bool },
    Again { from: usize, count: usize },
    Fold { count: usize },
    Restart,
    Damage { order: Vec<usize> },
    ReadElsewhere { count: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_u8..=5).prop_map(Step::Rate),
        1 => Just(Step::TimeOut),
        3 => (0_usize..5, 1_u8..=5).prop_map(|(back, level)| Step::Amend { back, level }),
        1 => (1_u8..=5).prop_map(Step::SelfTest),
        1 => (0_usize..5).prop_map(|back| Step::Leave { back }),
        1 => Just(Step::Garbage),
        2 => (0_u64..9_000_000).prop_map(Step::Pass),
        2 => any::<bool>().prop_map(|right| Step::Clock { right }),
        4 => (1_usize..7, any::<bool>()).prop_map(|(count, heard)| Step::Send { count, heard }),
        1 => (0_usize..9, 1_usize..7).prop_map(|(from, count)| Step::Again { from, count }),
        2 => (2_usize..9).prop_map(|count| Step::Fold { count }),
        1 => Just(Step::Restart),
        2 => prop::collection::vec(0_usize..12, 0..9).prop_map(|order| Step::Damage { order }),
        1 => (1_usize..9).prop_map(|count| Step::ReadElsewhere { count }),
    ]
}

/// What was left behind of a stream.
struct Left {
    stream: StreamId,
    records: Vec<Vec<u8>>,
    /// Positions that the centre may have: those below came in their turn.
    own: u64,
    rescued: BTreeSet<u64>,
    fold: Option<Fold>,
}

/// A tablet with its journal.
struct World {
    centre: Centre,
    tablet: Tablet,
    /// What the tablet knows to be acknowledged.
    acked: u64,
    fold: Option<Fold>,
    left: Vec<Left>,
}

impl World {
    fn len(&self) -> u64 {
        self.tablet.records.len() as u64
    }

    /// Positions that nothing may point at any more, and those that are folded.
    fn folded_to(&self) -> u64 {
        self.fold.as_ref().map_or(0, |fold| fold.last.get())
    }

    async fn drain(&mut self, count: usize, heard: bool) {
        if let Some(fold) = self
            .fold
            .clone()
            .filter(|fold| fold.last.get() > self.acked)
        {
            let reply = send_fold(&self.centre, &mut self.tablet, fold).await;
            self.hear(&reply, heard);
            return;
        }
        let first = usize::try_from(self.acked + 1).expect("small");
        if self.acked < self.len() {
            let body = self.tablet.send(first, count);
            let (_, reply) = self.centre.exchange(&self.tablet, body).await;
            self.hear(&reply, heard);
        }
    }

    fn hear(&mut self, reply: &manyi_shared::wire::Reply, heard: bool) {
        if heard && let Some(ack) = &reply.acknowledgement {
            assert!(ack.conflict_kept.is_none(), "{reply:?}");
            self.acked = ack.watermark.get();
        }
    }

    async fn drain_all(&mut self) {
        while self.acked < self.len() {
            self.drain(50, true).await;
        }
    }

    /// The tablet folds what it has not sent, as far as nothing points out of it or into it.
    fn make_fold(&mut self, count: usize) {
        let first = (self.acked + 1).max(2);
        let last = first + count as u64 - 1;
        if self.acked == 0 || self.fold.is_some() || last > self.len() {
            return;
        }
        let crossing = (1..).zip(&self.tablet.records).any(|(position, bytes)| {
            let Ok(record) = Record::decode(bytes) else {
                return false;
            };
            let (target, folds) = match record.body {
                RecordBody::Amendment(amendment) => (amendment.target.get(), true),
                RecordBody::Message(message) => (message.target.get(), false),
                _ => return false,
            };
            let inside = |position| (first..=last).contains(&position);
            inside(position) != inside(target) || (!folds && inside(position))
        });
        if !crossing {
            self.fold = Some(fold_of(&self.tablet, first, last));
        }
    }

    fn leave_stream(&mut self, own: u64, rescued: BTreeSet<u64>) {
        self.left.push(Left {
            stream: self.tablet.stream,
            records: self.tablet.records.clone(),
            own,
            rescued,
            fold: self.fold.take(),
        });
        self.tablet.open_stream();
        self.acked = 0;
    }

    /// The journal is damaged: what was not acknowledged is rescued in some order, or lost.
    async fn damage(&mut self, order: &[usize]) {
        if self.fold.is_some() {
            return;
        }
        // What was saved is not lost in the next damage: that would be a loss like any other.
        let carries = |bytes: &Vec<u8>| {
            let record = Record::decode(bytes);
            record.is_ok_and(|record| matches!(record.body, RecordBody::Rescued(_)))
        };
        if self.tablet.records.iter().any(carries) {
            self.drain_all().await;
        }
        let (records, stream) = (self.tablet.records.clone(), self.tablet.stream);
        let held = format!(
            "SELECT COALESCE(MAX(watermark), 0) FROM stream WHERE hex(stream_id) = '{}'",
            hex(stream.as_bytes())
        );
        let own = self.centre.number(&held).unsigned_abs();
        let saved: Vec<_> = order
            .iter()
            .map(|back| (records.len().saturating_sub(*back)).max(1))
            .collect();
        let rescued = saved.iter().map(|position| *position as u64).collect();
        self.leave_stream(own, rescued);
        for position in saved {
            self.tablet.seal(RecordBody::Rescued(Rescued {
                stream,
                seq: seq(position as u64),
                bytes: records.get(position - 1).expect("sealed").clone(),
                hash: self.tablet.chain(0),
            }));
        }
    }

    /// Somebody reads an old card after all, and its records come in their own stream.
    async fn read_elsewhere(&mut self, count: usize) {
        let Some(left) = self.left.last_mut().filter(|left| left.fold.is_none()) else {
            return;
        };
        let first = usize::try_from(left.own + 1).expect("small");
        if first > left.records.len() {
            return;
        }
        let tablet = &mut self.tablet;
        let swap = |tablet: &mut Tablet, left: &mut Left| {
            std::mem::swap(&mut tablet.stream, &mut left.stream);
            std::mem::swap(&mut tablet.records, &mut left.records);
        };
        swap(tablet, left);
        let body = tablet.send(first, count);
        swap(tablet, left);
        let (_, reply) = self.centre.exchange(tablet, body).await;
        let ack = reply.acknowledgement.expect("an acknowledgement");
        assert_eq!(ack.conflict_kept, None);
        left.own = ack.watermark.get();
    }

    async fn happen(&mut self, step: &Step) {
        let level = |n: u8| Level::try_from(n).expect("a level");
        let target = |world: &Self, back: usize| {
            let target = world.len().saturating_sub(back as u64).max(1);
            (target > world.folded_to()).then_some(target)
        };
        match step {
            Step::Rate(n) => self.tablet.rate(level(*n)),
            Step::TimeOut => self.tablet.end(Outcome::TimedOut, ServiceEvent::default()),
            Step::Amend { back, level: n } => {
                if let Some(target) = target(self, *back) {
                    self.tablet.amend(target, level(*n), &[]);
                }
            }
            Step::SelfTest(n) => self.tablet.self_test(0, level(*n)),
            Step::Leave { back } => {
                if let Some(target) = target(self, *back) {
                    self.tablet.leave(target, "13800000000");
                }
            }
            Step::Garbage => self.tablet.records.push(vec![0xff]),
            Step::Pass(ms) => {
                self.tablet.pass(*ms);
                self.centre
                    .clock
                    .advance(i64::try_from(*ms).expect("small"));
            }
            Step::Clock { right } => {
                let now = manyi_collector::clock::Clock::now_ms(self.centre.clock.as_ref());
                self.tablet.clock.wall_ms = if *right { now } else { 1_000 };
                self.tablet.clock.synchronised = *right;
            }
            Step::Send { count, heard } => self.drain(*count, *heard).await,
            Step::Again { from, count } => {
                let first = self.tablet.records.len().saturating_sub(*from).max(1);
                if self.fold.is_none() {
                    let body = self.tablet.send(first, *count);
                    self.centre.exchange(&self.tablet, body).await;
                }
            }
            Step::Fold { count } => self.make_fold(*count),
            Step::Restart => {
                self.drain_all().await;
                let own = self.len();
                self.leave_stream(own, BTreeSet::new());
            }
            Step::Damage { order } => self.damage(order).await,
            Step::ReadElsewhere { count } => self.read_elsewhere(*count).await,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// What should count of a stream: told plainly, position by position.
fn should(left: &Left, counts: &mut BTreeMap<(u8, u8), i64>) {
    let folded = |position: u64| {
        let fold = left.fold.as_ref();
        fold.is_some_and(|f| (f.first.get()..=f.last.get()).contains(&position))
    };
    let mut ends: BTreeMap<u64, (u8, u8)> = BTreeMap::new();
    for (position, bytes) in (1..).zip(&left.records) {
        let came = position <= left.own || left.rescued.contains(&position);
        let Ok(record) = Record::decode(bytes) else {
            continue;
        };
        match record.body {
            _ if !came || folded(position) => {}
            RecordBody::Outcome(outcome) => {
                let level = outcome.outcome.level().map_or(0, Level::number);
                ends.insert(position, (outcome.outcome.kind().number(), level));
            }
            RecordBody::Amendment(amendment) => {
                if let Some((1, level)) = ends.get_mut(&amendment.target.get()) {
                    *level = amendment.level.number();
                }
            }
            _ => {}
        }
    }
    for key in ends.into_values() {
        *counts.entry(key).or_default() += 1;
    }
    for entry in left.fold.iter().flat_map(|fold| &fold.entries) {
        let key = (entry.outcome.number(), entry.level.map_or(0, Level::number));
        *counts.entry(key).or_default() += i64::from(entry.n);
    }
}

async fn everything_counts_once(steps: Vec<Step>) {
    let centre = Centre::new().await;
    let tablet = centre.tablet("A01").await;
    let mut world = World {
        centre,
        tablet,
        acked: 0,
        fold: None,
        left: Vec::new(),
    };
    for step in &steps {
        world.happen(step).await;
    }
    world.drain_all().await;
    let own = world.len();
    world.leave_stream(own, BTreeSet::new());
    let mut wanted = BTreeMap::new();
    for left in &world.left {
        should(left, &mut wanted);
    }
    let db = world.centre.db();
    let mut statement = db
        .prepare("SELECT outcome, level, SUM(n) FROM tally GROUP BY 1, 2")
        .expect("prepares");
    let rows = statement
        .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))
        .expect("runs");
    let counts: BTreeMap<(u8, u8), i64> = rows.collect::<Result<_, _>>().expect("reads");
    assert_eq!(counts, wanted);
    assert_eq!(world.centre.number("SELECT COUNT(*) FROM conflict"), 0);
    crate::rules::in_order_beside_folds(&world.centre).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::support::cases(96), ..ProptestConfig::default() })]

    #[test]
    fn every_outcome_counts_once_whatever_happened_to_its_record(
        steps in prop::collection::vec(step(), 1..40)
    ) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(everything_counts_once(steps));
    }
}

//! A tablet and a centre in memory, in simulated time, with the real uplink between them.
//!
//! Every effect is checked as it happens: only a verified reply moves an acknowledgement, never
//! past what the centre holds, and its chain is the journal's; a record is sent unread only when it
//! is bad or the server made it look so.

pub(super) mod centre;
pub(super) mod tablet;

use std::collections::HashMap;
use std::time::Duration;

use manyi_shared::domain::{Retry, Seq, StreamId, TerminalId};
use manyi_shared::wire::{ReplyStatus, Run};

use super::hunt::STRIKES;
use super::*;
pub(super) use centre::{Answer, Centre, Held, Parcel, Weakness};
pub(super) use tablet::{Journal, Stream};

const TERMINAL: TerminalId = TerminalId::from_bytes([7; 16]);

/// What a request that nobody answers costs in time.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Old exchanges that somebody on the way may play back.
const REMEMBERED: usize = 20;

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// The terminal seals so many records and wakes the daemon, or the wake is lost.
    Seal { records: u64, woken: bool },
    /// It seals one with which the centre cannot cope.
    SealBad,
    /// The terminal starts anew: a new stream.
    NewStream,
    /// One exchange over a network in this mood.
    Exchange(Mood),
    /// The daemon starts anew; the last acknowledgements were not synced and are forgotten.
    Restart { forgotten: u64 },
    /// The centre comes back from a backup that has so many records of each stream fewer.
    Restore { lost: usize },
    /// The numbers on the card are from a backup, too.
    NumbersLost,
    /// The journal keeps so many acknowledged records of each stream.
    Prune { keep: u64 },
    /// The card is full.
    Fold { count: u64 },
    /// The office takes the identity back, or gives it again.
    Revoke(bool),
    /// Another tablet with a copy of the card sends records of the newest stream.
    Clone { records: usize },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Mood {
    Good,
    RequestLost,
    ReplyLost,
    /// The connection is half open: nothing comes back for a long time, but the request arrived.
    HalfOpen,
    /// The request arrives twice; the answer to the second comes back.
    Doubled,
    /// An old exchange is played back to the centre first; its answer reaches nobody.
    Replayed,
    /// Something answers that is not to be trusted, though it says 200.
    Portal,
    /// 500, before the centre took it.
    ServerError,
    /// 502, although the centre took it.
    GatewayError,
    /// 408, 429 or 503, which ask to wait.
    Busy(u64),
    /// The same without a time.
    Unavailable,
    /// Only so many records fit through.
    Narrow(u32),
    /// The centre takes only so many records of the run.
    Partly(usize),
}

/// A tablet with its uplink, in simulated time.
#[derive(Debug)]
pub(super) struct World {
    pub(super) journal: Journal,
    pub(super) centre: Centre,
    pub(super) uplink: Uplink,
    pub(super) now: Duration,
    pub(super) number: u64,
    pub(super) exchanges: u64,
    pub(super) revoked: bool,
    carried: bool,
    /// Server errors that each record met alone.
    alone: HashMap<(StreamId, Seq), u32>,
    sent: Vec<Parcel>,
    random: Random,
}

/// Numbers that differ from draw to draw and are the same for the same seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.draw() % n
    }
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let weakness = match random.below(2) {
            0 => Weakness::Refuses,
            _ => Weakness::Breaks,
        };
        let mut world = Self {
            journal: Journal::default(),
            centre: Centre::new(weakness),
            uplink: Uplink::new(Pace::default(), random.draw()),
            now: Duration::ZERO,
            number: 1,
            exchanges: 0,
            revoked: false,
            carried: false,
            alone: HashMap::new(),
            sent: Vec::new(),
            random,
        };
        world.journal.open_stream();
        world
    }

    pub(super) fn apply(&mut self, step: &Step) {
        match *step {
            Step::Seal { records, woken } => {
                for _ in 0..records {
                    self.journal.seal(false);
                }
                if woken {
                    self.uplink.woken(self.now);
                }
            }
            Step::SealBad => self.journal.seal(true),
            Step::NewStream => self.journal.open_stream(),
            Step::Exchange(mood) => self.exchange(mood),
            Step::Restart { forgotten } => {
                self.uplink = Uplink::new(Pace::default(), self.random.draw());
                self.now = Duration::ZERO;
                self.number += 256;
                self.journal.forget(forgotten);
            }
            Step::Restore { lost } => self.centre.restore(lost),
            Step::NumbersLost => self.number = 1,
            Step::Prune { keep } => self.journal.prune(keep),
            Step::Fold { count } => self.journal.fold(count),
            Step::Revoke(revoked) => self.centre.revoked = revoked,
            Step::Clone { records } => {
                let newest = self.journal.streams.last().unwrap().id;
                if let Some(held) = self.centre.streams.get_mut(&newest) {
                    held.extend_by_clone(records);
                }
            }
        }
    }

    /// Lets time pass until the uplink sends something, and carries it.
    pub(super) fn exchange(&mut self, mood: Mood) {
        loop {
            match self.uplink.next(self.now) {
                Next::Wait(until) => {
                    assert!(until > self.now, "a wait that does not wait");
                    self.now = until;
                }
                Next::Look(order) => {
                    let loaded = if order.bare {
                        None
                    } else {
                        self.journal.next(&order)
                    };
                    if loaded.is_some() || order.heartbeat {
                        return self.carry(&order, loaded, mood);
                    }
                    self.uplink.found_nothing(self.now);
                }
            }
        }
    }

    fn carry(&mut self, order: &Order, loaded: Option<(Run, Cargo, Vec<Vec<u8>>)>, mood: Mood) {
        let claims = order.claims.map(|turn| self.journal.claims(turn));
        let (run, cargo, records) = loaded
            .map_or_else(Default::default, |(run, cargo, records)| {
                (Some(run), cargo, records)
            });
        if cargo == Cargo::Unread {
            self.check_unread(run.as_ref().unwrap(), &records);
        }
        let parcel = Parcel {
            number: self.number,
            run,
            cargo,
            records,
            claims: claims.clone().unwrap_or_default(),
        };
        self.number += 1;
        self.exchanges += 1;
        self.carried = run.is_some();
        let outcome = self.deliver(&parcel, mood);
        if let (Outcome::Broken { .. }, Some(run)) = (&outcome, &run)
            && run.count == 1
        {
            *self.alone.entry((run.stream, run.first)).or_default() += 1;
        }
        self.sent.push(parcel);
        if self.sent.len() > REMEMBERED {
            self.sent.remove(0);
        }
        let sent = Sent {
            run,
            cargo,
            own: true,
            claims,
        };
        let random = self.random.draw();
        for effect in self.uplink.exchanged(&sent, &outcome, self.now, random) {
            self.apply_effect(&effect, &outcome);
        }
    }

    fn check_unread(&self, run: &Run, records: &[Vec<u8>]) {
        assert_eq!(records.len(), 1);
        let met = self.alone.get(&(run.stream, run.first));
        assert!(
            tablet::is_poison(&records[0]) || met.is_some_and(|met| *met >= STRIKES),
            "a good record is given up after {met:?} failures"
        );
    }

    /// What becomes of an exchange in this mood.
    fn deliver(&mut self, parcel: &Parcel, mood: Mood) -> Outcome {
        let failed = |at_least| Outcome::Failed(Retry::Backoff { at_least });
        let narrow = |limit| parcel.run.is_some_and(|run| run.count > limit);
        match mood {
            Mood::RequestLost | Mood::Portal | Mood::Unavailable => failed(None),
            Mood::ServerError => Outcome::Broken { at_least: None },
            Mood::Busy(seconds) => failed(Some(Duration::from_secs(seconds))),
            Mood::Narrow(limit) if narrow(limit) && parcel.cargo != Cargo::Fold => {
                Outcome::TooLarge
            }
            Mood::Good | Mood::Narrow(_) => outcome(self.centre.take(parcel, usize::MAX)),
            Mood::Partly(most) => outcome(self.centre.take(parcel, most)),
            Mood::ReplyLost => {
                self.centre.take(parcel, usize::MAX);
                failed(None)
            }
            Mood::HalfOpen => {
                self.centre.take(parcel, usize::MAX);
                self.now += TIMEOUT;
                failed(None)
            }
            Mood::GatewayError => {
                self.centre.take(parcel, usize::MAX);
                Outcome::Broken { at_least: None }
            }
            Mood::Doubled => {
                self.centre.take(parcel, usize::MAX);
                outcome(self.centre.take(parcel, usize::MAX))
            }
            Mood::Replayed => {
                if !self.sent.is_empty() {
                    let at = self.random.below(self.sent.len() as u64);
                    let old = &self.sent[usize::try_from(at).unwrap()];
                    self.centre.take(old, usize::MAX);
                }
                outcome(self.centre.take(parcel, usize::MAX))
            }
        }
    }

    fn apply_effect(&mut self, effect: &Effect, outcome: &Outcome) {
        let Outcome::Replied(reply) = outcome else {
            assert!(
                matches!(effect, Effect::Report(_)),
                "{effect:?} after {outcome:?}"
            );
            return;
        };
        let noted = match effect {
            Effect::Acknowledge(mark) => {
                self.check_held(mark, reply.status);
                (mark, self.journal.acknowledge(mark))
            }
            Effect::Rewind(mark) => (mark, self.journal.rewind(mark)),
            Effect::Refill(mark) => match self.journal.rewind(mark) {
                Err(NotNoted::OtherHistory) => return,
                noted => (mark, noted),
            },
            Effect::Renumber(number) => return self.number = *number,
            Effect::Standing { revoked } => return self.revoked = *revoked,
            Effect::Report(Report::Senseless(why)) => panic!("{why}: {outcome:?}"),
            Effect::Report(_) => return,
            Effect::KeepProfile(_) | Effect::RotateKey => panic!("{effect:?}"),
        };
        if let (mark, Err(why)) = noted {
            let random = self.random.draw();
            self.uplink.not_noted(mark.stream, why, self.now, random);
        }
    }

    /// Only what the centre has is acknowledged.
    fn check_held(&self, mark: &Mark, status: ReplyStatus) {
        let held = &self.centre.streams[&mark.stream];
        let watermark = mark.watermark.get();
        if status == ReplyStatus::Conflict {
            assert!(held.second.contains_key(&watermark), "not kept beside");
        } else {
            assert!(watermark <= held.positions.len() as u64, "not held");
        }
    }

    /// Whether the last exchange had a run or a fold.
    pub(super) const fn has_carried(&self) -> bool {
        self.carried
    }

    pub(super) fn is_drained(&self) -> bool {
        let streams = &self.journal.streams;
        streams
            .iter()
            .all(|stream| stream.acknowledged == stream.last())
    }

    /// Whether the centre has everything that the journal still has, as the journal has it.
    pub(super) fn is_complete(&self) -> bool {
        // From the end: that is where something is missing.
        let has_all = |stream: &Stream| (1..=stream.last()).rev().all(|at| self.has(stream, at));
        self.journal.streams.iter().all(has_all)
    }

    fn has(&self, stream: &Stream, at: u64) -> bool {
        let Some(held) = self.centre.streams.get(&stream.id) else {
            return false;
        };
        let index = usize::try_from(at - 1).unwrap();
        let record = &stream.records[index];
        let beside = held.second.get(&at) == Some(record);
        match held.positions.get(index) {
            Some(Held::Record(bytes) | Held::Unread(bytes)) => bytes == record || beside,
            Some(Held::Folded) => at <= stream.pruned || stream.is_folded(at),
            None => beside,
        }
    }

    /// What is missing where, for the one who looks for the reason.
    pub(super) fn differences(&self) -> String {
        let line = |stream: &Stream| {
            let held = self.centre.streams.get(&stream.id);
            let missing = (1..=stream.last()).filter(|at| !self.has(stream, *at));
            format!(
                "{}: {} sealed, {} acknowledged, {} pruned, folds {:?}, {:?} held, missing {:?}\n",
                stream.id,
                stream.last(),
                stream.acknowledged,
                stream.pruned,
                stream.folds,
                held.map(|held| held.positions.len()),
                missing.collect::<Vec<_>>(),
            )
        };
        self.journal.streams.iter().map(line).collect()
    }
}

fn outcome(answer: Answer) -> Outcome {
    match answer {
        Answer::Reply(reply) => Outcome::Replied(reply),
        Answer::Refused => Outcome::Refused,
        Answer::Broken => Outcome::Broken { at_least: None },
    }
}

//! A tablet and a centre in memory, in simulated time, with the real uplink between them.
//!
//! Every effect is checked as it happens: only a verified reply moves an acknowledgement, never
//! past what the centre holds, and its chain is the journal's.

use std::collections::HashMap;
use std::time::Duration;

use manyi_shared::domain::{Placement, Retry, StreamId, TerminalId, Watermark};
use manyi_shared::wire::{Acknowledgement, ChainHash, Reply, ReplyStatus, Run};

use super::*;

const TERMINAL: TerminalId = TerminalId::from_bytes([7; 16]);

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// The terminal seals so many records and wakes the daemon, or the wake is lost.
    Seal { records: usize, woken: bool },
    /// The terminal starts anew: a new stream.
    NewStream,
    /// One exchange over a network in this mood.
    Exchange(Mood),
    /// The daemon starts anew; the last acknowledgement was not synced and is forgotten.
    Restart { forgotten: u64 },
    /// The centre comes back from a backup that has so many records of each stream fewer.
    Restore { lost: usize },
    /// The numbers on the card are from a backup, too.
    NumbersLost,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Mood {
    Good,
    RequestLost,
    ReplyLost,
    /// The request arrives twice; the answer to the second comes back.
    Doubled,
    /// Something answers that is not to be trusted, though it says 200.
    Portal,
    ServerError,
    Busy(u64),
    /// Only so many records fit through.
    Narrow(u32),
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: StreamId,
    pub(super) records: Vec<Vec<u8>>,
    pub(super) acknowledged: u64,
}

impl Stream {
    pub(super) fn hash(&self, watermark: u64) -> ChainHash {
        let records = self
            .records
            .iter()
            .take(usize::try_from(watermark).unwrap());
        ChainHash::genesis(TERMINAL, self.id).extend_all(records.map(Vec::as_slice))
    }
}

/// What the centre holds and the highest number it has seen.
#[derive(Debug, Default)]
pub(super) struct Centre {
    pub(super) streams: HashMap<StreamId, Vec<Vec<u8>>>,
    pub(super) number: u64,
}

impl Centre {
    pub(super) fn take(&mut self, number: u64, run: Option<&Run>, records: &[Vec<u8>]) -> Reply {
        let mut reply = Reply {
            terminal: TERMINAL,
            request: [0; 32],
            status: ReplyStatus::Taken,
            acknowledgement: None,
            server_ms: 0,
            next_number: self.number + 1,
            profile: None,
            prompts: Vec::new(),
            behind: Vec::new(),
            rotate_key: false,
        };
        if number <= self.number {
            reply.status = ReplyStatus::StaleNumber;
            return reply;
        }
        self.number = number;
        reply.next_number = number + 1;
        let Some(run) = run else { return reply };
        let held = self.streams.entry(run.stream).or_default();
        match Watermark::new(held.len() as u64).place(run.first, u64::from(run.count)) {
            Placement::Gap { .. } => reply.status = ReplyStatus::Gap,
            Placement::Known => {}
            Placement::Extends { duplicates } => {
                held.extend_from_slice(&records[usize::try_from(duplicates).unwrap()..]);
            }
        }
        let hash = ChainHash::genesis(TERMINAL, run.stream);
        reply.acknowledgement = Some(Acknowledgement {
            stream: run.stream,
            watermark: Watermark::new(held.len() as u64),
            hash: hash.extend_all(held.iter().map(Vec::as_slice)),
            rejected: Vec::new(),
            conflict_kept: None,
        });
        reply
    }
}

/// A tablet with its uplink, in simulated time.
#[derive(Debug)]
pub(super) struct World {
    pub(super) streams: Vec<Stream>,
    pub(super) centre: Centre,
    pub(super) uplink: Uplink,
    pub(super) now: Duration,
    pub(super) number: u64,
    pub(super) random: u64,
}

impl World {
    pub(super) fn new(random: u64) -> Self {
        let mut world = Self {
            streams: Vec::new(),
            centre: Centre::default(),
            uplink: Uplink::new(Pace::default(), random),
            now: Duration::ZERO,
            number: 1,
            random,
        };
        world.open_stream();
        world
    }

    pub(super) fn open_stream(&mut self) {
        let id = StreamId::from_bytes([u8::try_from(self.streams.len()).unwrap(); 16]);
        let records = vec![b"opened".to_vec()];
        self.streams.push(Stream {
            id,
            records,
            acknowledged: 0,
        });
    }

    /// Any number will do; it must only differ from draw to draw.
    pub(super) fn draw(&mut self) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.random
    }

    pub(super) fn apply(&mut self, step: &Step) {
        match step {
            Step::Seal { records, woken } => {
                let stream = self.streams.last_mut().unwrap();
                for _ in 0..*records {
                    stream
                        .records
                        .push(format!("record {}", stream.records.len()).into_bytes());
                }
                if *woken {
                    self.uplink.woken(self.now);
                }
            }
            Step::NewStream => self.open_stream(),
            Step::Exchange(mood) => self.exchange(*mood),
            Step::Restart { forgotten } => {
                let random = self.draw();
                self.uplink = Uplink::new(Pace::default(), random);
                self.now = Duration::ZERO;
                self.number += 256;
                let stream = self.streams.last_mut().unwrap();
                stream.acknowledged = stream.acknowledged.saturating_sub(*forgotten);
            }
            Step::Restore { lost } => {
                for held in self.centre.streams.values_mut() {
                    held.truncate(held.len().saturating_sub(*lost));
                }
            }
            Step::NumbersLost => self.number = 1,
        }
    }

    /// The next run as the journal would give it.
    pub(super) fn run(&self, order: &Order) -> Option<(Run, Vec<Vec<u8>>)> {
        let pending = |stream: &&Stream| {
            stream.records.len() as u64 > stream.acknowledged && !order.skip.contains(&stream.id)
        };
        let stream = self.streams.iter().find(pending)?;
        let from = usize::try_from(stream.acknowledged).unwrap();
        let records: Vec<_> = stream.records[from..]
            .iter()
            .take(order.max_records)
            .cloned()
            .collect();
        let base = stream.hash(stream.acknowledged);
        let run = Run {
            stream: stream.id,
            first: Watermark::new(stream.acknowledged).next(),
            count: u32::try_from(records.len()).unwrap(),
            base,
            head: base.extend_all(records.iter().map(Vec::as_slice)),
        };
        Some((run, records))
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
                    let loaded = self.run(&order);
                    if loaded.is_some() || order.heartbeat {
                        return self.carry(loaded, mood);
                    }
                    self.uplink.found_nothing(self.now);
                }
            }
        }
    }

    pub(super) fn carry(&mut self, loaded: Option<(Run, Vec<Vec<u8>>)>, mood: Mood) {
        let (run, records) =
            loaded.map_or((None, Vec::new()), |(run, records)| (Some(run), records));
        let number = self.number;
        self.number += 1;
        let failed = |at_least| Outcome::Failed(Retry::Backoff { at_least });
        let narrow = |limit| run.is_some_and(|run| run.count > limit);
        let outcome = match mood {
            Mood::RequestLost | Mood::Portal | Mood::ServerError => failed(None),
            Mood::Busy(seconds) => failed(Some(Duration::from_secs(seconds))),
            Mood::Narrow(limit) if narrow(limit) => Outcome::TooLarge,
            Mood::Good | Mood::Narrow(_) => {
                Outcome::Replied(self.centre.take(number, run.as_ref(), &records))
            }
            Mood::ReplyLost => {
                self.centre.take(number, run.as_ref(), &records);
                failed(None)
            }
            Mood::Doubled => {
                self.centre.take(number, run.as_ref(), &records);
                Outcome::Replied(self.centre.take(number, run.as_ref(), &records))
            }
        };
        let random = self.draw();
        let sent = Sent { run, own: true };
        for effect in self.uplink.exchanged(&sent, &outcome, self.now, random) {
            self.apply_effect(&effect, &outcome);
        }
    }

    pub(super) fn apply_effect(&mut self, effect: &Effect, outcome: &Outcome) {
        assert!(
            matches!(outcome, Outcome::Replied(_)),
            "{effect:?} after {outcome:?}"
        );
        let (mark, forward) = match effect {
            Effect::Acknowledge(mark) => (mark, true),
            Effect::Rewind(mark) => (mark, false),
            Effect::Renumber(number) => return self.number = *number,
            Effect::KeepProfile(_) | Effect::Report(_) => panic!("{effect:?}"),
        };
        let stream = self
            .streams
            .iter_mut()
            .find(|stream| stream.id == mark.stream)
            .unwrap();
        let watermark = mark.watermark.get();
        assert_eq!(
            mark.hash,
            stream.hash(watermark),
            "the chain of the acknowledgement"
        );
        assert!(
            watermark <= self.centre.streams[&mark.stream].len() as u64,
            "acknowledged, not held"
        );
        if forward {
            assert!(
                watermark > stream.acknowledged,
                "an acknowledgement that does not advance"
            );
        } else {
            assert!(
                watermark < stream.acknowledged,
                "a rewind that does not go back"
            );
        }
        stream.acknowledged = watermark;
    }

    pub(super) fn is_drained(&self) -> bool {
        self.streams
            .iter()
            .all(|stream| stream.acknowledged == stream.records.len() as u64)
    }
}

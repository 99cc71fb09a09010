//! The centre in memory: what it holds, and how it answers.

use std::collections::{BTreeMap, HashMap};

use manyi_shared::domain::{Placement, StreamId, Watermark};
use manyi_shared::wire::{
    Acknowledgement, ChainHash, Claim, RejectReason, Rejection, Reply, ReplyStatus, Run,
};

use super::TERMINAL;
use super::tablet::is_poison;
use crate::uplink::Cargo;

/// One exchange on its way.
#[derive(Debug, Clone)]
pub(in crate::uplink) struct Parcel {
    pub(in crate::uplink) number: u64,
    pub(in crate::uplink) run: Option<Run>,
    pub(in crate::uplink) cargo: Cargo,
    pub(in crate::uplink) records: Vec<Vec<u8>>,
    pub(in crate::uplink) claims: Vec<Claim>,
}

/// How the centre fares with a bad record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::uplink) enum Weakness {
    /// It refuses every run with one, in its own form.
    Refuses,
    /// It fails.
    Breaks,
}

/// What the centre says.
#[derive(Debug)]
pub(in crate::uplink) enum Answer {
    Reply(Box<Reply>),
    Refused,
    Broken,
}

/// One position of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::uplink) enum Held {
    Record(Vec<u8>),
    Unread(Vec<u8>),
    Folded,
}

#[derive(Debug)]
pub(in crate::uplink) struct HeldStream {
    pub(in crate::uplink) positions: Vec<Held>,
    /// The chain after so many positions; none within a fold.
    chain: Vec<Option<ChainHash>>,
    /// A second history, by position.
    pub(in crate::uplink) second: BTreeMap<u64, Vec<u8>>,
}

impl HeldStream {
    fn new(stream: StreamId) -> Self {
        Self {
            positions: Vec::new(),
            chain: vec![Some(ChainHash::genesis(TERMINAL, stream))],
            second: BTreeMap::new(),
        }
    }

    fn push(&mut self, held: Held, chain: Option<ChainHash>) {
        self.positions.push(held);
        self.chain.push(chain);
    }

    fn tip(&self) -> ChainHash {
        self.chain.last().unwrap().unwrap()
    }

    /// Records that another tablet with the same card sealed.
    pub(in crate::uplink) fn extend_by_clone(&mut self, count: usize) {
        for n in 0..count {
            let record = format!("a clone's {n} at {}", self.positions.len()).into_bytes();
            let hash = self.tip().extend(&record);
            self.push(Held::Record(record), Some(hash));
        }
    }

    /// Forgets the last positions, and a fold as a whole.
    fn cut(&mut self, lost: usize) {
        let mut keep = self.positions.len().saturating_sub(lost);
        while self.chain[keep].is_none() {
            keep -= 1;
        }
        self.positions.truncate(keep);
        self.chain.truncate(keep + 1);
    }

    /// The first record of the run that is not the one held here.
    fn difference(&self, run: &Run, records: &[Vec<u8>]) -> Option<usize> {
        let from = usize::try_from(run.first.get() - 1).unwrap();
        let held = self.positions.iter().skip(from);
        let differs = |(held, record): (&Held, &Vec<u8>)| match held {
            Held::Record(held) | Held::Unread(held) => held != record,
            Held::Folded => false,
        };
        held.zip(records).position(differs)
    }
}

/// What the centre holds and the highest number it has seen.
#[derive(Debug)]
pub(in crate::uplink) struct Centre {
    pub(in crate::uplink) streams: HashMap<StreamId, HeldStream>,
    pub(in crate::uplink) number: u64,
    pub(in crate::uplink) weakness: Weakness,
    pub(in crate::uplink) knows_unread: bool,
    pub(in crate::uplink) revoked: bool,
}

impl Centre {
    pub(super) fn new(weakness: Weakness) -> Self {
        Self {
            streams: HashMap::new(),
            number: 0,
            weakness,
            knows_unread: true,
            revoked: false,
        }
    }

    pub(in crate::uplink) fn held(&self, stream: StreamId) -> &[Held] {
        self.streams
            .get(&stream)
            .map_or(&[], |held| held.positions.as_slice())
    }

    /// The centre comes back from a backup.
    pub(super) fn restore(&mut self, lost: usize) {
        for held in self.streams.values_mut() {
            held.cut(lost);
        }
        self.number = self.number.saturating_sub(lost as u64);
    }

    /// Takes an exchange, of a run at most so many records.
    pub(in crate::uplink) fn take(&mut self, parcel: &Parcel, most: usize) -> Answer {
        let bad = parcel.records.iter().any(|record| is_poison(record));
        let unread = parcel.cargo == Cargo::Unread && self.knows_unread;
        if bad && !unread && !self.revoked && parcel.number > self.number {
            return match self.weakness {
                Weakness::Refuses => Answer::Refused,
                Weakness::Breaks => Answer::Broken,
            };
        }
        let mut reply = Box::new(reply(self.number + 1));
        if self.revoked {
            reply.status = ReplyStatus::Revoked;
            return Answer::Reply(reply);
        }
        if parcel.number <= self.number {
            reply.status = ReplyStatus::StaleNumber;
            return Answer::Reply(reply);
        }
        self.number = parcel.number;
        reply.next_number = parcel.number + 1;
        if let Some(run) = &parcel.run {
            match parcel.cargo {
                Cargo::Fold => self.fold(run, &mut reply),
                Cargo::Records | Cargo::Unread => {
                    // What it has it recognises in any case.
                    let held = self.held(run.stream).len();
                    let known =
                        (held + 1).saturating_sub(usize::try_from(run.first.get()).unwrap());
                    let part = parcel.records.len().min(known.saturating_add(most));
                    self.extend(run, &parcel.records, part, unread, &mut reply);
                }
            }
        }
        reply.behind = self.behind(&parcel.claims);
        Answer::Reply(reply)
    }

    fn behind(&mut self, claims: &[Claim]) -> Vec<Claim> {
        let held = |claim: &Claim| {
            let new = HeldStream::new(claim.stream);
            let held = self.streams.get(&claim.stream).unwrap_or(&new);
            let watermark = Watermark::new(held.positions.len() as u64);
            (watermark < claim.watermark).then(|| Claim {
                stream: claim.stream,
                watermark,
                hash: held.tip(),
            })
        };
        claims.iter().filter_map(held).collect()
    }

    fn extend(
        &mut self,
        run: &Run,
        whole: &[Vec<u8>],
        part: usize,
        unread: bool,
        reply: &mut Reply,
    ) {
        let records = &whole[..part];
        let stream = run.stream;
        let held = self
            .streams
            .entry(stream)
            .or_insert_with(|| HeldStream::new(stream));
        let watermark = Watermark::new(held.positions.len() as u64);
        let through = held.second.keys().next_back().copied().unwrap_or(0);
        let conflict = match watermark.place(run.first, records.len() as u64) {
            Placement::Gap { .. } if run.first.get() <= through + 1 => Some(0),
            Placement::Gap { .. } => {
                reply.status = ReplyStatus::Gap;
                reply.acknowledgement = Some(acknowledge(stream, held));
                return;
            }
            Placement::Known => held.difference(run, records),
            Placement::Extends { duplicates } => {
                let known = usize::try_from(duplicates).unwrap();
                let known = records.iter().take(known).map(Vec::as_slice);
                let reached = run.base.extend_all(known);
                let differs = held.difference(run, records);
                let other = (reached != held.tip()).then(|| usize::try_from(duplicates).unwrap());
                differs.or(other)
            }
        };
        if let Some(from) = conflict {
            // Beside the first history everything is kept.
            let records = whole;
            let numbered = (run.first.get()..).zip(records.iter().cloned());
            held.second.extend(numbered.skip(from));
            reply.status = ReplyStatus::Conflict;
            let mut ack = acknowledge(stream, held);
            let last = run.first.get() + records.len() as u64 - 1;
            ack.conflict_kept = Some(Watermark::new(last));
            reply.acknowledgement = Some(ack);
            return;
        }
        let known = held.positions.len() as u64 + 1 - run.first.get();
        for record in records.iter().skip(usize::try_from(known).unwrap()) {
            let hash = held.tip().extend(record);
            let kept = if unread { Held::Unread } else { Held::Record };
            held.push(kept(record.clone()), Some(hash));
        }
        let mut ack = acknowledge(stream, held);
        if unread {
            ack.rejected.push(Rejection {
                seq: run.first,
                reason: RejectReason::Refused,
            });
        }
        reply.acknowledgement = Some(ack);
    }

    fn fold(&mut self, run: &Run, reply: &mut Reply) {
        let stream = run.stream;
        let held = self
            .streams
            .entry(stream)
            .or_insert_with(|| HeldStream::new(stream));
        let watermark = Watermark::new(held.positions.len() as u64);
        match watermark.place(run.first, u64::from(run.count)) {
            Placement::Gap { .. } => reply.status = ReplyStatus::Gap,
            Placement::Known => {}
            Placement::Extends { duplicates } => {
                for _ in duplicates + 1..u64::from(run.count) {
                    held.push(Held::Folded, None);
                }
                held.push(Held::Folded, Some(run.head));
            }
        }
        reply.acknowledgement = Some(acknowledge(stream, held));
    }
}

fn acknowledge(stream: StreamId, held: &HeldStream) -> Acknowledgement {
    Acknowledgement {
        stream,
        watermark: Watermark::new(held.positions.len() as u64),
        hash: held.tip(),
        rejected: Vec::new(),
        conflict_kept: None,
    }
}

fn reply(next_number: u64) -> Reply {
    Reply {
        terminal: TERMINAL,
        request: [0; 32],
        status: ReplyStatus::Taken,
        acknowledgement: None,
        server_ms: 0,
        next_number,
        profile: None,
        prompts: Vec::new(),
        behind: Vec::new(),
        rotate_key: false,
    }
}

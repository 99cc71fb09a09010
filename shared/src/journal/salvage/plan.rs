//! What is to be done with what was read: what goes back into its own stream, what travels as
//! rescued, and what may be lost. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Seq, StreamId};
use crate::wire::limits::MAX_RECORD_BYTES;
use crate::wire::{
    ChainHash, Loss, LossCause, Record, RecordTime, Rescued, StreamOpened, StreamTip, Suite,
};

use super::found::{Copy, Found, FoundStream};
use super::prove::{self, Piece, Proved};

/// What a salvage has to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Goes back into its own streams, oldest first.
    pub(super) streams: Vec<Proved>,
    /// Is sealed anew, inside records of the present stream.
    pub(super) rescued: Vec<Rescued>,
    /// What may be missing.
    pub(super) losses: Vec<Loss>,
    /// The end of the newest stream: what the next one follows.
    pub(super) tip: Option<StreamTip>,
    /// The lowest exchange number that was not reserved.
    pub(super) next_exchange: Option<u64>,
}

/// What the record that carries a rescued one needs beside its bytes.
const WRAPPING: usize = 128;

/// The plan for what was read. `now_ms` is the wall clock, the latest that anything lost can have
/// been sealed.
pub(super) fn make(mut found: Found, now_ms: i64) -> Plan {
    if found.is_empty() {
        return Plan {
            losses: vec![nothing_left(now_ms)],
            next_exchange: found.next_exchange,
            ..Plan::default()
        };
    }
    let links = links(&found);
    lend_names(&mut found, &links);
    let newest = found.streams.keys().next_back().copied();
    let newest_sent = found
        .streams
        .iter()
        .rfind(|(_, stream)| !stream.acknowledged.is_empty())
        .map(|(no, _)| *no);
    let mut plan = Plan {
        next_exchange: found.next_exchange,
        ..Plan::default()
    };
    let mut known = BTreeSet::new();
    for (no, stream) in &found.streams {
        let end = |id: Option<StreamId>| match id.and_then(|id| links.get(&id)) {
            Some(link) => End::At(link.tip.seq),
            None if Some(*no) == newest => End::Open,
            // Streams are sent and pruned oldest first: a later one is at the centre, and the
            // beginning that would tell the end of this one is pruned.
            None if Some(*no) < newest_sent && !stream.acknowledged.is_empty() => End::Sent,
            None => End::Unknown,
        };
        if let Some(proved) = prove::stream(stream) {
            known.insert(proved.id);
            let end = end(Some(proved.id));
            plan.add(stream, proved, end, now_ms);
        } else {
            let id = stream.claimed().first().map(|(id, _)| *id);
            known.extend(id);
            plan.give_up(stream, id, end(id), now_ms);
        }
    }
    for (id, link) in &links {
        // A predecessor of which nothing is left, not even that the centre has it.
        if !known.contains(id) && link.is_unsent {
            plan.losses.push(Loss {
                cause: LossCause::DamagedJournal,
                stream: Some(*id),
                from: Some(Seq::FIRST),
                until: Some(link.tip.seq),
                earliest_ms: None,
                latest_ms: Some(link.opened.wall_ms),
                records: Some(link.tip.seq.get()),
            });
        }
    }
    plan.drop_doubles();
    plan
}

/// A journal of which nothing is left.
pub(super) const fn nothing_left(now_ms: i64) -> Loss {
    Loss {
        cause: LossCause::UnreadableJournal,
        stream: None,
        from: None,
        until: None,
        earliest_ms: None,
        latest_ms: Some(now_ms),
        records: None,
    }
}

/// What a stream's opening says about the stream before it.
struct Link {
    tip: StreamTip,
    opened: StreamOpened,
    /// The centre may not have seen that opening.
    is_unsent: bool,
}

fn links(found: &Found) -> BTreeMap<StreamId, Link> {
    let mut links = BTreeMap::new();
    for stream in found.streams.values() {
        for opened in stream.openings() {
            if let Some(tip) = opened.previous {
                let is_unsent = stream.acknowledged.is_empty();
                let link = Link {
                    tip,
                    opened,
                    is_unsent,
                };
                links.insert(tip.stream, link);
            }
        }
    }
    links
}

/// A stream whose name is gone may be known to the one after it, by its end.
fn lend_names(found: &mut Found, links: &BTreeMap<StreamId, Link>) {
    for stream in found.streams.values_mut() {
        if !stream.claimed().is_empty() {
            continue;
        }
        let named = links.values().find(|link| {
            let at = stream.records.get(&link.tip.seq).into_iter().flatten();
            at.into_iter().any(|copy| copy.hash == link.tip.hash)
        });
        if let Some(link) = named {
            let identity = (link.tip.stream, link.opened.terminal);
            stream.identities.push(identity);
        }
    }
}

/// How far a stream went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The next stream says so.
    At(Seq),
    /// It was being written when the journal was damaged.
    Open,
    /// Another came after it, of which the beginning is gone.
    Unknown,
    /// All of it is at the centre, unless there are records that say otherwise.
    Sent,
}

impl Plan {
    /// A record whose hash stands at another place as well is that record: a bit of its position is
    /// another. Rescued, it would count twice.
    fn drop_doubles(&mut self) {
        let mut places: BTreeMap<[u8; 32], (StreamId, Seq)> = BTreeMap::new();
        for stream in &self.streams {
            for piece in &stream.pieces {
                if let Piece::Record(seq, copy) = piece {
                    places.insert(*copy.hash.as_bytes(), (stream.id, *seq));
                }
            }
        }
        self.rescued.retain(|rescued| {
            let place = (rescued.stream, rescued.seq);
            *places.entry(*rescued.hash.as_bytes()).or_insert(place) == place
        });
    }

    /// A stream of which nothing is proved: whatever names it can still be rescued.
    fn give_up(&mut self, stream: &FoundStream, id: Option<StreamId>, end: End, now_ms: i64) {
        if let Some(id) = id {
            let part = Part {
                stream,
                id,
                times: Times::of(stream),
                now_ms,
            };
            self.beyond(&part, None, None, end);
        } else if !stream.records.is_empty() || end == End::Open {
            // Nobody says how far it went but the records that are left; the newest may have been
            // followed by streams of which nothing is.
            let last = stream.records.keys().next_back().copied();
            let until = last.filter(|_| !matches!(end, End::Open | End::Unknown));
            self.losses.push(Loss {
                cause: LossCause::DamagedJournal,
                stream: None,
                from: Some(Seq::FIRST),
                until,
                earliest_ms: None,
                latest_ms: Some(now_ms),
                records: until.map(Seq::get),
            });
        }
    }

    fn add(&mut self, stream: &FoundStream, proved: Proved, end: End, now_ms: i64) {
        let part = Part {
            stream,
            id: proved.id,
            times: Times::of(stream),
            now_ms,
        };
        if proved.start_is_assumed {
            let until = Seq::new(proved.start.0.get());
            let latest = until.and_then(|seq| part.at(seq)).unwrap_or(now_ms);
            self.losses.push(part.loss(None, until, latest));
        }
        let (tip, hash) = proved.end();
        let held = proved.acknowledged.map_or(0, |(held, _)| held.get());
        let last = Seq::new(tip.get().max(held));
        let chain = (tip.get() >= held).then_some(hash);
        self.beyond(&part, last, chain, end);
        if let Some(seq) = Seq::new(tip.get()) {
            let stream = proved.id;
            self.tip = Some(StreamTip { stream, seq, hash });
        }
        self.streams.push(proved);
    }

    /// Rescues what lies beyond the proved part, which ends at `proved` with this chain, and tells
    /// the holes.
    fn beyond(&mut self, part: &Part<'_>, proved: Option<Seq>, chain: Option<ChainHash>, end: End) {
        let mut last = proved;
        for (seq, copy) in islands(part.stream, proved, chain) {
            if !can_be_rescued(&copy) {
                continue;
            }
            self.rescued.push(Rescued {
                stream: part.id,
                seq,
                bytes: copy.bytes,
                hash: copy.hash,
            });
            if next(last) < seq {
                let until = Seq::new(seq.get() - 1);
                let latest = part.at(seq).unwrap_or(part.now_ms);
                self.losses.push(part.loss(last, until, latest));
            }
            last = Some(seq);
        }
        let until = match end {
            End::At(tip) if next(last) <= tip => Some(tip),
            End::Sent if last > proved => None,
            End::At(_) | End::Sent => return,
            End::Open | End::Unknown => None,
        };
        let beyond = part.loss(last, until, part.now_ms);
        if end == End::Open {
            // Later streams may have been here of which nothing is left, not even the opening.
            self.losses.push(Loss {
                stream: None,
                from: None,
                ..beyond
            });
        }
        self.losses.push(beyond);
    }
}

/// A stream that is being planned.
struct Part<'a> {
    stream: &'a FoundStream,
    id: StreamId,
    times: Times,
    now_ms: i64,
}

impl Part<'_> {
    /// When the record at a position was sealed.
    fn at(&self, seq: Seq) -> Option<i64> {
        self.times.at(self.stream, seq)
    }

    fn loss(&self, after: Option<Seq>, until: Option<Seq>, latest_ms: i64) -> Loss {
        let from = next(after);
        Loss {
            cause: LossCause::DamagedJournal,
            stream: Some(self.id),
            from: Some(from),
            until,
            earliest_ms: after.and_then(|seq| self.at(seq)),
            latest_ms: Some(latest_ms),
            records: until.map(|until| until.get() - from.get() + 1),
        }
    }
}

fn next(last: Option<Seq>) -> Seq {
    last.map_or(Seq::FIRST, |last| last.plus(1))
}

/// The records beyond the proved part that the chain proves.
///
/// The first record behind a hole is not among them: its hash proves the one after it, and nothing
/// proves its own bytes, because the hash before it is gone. What the card made of it would count as
/// what somebody said. From there on each hash must follow from the one before. Nor is one that the
/// chain disproves; the hash beside it may still be right, and then proves what follows.
fn islands(
    stream: &FoundStream,
    proved: Option<Seq>,
    chain: Option<ChainHash>,
) -> Vec<(Seq, Copy)> {
    let mut kept: Vec<(Seq, Copy)> = Vec::new();
    // The last position, and the hashes that may stand there.
    let mut before: Option<(Seq, Vec<ChainHash>)> =
        proved.zip(chain).map(|(seq, chain)| (seq, vec![chain]));
    for (seq, copies) in stream.records.range(next(proved)..) {
        let follows = before.filter(|(at, _)| at.plus(1) == *seq);
        let hashes = follows.map(|(_, hashes)| hashes).unwrap_or_default();
        let genuine = hashes
            .iter()
            .find_map(|hash| prove::genuine(&stream.records, *seq, *hash));
        let hashes = match genuine {
            Some(copy) => {
                let hash = copy.hash;
                kept.push((*seq, copy));
                vec![hash]
            }
            None => {
                // Nothing may have said yet which suite the stream is of.
                let hashes = copies.iter().map(|copy| copy.hash);
                let hashes = hashes.flat_map(|hash| Suite::ALL.map(|suite| hash.in_suite(suite)));
                hashes.collect()
            }
        };
        before = Some((*seq, hashes));
    }
    kept
}

/// Whether it says something and fits into the record that carries it.
fn can_be_rescued(copy: &Copy) -> bool {
    copy.bytes.len() + WRAPPING <= MAX_RECORD_BYTES && Record::decode(&copy.bytes).is_ok()
}

/// When records of a stream were sealed, by the tablet's wall clock.
struct Times {
    opened: Option<StreamOpened>,
}

impl Times {
    fn of(stream: &FoundStream) -> Self {
        Self {
            opened: stream.openings().next(),
        }
    }

    fn at(&self, stream: &FoundStream, seq: Seq) -> Option<i64> {
        let opened = self.opened.as_ref()?;
        let at: RecordTime = stream
            .records
            .get(&seq)?
            .iter()
            .find_map(|copy| Record::decode(&copy.bytes).ok())?
            .at;
        Some(at.wall_ms(opened))
    }
}

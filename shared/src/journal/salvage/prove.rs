//! What of the rows that were read is proved to be what was sealed. Pure.
//!
//! The chain decides: from the genesis of a stream, from the place where pruning stopped, or from
//! what the centre acknowledged, every record whose hash follows from the one before is genuine,
//! wherever it was read from. One flipped bit in a record or in its hash is even put right, because
//! the chain says which bit.
//!
//! The chain also decides which suite a stream is of: a number in a damaged row is not believed.

use std::collections::BTreeMap;

use crate::domain::{Seq, StreamId, TerminalId, Watermark};
use crate::wire::{ChainHash, Fold, Suite};

use super::found::{Copy, FoundStream};

/// A place in a stream with the chain there.
type Place = (Watermark, ChainHash);

/// The part of a stream that is proved, contiguous to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proved {
    pub(super) id: StreamId,
    pub(super) terminal: TerminalId,
    /// Nothing is here up to this place, and nothing is missed: the centre has it.
    pub(super) start: Place,
    pub(super) acknowledged: Option<Place>,
    pub(super) pieces: Vec<Piece>,
    /// Whether even the start is only what a single row says.
    pub(super) start_is_assumed: bool,
}

/// One proved piece of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Record(Seq, Copy),
    Fold(Fold),
}

impl Proved {
    /// The last proved position and the chain there.
    pub(super) fn end(&self) -> Place {
        match self.pieces.last() {
            None => self.start,
            Some(Piece::Record(seq, copy)) => ((*seq).into(), copy.hash),
            Some(Piece::Fold(fold)) => (fold.last.into(), fold.head.in_suite(self.suite())),
        }
    }

    /// The suite that the chain is of.
    pub(super) const fn suite(&self) -> Suite {
        self.start.1.suite()
    }

    /// Whether the stream passes through this place.
    fn passes(&self, place: Place) -> bool {
        place == self.start
            || self.pieces.iter().any(|piece| match piece {
                Piece::Record(seq, copy) => (Watermark::from(*seq), copy.hash) == place,
                Piece::Fold(fold) => (Watermark::from(fold.last), fold.head) == place,
            })
    }
}

/// The proved part of a stream: the one that reaches furthest, and of those the longest. None when
/// nothing of it is proved.
pub(super) fn stream(found: &FoundStream) -> Option<Proved> {
    let acknowledged = || {
        found
            .acknowledged
            .iter()
            .map(|(seq, hash)| ((*seq).into(), *hash))
    };
    let bases = || found.bases.iter().map(|(seq, hash)| ((*seq).into(), *hash));
    let mut best: Option<Proved> = None;
    let claimed = found.claimed();
    let claimed = claimed
        .iter()
        .flat_map(|owner| Suite::ALL.map(|suite| (owner, suite)));
    for (&(id, terminal), suite) in claimed {
        let genesis = (Watermark::default(), suite.genesis(terminal, id));
        let noted = bases().chain(acknowledged());
        let starts = std::iter::once(genesis).chain(noted);
        for (at, chain) in starts {
            let start = (at, chain.in_suite(suite));
            let pieces = follow(found, start);
            // What was pruned completely has only its places: they must say the same of each other,
            // and of their suite there is their own word alone.
            let vouched = || chain.suite() == suite && is_vouched(found, start);
            if pieces.is_empty() && !vouched() {
                continue;
            }
            better(
                &mut best,
                Proved {
                    id,
                    terminal,
                    start,
                    acknowledged: None,
                    pieces,
                    start_is_assumed: false,
                },
            );
        }
        if best.as_ref().is_none_or(|best| best.id != id)
            && let Some(assumed) = assumed(found, id, terminal, suite)
        {
            better(&mut best, assumed);
        }
    }
    let mut best = best?;
    let passed = acknowledged().filter(|place| best.passes(*place));
    best.acknowledged = passed.max_by_key(|(watermark, _)| *watermark).or_else(|| {
        // Only what the centre has is ever pruned.
        (best.start.0 > Watermark::default()).then_some(best.start)
    });
    Some(best)
}

/// Whether a place that nothing follows is one of the stream all the same: a record lies there, or
/// everything was pruned and nothing contradicts it.
fn is_vouched(found: &FoundStream, (watermark, hash): Place) -> bool {
    let Some(seq) = Seq::new(watermark.get()) else {
        return false;
    };
    let sealed = found.records.get(&seq).into_iter().flatten();
    found.records.is_empty() || sealed.into_iter().any(|copy| copy.hash == hash)
}

fn better(best: &mut Option<Proved>, other: Proved) {
    let worth = |proved: &Proved| (proved.end().0, proved.pieces.len());
    if best.as_ref().is_none_or(|best| worth(best) < worth(&other)) {
        *best = Some(other);
    }
}

/// Where neither genesis nor base nor acknowledgement leads anywhere, the beginning is gone or was
/// pruned by a version that did not note the chain there. The lowest record then stands for what was
/// before it: its own bytes cannot be checked, what follows can.
fn assumed(
    found: &FoundStream,
    id: StreamId,
    terminal: TerminalId,
    suite: Suite,
) -> Option<Proved> {
    if !found.acknowledged.is_empty() || !found.bases.is_empty() {
        return None;
    }
    let (lowest, copies) = found.records.first_key_value()?;
    if *lowest == Seq::FIRST {
        return None;
    }
    copies
        .iter()
        .map(|copy| {
            let start = ((*lowest).into(), copy.hash.in_suite(suite));
            Proved {
                id,
                terminal,
                start,
                acknowledged: None,
                pieces: follow(found, start),
                start_is_assumed: true,
            }
        })
        .filter(|proved| !proved.pieces.is_empty())
        .max_by_key(|proved| proved.end().0)
}

/// Everything that follows a place by the chain.
fn follow(found: &FoundStream, start: Place) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut at, mut chain) = start;
    loop {
        let next = at.next();
        // Rows of folded records may be left in freed pages: the fold replaced them.
        let fold = found
            .folds
            .get(&next)
            .into_iter()
            .flatten()
            .filter(|fold| fold.base == chain)
            .max_by_key(|fold| fold.last);
        if let Some(fold) = fold {
            (at, chain) = (fold.last.into(), fold.head.in_suite(chain.suite()));
            pieces.push(Piece::Fold(fold.clone()));
            continue;
        }
        let Some(copy) = genuine(&found.records, next, chain) else {
            return pieces;
        };
        (at, chain) = (next.into(), copy.hash);
        pieces.push(Piece::Record(next, copy));
    }
}

/// The record at a position as it was sealed, if the chain proves one.
pub(super) fn genuine(
    records: &BTreeMap<Seq, Vec<Copy>>,
    seq: Seq,
    before: ChainHash,
) -> Option<Copy> {
    let copies = records.get(&seq)?;
    let whole = copies.iter().find_map(|copy| {
        let hash = before.extend(&copy.bytes);
        let bytes = (hash == copy.hash).then(|| copy.bytes.clone())?;
        Some(Copy { bytes, hash })
    });
    if whole.is_some() {
        return whole;
    }
    // The hash of one copy may prove the bytes of another, and the next record proves both.
    let after = records.get(&seq.plus(1));
    for copy in copies {
        let hash = before.extend(&copy.bytes);
        let stored = copies.iter().any(|other| other.hash == hash);
        let next = || {
            after
                .into_iter()
                .flatten()
                .any(|next| hash.extend(&next.bytes) == next.hash)
        };
        if stored || few_bits_apart(hash, copy.hash) || next() {
            let bytes = copy.bytes.clone();
            return Some(Copy { bytes, hash });
        }
    }
    copies
        .iter()
        .find_map(|copy| with_one_bit_back(copy, before))
}

/// A stored hash so close to the right one is the right one, damaged: by chance that does not
/// happen once in 2^200.
fn few_bits_apart(one: ChainHash, other: ChainHash) -> bool {
    let bits: u32 = one
        .as_bytes()
        .iter()
        .zip(other.as_bytes())
        .map(|(a, b)| (a ^ b).count_ones())
        .sum();
    bits <= 8
}

/// Longer records, in bytes, are not searched for a flipped bit: that would take a second each.
const SEARCHED: usize = 512;

/// The record with the one bit put back that makes its chain right.
fn with_one_bit_back(copy: &Copy, before: ChainHash) -> Option<Copy> {
    if copy.bytes.len() > SEARCHED {
        return None;
    }
    let mut bytes = copy.bytes.clone();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            *bytes.get_mut(at)? ^= 1 << bit;
            let hash = before.extend(&bytes);
            if hash == copy.hash {
                return Some(Copy { bytes, hash });
            }
            *bytes.get_mut(at)? ^= 1 << bit;
        }
    }
    None
}

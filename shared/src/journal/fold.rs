//! Folding: the oldest unsent records become counts when the card is full. Pure.
//!
//! What citizens said stays in the score; when exactly, about what and why is lost. Never folded: the
//! opening, messages, losses, rescued records and kinds that are not known here. An amendment is
//! applied to its rating, and nothing that stays points at something that was folded.

use std::collections::BTreeMap;

use crate::domain::{Level, Outcome, OutcomeKind, Seq, StreamId};
use crate::wire::limits::MAX_FOLD_ENTRIES;
use crate::wire::{ChainHash, Fold, FoldEntry, Record, RecordBody, RecordTime};

use super::reader::StoredRecord;

/// Records in one fold step: enough that it happens rarely, few enough that it takes some 50 ms.
pub(super) const AT_ONCE: usize = 2000;

/// So many records behind a fold are looked at for something that points into it. What follows a
/// rating (its reasons, a correction, a message, what fingers did) is sealed before the next one.
pub(super) const LOOKED_AT: usize = 64;

/// Fewer records than this take less room than the fold that would replace them.
const FEWEST: usize = 8;

const HOUR_MS: u64 = 3_600_000;

/// Corrections of a wrong clock differ by milliseconds from record to record; in counts by the hour
/// they are told by the minute.
const STEP_MS: i64 = 60_000;

/// What can be done with the records from some position on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Folding {
    /// They become this.
    Fold(Fold),
    /// Nothing before this position can be folded; it may go on there.
    NotBefore(Seq),
}

/// A record and what it says, if that is known here.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) seq: Seq,
    /// The chain after it.
    pub(super) hash: ChainHash,
    record: Option<Record>,
}

impl Decoded {
    pub(super) fn of(stored: &StoredRecord) -> Self {
        Self {
            seq: stored.seq,
            hash: stored.hash,
            record: stored.decode().ok(),
        }
    }
}

/// Folds the longest part at the beginning of `records`, which follow `base` without gaps. The last
/// `looked_at` of them are only looked at.
pub(super) fn longest(
    stream: StreamId,
    base: ChainHash,
    records: &[Decoded],
    looked_at: usize,
) -> Folding {
    let Some(first) = records.first().map(|record| record.seq) else {
        return Folding::NotBefore(Seq::FIRST);
    };
    let most = records.len().saturating_sub(looked_at).min(AT_ONCE);
    let foldable = |decoded: &&Decoded| {
        let record = decoded.record.as_ref();
        record.is_some_and(|record| is_foldable(record, first))
    };
    let mut length = records.iter().take(most).take_while(foldable).count();
    // What stays must not point into the fold; cutting it shorter may let other things stay.
    while let Some(pointed) = pointed_at(records, first, length) {
        length = usize::try_from(pointed.get() - first.get()).unwrap_or(0);
    }
    let folded = records.get(..length).unwrap_or_default();
    let Some(last) = folded.last().filter(|_| length >= FEWEST) else {
        return Folding::NotBefore(first.plus(length as u64 + 1));
    };
    let entries = count(first, folded.iter().filter_map(|d| d.record.as_ref()));
    if entries.len() > MAX_FOLD_ENTRIES {
        return longest(stream, base, records, records.len() - length / 2);
    }
    Folding::Fold(Fold {
        stream,
        first,
        last: last.seq,
        base,
        head: last.hash,
        entries,
    })
}

/// The first of the first `length` records that one of those right behind them points at.
fn pointed_at(records: &[Decoded], first: Seq, length: usize) -> Option<Seq> {
    records
        .iter()
        .skip(length)
        .take(LOOKED_AT)
        .filter_map(|decoded| target(&decoded.record.as_ref()?.body))
        .filter(|target| *target >= first && *target < first.plus(length as u64))
        .min()
}

/// Two folds of which one follows the other, as one; none when that would be too large.
pub(super) fn merged(one: &Fold, next: &Fold) -> Option<Fold> {
    if (one.stream, one.last.plus(1), one.head) != (next.stream, next.first, next.base) {
        return None;
    }
    let mut counts = BTreeMap::new();
    for entry in one.entries.iter().chain(&next.entries) {
        *counts.entry(key(entry)).or_insert(0_u32) += entry.n;
    }
    (counts.len() <= MAX_FOLD_ENTRIES).then(|| Fold {
        stream: one.stream,
        first: one.first,
        last: next.last,
        base: one.base,
        head: next.head,
        entries: entries(counts),
    })
}

type Key = (u32, i64, bool, OutcomeKind, Option<Level>);

const fn key(entry: &FoldEntry) -> Key {
    (
        entry.hour,
        entry.wall_step_ms,
        entry.synchronised,
        entry.outcome,
        entry.level,
    )
}

fn entries(counts: BTreeMap<Key, u32>) -> Vec<FoldEntry> {
    counts
        .into_iter()
        .map(
            |((hour, wall_step_ms, synchronised, outcome, level), n)| FoldEntry {
                hour,
                wall_step_ms,
                synchronised,
                outcome,
                level,
                n,
            },
        )
        .collect()
}

/// Whether nothing but detail is lost with it, in a fold that begins at `first`.
fn is_foldable(record: &Record, first: Seq) -> bool {
    match &record.body {
        RecordBody::Outcome(_)
        | RecordBody::SelfTest(_)
        | RecordBody::Misuse(_)
        | RecordBody::ClockSet => true,
        // One of a rating before the fold has to reach the centre as it is.
        RecordBody::Amendment(amendment) => amendment.target >= first,
        RecordBody::StreamOpened(_)
        | RecordBody::Message(_)
        | RecordBody::Loss(_)
        | RecordBody::Rescued(_)
        | RecordBody::Unknown { .. } => false,
    }
}

const fn target(body: &RecordBody) -> Option<Seq> {
    match body {
        RecordBody::Amendment(amendment) => Some(amendment.target),
        RecordBody::Misuse(misuse) => Some(misuse.target),
        RecordBody::Message(message) => Some(message.target),
        _ => None,
    }
}

fn count<'a>(first: Seq, records: impl Iterator<Item = &'a Record>) -> Vec<FoldEntry> {
    let mut outcomes: BTreeMap<Seq, Key> = BTreeMap::new();
    for (n, record) in (0..).zip(records) {
        match &record.body {
            RecordBody::Outcome(outcome) => {
                outcomes.insert(first.plus(n), key_of(&record.at, &outcome.outcome));
            }
            RecordBody::Amendment(amendment) => {
                // The centre takes an amendment for ratings only.
                if let Some((.., OutcomeKind::Rated, level)) = outcomes.get_mut(&amendment.target) {
                    *level = Some(amendment.level);
                }
            }
            _ => {}
        }
    }
    let mut counts = BTreeMap::new();
    for key in outcomes.into_values() {
        *counts.entry(key).or_insert(0_u32) += 1;
    }
    entries(counts)
}

fn key_of(at: &RecordTime, outcome: &Outcome) -> Key {
    let hour = u32::try_from(at.elapsed_ms / HOUR_MS).unwrap_or(u32::MAX);
    let minutes = at
        .wall_step_ms
        .saturating_add(STEP_MS / 2)
        .div_euclid(STEP_MS);
    (
        hour,
        minutes.saturating_mul(STEP_MS),
        at.synchronised,
        outcome.kind(),
        outcome.level(),
    )
}

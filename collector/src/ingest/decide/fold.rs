//! Folds: positions that the tablet has as counts only, or no longer at all.
//!
//! A fold is acknowledged like a run. It may begin below the watermark, because the tablet folds
//! what was not acknowledged, and an acknowledgement may have been lost: then what is here one by
//! one stays so, and the fold counts the rest.

use manyi_shared::wire::{ChainHash, Fold, FoldEntry, RecordTime};

use super::boots;
use super::rows::{department_of, stream_before};
use crate::ingest::incident::Kind;
use crate::ingest::{
    Delivery, Evidence, FoldCount, Held, Incident, Opening, Placed, Plan, PlannedFold, SURE_MS,
    TallyKey, place_in_time, slot_of,
};

/// An hour of uptime in milliseconds.
const HOUR_MS: u64 = 3_600_000;

/// As wide as the place of an hour may be when the clock was right.
pub const SURE_HOUR_MS: i64 = 3_600_000 + SURE_MS;

/// The uptime since the opening at which an hour of a fold ends, in milliseconds.
#[must_use]
pub fn end_of(hour: u32) -> u64 {
    u64::from(hour).saturating_add(1).saturating_mul(HOUR_MS)
}

/// Whether the fold continues another history than the one that is held: `Some(0)`, as a fold is
/// kept as a whole. The chain is followed from the fold's base over what is held.
pub(super) fn difference(
    held: &Held,
    fold: &Fold,
    (watermark, hash): (u64, ChainHash),
) -> Option<u64> {
    let (first, last) = (fold.first.get(), fold.last.get());
    if watermark.checked_add(1) == Some(first) {
        return (!goes_on(fold.base, hash)).then_some(0);
    }
    let end = last.min(watermark);
    let mut chain = Some(fold.base);
    let mut position = first;
    while position <= end {
        let inside = held.folds.range(..=position).next_back();
        if let Some((begin, known)) = inside.filter(|(_, known)| position <= known.last) {
            // What it counts up to the end of the stored one cannot be told from the rest.
            if *begin < first && known.last < last {
                return Some(0);
            }
            // Inside a stored fold the chain is known at its ends only.
            if *begin == position && chain.is_some_and(|chain| chain != known.base) {
                return Some(0);
            }
            chain = (known.last <= end).then_some(known.head.in_suite(fold.base.suite()));
            position = known.last.saturating_add(1);
            continue;
        }
        chain = chain
            .zip(held.overlap.get(&position))
            .map(|(chain, bytes)| chain.extend(bytes));
        position += 1;
    }
    let known = if end == last { fold.head } else { hash };
    let other = |chain: ChainHash| !goes_on(chain, known);
    chain.is_some_and(other).then_some(0)
}

/// Whether two chains are the same, and go on by the same hash function.
pub(super) fn goes_on(one: ChainHash, other: ChainHash) -> bool {
    one == other && one.suite() == other.suite()
}

/// Plans the fold for the positions that are not held.
pub(super) fn extend<'d>(
    plan: &mut Plan<'d>,
    held: &'d Held,
    delivery: &'d Delivery,
    fold: &'d Fold,
) {
    let held_to = held.stream.as_ref().map_or(0, |s| s.watermark);
    let begun = held.stream.as_ref().filter(|s| s.watermark > 0);
    let base = begun.map_or(fold.base, |s| s.hash);
    let stream = stream_before(held, fold.last.get(), fold.head);
    let department = department_of(held, stream.window).unwrap_or_default();
    let place =
        |entry: &FoldEntry| place_hour(stream.opening, entry, &plan.evidence, delivery.received_ms);
    let counts: Vec<_> = fold
        .entries
        .iter()
        .map(|entry| FoldCount {
            placed: place(entry),
            window: stream.window,
            department,
            channel: stream.channel,
            outcome: entry.outcome,
            level: entry.level,
            n: entry.n,
        })
        .collect();
    // What is here one by one already is in the fold's counts, too.
    let alone = held.overlap.is_empty() && held.folds.is_empty();
    plan.whole = !counts.is_empty() && !alone;
    if !plan.whole {
        for count in &counts {
            plan.deltas.count(key(count), [], i64::from(count.n));
        }
    }
    if let Some(opening) = stream.opening
        && let Some(uptime_ms) = unsure(&opening, fold, &counts)
    {
        boots::unsure(plan, opening.boot, uptime_ms);
    }
    let first = held_to.saturating_add(1);
    plan.incidents
        .push(incident(held, delivery, fold, first, &counts));
    plan.fold = Some(PlannedFold {
        first,
        last: fold.last.get(),
        base,
        head: fold.head,
        bytes: fold.to_bytes(),
        counts,
    });
    plan.stream = Some(stream);
}

/// When the outcomes of an entry were sealed: the middle of the hour, and the hour's bounds.
#[must_use]
pub fn place_hour(
    opening: Option<Opening>,
    entry: &FoldEntry,
    evidence: &Evidence,
    received_ms: i64,
) -> Placed {
    let begin = u64::from(entry.hour).saturating_mul(HOUR_MS);
    let place = |elapsed_ms| {
        let time = RecordTime {
            elapsed_ms,
            wall_step_ms: entry.wall_step_ms,
            synchronised: entry.synchronised,
        };
        place_in_time(opening, time, evidence, received_ms)
    };
    let middle = place(begin + HOUR_MS / 2);
    Placed {
        at_ms: middle.at_ms,
        earliest_ms: place(begin).earliest_ms.min(middle.at_ms),
        latest_ms: place(begin + HOUR_MS - 1).latest_ms.max(middle.at_ms),
    }
}

/// The highest uptime of an hour that is known worse than an hour can be.
fn unsure(opening: &Opening, fold: &Fold, counts: &[FoldCount<'_>]) -> Option<u64> {
    let hours = fold.entries.iter().zip(counts);
    let wide = hours.filter(|(_, count)| count.placed.width() > SURE_HOUR_MS);
    wide.map(|(entry, _)| opening.uptime_ms.saturating_add(end_of(entry.hour)))
        .max()
}

/// What a person is told: nothing passes in silence.
fn incident(
    held: &Held,
    delivery: &Delivery,
    fold: &Fold,
    first: u64,
    counts: &[FoldCount<'_>],
) -> Incident {
    let last = fold.last.get();
    let (kind, records) = if counts.is_empty() {
        (Kind::Gone, last.saturating_sub(first).saturating_add(1))
    } else {
        (Kind::Folded, counts.iter().map(|c| u64::from(c.n)).sum())
    };
    let incident = Incident::at(kind, fold.stream, first, last).about(records);
    let earliest = counts.iter().map(|c| c.placed.earliest_ms).min();
    let latest = counts.iter().map(|c| c.placed.latest_ms).max();
    match (earliest.or(held.before_ms), latest) {
        (Some(earliest), latest) => {
            incident.between(earliest, latest.unwrap_or(delivery.received_ms))
        }
        (None, _) => incident,
    }
}

fn key<'d>(count: &FoldCount<'d>) -> TallyKey<'d> {
    TallyKey {
        slot: slot_of(count.placed.at_ms),
        window: count.window,
        department: count.department,
        staff: "",
        item: "",
        channel: count.channel,
        outcome: count.outcome.number(),
        level: count.level.map_or(0, |level| level.number()),
    }
}

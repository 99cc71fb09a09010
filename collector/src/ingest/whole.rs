//! What a whole stream comes to: every row and every fold of it, in order.
//!
//! Records that come in their turn are decided on as they come. Where some came out of turn (saved
//! from a damaged journal, read again by an operator, folded after their acknowledgement was lost),
//! what counts follows from all of them together: [`come_to`] says what, whatever the order in which
//! they came. For records in their turn both say the same; a law holds them to it.

use std::collections::{BTreeMap, BTreeSet};

use manyi_shared::domain::{Level, Outcome, TagCode};
use manyi_shared::wire::{
    Fold, FoldEntry, Message, Misuse, OutcomeRecord, Record, RecordBody, RecordTime, RejectReason,
};

/// An hour of uptime in milliseconds.
const HOUR_MS: u64 = 3_600_000;

/// What a stream comes to.
#[derive(Debug, Default)]
pub struct Whole<'r> {
    /// Outcomes that count, by position.
    pub counted: BTreeMap<u64, Standing<'r>>,
    /// Outcomes that a fold counts in another way.
    pub folded: BTreeSet<u64>,
    /// Messages that belong to a rating.
    pub left: BTreeMap<u64, &'r Message>,
    /// Rows that are kept but not counted, with the reason.
    pub rejected: BTreeMap<u64, (RejectReason, String)>,
    /// How many each entry of each fold counts: without what counts one by one.
    pub remaining: Vec<Vec<u32>>,
}

/// An outcome as it stands.
#[derive(Debug, Clone)]
pub struct Standing<'r> {
    /// The outcome as it was sealed.
    pub record: &'r OutcomeRecord,
    /// When it was sealed.
    pub at: RecordTime,
    /// The level as it now stands.
    pub level: Option<Level>,
    /// The tags as they now stand.
    pub tags: &'r [TagCode],
    /// The last amendment applied.
    pub amended_by: Option<u64>,
    /// Misuse that was seen beside it.
    pub misuse: Option<Misuse>,
}

/// What the rows of a stream and its folds come to.
///
/// `rows` are those that say something: without dead letters that cannot be read, and without a
/// first record that is no opening. `folds` are in the order in which they came.
#[must_use]
pub fn come_to<'r>(rows: &'r BTreeMap<u64, Record>, folds: &[Fold]) -> Whole<'r> {
    let mut whole = Whole::default();
    let mut last_ordinal = 0;
    for (&seq, record) in rows {
        match &record.body {
            RecordBody::Outcome(outcome) => {
                whole.outcome(seq, record.at, outcome, &mut last_ordinal);
            }
            RecordBody::Amendment(amendment) => {
                let target = amendment.target.get();
                match whole.counted.get_mut(&target) {
                    Some(standing) if standing.level.is_some() => {
                        standing.level = Some(amendment.level);
                        standing.tags = &amendment.tags;
                        standing.amended_by = Some(seq);
                    }
                    _ => whole.nothing_at(seq, target, "rating"),
                }
            }
            RecordBody::Misuse(misuse) => {
                let target = misuse.target.get();
                match whole.counted.get_mut(&target) {
                    Some(standing) => standing.misuse = Some(*misuse),
                    None => whole.nothing_at(seq, target, "outcome"),
                }
            }
            RecordBody::Message(message) => {
                let target = message.target.get();
                let standing = whole.counted.get(&target);
                if standing.is_some_and(|standing| standing.level.is_some()) {
                    whole.left.insert(seq, message);
                } else {
                    whole.nothing_at(seq, target, "rating");
                }
            }
            RecordBody::StreamOpened(_)
            | RecordBody::SelfTest(_)
            | RecordBody::Loss(_)
            | RecordBody::Rescued(_)
            | RecordBody::ClockSet
            | RecordBody::Unknown { .. } => {}
        }
    }
    whole.take_out_of(folds);
    whole
}

impl<'r> Whole<'r> {
    fn outcome(
        &mut self,
        seq: u64,
        at: RecordTime,
        record: &'r OutcomeRecord,
        last_ordinal: &mut u32,
    ) {
        if record.ordinal <= *last_ordinal {
            let detail = second_outcome(record.ordinal, *last_ordinal);
            self.rejected
                .insert(seq, (RejectReason::SecondOutcome, detail));
            return;
        }
        *last_ordinal = record.ordinal;
        let tags = match &record.outcome {
            Outcome::Rated { tags, .. } => tags.as_slice(),
            _ => &[],
        };
        let standing = Standing {
            record,
            at,
            level: record.outcome.level(),
            tags,
            amended_by: None,
            misuse: None,
        };
        self.counted.insert(seq, standing);
    }

    fn nothing_at(&mut self, seq: u64, target: u64, what: &str) {
        let detail = no_target(target, what);
        self.rejected.insert(seq, (RejectReason::NoTarget, detail));
    }

    /// A fold counts every outcome of its positions, so what counts one by one is taken out of its
    /// counts. An outcome that is not among them was corrected since, inside the fold: it counts
    /// there as it stood then. What earlier folds of the same positions count is taken out, too.
    fn take_out_of(&mut self, folds: &[Fold]) {
        for (index, fold) in folds.iter().enumerate() {
            let mut counts = Counts::of(fold);
            if !fold.entries.is_empty() {
                let range = fold.first.get()..=fold.last.get();
                let rows = self.counted.range(range);
                let lost: Vec<_> = rows
                    .filter(|(_, standing)| !counts.take(standing.entry(), 1))
                    .map(|(seq, _)| *seq)
                    .collect();
                for seq in lost {
                    self.counted.remove(&seq);
                    self.folded.insert(seq);
                    let detail = "its fold counts it as it stood later".to_owned();
                    self.rejected.insert(seq, (RejectReason::Other, detail));
                }
            }
            for (earlier, remaining) in folds.iter().take(index).zip(&self.remaining) {
                if fold.first <= earlier.first && earlier.last <= fold.last {
                    for (entry, n) in earlier.entries.iter().zip(remaining) {
                        counts.take(*entry, *n);
                    }
                }
            }
            let remaining = fold.entries.iter().map(|entry| counts.rest(*entry));
            let remaining = remaining.collect();
            self.remaining.push(remaining);
        }
    }
}

impl Standing<'_> {
    /// The entry of a fold that would count it.
    fn entry(&self) -> FoldEntry {
        FoldEntry {
            hour: u32::try_from(self.at.elapsed_ms / HOUR_MS).unwrap_or(u32::MAX),
            wall_step_ms: self.at.wall_step_ms,
            synchronised: self.at.synchronised,
            outcome: self.record.outcome.kind(),
            level: self.level,
            n: 1,
        }
    }
}

/// The counts of a fold, as things are taken out of them.
struct Counts(BTreeMap<FoldEntry, u32>);

impl Counts {
    fn of(fold: &Fold) -> Self {
        let mut counts: BTreeMap<FoldEntry, u32> = BTreeMap::new();
        for entry in &fold.entries {
            *counts.entry(key(*entry)).or_default() += entry.n;
        }
        Self(counts)
    }

    /// Whether so many of the entry's kind were there.
    fn take(&mut self, entry: FoldEntry, n: u32) -> bool {
        match self.0.get_mut(&key(entry)) {
            Some(left) if *left >= n => {
                *left -= n;
                true
            }
            _ => false,
        }
    }

    /// What is left, once.
    fn rest(&mut self, entry: FoldEntry) -> u32 {
        self.0.remove(&key(entry)).unwrap_or(0)
    }
}

/// The entry without its count.
const fn key(entry: FoldEntry) -> FoldEntry {
    FoldEntry { n: 0, ..entry }
}

/// Why a second outcome of a prompt does not count.
#[must_use]
pub fn second_outcome(ordinal: u32, last: u32) -> String {
    format!("prompt {ordinal} after prompt {last} of the stream")
}

/// Why something about an outcome is not used.
#[must_use]
pub fn no_target(target: u64, what: &str) -> String {
    format!("position {target} is no counted {what} of the stream")
}

#[cfg(test)]
mod tests {
    use manyi_shared::domain::{Call, OutcomeKind, Seq, ServiceEvent, StreamId};
    use manyi_shared::wire::{Amendment, ChainHash};

    use super::*;

    fn seq(n: u64) -> Seq {
        Seq::new(n).unwrap()
    }

    fn record(hour: u64, body: RecordBody) -> Record {
        let at = RecordTime {
            elapsed_ms: hour * HOUR_MS + 5,
            ..RecordTime::default()
        };
        Record { at, body }
    }

    fn rating(ordinal: u32, level: Level) -> RecordBody {
        RecordBody::Outcome(OutcomeRecord {
            ordinal,
            outcome: Outcome::Rated {
                level,
                tags: Vec::new(),
            },
            tag_set: None,
            response_ms: None,
            event: ServiceEvent::default(),
            call: Call::default(),
        })
    }

    fn amendment(target: u64, level: Level) -> RecordBody {
        RecordBody::Amendment(Amendment {
            target: seq(target),
            level,
            tags: Vec::new(),
            tag_set: None,
        })
    }

    fn entry(hour: u32, level: Level, n: u32) -> FoldEntry {
        FoldEntry {
            hour,
            wall_step_ms: 0,
            synchronised: false,
            outcome: OutcomeKind::Rated,
            level: Some(level),
            n,
        }
    }

    fn fold(first: u64, last: u64, entries: Vec<FoldEntry>) -> Fold {
        Fold {
            stream: StreamId::from_bytes([1; 16]),
            first: seq(first),
            last: seq(last),
            base: ChainHash::from_bytes([0; 32]),
            head: ChainHash::from_bytes([1; 32]),
            entries,
        }
    }

    fn levels(whole: &Whole<'_>) -> Vec<(u64, u8)> {
        let standing = whole.counted.iter();
        standing
            .map(|(seq, s)| (*seq, s.level.map_or(0, Level::number)))
            .collect()
    }

    #[test]
    fn what_is_here_one_by_one_is_not_counted_by_the_fold_again() {
        let rows = BTreeMap::from([
            (2, record(0, rating(1, Level::Satisfied))),
            (3, record(1, rating(2, Level::Satisfied))),
        ]);
        let entries = vec![entry(0, Level::Satisfied, 2), entry(1, Level::Satisfied, 1)];
        let whole = come_to(&rows, &[fold(2, 5, entries)]);
        assert_eq!(levels(&whole), [(2, 4), (3, 4)]);
        assert_eq!(whole.remaining, [[1, 0]]);
    }

    #[test]
    fn a_rating_that_was_corrected_inside_the_fold_counts_there_as_it_stood() {
        let rows = BTreeMap::from([
            (2, record(0, rating(1, Level::Satisfied))),
            (3, record(0, rating(2, Level::Satisfied))),
        ]);
        let entries = vec![
            entry(0, Level::Satisfied, 1),
            entry(0, Level::Dissatisfied, 1),
        ];
        let whole = come_to(&rows, &[fold(2, 4, entries)]);
        assert_eq!(levels(&whole), [(2, 4)]);
        assert!(whole.folded.contains(&3), "the last one, as a rule");
        assert_eq!(whole.remaining, [[0, 1]]);
    }

    #[test]
    fn a_larger_fold_counts_what_the_smaller_one_inside_does_not() {
        let smaller = fold(2, 4, vec![entry(0, Level::Satisfied, 3)]);
        let larger = fold(2, 9, vec![entry(0, Level::Satisfied, 5)]);
        let rows = BTreeMap::from([(2, record(0, rating(1, Level::Satisfied)))]);
        let whole = come_to(&rows, &[smaller, larger]);
        assert_eq!(whole.remaining, [[2], [2]]);
        assert_eq!(levels(&whole), [(2, 4)]);
    }

    #[test]
    fn a_fold_that_counts_nothing_takes_nothing_away() {
        let rows = BTreeMap::from([(3, record(0, rating(1, Level::Satisfied)))]);
        let whole = come_to(&rows, &[fold(2, 9, Vec::new())]);
        assert_eq!(levels(&whole), [(3, 4)]);
    }

    #[test]
    fn an_amendment_is_of_an_earlier_rating_or_of_nothing() {
        let rows = BTreeMap::from([
            (2, record(0, amendment(3, Level::Satisfied))),
            (3, record(0, rating(1, Level::VerySatisfied))),
            (4, record(0, amendment(3, Level::Dissatisfied))),
        ]);
        let whole = come_to(&rows, &[]);
        assert_eq!(levels(&whole), [(3, 2)]);
        assert_eq!(whole.rejected.keys().collect::<Vec<_>>(), [&2]);
    }
}

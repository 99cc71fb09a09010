//! What must be true after a cut: what citizens were thanked for, and what the centre holds.
//!
//! Moments are positions on the tape: the number of events before. A cut at position `c` leaves the
//! first `c` events, so what began at `b` may have left a trace only when `b < c`, and what was
//! promised at `p` counts when `p <= c`. After a cut the next tape counts on from there.

use std::collections::BTreeMap;

use manyi_shared::domain::{Seq, StreamId};
use manyi_shared::wire::ChainHash;

/// A position on the tape.
pub type Moment = usize;

/// One record of the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its bytes, for ever.
    pub bytes: Vec<u8>,
    /// The chain after it.
    pub hash: ChainHash,
    /// Before this moment there can be no trace of it.
    pub begun: Moment,
    /// The citizen was thanked (or the terminal told that its stream is open).
    pub thanked: Option<Moment>,
    /// The centre took it.
    pub sent: Option<Moment>,
    /// The daemon began to prune it.
    pub pruned: Option<Moment>,
}

/// Everything that was promised, over one life of the tablet or several.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Every record that may ever have been on the card.
    pub entries: BTreeMap<(StreamId, Seq), Entry>,
    /// The streams in the order of their opening.
    pub streams: Vec<StreamId>,
    /// Exchange numbers below this were given out at this moment.
    pub numbers: Vec<(Moment, u64)>,
}

/// What must hold of one record after a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was not begun: it cannot be there.
    Unborn,
    /// It may be there or not.
    Open,
    /// It must be there.
    Promised,
}

impl Entry {
    /// What must hold after a cut at this moment.
    #[must_use]
    pub fn fate(&self, cut: Moment) -> Fate {
        if self.begun >= cut {
            Fate::Unborn
        } else if self.thanked.is_some_and(|at| at <= cut) && self.pruned.is_none_or(|at| at >= cut)
        {
            Fate::Promised
        } else {
            Fate::Open
        }
    }

    /// Whether the centre has it when the power is cut at this moment.
    #[must_use]
    pub fn is_sent(&self, cut: Moment) -> bool {
        self.sent.is_some_and(|at| at <= cut)
    }
}

impl Ledger {
    /// The lowest exchange number that may be given out after a cut.
    #[must_use]
    pub fn next_number(&self, cut: Moment) -> u64 {
        let given = self.numbers.iter().filter(|(at, _)| *at <= cut);
        given.map(|(_, below)| *below).max().unwrap_or(0)
    }

    /// Goes on after an end at this moment: what had not happened by then never did.
    ///
    /// After a cut `left` says whether a record is on the card; if so, it is there for good. A killed
    /// program (`left` is none) makes nothing more certain than it was.
    #[must_use]
    pub fn after(&self, end: Moment, left: Option<&dyn Fn(StreamId, Seq) -> bool>) -> Self {
        let entries = self.entries.iter().filter_map(|((stream, seq), entry)| {
            if entry.fate(end) == Fate::Unborn {
                return None;
            }
            let mut entry = Entry {
                thanked: entry.thanked.filter(|at| *at <= end),
                sent: entry.sent.filter(|at| *at <= end),
                pruned: entry.pruned.filter(|at| *at < end),
                ..entry.clone()
            };
            if left.is_some_and(|left| left(*stream, *seq)) {
                entry.thanked = entry.thanked.or(Some(end));
                entry.pruned = None;
            }
            Some(((*stream, *seq), entry))
        });
        Self {
            entries: entries.collect(),
            streams: self.streams.clone(),
            numbers: vec![(end, self.next_number(end))],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(begun: Moment, thanked: Moment, pruned: Option<Moment>) -> Entry {
        Entry {
            bytes: Vec::new(),
            hash: ChainHash::from_bytes([0; 32]),
            begun,
            thanked: Some(thanked),
            sent: None,
            pruned,
        }
    }

    #[test]
    fn a_record_is_promised_from_the_thank_you_until_it_is_pruned() {
        let table = [
            (5, Fate::Unborn),
            (10, Fate::Unborn),
            (11, Fate::Open),
            (19, Fate::Open),
            (20, Fate::Promised),
            (30, Fate::Promised),
            (31, Fate::Open),
        ];
        for (cut, fate) in table {
            assert_eq!(entry(10, 20, Some(30)).fate(cut), fate, "cut at {cut}");
        }
    }

    #[test]
    fn what_a_cut_left_is_promised_from_then_on_and_what_it_took_may_stay_away() {
        let stream = StreamId::from_bytes([1; 16]);
        let mut ledger = Ledger::default();
        for position in 1..=3 {
            let seq = Seq::new(position).expect("not 0");
            ledger.entries.insert((stream, seq), entry(10, 20, None));
        }
        let fates = |ledger: &Ledger| -> Vec<Fate> {
            ledger
                .entries
                .values()
                .map(|entry| entry.fate(16))
                .collect()
        };
        let cut = ledger.after(15, Some(&|_, seq| seq.get() == 2));
        assert_eq!(fates(&cut), [Fate::Open, Fate::Promised, Fate::Open]);
        assert_eq!(fates(&ledger.after(15, None)), [Fate::Open; 3]);
        assert!(ledger.after(5, None).entries.is_empty());
    }
}

//! Sequence numbers of a stream and the watermark: what is durable at the centre with nothing
//! missing below it.

use std::num::NonZeroU64;

/// The position of a record in its stream, from 1 without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(NonZeroU64);

impl Seq {
    /// The first record of every stream: the one that names the terminal.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The position, if it is one: `None` for 0 and for numbers SQLite cannot hold.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        if number > i64::MAX.unsigned_abs() {
            return None;
        }
        NonZeroU64::new(number).map(Self)
    }

    /// The position as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The position `n` records further on.
    #[must_use]
    pub fn plus(self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }
}

impl std::fmt::Display for Seq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The highest position with nothing missing below it; 0 before the first record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Watermark(u64);

/// Where a run of records stands relative to a watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// The run starts right above the watermark, after `duplicates` records already held.
    Extends {
        /// How many records at the start of the run are at or below the watermark.
        duplicates: u64,
    },
    /// Every record of the run is at or below the watermark.
    Known,
    /// The run starts above the next position: records between are missing.
    Gap {
        /// The position that must come next.
        expected: Seq,
    },
}

impl Watermark {
    /// The watermark at this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The watermark as a number; 0 before the first record.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position that must come next.
    #[must_use]
    pub fn next(self) -> Seq {
        Seq::FIRST.plus(self.0)
    }

    /// Where a run of `count` records from `first` stands.
    #[must_use]
    pub fn place(self, first: Seq, count: u64) -> Placement {
        if first > self.next() {
            return Placement::Gap {
                expected: self.next(),
            };
        }
        let end = first.get().saturating_sub(1).saturating_add(count);
        if end <= self.0 {
            return Placement::Known;
        }
        Placement::Extends {
            duplicates: self.next().get() - first.get(),
        }
    }

    /// The watermark after a durable run of `count` records from `first`: never lower, and never
    /// past a gap.
    #[must_use]
    pub fn advance(self, first: Seq, count: u64) -> Self {
        match self.place(first, count) {
            Placement::Extends { .. } => Self(first.get().saturating_sub(1).saturating_add(count)),
            Placement::Known | Placement::Gap { .. } => self,
        }
    }
}

impl From<Seq> for Watermark {
    fn from(seq: Seq) -> Self {
        Self(seq.get())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn seq(n: u64) -> Seq {
        Seq::new(n).expect("positive")
    }

    #[rstest::rstest]
    #[case::first_run(0, 1, 5, Placement::Extends { duplicates: 0 })]
    #[case::next_run(5, 6, 1, Placement::Extends { duplicates: 0 })]
    #[case::overlap(5, 4, 4, Placement::Extends { duplicates: 2 })]
    #[case::all_known(5, 2, 4, Placement::Known)]
    #[case::nothing(5, 6, 0, Placement::Known)]
    #[case::gap(5, 7, 1, Placement::Gap { expected: seq(6) })]
    #[case::gap_at_start(0, 2, 1, Placement::Gap { expected: seq(1) })]
    fn a_run_is_placed(
        #[case] watermark: u64,
        #[case] first: u64,
        #[case] count: u64,
        #[case] expected: Placement,
    ) {
        assert_eq!(Watermark::new(watermark).place(seq(first), count), expected);
    }

    proptest! {
        /// Against the plain definition: the highest n with 1..=n all held, where a run is only
        /// taken when nothing is missing before it.
        #[test]
        fn the_watermark_is_the_contiguous_prefix(runs in prop::collection::vec((1_u64..30, 0_u64..8), 0..40)) {
            let mut held = BTreeSet::new();
            let mut watermark = Watermark::default();
            for (first, count) in runs {
                let before = watermark;
                watermark = watermark.advance(seq(first), count);
                if first <= before.next().get() {
                    held.extend(first..first + count);
                }
                let contiguous = (1..).take_while(|n| held.contains(n)).last().unwrap_or(0);
                prop_assert_eq!(watermark.get(), contiguous);
                prop_assert!(watermark >= before);
            }
        }
    }
}

//! The tally against the records, without holding either.
//!
//! Every count has a secret number (a keyed hash of what it is about, the key drawn anew for every
//! run). The numbers of all records of a window add up to those of its counts, each as often as it
//! counts, exactly when the counts are right; whoever changes counts does not know the key.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::columns::Columns;
use crate::ingest::slot_of;

/// What a count is about, inside its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Counted<'a> {
    /// The quarter of an hour.
    pub slot: i64,
    /// The window's department.
    pub department: &'a str,
    /// The clerk; empty for none.
    pub staff: &'a str,
    /// The item; empty for none.
    pub item: &'a str,
    /// The channel.
    pub channel: u8,
    /// The outcome.
    pub outcome: u8,
    /// The level; 0 when the outcome is not a rating.
    pub level: u8,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    key: RandomState,
    /// What the records add up to, less what the tally does.
    windows: HashMap<String, u64>,
}

impl Counts {
    pub(super) fn record(&mut self, columns: &Columns<'_>) {
        let Some(outcome) = columns.outcome else {
            return;
        };
        let counted = Counted {
            slot: slot_of(columns.at_ms.unwrap_or_default()),
            department: columns.department.unwrap_or_default(),
            staff: columns.staff.unwrap_or_default(),
            item: columns.item.unwrap_or_default(),
            channel: columns.channel.unwrap_or_default(),
            outcome,
            level: columns.level.unwrap_or_default(),
        };
        self.add(columns.window.unwrap_or_default(), &counted, 1);
    }

    pub(super) fn tally(&mut self, window: &str, row: &Counted<'_>, n: i64) {
        // Two's complement: subtracting n times is adding -n times.
        self.add(window, row, n.wrapping_neg().cast_unsigned());
    }

    fn add(&mut self, window: &str, counted: &Counted<'_>, times: u64) {
        let number = self.key.hash_one(counted).wrapping_mul(times);
        if let Some(sum) = self.windows.get_mut(window) {
            *sum = sum.wrapping_add(number);
        } else {
            self.windows.insert(window.to_owned(), number);
        }
    }

    /// Windows whose sums differ.
    pub(super) fn differing(&self) -> Vec<String> {
        let differing = self.windows.iter().filter(|(_, sum)| **sum != 0);
        let mut windows: Vec<_> = differing.map(|(window, _)| window.clone()).collect();
        windows.sort();
        windows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(level: u8) -> Columns<'static> {
        Columns {
            at_ms: Some(900_000 * 7),
            window: Some("A01"),
            outcome: Some(1),
            level: Some(level),
            channel: Some(4),
            ..Columns::default()
        }
    }

    fn row(level: u8) -> Counted<'static> {
        Counted {
            slot: 7,
            department: "",
            staff: "",
            item: "",
            channel: 4,
            outcome: 1,
            level,
        }
    }

    #[test]
    fn right_counts_add_up_in_any_order() {
        let mut counts = Counts::default();
        counts.tally("A01", &row(5), 2);
        for level in [5, 1, 5] {
            counts.record(&columns(level));
        }
        counts.tally("A01", &row(1), 1);
        counts.record(&Columns {
            outcome: None,
            ..columns(3)
        });
        assert_eq!(counts.differing(), Vec::<String>::new());
    }

    #[rstest::rstest]
    #[case::one_more(&[(5, 2), (1, 2)])]
    #[case::one_less(&[(5, 2)])]
    #[case::moved(&[(5, 3)])]
    fn wrong_counts_do_not(#[case] tally: &[(u8, i64)]) {
        let mut counts = Counts::default();
        for level in [5, 1, 5] {
            counts.record(&columns(level));
        }
        for (level, n) in tally {
            counts.tally("A01", &row(*level), *n);
        }
        assert_eq!(counts.differing(), ["A01"]);
    }
}

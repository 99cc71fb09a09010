//! Published days against what is stored of them.

use manyi_shared::domain::HallId;
use manyi_shared::wire::{DayRoot, EnvelopeError, PublicKey, SignedDayRoot};

use super::finding::{Place, What};
use crate::roots::leaf;
use crate::roots::merkle::Tree;

/// A closed day as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRoot {
    /// The day, as `yyyymmdd`.
    pub day: u32,
    /// Its first moment.
    pub from_ms: i64,
    /// The first moment after it.
    pub until_ms: i64,
    /// The signed root; none while it is being computed.
    pub signed: Option<Vec<u8>>,
}

/// A day whose root is computed again.
#[derive(Debug)]
struct Day {
    root: DayRoot,
    tree: Tree,
}

#[derive(Debug, Default)]
pub(super) struct Days(Vec<Day>);

impl Days {
    /// Opens all roots and checks that they follow each other.
    pub(super) fn new(
        hall: &HallId,
        stored: Vec<StoredRoot>,
        collector: &[PublicKey],
        tell: &mut dyn FnMut(What),
    ) -> Self {
        let mut days: Vec<Day> = Vec::new();
        for row in stored {
            let Some(signed) = &row.signed else {
                continue;
            };
            let opened = SignedDayRoot::parse(signed).and_then(|root| {
                let own = collector.iter().find(|key| **key == root.claimed_key());
                root.open(own.ok_or(EnvelopeError::KeyId)?)
            });
            let mut say = |problem: String| {
                tell(What::Day {
                    day: row.day,
                    problem,
                });
            };
            let root = match opened {
                Ok(root) => root,
                Err(error) => {
                    say(format!("the root is not signed by this collector: {error}"));
                    continue;
                }
            };
            let told = (&root.hall, root.day, root.from_ms, root.until_ms);
            if told != (hall, row.day, row.from_ms, row.until_ms) {
                say("the signed root is of another hall, day or bounds".to_owned());
            }
            let last = days.last().map(|last| &last.root);
            if root.previous != last.map(DayRoot::digest)
                || last.is_some_and(|last| last.until_ms != root.from_ms)
            {
                say("the root does not follow the published root before it".to_owned());
            }
            days.push(Day {
                root,
                tree: Tree::default(),
            });
        }
        Self(days)
    }

    /// A record, in the order of terminal, stream and position.
    pub(super) fn record(&mut self, hall: &HallId, place: &Place, received_ms: i64, bytes: &[u8]) {
        let after = self
            .0
            .partition_point(|day| day.root.until_ms <= received_ms);
        let Some(day) = self.0.get_mut(after) else {
            return;
        };
        if day.root.from_ms <= received_ms
            && let Some(seq) = place.seq
        {
            let leaf = leaf(hall, place.terminal, place.stream, seq, bytes);
            day.tree.push(leaf);
        }
    }

    /// Compares all days; how many there were.
    pub(super) fn finish(&self, tell: &mut dyn FnMut(What)) -> u64 {
        for Day { root, tree } in &self.0 {
            let problem = if tree.leaves() != root.leaves {
                format!(
                    "{} records of the day are stored, and the published root is over {}",
                    tree.leaves(),
                    root.leaves
                )
            } else if tree.root() != root.root {
                "a record of the day is not the one under the published root".to_owned()
            } else {
                continue;
            };
            tell(What::Day {
                day: root.day,
                problem,
            });
        }
        self.0.len() as u64
    }
}

//! Records that lie under counts: a fold stands for positions of which some came one by one after all,
//! saved from a damaged journal or sent before their acknowledgement was lost.
//!
//! What counts where follows from all of them together, as [`come_to`] says. The counts that the
//! terminal signed and the records' own bytes go in; what is stored must be what comes out.

use std::collections::{BTreeMap, BTreeSet};

use manyi_shared::wire::{Fold, Record, RecordBody};

use super::{StoredFold, What};
use crate::ingest::whole::come_to;

/// The records of a stream with counts in it, until its end.
#[derive(Debug, Default)]
pub(super) struct Folded {
    /// None for a stream without counts, whose records need not be kept.
    rows: Option<BTreeMap<u64, Record>>,
    folds: Vec<(StoredFold, Fold)>,
    /// Outcomes that are stored as counted by a fold.
    left_to_fold: BTreeSet<u64>,
}

impl Folded {
    /// Keeps records only where some of the folds count.
    pub(super) fn of<'f>(folds: impl IntoIterator<Item = &'f StoredFold>) -> Self {
        let counts =
            |fold: &StoredFold| fold.signed.as_ref().is_some_and(|f| !f.entries.is_empty());
        let any = folds.into_iter().any(counts);
        Self {
            rows: any.then(BTreeMap::new),
            ..Self::default()
        }
    }

    pub(super) fn record(&mut self, seq: u64, record: &Record) {
        let says = seq > 1 || matches!(record.body, RecordBody::StreamOpened(_));
        if let Some(rows) = self.rows.as_mut().filter(|_| says) {
            rows.insert(seq, record.clone());
        }
    }

    pub(super) fn fold(&mut self, fold: StoredFold) {
        if let Some(signed) = fold.signed.clone() {
            self.folds.push((fold, signed));
        }
    }

    /// Whether an outcome that is stored as counted by a fold may be; what comes out is judged at the
    /// end.
    pub(super) fn leaves(&mut self, seq: u64, rejected: Option<&str>) -> bool {
        let may = self.rows.is_some() && rejected == Some("other");
        if may {
            self.left_to_fold.insert(seq);
        }
        may
    }

    /// What is not stored as all of it comes to, by position; and the outcomes that folds count.
    pub(super) fn judge(mut self) -> (Vec<(u64, What)>, BTreeSet<u64>) {
        let mut found = Vec::new();
        let Some(rows) = self.rows.take() else {
            return (found, BTreeSet::new());
        };
        // A larger one came later: it takes out what the smaller ones inside it count.
        self.folds
            .sort_by_key(|(_, signed)| signed.last.get() - signed.first.get());
        let signed: Vec<Fold> = self
            .folds
            .iter()
            .map(|(_, signed)| signed.clone())
            .collect();
        let whole = come_to(&rows, &signed);
        for ((stored, signed), remaining) in self.folds.iter().zip(&whole.remaining) {
            let told = signed.entries.iter().zip(remaining).map(|(entry, n)| {
                let level = entry.level.map_or(0, |level| level.number());
                (entry.outcome.number(), level, u64::from(*n))
            });
            if !told.eq(stored.counted.iter().copied()) {
                let problem = "the counts of the fold are not what the terminal signed, without what \
                               came one by one";
                found.push((stored.first, What::Fold(problem.to_owned())));
            }
        }
        for seq in self.left_to_fold.difference(&whole.folded) {
            let because = "no fold counts it, and its bytes are a sound outcome".to_owned();
            let counts = false;
            found.push((*seq, What::Counting { counts, because }));
        }
        (found, whole.folded)
    }
}

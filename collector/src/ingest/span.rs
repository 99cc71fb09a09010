//! The positions of one stream that a delivery speaks for.

use manyi_shared::domain::{Seq, StreamId};
use manyi_shared::wire::{ChainHash, ExchangeHead};

/// A run of records, or a fold of what is no longer there one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The stream.
    pub stream: StreamId,
    /// The first position.
    pub first: Seq,
    /// How many positions; at least 1.
    pub count: u64,
    /// The chain before the first.
    pub base: ChainHash,
    /// The chain after the last.
    pub head: ChainHash,
}

impl Span {
    /// What an exchange carries; none for a heartbeat.
    #[must_use]
    pub fn of(head: &ExchangeHead) -> Option<Self> {
        if let Some(run) = &head.run {
            return Some(Self {
                stream: run.stream,
                first: run.first,
                count: u64::from(run.count),
                base: run.base,
                head: run.head,
            });
        }
        head.fold.as_ref().map(|fold| Self {
            stream: fold.stream,
            first: fold.first,
            count: fold.positions(),
            base: fold.base,
            head: fold.head,
        })
    }

    /// The last position.
    #[must_use]
    pub const fn last(&self) -> u64 {
        let before = self.first.get().saturating_sub(1);
        before.saturating_add(self.count)
    }
}

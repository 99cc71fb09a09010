//! The hunt for a record with which every exchange fails.
//!
//! A run that fails is cut in halves: the first half is either taken, then the bad record is in the
//! rest, or it fails, then it is in there. What is left at the end is one record, which has failed
//! alone; it is sent to be kept unread, and its stream goes on.
//!
//! **Requests.** Of a run of n records that is *refused* (400 or 422 in the collector's own form):
//! the run, ⌈log2 n⌉ cuts, at most one more for a last record that nothing was sent with alone yet,
//! and the unread one: never more than 2 + 2·log2(n).
//!
//! **Server errors** (5xx) say less: the server may be ill. Cutting costs nothing, so it begins as
//! soon as an empty exchange was answered after the failure; but a record is given up only after
//! [`STRIKES`] failures alone, each followed by an empty exchange that was answered. An empty
//! exchange that fails ends such a hunt: it is the server. This costs up to 2·[`STRIKES`] requests
//! more.

use manyi_shared::domain::{Seq, StreamId, Watermark};
use manyi_shared::wire::Run;

use super::verdict::last;
use super::{Cargo, Suspects};

/// Failures of one record alone, each with an answered empty exchange after it, until it is the
/// record and not the server.
pub(super) const STRIKES: u32 = 3;

/// How an exchange with records failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The collector says that it will never take them.
    Refused,
    /// The server failed; it may be ill.
    Broken,
}

/// What is found out about a hunt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There is something to send next; or an empty exchange, when [`Hunt::wants_probe`].
    Go,
    /// Not even the single record is kept unread: nothing more can be tried.
    Lost,
}

/// A hunt in one stream.
#[derive(Debug, Clone)]
pub(super) struct Hunt {
    stream: StreamId,
    /// The bad record is at one of these positions, both included.
    from: Seq,
    until: Seq,
    /// A fold cannot be cut and is never sent unread: it counts as one record.
    fold: bool,
    /// By refusals; otherwise by server errors.
    refused: bool,
    /// An empty exchange was answered since it began.
    well: bool,
    /// The server failed, and no empty exchange has told yet whether it is well.
    struck: bool,
    strikes: u32,
    unread: bool,
}

impl Hunt {
    /// The hunt that begins with the failure of this run, or of this fold.
    pub(super) fn new(run: &Run, cargo: Cargo) -> Self {
        Self {
            stream: run.stream,
            from: run.first,
            until: last(run),
            fold: cargo == Cargo::Fold,
            refused: false,
            well: false,
            struck: false,
            strikes: 0,
            unread: false,
        }
    }

    /// The hunted positions.
    pub(super) const fn suspects(&self) -> Suspects {
        Suspects {
            stream: self.stream,
            first: self.from,
            last: self.until,
        }
    }

    /// The hunted stream.
    pub(super) const fn stream(&self) -> StreamId {
        self.stream
    }

    /// How many records to send next.
    pub(super) fn size(&self) -> usize {
        let half = (self.until.get() - self.from.get()).div_ceil(2);
        usize::try_from(half).unwrap_or(usize::MAX).max(1)
    }

    /// The record to send unread, once it is known.
    pub(super) fn unread(&self) -> Option<(StreamId, Seq)> {
        self.unread.then_some((self.stream, self.from))
    }

    /// Whether an empty exchange must tell first how the server is.
    pub(super) const fn wants_probe(&self) -> bool {
        self.struck
    }

    /// Whether this is what the hunt is after, or a part of it. What reaches further may fail for
    /// another reason.
    pub(super) fn covers(&self, run: &Run, cargo: Cargo) -> bool {
        run.stream == self.stream
            && self.fold == (cargo == Cargo::Fold)
            && self.from <= run.first
            && last(run) <= self.until
    }

    /// A run within the hunted positions failed, or the fold.
    pub(super) fn failed(&mut self, run: &Run, cargo: Cargo, failure: Failure) -> Step {
        self.from = run.first;
        self.until = last(run);
        match failure {
            Failure::Refused if cargo != Cargo::Records => return Step::Lost,
            Failure::Refused => {
                self.refused = true;
                self.unread = self.is_alone();
            }
            Failure::Broken => self.struck = self.is_alone() || !self.well,
        }
        Step::Go
    }

    /// An empty exchange was answered.
    pub(super) fn well(&mut self) -> Step {
        if !std::mem::take(&mut self.struck) {
            return Step::Go;
        }
        self.well = true;
        if !self.is_alone() {
            return Step::Go;
        }
        self.strikes += 1;
        if self.strikes < STRIKES {
            return Step::Go;
        }
        if self.unread || self.fold {
            return Step::Lost;
        }
        self.unread = true;
        self.strikes = 0;
        Step::Go
    }

    /// An empty exchange failed, too: whether it is the server then, and not a record.
    pub(super) const fn is_the_server(&self) -> bool {
        self.struck && !self.refused
    }

    /// The centre holds the stream up to here: whether the hunt is over.
    pub(super) fn taken(&mut self, watermark: Watermark) -> bool {
        self.from = self.from.max(watermark.next());
        self.strikes = 0;
        self.unread = false;
        self.from > self.until
    }

    fn is_alone(&self) -> bool {
        self.fold || self.from == self.until
    }
}

//! What a terminal says about its own faults. Each is a record like any other: chained, signed with
//! the exchange, kept for ever.

use crate::domain::{Seq, StreamId};
use crate::wire::chain::ChainHash;

/// Records may be missing here. Nothing is lost in silence: whatever a disk may have swallowed is
/// told with the narrowest bounds that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Why.
    pub cause: LossCause,
    /// The stream whose records may be missing; none when not even that could be read.
    pub stream: Option<StreamId>,
    /// The first position that may be missing; none for unknown.
    pub from: Option<Seq>,
    /// The last position that may be missing; none for an open end.
    pub until: Option<Seq>,
    /// No missing record was sealed before this time of the tablet's wall clock, in milliseconds
    /// since 1970; none for unknown.
    pub earliest_ms: Option<i64>,
    /// No missing record was sealed after this time; none for unknown.
    pub latest_ms: Option<i64>,
    /// At most so many records are missing; none for unknown.
    pub records: Option<u64>,
}

/// Why records may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LossCause {
    /// A damaged journal was set aside, and these positions could not be read from it.
    DamagedJournal = 1,
    /// The journal did not take a record; the citizen was not thanked for it.
    NotKept = 2,
    /// A journal was set aside of which nothing could be read.
    UnreadableJournal = 3,
    /// The journal was found as it had been before: whole, and without records that something beside
    /// it remembers.
    OlderJournal = 4,
    /// A cause that only a newer terminal knows.
    Other = 255,
}

impl LossCause {
    /// The cause with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        [
            Self::DamagedJournal,
            Self::NotKept,
            Self::UnreadableJournal,
            Self::OlderJournal,
        ]
        .into_iter()
        .find(|cause| *cause as u8 == number)
        .unwrap_or(Self::Other)
    }

    /// The name in JSON and in the collector's tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DamagedJournal => "damaged_journal",
            Self::NotKept => "not_kept",
            Self::UnreadableJournal => "unreadable_journal",
            Self::OlderJournal => "older_journal",
            Self::Other => "other",
        }
    }
}

/// A record saved from a damaged journal whose place in its own stream can no longer be proved,
/// because its neighbours are gone. It travels inside a record of the present stream.
///
/// `(stream, seq)` stays its identity: the centre counts it once, whether it comes rescued, in its
/// own stream, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescued {
    /// The stream it was sealed in.
    pub stream: StreamId,
    /// Its position there.
    pub seq: Seq,
    /// Its bytes, unchanged.
    pub bytes: Vec<u8>,
    /// The chain after it, as the damaged journal had it.
    pub hash: ChainHash,
}

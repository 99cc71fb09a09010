//! What the store holds that a decision needs.

use std::collections::{BTreeMap, BTreeSet};

use manyi_shared::domain::{BootId, Level, StreamId, TagCode, WindowId};
use manyi_shared::wire::{ChainHash, Rejection};

use super::{Anchor, Opening};

/// What the store holds around a delivery, read in the transaction that will store the plan.
#[derive(Debug, Clone)]
pub struct Held {
    /// The terminal.
    pub terminal: HeldTerminal,
    /// The version that profiles of its hall have.
    pub profile_version: u32,
    /// The department of each window that matters here: the terminal's, the stream's, and those
    /// that openings in the run name. A window the hall does not have is missing.
    pub departments: BTreeMap<String, String>,
    /// The stream of the run or fold, when it is known.
    pub stream: Option<HeldStream>,
    /// The stored bytes at the positions of the run or fold: all that are here one by one, above
    /// the watermark, too, where a damaged journal was saved.
    pub overlap: BTreeMap<u64, Vec<u8>>,
    /// The stored folds that reach into the run or fold, by their first positions.
    pub folds: BTreeMap<u64, HeldFold>,
    /// Whether records of the stream are here that came before their turn.
    pub ahead: bool,
    /// The dead letters among them.
    pub overlap_rejected: Vec<Rejection>,
    /// The stored ratings that records in the run point at, by position.
    pub targets: BTreeMap<u64, HeldRating>,
    /// The stored outcomes that count and that records in the run point at: the ratings among them
    /// are in `targets`, too.
    pub outcomes: BTreeSet<u64>,
    /// The highest position that a second history of the stream is kept up to; 0 for none. Only
    /// read for a run above the watermark's next position.
    pub conflict_through: u64,
    /// What is held of the streams that the terminal claims, and of the one that a new stream says
    /// it goes on from: watermark and chain there.
    pub tips: BTreeMap<StreamId, (u64, ChainHash)>,
    /// Read when the run opens a stream: another stream that goes on from the same one or, when it
    /// goes on from none, any other stream of the terminal.
    pub sibling: Option<StreamId>,
    /// Read for a fold that counts nothing: when the last record before it was sealed at the earliest.
    pub before_ms: Option<i64>,
    /// What is known of the boots of exchange and stream.
    pub boots: BTreeMap<BootId, HeldBoot>,
}

/// A stored fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldFold {
    /// The last position.
    pub last: u64,
    /// The chain before the first.
    pub base: ChainHash,
    /// The chain after the last.
    pub head: ChainHash,
}

/// A boot as stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeldBoot {
    /// The earliest moment at which its clock was right.
    pub first: Option<Anchor>,
    /// The latest.
    pub last: Option<Anchor>,
    /// Whether an anchor could place some of its records better.
    pub unsure: bool,
}

/// The terminal as stored.
#[derive(Debug, Clone)]
pub struct HeldTerminal {
    /// The window it is enrolled at.
    pub window: WindowId,
    /// The highest exchange number taken.
    pub last_number: u64,
    /// Whether its identity was taken back.
    pub revoked: bool,
    /// When another was enrolled at its window to stand there instead.
    pub replaced_ms: Option<i64>,
}

/// A stream as stored.
#[derive(Debug, Clone)]
pub struct HeldStream {
    /// The highest position held with nothing missing below.
    pub watermark: u64,
    /// The chain there.
    pub hash: ChainHash,
    /// The window its outcomes count at.
    pub window: String,
    /// The channel of its outcomes.
    pub channel: u8,
    /// Its clocks at the opening; none when the opening was rejected.
    pub opening: Option<Opening>,
    /// The highest ordinal counted.
    pub last_ordinal: u32,
}

/// A stored rating that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRating {
    /// The slot it counts in.
    pub slot: i64,
    /// Its window.
    pub window: String,
    /// Its department.
    pub department: String,
    /// Its clerk; empty for none.
    pub staff: String,
    /// Its item; empty for none.
    pub item: String,
    /// Its channel.
    pub channel: u8,
    /// Its level as it now stands.
    pub level: Level,
    /// Its tags as they now stand.
    pub tags: Vec<TagCode>,
}

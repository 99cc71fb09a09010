//! What a decision comes to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use manyi_shared::domain::{BootId, Call, Level, OutcomeKind, ServiceEvent, TagCode};
use manyi_shared::wire::{
    Acknowledgement, ChainHash, Claim, Message, Misuse, RejectReason, ReplyStatus, Rescued,
    StreamTip,
};

use super::{Anchor, Deltas, Evidence, Incident, Opening, Placed};

/// Everything that one exchange changes, and what the reply says of it.
#[derive(Debug)]
pub struct Plan<'d> {
    /// What the reply says.
    pub status: ReplyStatus,
    /// What the centre holds of the stream afterwards.
    pub acknowledgement: Option<Acknowledgement>,
    /// The lowest exchange number to be taken next.
    pub next_number: u64,
    /// Whether number and health of the terminal are taken over; not for a replay.
    pub touch_terminal: bool,
    /// The stream as it stands afterwards, when it moved.
    pub stream: Option<StreamState<'d>>,
    /// New rows in the order of their positions.
    pub rows: Vec<Row<'d>>,
    /// Rows that came before their turn, which is now: the chain after each is proved.
    pub in_turn: Vec<(u64, ChainHash)>,
    /// Stored ratings that an amendment changes, by position.
    pub amended: BTreeMap<u64, Amended<'d>>,
    /// Misuse that was seen beside a stored outcome, by the outcome's position.
    pub misused: BTreeMap<u64, Misuse>,
    /// Levels of the daily self-test.
    pub tested: Vec<Tested<'d>>,
    /// Messages that citizens left.
    pub left: Vec<Left<'d>>,
    /// Rows that are kept but not counted.
    pub dead_letters: Vec<DeadLetter>,
    /// Records of a second history.
    pub second: Vec<Second<'d>>,
    /// Changes of counts, never 0.
    pub deltas: Deltas<'d>,
    /// Records of other streams that came inside records of this one.
    pub rescues: Vec<Rescue<'d>>,
    /// A new fold.
    pub fold: Option<PlannedFold<'d>>,
    /// Whether outcomes, amendments and counts of the stream follow from all its rows and folds
    /// together: some came out of turn, so rows and folds of this plan bring none of their own.
    pub whole: bool,
    /// Where less is held than the terminal was told once.
    pub behind: Vec<Claim>,
    /// What a person should know.
    pub incidents: Vec<Incident>,
    /// What is known of clocks, with what this delivery says.
    pub evidence: Evidence,
    /// What is known of boots from now on.
    pub boots: BTreeMap<BootId, BootState>,
    /// How many records went which way.
    pub verdicts: Verdicts,
}

/// A record of another stream that came inside one of this.
#[derive(Debug, Clone, Copy)]
pub struct Rescue<'d> {
    /// The position of the record that carries it.
    pub carrier: u64,
    /// The record and its own place.
    pub rescued: &'d Rescued,
}

/// What a rescued record is to what is held of its own place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rescuing {
    /// Nothing is held there: it takes its place.
    Taken,
    /// It is held already.
    Held,
    /// Something else is held there, which stays.
    Other,
}

impl Rescuing {
    /// Judges a rescued record by the bytes that are held at its place.
    #[must_use]
    pub fn of(bytes: &[u8], held: Option<&[u8]>) -> Self {
        match held {
            None => Self::Taken,
            Some(held) if held == bytes => Self::Held,
            Some(_) => Self::Other,
        }
    }

    /// The name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Held => "held",
            Self::Other => "other",
        }
    }
}

/// What is known of a boot from now on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BootState {
    /// The earliest moment at which its clock was right.
    pub first: Option<Anchor>,
    /// The latest.
    pub last: Option<Anchor>,
    /// Whether a later anchor could place some of its records better.
    pub unsure: bool,
    /// Whether stored records of it can be placed better now.
    pub refine: bool,
}

/// A new fold.
#[derive(Debug)]
pub struct PlannedFold<'d> {
    /// The first position that was not held; the fold itself may begin lower.
    pub first: u64,
    /// The last position.
    pub last: u64,
    /// The chain before the first.
    pub base: ChainHash,
    /// The chain after the last.
    pub head: ChainHash,
    /// The fold as the terminal signed it.
    pub bytes: Vec<u8>,
    /// What its entries count, in their order.
    pub counts: Vec<FoldCount<'d>>,
}

/// What an entry of a fold counts.
#[derive(Debug, Clone, Copy)]
pub struct FoldCount<'d> {
    /// When it was; the bounds are those of the whole hour.
    pub placed: Placed,
    /// The window.
    pub window: &'d str,
    /// Its department.
    pub department: &'d str,
    /// The channel.
    pub channel: u8,
    /// The outcome.
    pub outcome: OutcomeKind,
    /// The level of ratings.
    pub level: Option<Level>,
    /// How many.
    pub n: u32,
}

/// A stream as it stands after the plan.
#[derive(Debug, Clone)]
pub struct StreamState<'d> {
    /// Whether it is new.
    pub new: bool,
    /// The watermark.
    pub watermark: u64,
    /// The chain there.
    pub hash: ChainHash,
    /// The window its outcomes count at.
    pub window: &'d str,
    /// The channel of its outcomes.
    pub channel: u8,
    /// Its clocks at the opening.
    pub opening: Option<Opening>,
    /// Whether its opening is in this plan.
    pub opened: bool,
    /// Where the terminal's history stood at the opening, when it is in this plan.
    pub previous: Option<StreamTip>,
    /// The program that opened it, from the opening in this plan.
    pub software: &'d str,
    /// The highest ordinal counted.
    pub last_ordinal: u32,
}

/// A new row of `record`.
#[derive(Debug)]
pub struct Row<'d> {
    /// Position.
    pub seq: u64,
    /// The record's bytes.
    pub bytes: &'d [u8],
    /// The chain after it.
    pub chain: ChainHash,
    /// The kind's number; 0 when the bytes are no record.
    pub kind: u64,
    /// When it was sealed; none when the bytes do not say.
    pub placed: Option<Placed>,
    /// The outcome; none when the row does not count.
    pub outcome: Option<RowOutcome<'d>>,
}

/// An outcome that counts.
#[derive(Debug, Clone)]
pub struct RowOutcome<'d> {
    /// Which prompt of the stream.
    pub ordinal: u32,
    /// How it ended.
    pub kind: OutcomeKind,
    /// The level as it now stands.
    pub level: Option<Level>,
    /// The tags as they now stand.
    pub tags: &'d [TagCode],
    /// The last amendment applied.
    pub amended_by: Option<u64>,
    /// Time to the answer.
    pub response_ms: Option<u32>,
    /// What the prompt was about.
    pub event: &'d ServiceEvent,
    /// How it came about.
    pub call: Call,
    /// Misuse that was seen beside it.
    pub misuse: Option<Misuse>,
    /// The window it counts at.
    pub window: &'d str,
    /// The window's department.
    pub department: &'d str,
    /// Its channel.
    pub channel: u8,
}

/// What an amendment makes of a stored rating.
#[derive(Debug, Clone)]
pub struct Amended<'d> {
    /// The level from now on.
    pub level: Level,
    /// The tags from now on.
    pub tags: &'d [TagCode],
    /// The amendment.
    pub by: u64,
}

/// One level of the daily self-test that came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tested<'d> {
    /// Position.
    pub seq: u64,
    /// The hall's day, as `yyyymmdd`; 0 when the tablet did not know it.
    pub day: u32,
    /// When it was sealed.
    pub at_ms: i64,
    /// The level.
    pub level: Level,
    /// The window of the stream.
    pub window: &'d str,
}

/// A message of a citizen, sealed.
#[derive(Debug, Clone, Copy)]
pub struct Left<'d> {
    /// Position.
    pub seq: u64,
    /// When it was sealed.
    pub at_ms: i64,
    /// What was left, and with which rating.
    pub message: &'d Message,
    /// The window of the stream.
    pub window: &'d str,
}

/// A row that is kept but not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Position.
    pub seq: u64,
    /// Why.
    pub reason: RejectReason,
    /// Why, in words for whoever looks into it.
    pub detail: String,
}

/// A record of a second history, or a fold of one.
#[derive(Debug)]
pub struct Second<'d> {
    /// Position.
    pub seq: u64,
    /// Its bytes.
    pub bytes: Cow<'d, [u8]>,
}

/// What a count is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TallyKey<'d> {
    /// The quarter of an hour.
    pub slot: i64,
    /// The window.
    pub window: &'d str,
    /// Its department.
    pub department: &'d str,
    /// The clerk; empty for none.
    pub staff: &'d str,
    /// The item; empty for none.
    pub item: &'d str,
    /// The channel.
    pub channel: u8,
    /// The outcome.
    pub outcome: u8,
    /// The level; 0 when the outcome is not a rating.
    pub level: u8,
}

/// How many records went which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// New and stored, dead letters included.
    pub accepted: u64,
    /// Held before, same bytes.
    pub duplicate: u64,
    /// Among the accepted: kept but not counted.
    pub rejected: u64,
    /// Kept as a second history.
    pub conflict: u64,
    /// Not taken: records before them are missing, or the number was used.
    pub refused: u64,
}

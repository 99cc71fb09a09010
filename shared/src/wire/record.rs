//! Records: what is sealed in the journal and kept by the centre for ever.
//!
//! Every record is a CBOR map. Keys 0 to 3 mean the same in every kind (kind, elapsed, wall step,
//! synchronised); from 4 on, each kind has its own keys. New keys may be added to a kind, new kinds
//! may be added; nothing here is ever renumbered.

mod faults;
mod raw;

use crate::domain::{
    BootId, Call, Channel, ClockReading, HallId, InvalidTags, Level, Outcome, Seq, ServiceEvent,
    StreamId, TagCode, TagSetId, TerminalId, WindowId,
};

use super::chain::ChainHash;
use super::deterministic::NotDeterministic;
use super::limits::{MAX_RECORD_BYTES, MAX_TEXT_BYTES};
use super::sealed::SealedText;
use super::suite::Suite;

pub use faults::{Loss, LossCause, Rescued};

/// One sealed journal entry, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When it was sealed.
    pub at: RecordTime,
    /// What it says.
    pub body: RecordBody,
}

/// When a record was sealed, relative to the opening of its stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordTime {
    /// Uptime between the stream's opening and this record, in milliseconds.
    pub elapsed_ms: u64,
    /// How far the wall clock was moved since the opening, in milliseconds; steps under
    /// 100 milliseconds are left out.
    pub wall_step_ms: i64,
    /// Whether the wall clock was synchronised when the record was sealed.
    pub synchronised: bool,
}

/// Wall-clock differences below this are the time between two readings, not a step; leaving them out
/// saves bytes, and costs the place in time as much. Slewing moves the uptime with the wall clock.
const SMALLEST_STEP_MS: i64 = 100;

impl RecordTime {
    /// The time of a reading relative to the stream's opening reading (same boot).
    #[must_use]
    pub fn between(opened: &ClockReading, now: &ClockReading) -> Self {
        let elapsed_ms = now.uptime_ms.saturating_sub(opened.uptime_ms);
        let expected = opened.wall_ms.saturating_add_unsigned(elapsed_ms);
        let step = now.wall_ms.saturating_sub(expected);
        Self {
            elapsed_ms,
            wall_step_ms: if step.saturating_abs() < SMALLEST_STEP_MS {
                0
            } else {
                step
            },
            synchronised: now.synchronised,
        }
    }

    /// The wall clock when the record was sealed, in milliseconds since 1970.
    #[must_use]
    pub fn wall_ms(&self, opened: &StreamOpened) -> i64 {
        opened
            .wall_ms
            .saturating_add_unsigned(self.elapsed_ms)
            .saturating_add(self.wall_step_ms)
    }

    /// The uptime when the record was sealed, in milliseconds since boot.
    #[must_use]
    pub const fn uptime_ms(&self, opened: &StreamOpened) -> u64 {
        opened.uptime_ms.saturating_add(self.elapsed_ms)
    }
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordBody {
    /// The first record of every stream.
    StreamOpened(StreamOpened),
    /// How one prompt ended.
    Outcome(OutcomeRecord),
    /// A correction or addition to an earlier rating of the same stream.
    Amendment(Amendment),
    /// One level of the daily self-test. Counted apart, never as a rating.
    SelfTest(SelfTest),
    /// What the fingers did beside the one tap that counted.
    Misuse(Misuse),
    /// Something the citizen left for the office's eyes only.
    Message(Message),
    /// Records may be missing.
    Loss(Loss),
    /// A record saved from a damaged journal.
    Rescued(Rescued),
    /// The clock became right after records of this boot were sealed without: their times can now
    /// be known. At most one a boot.
    ClockSet,
    /// A kind this program does not know: a newer terminal wrote it. Kept and passed on as bytes.
    Unknown {
        /// The kind's number.
        kind: u64,
    },
}

/// The first record of a stream: which terminal, which software, where, and what came before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamOpened {
    /// The suite of the stream's chain.
    pub suite: Suite,
    /// The terminal that seals this stream.
    pub terminal: TerminalId,
    /// The stream.
    pub stream: StreamId,
    /// The end of the terminal's previous stream; none on a new or wiped card.
    pub previous: Option<StreamTip>,
    /// The wall clock at the opening, in milliseconds since 1970; may be wrong.
    pub wall_ms: i64,
    /// Milliseconds since boot at the opening.
    pub uptime_ms: u64,
    /// The boot that uptimes of this stream count from.
    pub boot: BootId,
    /// Program name and version, at most 200 bytes.
    pub software: String,
    /// The hall the terminal stands in.
    pub hall: HallId,
    /// The window the terminal stands at.
    pub window: WindowId,
    /// The channel of every outcome in the stream.
    pub channel: Channel,
}

/// The end of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamTip {
    /// The stream.
    pub stream: StreamId,
    /// Its last record.
    pub seq: Seq,
    /// The chain after that record.
    pub hash: ChainHash,
}

/// How one prompt ended, and what it was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeRecord {
    /// Which prompt of this stream, from 1.
    pub ordinal: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The option set the tags are from, when there are tags.
    pub tag_set: Option<TagSetId>,
    /// From the first drawing of the question to the outcome, in milliseconds; none when the
    /// question was never drawn.
    pub response_ms: Option<u32>,
    /// What the prompt was about.
    pub event: ServiceEvent,
    /// How it came about.
    pub call: Call,
}

/// A second record about an earlier rating of the same stream; the score counts the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    /// The outcome record it amends. Always the original, never another amendment.
    pub target: Seq,
    /// The rating as it now stands.
    pub level: Level,
    /// All chosen options as they now stand.
    pub tags: Vec<TagCode>,
    /// The option set the tags are from, when there are tags.
    pub tag_set: Option<TagSetId>,
}

/// One level of the daily self-test: sealed, sent and taken in like a rating, so that a level which
/// does not get through is noticed on the same morning.
///
/// A kind of its own, because a collector that did not know it must not count it as a rating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelfTest {
    /// The hall's day, as `yyyymmdd`; 0 while the tablet's clock is not known to be right.
    pub day: u32,
    /// The level that was sent through.
    pub level: Level,
}

/// What the fingers did while one prompt was on the screen, beside the tap that counted. The rating
/// stands; the office can tell a cloth from a citizen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misuse {
    /// The outcome record it is about.
    pub target: Seq,
    /// What was seen, a set of the bits of [`Misuse::SEVERAL_FINGERS`] and its neighbours.
    pub kinds: u8,
    /// How many touches were no taps or were ignored.
    pub touches: u16,
    /// From the first such touch to the last, in milliseconds.
    pub span_ms: u32,
}

impl Misuse {
    /// More than one finger was on the glass: a palm, five targets at once.
    pub const SEVERAL_FINGERS: u8 = 1;
    /// A finger stayed down.
    pub const HELD: u8 = 2;
    /// A finger was dragged over the glass: a cloth.
    pub const DRAGGED: u8 = 4;
    /// Taps that came faster than a person reads, or after the one that counted.
    pub const BURST: u8 = 8;
}

/// Something a citizen left for the office, encrypted on the tablet (HPKE, RFC 9180) before it
/// touched the card. Not even the tablet can read it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The rating it belongs to.
    pub target: Seq,
    /// What it is.
    pub what: MessageKind,
    /// The encrypted text and whose key opens it.
    pub sealed: SealedText,
}

/// What a citizen left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MessageKind {
    /// A telephone number to be called back at.
    Phone = 1,
    /// A comment.
    Comment = 2,
}

impl MessageKind {
    /// The number in records.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Comment => "comment",
        }
    }

    /// The kind with this number, if it is known here.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Phone, Self::Comment]
            .into_iter()
            .find(|kind| kind.number() == number)
    }
}

/// Why bytes are not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Longer than [`MAX_RECORD_BYTES`].
    #[error("record of {0} bytes is longer than {MAX_RECORD_BYTES}")]
    TooLong(usize),
    /// Not one deterministic CBOR item.
    #[error("record is not deterministic CBOR: {0}")]
    Encoding(#[from] NotDeterministic),
    /// CBOR, but not of a record's shape.
    #[error("record does not have the shape of its kind: {0}")]
    Shape(String),
    /// A field's value is outside what the field allows.
    #[error("record field `{field}` is not allowed: {problem}")]
    Value {
        /// The field's name in the documentation.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl Record {
    /// The record's bytes: deterministic CBOR, written once and never again.
    ///
    /// # Errors
    /// [`RecordError::TooLong`], or [`RecordError::Value`] for an unknown kind (which must be
    /// passed on as the bytes it came in), tags that do not fit, or text over 200 bytes.
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        let bytes = match &self.body {
            RecordBody::StreamOpened(opened) => {
                check_text("software", &opened.software)?;
                super::to_cbor(&raw::Opened::from_domain(self.at, opened))
            }
            RecordBody::Outcome(outcome) => {
                if let Outcome::Rated { level, tags } = &outcome.outcome {
                    check_tags(*level, tags)?;
                }
                super::to_cbor(&raw::Outcome::from_domain(self.at, outcome))
            }
            RecordBody::Amendment(amendment) => {
                check_tags(amendment.level, &amendment.tags)?;
                super::to_cbor(&raw::Amendment::from_domain(self.at, amendment))
            }
            RecordBody::SelfTest(test) => {
                super::to_cbor(&raw::SelfTest::from_domain(self.at, *test))
            }
            RecordBody::Misuse(misuse) => {
                super::to_cbor(&raw::Misuse::from_domain(self.at, *misuse))
            }
            RecordBody::Message(message) => {
                super::to_cbor(&raw::Message::from_domain(self.at, message))
            }
            RecordBody::Loss(loss) => super::to_cbor(&raw::Loss::from_domain(self.at, loss)),
            RecordBody::Rescued(rescued) => {
                super::to_cbor(&raw::Rescued::from_domain(self.at, rescued))
            }
            RecordBody::ClockSet => super::to_cbor(&raw::ClockSet::from_domain(self.at)),
            RecordBody::Unknown { kind } => {
                return Err(RecordError::Value {
                    field: "kind",
                    problem: format!("{kind} is unknown here and is forwarded as bytes only"),
                });
            }
        };
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(RecordError::TooLong(bytes.len()));
        }
        Ok(bytes)
    }

    /// Reads a record's bytes.
    ///
    /// Unknown keys are skipped and unknown kinds become [`RecordBody::Unknown`]; keep the bytes.
    ///
    /// # Errors
    /// The first reason why the bytes are not a record of the field's rules.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(RecordError::TooLong(bytes.len()));
        }
        super::deterministic::check(bytes)?;
        raw::decode(bytes)
    }
}

fn check_tags(level: Level, tags: &[TagCode]) -> Result<(), RecordError> {
    InvalidTags::check(level, tags).map_err(|error| RecordError::Value {
        field: "tags",
        problem: error.to_string(),
    })
}

fn check_text(field: &'static str, text: &str) -> Result<(), RecordError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(RecordError::Value {
            field,
            problem: format!("{} bytes, at most {MAX_TEXT_BYTES}", text.len()),
        });
    }
    Ok(())
}

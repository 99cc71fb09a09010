//! Records: what is sealed in the journal and kept by the centre for ever.
//!
//! Every record is a CBOR map. Keys 0 to 3 mean the same in every kind (kind, elapsed, wall step,
//! synchronised); from 4 on, each kind has its own keys. New keys may be added to a kind, new kinds
//! may be added; nothing here is ever renumbered.

mod raw;

use crate::domain::{
    BootId, Channel, ClockReading, HallId, InvalidTags, Level, Outcome, Seq, ServiceEvent,
    StreamId, TagCode, TagSetId, TerminalId, WindowId,
};

use super::chain::ChainHash;
use super::deterministic::NotDeterministic;
use super::limits::{MAX_RECORD_BYTES, MAX_TEXT_BYTES};

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
    /// How far the wall clock was moved since the opening, in milliseconds; steps under a second
    /// are slewing and are left out.
    pub wall_step_ms: i64,
    /// Whether the wall clock was synchronised when the record was sealed.
    pub synchronised: bool,
}

/// Wall-clock differences below this are slewing, not a step; leaving them out saves bytes.
const SMALLEST_STEP_MS: i64 = 1000;

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
    /// A kind this program does not know: a newer terminal wrote it. Kept and passed on as bytes.
    Unknown {
        /// The kind's number.
        kind: u64,
    },
}

/// The first record of a stream: which terminal, which software, where, and what came before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamOpened {
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

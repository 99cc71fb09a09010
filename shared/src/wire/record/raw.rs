//! The frozen shapes: integer keys and plain numbers, as they lie in the bytes.
//!
//! Do not change; see `tests/wire_golden.rs`. Translating to and from the domain happens here and
//! only here.

mod beside;
mod faults;
mod fields;

use minicbor::{Decode, Encode};

use crate::domain::Outcome as DomainOutcome;
use crate::domain::{
    BootId, Call, CallerKey, CaseNumber, Channel, FaultReason, HallId, ItemCode, Level,
    OutcomeKind, Seq, ServiceEvent, StaffId, StreamId, TerminalId, Trigger, WindowId, Withdrawal,
};
use crate::wire::chain::ChainHash;
use crate::wire::suite::Suite;

use fields::{code, flag, step, tag_codes, tag_numbers, tag_set, time, value};

pub(super) use beside::{Message, Misuse, SelfTest};
pub(super) use faults::{ClockSet, Loss, Rescued};

use super::{
    Amendment as DomainAmendment, OutcomeRecord, Record, RecordBody, RecordError, RecordTime,
    StreamOpened, StreamTip,
};

const KIND_OPENED: u64 = 1;
const KIND_OUTCOME: u64 = 2;
const KIND_AMENDMENT: u64 = 3;
const KIND_SELF_TEST: u64 = 4;
const KIND_MISUSE: u64 = 5;
const KIND_MESSAGE: u64 = 6;
const KIND_LOSS: u64 = 7;
const KIND_RESCUED: u64 = 8;
const KIND_CLOCK_SET: u64 = 9;

#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct Opened {
    #[n(0)]
    kind: u64,
    #[n(3)]
    synchronised: Option<bool>,
    #[n(4)]
    suite: u8,
    #[cbor(n(5), with = "minicbor::bytes")]
    terminal: [u8; 16],
    #[cbor(n(6), with = "minicbor::bytes")]
    stream: [u8; 16],
    #[cbor(n(7), with = "minicbor::bytes")]
    previous_stream: Option<[u8; 16]>,
    #[n(8)]
    previous_seq: Option<u64>,
    #[cbor(n(9), with = "minicbor::bytes")]
    previous_hash: Option<[u8; 32]>,
    #[n(10)]
    wall_ms: i64,
    #[n(11)]
    uptime_ms: u64,
    #[cbor(n(12), with = "minicbor::bytes")]
    boot: [u8; 16],
    #[n(13)]
    software: String,
    #[n(14)]
    hall: String,
    #[n(15)]
    window: String,
    #[n(16)]
    channel: u8,
}

#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct Outcome {
    #[n(0)]
    kind: u64,
    #[n(1)]
    elapsed_ms: u64,
    #[n(2)]
    wall_step_ms: Option<i64>,
    #[n(3)]
    synchronised: Option<bool>,
    #[n(4)]
    ordinal: u32,
    #[n(5)]
    outcome: u8,
    #[n(6)]
    level: Option<u8>,
    #[n(7)]
    tags: Option<Vec<u16>>,
    #[n(8)]
    tag_set: Option<String>,
    #[n(9)]
    response_ms: Option<u32>,
    #[n(10)]
    staff: Option<String>,
    #[n(11)]
    item: Option<String>,
    #[n(12)]
    case_number: Option<String>,
    #[n(13)]
    reason: Option<u8>,
    #[n(14)]
    trigger: Option<u8>,
    #[cbor(n(15), with = "minicbor::bytes")]
    caller_key: Option<[u8; 8]>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct Amendment {
    #[n(0)]
    kind: u64,
    #[n(1)]
    elapsed_ms: u64,
    #[n(2)]
    wall_step_ms: Option<i64>,
    #[n(3)]
    synchronised: Option<bool>,
    #[n(4)]
    target: u64,
    #[n(5)]
    level: u8,
    #[n(6)]
    tags: Option<Vec<u16>>,
    #[n(7)]
    tag_set: Option<String>,
}

pub(super) fn decode(bytes: &[u8]) -> Result<Record, RecordError> {
    match kind(bytes)? {
        KIND_OPENED => shape::<Opened>(bytes)?.into_domain(),
        KIND_OUTCOME => shape::<Outcome>(bytes)?.into_domain(),
        KIND_AMENDMENT => shape::<Amendment>(bytes)?.into_domain(),
        KIND_SELF_TEST => shape::<SelfTest>(bytes)?.into_domain(),
        KIND_MISUSE => shape::<Misuse>(bytes)?.into_domain(),
        KIND_MESSAGE => shape::<Message>(bytes)?.into_domain(),
        KIND_LOSS => shape::<Loss>(bytes)?.into_domain(),
        KIND_RESCUED => shape::<Rescued>(bytes)?.into_domain(),
        KIND_CLOCK_SET => Ok(shape::<ClockSet>(bytes)?.into_domain()),
        kind => Ok(Record {
            at: RecordTime::default(),
            body: RecordBody::Unknown { kind },
        }),
    }
}

/// The kind is key 0, so it comes first in every deterministic record; the rest is not walked here.
fn kind(bytes: &[u8]) -> Result<u64, RecordError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let mut first = || {
        decoder.map()?;
        Ok::<_, minicbor::decode::Error>((decoder.u64()?, decoder.u64()?))
    };
    match first() {
        Ok((0, kind)) => Ok(kind),
        Ok(_) => Err(RecordError::Shape("key 0, the kind, is missing".to_owned())),
        Err(error) => Err(RecordError::Shape(error.to_string())),
    }
}

fn shape<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, RecordError> {
    minicbor::decode(bytes).map_err(|error| RecordError::Shape(error.to_string()))
}

impl Opened {
    pub(super) fn from_domain(at: RecordTime, opened: &StreamOpened) -> Self {
        Self {
            kind: KIND_OPENED,
            synchronised: flag(at.synchronised),
            suite: opened.suite.number(),
            terminal: *opened.terminal.as_bytes(),
            stream: *opened.stream.as_bytes(),
            previous_stream: opened.previous.map(|tip| *tip.stream.as_bytes()),
            previous_seq: opened.previous.map(|tip| tip.seq.get()),
            previous_hash: opened.previous.map(|tip| *tip.hash.as_bytes()),
            wall_ms: opened.wall_ms,
            uptime_ms: opened.uptime_ms,
            boot: *opened.boot.as_bytes(),
            software: opened.software.clone(),
            hall: opened.hall.as_str().to_owned(),
            window: opened.window.as_str().to_owned(),
            channel: opened.channel.number(),
        }
    }

    fn into_domain(self) -> Result<Record, RecordError> {
        let suite = Suite::from_number(self.suite)
            .ok_or_else(|| value("suite", &format!("{} is not known here", self.suite)))?;
        super::check_text("software", &self.software)?;
        let previous = match (self.previous_stream, self.previous_seq, self.previous_hash) {
            (None, None, None) => None,
            (Some(stream), Some(seq), Some(hash)) => Some(StreamTip {
                stream: StreamId::from_bytes(stream),
                seq: Seq::new(seq).ok_or_else(|| value("previous_seq", "must be at least 1"))?,
                hash: ChainHash::from_bytes(hash),
            }),
            _ => {
                return Err(value(
                    "previous",
                    "stream, seq and hash come together or not at all",
                ));
            }
        };
        let opened = StreamOpened {
            suite,
            terminal: TerminalId::from_bytes(self.terminal),
            stream: StreamId::from_bytes(self.stream),
            previous,
            wall_ms: self.wall_ms,
            uptime_ms: self.uptime_ms,
            boot: BootId::from_bytes(self.boot),
            software: self.software,
            hall: HallId::new(self.hall).map_err(|e| value("hall", &e))?,
            window: WindowId::new(self.window).map_err(|e| value("window", &e))?,
            channel: Channel::from_number(self.channel)
                .ok_or_else(|| value("channel", &format!("{} is not known here", self.channel)))?,
        };
        Ok(Record {
            at: time(0, None, self.synchronised),
            body: RecordBody::StreamOpened(opened),
        })
    }
}

impl Outcome {
    pub(super) fn from_domain(at: RecordTime, record: &OutcomeRecord) -> Self {
        let (level, tags, reason) = match &record.outcome {
            DomainOutcome::Rated { level, tags } => (Some(level.number()), tag_numbers(tags), None),
            DomainOutcome::Withdrawn(why) => (None, None, Some(*why as u8)),
            DomainOutcome::Fault(why) => (None, None, Some(*why as u8)),
            DomainOutcome::Declined | DomainOutcome::TimedOut => (None, None, None),
        };
        Self {
            kind: KIND_OUTCOME,
            elapsed_ms: at.elapsed_ms,
            wall_step_ms: step(at.wall_step_ms),
            synchronised: flag(at.synchronised),
            ordinal: record.ordinal,
            outcome: record.outcome.kind().number(),
            level,
            tag_set: tags
                .as_ref()
                .and(record.tag_set.as_ref())
                .map(|id| id.0.clone()),
            tags,
            response_ms: record.response_ms,
            staff: record.event.staff.clone().map(String::from),
            item: record.event.item.clone().map(String::from),
            case_number: record.event.case_number.clone().map(String::from),
            reason,
            // The tablet's own API is the rule and costs nothing.
            trigger: Some(record.call.trigger)
                .filter(|trigger| *trigger != Trigger::default())
                .map(Trigger::number),
            caller_key: record.call.key.map(|key| key.0),
        }
    }

    fn into_domain(self) -> Result<Record, RecordError> {
        if self.ordinal == 0 {
            return Err(value("ordinal", "prompts are counted from 1"));
        }
        let kind = OutcomeKind::from_number(self.outcome)
            .ok_or_else(|| value("outcome", &format!("{} is not known here", self.outcome)))?;
        if kind != OutcomeKind::Rated && (self.level.is_some() || self.tags.is_some()) {
            return Err(value("level", "only a rating has a level and tags"));
        }
        let outcome = match kind {
            OutcomeKind::Rated => {
                let level = self
                    .level
                    .ok_or_else(|| value("level", "a rating must have one"))?;
                let level = Level::try_from(level).map_err(|e| value("level", &e))?;
                let tags = tag_codes(level, self.tags)?;
                DomainOutcome::Rated { level, tags }
            }
            OutcomeKind::Declined => DomainOutcome::Declined,
            OutcomeKind::TimedOut => DomainOutcome::TimedOut,
            OutcomeKind::Withdrawn => DomainOutcome::Withdrawn(match self.reason {
                Some(1) => Withdrawal::Replaced,
                Some(2) => Withdrawal::Cancelled,
                Some(3) => Withdrawal::Shutdown,
                other => {
                    return Err(value(
                        "reason",
                        &format!("{other:?} is no known withdrawal"),
                    ));
                }
            }),
            OutcomeKind::Fault => DomainOutcome::Fault(match self.reason {
                Some(1) => FaultReason::Screen,
                Some(2) => FaultReason::Interrupted,
                Some(3) => FaultReason::NotKept,
                other => return Err(value("reason", &format!("{other:?} is no known fault"))),
            }),
        };
        let record = OutcomeRecord {
            ordinal: self.ordinal,
            outcome,
            tag_set: tag_set(self.tag_set)?,
            response_ms: self.response_ms,
            event: ServiceEvent {
                staff: code("staff", StaffId::new, self.staff)?,
                item: code("item", ItemCode::new, self.item)?,
                case_number: code("case_number", CaseNumber::new, self.case_number)?,
            },
            call: Call {
                // One that a newer terminal knows is no reason to lose a rating.
                trigger: self
                    .trigger
                    .and_then(Trigger::from_number)
                    .unwrap_or_default(),
                key: self.caller_key.map(CallerKey),
            },
        };
        Ok(Record {
            at: time(self.elapsed_ms, self.wall_step_ms, self.synchronised),
            body: RecordBody::Outcome(record),
        })
    }
}

impl Amendment {
    pub(super) fn from_domain(at: RecordTime, amendment: &DomainAmendment) -> Self {
        let tags = tag_numbers(&amendment.tags);
        Self {
            kind: KIND_AMENDMENT,
            elapsed_ms: at.elapsed_ms,
            wall_step_ms: step(at.wall_step_ms),
            synchronised: flag(at.synchronised),
            target: amendment.target.get(),
            level: amendment.level.number(),
            tag_set: tags
                .as_ref()
                .and(amendment.tag_set.as_ref())
                .map(|id| id.0.clone()),
            tags,
        }
    }

    fn into_domain(self) -> Result<Record, RecordError> {
        let level = Level::try_from(self.level).map_err(|e| value("level", &e))?;
        let amendment = DomainAmendment {
            target: Seq::new(self.target).ok_or_else(|| value("target", "must be at least 1"))?,
            level,
            tags: tag_codes(level, self.tags)?,
            tag_set: tag_set(self.tag_set)?,
        };
        Ok(Record {
            at: time(self.elapsed_ms, self.wall_step_ms, self.synchronised),
            body: RecordBody::Amendment(amendment),
        })
    }
}

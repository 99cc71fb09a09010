//! The frozen shapes of what stands beside outcomes: self-tests, misuse, messages.

use minicbor::{Decode, Encode};

use super::{
    KIND_MESSAGE, KIND_MISUSE, KIND_SELF_TEST, Level, Record, RecordBody, RecordError, RecordTime,
    Seq, flag, step, time, value,
};
use crate::wire::record::{
    Message as DomainMessage, MessageKind, Misuse as DomainMisuse, SelfTest as DomainSelfTest,
};
use crate::wire::sealed::SealedText;

#[derive(Encode, Decode)]
#[cbor(map)]
pub(in super::super) struct SelfTest {
    #[n(0)]
    kind: u64,
    #[n(1)]
    elapsed_ms: u64,
    #[n(2)]
    wall_step_ms: Option<i64>,
    #[n(3)]
    synchronised: Option<bool>,
    #[n(4)]
    day: u32,
    #[n(5)]
    level: u8,
}

#[derive(Encode, Decode)]
#[cbor(map)]
pub(in super::super) struct Misuse {
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
    kinds: u8,
    #[n(6)]
    touches: u16,
    #[n(7)]
    span_ms: u32,
}

#[derive(Encode, Decode)]
#[cbor(map)]
pub(in super::super) struct Message {
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
    what: u8,
    #[n(6)]
    sealed: SealedText,
}

impl SelfTest {
    pub(in super::super) fn from_domain(at: RecordTime, test: DomainSelfTest) -> Self {
        Self {
            kind: KIND_SELF_TEST,
            elapsed_ms: at.elapsed_ms,
            wall_step_ms: step(at.wall_step_ms),
            synchronised: flag(at.synchronised),
            day: test.day,
            level: test.level.number(),
        }
    }

    pub(super) fn into_domain(self) -> Result<Record, RecordError> {
        let level = Level::try_from(self.level).map_err(|e| value("level", &e))?;
        Ok(Record {
            at: time(self.elapsed_ms, self.wall_step_ms, self.synchronised),
            body: RecordBody::SelfTest(DomainSelfTest {
                day: self.day,
                level,
            }),
        })
    }
}

impl Misuse {
    pub(in super::super) fn from_domain(at: RecordTime, misuse: DomainMisuse) -> Self {
        Self {
            kind: KIND_MISUSE,
            elapsed_ms: at.elapsed_ms,
            wall_step_ms: step(at.wall_step_ms),
            synchronised: flag(at.synchronised),
            target: misuse.target.get(),
            kinds: misuse.kinds,
            touches: misuse.touches,
            span_ms: misuse.span_ms,
        }
    }

    pub(super) fn into_domain(self) -> Result<Record, RecordError> {
        Ok(Record {
            at: time(self.elapsed_ms, self.wall_step_ms, self.synchronised),
            body: RecordBody::Misuse(DomainMisuse {
                target: position(self.target)?,
                kinds: self.kinds,
                touches: self.touches,
                span_ms: self.span_ms,
            }),
        })
    }
}

impl Message {
    pub(in super::super) fn from_domain(at: RecordTime, message: &DomainMessage) -> Self {
        Self {
            kind: KIND_MESSAGE,
            elapsed_ms: at.elapsed_ms,
            wall_step_ms: step(at.wall_step_ms),
            synchronised: flag(at.synchronised),
            target: message.target.get(),
            what: message.what.number(),
            sealed: message.sealed.clone(),
        }
    }

    pub(super) fn into_domain(self) -> Result<Record, RecordError> {
        let what = MessageKind::from_number(self.what)
            .ok_or_else(|| value("what", &format!("{} is not known here", self.what)))?;
        Ok(Record {
            at: time(self.elapsed_ms, self.wall_step_ms, self.synchronised),
            body: RecordBody::Message(DomainMessage {
                target: position(self.target)?,
                what,
                sealed: self.sealed,
            }),
        })
    }
}

fn position(target: u64) -> Result<Seq, RecordError> {
    Seq::new(target).ok_or_else(|| value("target", "must be at least 1"))
}

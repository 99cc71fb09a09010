//! The frozen shapes of what a terminal says about its own faults: what may be missing, what was
//! saved from a damaged journal, when the clock became right.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::{
    KIND_CLOCK_SET, KIND_LOSS, KIND_RESCUED, Record, RecordBody, RecordError, RecordTime, Seq,
    StreamId, flag, step, time, value,
};
use crate::wire::chain::ChainHash;
use crate::wire::record::{Loss as DomainLoss, LossCause, Rescued as DomainRescued};

#[derive(Encode, Decode)]
#[cbor(map)]
pub(in super::super) struct Loss {
    #[n(0)]
    kind: u64,
    #[n(1)]
    elapsed_ms: u64,
    #[n(2)]
    wall_step_ms: Option<i64>,
    #[n(3)]
    synchronised: Option<bool>,
    #[n(4)]
    cause: u8,
    #[cbor(n(5), with = "minicbor::bytes")]
    stream: Option<[u8; 16]>,
    #[n(6)]
    from: Option<u64>,
    #[n(7)]
    until: Option<u64>,
    #[n(8)]
    earliest_ms: Option<i64>,
    #[n(9)]
    latest_ms: Option<i64>,
    #[n(10)]
    records: Option<u64>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
pub(in super::super) struct Rescued {
    #[n(0)]
    kind: u64,
    #[n(1)]
    elapsed_ms: u64,
    #[n(2)]
    wall_step_ms: Option<i64>,
    #[n(3)]
    synchronised: Option<bool>,
    #[cbor(n(4), with = "minicbor::bytes")]
    stream: [u8; 16],
    #[n(5)]
    seq: u64,
    #[n(6)]
    bytes: ByteVec,
    #[cbor(n(7), with = "minicbor::bytes")]
    hash: [u8; 32],
}

#[derive(Encode, Decode)]
#[cbor(map)]
pub(in super::super) struct ClockSet {
    #[n(0)]
    kind: u64,
    #[n(1)]
    elapsed_ms: u64,
    #[n(2)]
    wall_step_ms: Option<i64>,
    #[n(3)]
    synchronised: Option<bool>,
}

impl Loss {
    pub(in super::super) fn from_domain(at: RecordTime, loss: &DomainLoss) -> Self {
        Self {
            kind: KIND_LOSS,
            elapsed_ms: at.elapsed_ms,
            wall_step_ms: step(at.wall_step_ms),
            synchronised: flag(at.synchronised),
            cause: loss.cause as u8,
            stream: loss.stream.map(|stream| *stream.as_bytes()),
            from: loss.from.map(Seq::get),
            until: loss.until.map(Seq::get),
            earliest_ms: loss.earliest_ms,
            latest_ms: loss.latest_ms,
            records: loss.records,
        }
    }

    pub(super) fn into_domain(self) -> Result<Record, RecordError> {
        let position = |field, number: Option<u64>| {
            number
                .map(|n| Seq::new(n).ok_or_else(|| value(field, "must be at least 1")))
                .transpose()
        };
        let loss = DomainLoss {
            // What a newer terminal knows a reason for is a loss all the same.
            cause: LossCause::from_number(self.cause),
            stream: self.stream.map(StreamId::from_bytes),
            from: position("from", self.from)?,
            until: position("until", self.until)?,
            earliest_ms: self.earliest_ms,
            latest_ms: self.latest_ms,
            records: self.records,
        };
        Ok(Record {
            at: time(self.elapsed_ms, self.wall_step_ms, self.synchronised),
            body: RecordBody::Loss(loss),
        })
    }
}

impl Rescued {
    pub(in super::super) fn from_domain(at: RecordTime, rescued: &DomainRescued) -> Self {
        Self {
            kind: KIND_RESCUED,
            elapsed_ms: at.elapsed_ms,
            wall_step_ms: step(at.wall_step_ms),
            synchronised: flag(at.synchronised),
            stream: *rescued.stream.as_bytes(),
            seq: rescued.seq.get(),
            bytes: rescued.bytes.clone().into(),
            hash: *rescued.hash.as_bytes(),
        }
    }

    pub(super) fn into_domain(self) -> Result<Record, RecordError> {
        let rescued = DomainRescued {
            stream: StreamId::from_bytes(self.stream),
            seq: Seq::new(self.seq).ok_or_else(|| value("seq", "must be at least 1"))?,
            bytes: self.bytes.into(),
            hash: ChainHash::from_bytes(self.hash),
        };
        Ok(Record {
            at: time(self.elapsed_ms, self.wall_step_ms, self.synchronised),
            body: RecordBody::Rescued(rescued),
        })
    }
}

impl ClockSet {
    pub(in super::super) fn from_domain(at: RecordTime) -> Self {
        Self {
            kind: KIND_CLOCK_SET,
            elapsed_ms: at.elapsed_ms,
            wall_step_ms: step(at.wall_step_ms),
            synchronised: flag(at.synchronised),
        }
    }

    pub(super) fn into_domain(self) -> Record {
        Record {
            at: time(self.elapsed_ms, self.wall_step_ms, self.synchronised),
            body: RecordBody::ClockSet,
        }
    }
}

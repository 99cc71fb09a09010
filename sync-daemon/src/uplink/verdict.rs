//! What a verified reply says about the run it answers.

use manyi_shared::domain::{Seq, StreamId, Watermark};
use manyi_shared::wire::{Acknowledgement, ChainHash, Reply, ReplyStatus, Run};

use super::{Cargo, Sent};

/// What a verified reply says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A heartbeat was taken.
    Heard,
    /// The centre holds the run, or the first part of it.
    Advanced(Mark),
    /// The centre holds less than was acknowledged before.
    Rewind(Mark),
    /// The exchange number was used before.
    Renumber(u64),
    /// The centre holds another history of the stream.
    Conflict {
        /// How far it keeps ours beside it.
        kept: Option<Watermark>,
    },
    /// The office took the identity back.
    Revoked,
    /// Signed, but it makes no sense as an answer to this run.
    Senseless(&'static str),
}

/// A position to note, with the chain there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The stream.
    pub stream: StreamId,
    /// The centre holds everything up to here.
    pub watermark: Watermark,
    /// The chain there.
    pub hash: ChainHash,
    /// The end of our run, when the centre holds more of the stream than we sent: noted instead
    /// when the journal does not have the records beyond.
    pub or_else: Option<(Watermark, ChainHash)>,
}

pub(super) fn verdict(sent: &Sent, reply: &Reply) -> Verdict {
    match reply.status {
        ReplyStatus::StaleNumber => return Verdict::Renumber(reply.next_number),
        ReplyStatus::Revoked => return Verdict::Revoked,
        ReplyStatus::Taken | ReplyStatus::Gap | ReplyStatus::Conflict => {}
    }
    let Some(run) = &sent.run else {
        return match reply.status {
            ReplyStatus::Taken => Verdict::Heard,
            _ => Verdict::Senseless("a heartbeat has no records to refuse"),
        };
    };
    let Some(ack) = reply.acknowledgement.as_ref() else {
        return Verdict::Senseless("nothing is acknowledged");
    };
    if ack.stream != run.stream {
        return Verdict::Senseless("another stream is acknowledged");
    }
    match reply.status {
        ReplyStatus::Conflict => Verdict::Conflict {
            kept: ack.conflict_kept,
        },
        ReplyStatus::Gap if below(run, ack) => Verdict::Rewind(mark(ack, None)),
        ReplyStatus::Gap => Verdict::Senseless("a gap is reported where none is"),
        _ if sent.cargo == Cargo::Fold && within(run, ack) => {
            Verdict::Senseless("a part of a fold is acknowledged")
        }
        _ => taken(run, ack),
    }
}

/// The last position of a run.
pub(super) fn last(run: &Run) -> Seq {
    run.first.plus(u64::from(run.count.saturating_sub(1)))
}

fn below(run: &Run, ack: &Acknowledgement) -> bool {
    ack.watermark.next() < run.first
}

/// Some of the run is held, but not all.
fn within(run: &Run, ack: &Acknowledgement) -> bool {
    let held = ack.watermark.get();
    (run.first.get()..last(run).get()).contains(&held)
}

fn taken(run: &Run, ack: &Acknowledgement) -> Verdict {
    let end = Watermark::from(last(run));
    if below(run, ack) {
        return Verdict::Rewind(mark(ack, None));
    }
    if ack.watermark.next() == run.first {
        return Verdict::Senseless("the run is taken, but nothing of it is acknowledged");
    }
    if ack.watermark == end && ack.hash != run.head {
        return Verdict::Conflict { kept: None };
    }
    let beyond = ack.watermark > end;
    Verdict::Advanced(mark(ack, beyond.then_some((end, run.head))))
}

const fn mark(ack: &Acknowledgement, or_else: Option<(Watermark, ChainHash)>) -> Mark {
    Mark {
        stream: ack.stream,
        watermark: ack.watermark,
        hash: ack.hash,
        or_else,
    }
}

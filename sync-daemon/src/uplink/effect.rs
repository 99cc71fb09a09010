//! What the uplink wants done after an exchange, and what people must be told.

use manyi_shared::domain::{Seq, StreamId, Watermark};
use manyi_shared::wire::{Rejection, Reply, Run};

use super::Mark;

/// Why an acknowledgement could not be noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotNoted {
    /// The centre's chain is not the journal's.
    OtherHistory,
    /// The journal does not have the record, or no longer has those after it.
    Missing,
    /// The journal could not be written.
    Journal,
}

/// What the loop does after an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Note that the centre holds so much.
    Acknowledge(Mark),
    /// Note that the centre holds less than was noted.
    Rewind(Mark),
    /// The same, learnt from a claim. When the chain is not ours nothing is wrong with it: our
    /// history is kept beside another one, and was acknowledged as such.
    Refill(Mark),
    /// Use exchange numbers from this one on.
    Renumber(u64),
    /// Verify and keep a new profile.
    KeepProfile(Vec<u8>),
    /// Whether the office took the tablet's identity back; told with every reply that says it.
    Standing {
        /// It did.
        revoked: bool,
    },
    /// Make a new key and have the office take it; say [`super::Uplink::rotated`] when that has
    /// ended.
    RotateKey,
    /// Tell people.
    Report(Report),
}

/// Positions of a stream that are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspects {
    /// The stream.
    pub stream: StreamId,
    /// The first of them.
    pub first: Seq,
    /// The last of them.
    pub last: Seq,
}

impl Suspects {
    /// All positions of a run.
    pub(super) fn of(run: &Run) -> Self {
        Self {
            stream: run.stream,
            first: run.first,
            last: super::last_of(run),
        }
    }
}

/// What people must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// The centre holds another history of the stream; both are kept. The card was cloned or put
    /// back in time.
    Conflict {
        /// The run that was sent.
        run: Run,
        /// How far the centre keeps this tablet's history.
        kept: Option<Watermark>,
    },
    /// Records that the centre keeps but does not count.
    DeadLetters {
        /// The stream.
        stream: StreamId,
        /// Positions and reasons.
        rejected: Vec<Rejection>,
    },
    /// The stream is set aside: these bytes were refused.
    SetAside(Suspects),
    /// Even one record is too large for the way to the centre. A record has at most 4 KiB, so it
    /// is the way that is wrong, not the record.
    OneRecordTooLarge {
        /// Its position; none for a heartbeat, which carries none.
        at: Option<(StreamId, Seq)>,
    },
    /// The centre does not take exchanges of this terminal until somebody acts.
    OperatorNeeded,
    /// The office took the tablet's identity back.
    Revoked,
    /// A signed reply that does not fit what was sent.
    Senseless(&'static str),
}

impl Report {
    /// The records of a reply that are kept but not counted, if there are any.
    pub(super) fn dead_letters(reply: &Reply) -> Option<Self> {
        let ack = reply.acknowledgement.as_ref()?;
        (!ack.rejected.is_empty()).then(|| Self::DeadLetters {
            stream: ack.stream,
            rejected: ack.rejected.clone(),
        })
    }
}

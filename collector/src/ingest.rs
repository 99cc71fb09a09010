//! Ingest: what becomes of a verified exchange, decided without touching anything.
//!
//! [`decide()`] is a pure function of what the store holds and what came in; the store makes its
//! [`Plan`] durable in one transaction.
//!
//! **Invariants**
//! 1. Every record that is taken becomes exactly one row, whatever it says: the chain goes on.
//! 2. A row counts exactly when its outcome column is set; counts are the sum over such rows.
//! 3. The watermark moves by the new positions of the plan and never back.
//! 4. Bytes once stored at a position are never replaced; other bytes for it are kept beside them.
//! 5. An exchange number is taken once; a replay changes nothing.
//! 6. A self-test is never a count; misuse never takes a count away; a message is never opened.
//! 7. Tags count as they now stand, where their rating counts.
//! 8. What a fold counts and what is here one by one is never counted both.

mod decide;
mod deltas;
mod held;
pub mod incident;
mod plan;
mod span;
mod time;
pub mod whole;

pub use decide::{SURE_HOUR_MS, decide, end_of, kind_of, place_hour, tells_time};
pub use deltas::{Deltas, TagKey, codes, codes_in};
pub use held::{Held, HeldBoot, HeldFold, HeldRating, HeldStream, HeldTerminal};
pub use incident::Incident;
pub use plan::{
    Amended, BootState, DeadLetter, FoldCount, Left, Plan, PlannedFold, Rescue, Rescuing, Row,
    RowOutcome, Second, StreamState, TallyKey, Tested, Verdicts,
};
pub use span::Span;
pub use time::{Anchor, Anchors, Evidence, FLOOR_MS, Opening, Placed, SURE_MS, place_in_time};

use manyi_shared::domain::{HallId, Seq, WindowId};
use manyi_shared::wire::{
    Acknowledgement, ChainHash, Claim, Exchange, ExchangeHead, OfficePrompt, Record, RecordBody,
    RecordError, RejectReason, ReplyStatus, StreamOpened,
};

/// Milliseconds in a slot of the tally: a quarter of an hour.
pub const SLOT_MS: i64 = 15 * 60 * 1000;

/// The slot of a moment.
#[must_use]
pub const fn slot_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(SLOT_MS)
}

/// A verified exchange with its records decoded.
#[derive(Debug)]
pub struct Delivery {
    /// The hall of the terminal.
    pub hall: HallId,
    /// What the terminal signed.
    pub head: ExchangeHead,
    /// The run's records in order.
    pub records: Vec<Sealed>,
    /// When the request was here.
    pub received_ms: i64,
    /// The head as it was signed.
    pub signed_head: Vec<u8>,
}

/// A record as it came.
#[derive(Debug)]
pub struct Sealed {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The chain after it.
    pub hash: ChainHash,
    /// What the bytes say, or why they say nothing.
    pub record: Result<Record, NotRead>,
}

/// Why the bytes of a record say nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRead {
    /// They are no record.
    #[error(transparent)]
    Malformed(#[from] RecordError),
    /// Every exchange with it failed, so nobody tried again.
    #[error("kept unread: every exchange with it failed")]
    Refused,
}

impl NotRead {
    /// What the terminal is told.
    #[must_use]
    pub const fn reason(&self) -> RejectReason {
        match self {
            Self::Malformed(_) => RejectReason::Malformed,
            Self::Refused => RejectReason::Refused,
        }
    }
}

impl Delivery {
    /// Decodes the records of a verified exchange; those that are to be kept unread are not touched.
    #[must_use]
    pub fn new(hall: HallId, exchange: Exchange, received_ms: i64) -> Self {
        let unread = exchange.head.unread;
        let read = |bytes: &[u8]| {
            if unread {
                return Err(NotRead::Refused);
            }
            Record::decode(bytes).map_err(NotRead::Malformed)
        };
        let records = exchange.records.into_iter().map(|(bytes, hash)| Sealed {
            record: read(&bytes),
            bytes,
            hash,
        });
        Self {
            hall,
            records: records.collect(),
            received_ms,
            head: exchange.head,
            signed_head: exchange.signed_head,
        }
    }

    /// The opening that the run brings, when it begins with one.
    #[must_use]
    pub fn opening(&self) -> Option<&StreamOpened> {
        let first = self.head.run.filter(|run| run.first == Seq::FIRST)?.stream;
        match &self.records.first()?.record.as_ref().ok()?.body {
            RecordBody::StreamOpened(opened) if opened.stream == first => Some(opened),
            _ => None,
        }
    }

    /// The windows that openings in the run name.
    pub fn windows_named(&self) -> impl Iterator<Item = &WindowId> {
        self.bodies().filter_map(|body| match body {
            RecordBody::StreamOpened(opened) => Some(&opened.window),
            _ => None,
        })
    }

    /// The positions that amendments, misuse and messages in the run point at.
    pub fn targets(&self) -> impl Iterator<Item = Seq> {
        self.bodies().filter_map(|body| match body {
            RecordBody::Amendment(amendment) => Some(amendment.target),
            RecordBody::Misuse(misuse) => Some(misuse.target),
            RecordBody::Message(message) => Some(message.target),
            _ => None,
        })
    }

    fn bodies(&self) -> impl Iterator<Item = &RecordBody> {
        self.records
            .iter()
            .filter_map(|sealed| Some(&sealed.record.as_ref().ok()?.body))
    }
}

/// What became of a delivery, for the reply and the metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What the reply says.
    pub status: ReplyStatus,
    /// What the centre now holds of the run's stream.
    pub acknowledgement: Option<Acknowledgement>,
    /// The lowest exchange number to be taken next.
    pub next_number: u64,
    /// The version that the terminal's profile should have.
    pub profile_version: u32,
    /// The window the terminal is enrolled at.
    pub window: WindowId,
    /// Prompts of the office that wait for the terminal.
    pub prompts: Vec<OfficePrompt>,
    /// How many records went which way.
    pub verdicts: Verdicts,
    /// Whether a count changed.
    pub counted: bool,
    /// Where the centre holds less than the terminal was told once.
    pub behind: Vec<Claim>,
    /// What happened that a person should know, each told for the first time.
    pub incidents: Vec<Incident>,
    /// Whether the terminal was revoked after its signature was checked; then nothing was changed.
    pub revoked: bool,
}

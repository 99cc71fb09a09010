//! The collector's signed answer to an exchange: the acknowledgement and the back channel.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::domain::{Seq, StreamId, TerminalId, Watermark};

use super::chain::ChainHash;
use super::claim::{Claim, RawClaim};
use super::envelope::{Envelope, EnvelopeError, Purpose};
use super::keys::{PublicKey, SecretKey};
use super::limits::{MAX_CLAIMS, MAX_REPLY_BYTES};

const VERSION: u8 = 1;

/// The collector's answer to one exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The terminal it is for.
    pub terminal: TerminalId,
    /// The digest of the request it answers, by the terminal's suite: an old reply cannot be played back for a new request.
    pub request: [u8; 32],
    /// What became of the request.
    pub status: ReplyStatus,
    /// What the centre holds of the run's stream; none for a heartbeat.
    pub acknowledgement: Option<Acknowledgement>,
    /// The centre's clock, in milliseconds since 1970.
    pub server_ms: i64,
    /// The lowest exchange number the centre will take next.
    pub next_number: u64,
    /// A signed profile, when the centre has another version than the terminal's.
    pub profile: Option<Vec<u8>>,
    /// Prompts that the office wants asked; repeated until a receipt for them has come.
    pub prompts: Vec<OfficePrompt>,
    /// Of the claims, those where the centre holds less than was claimed: what it holds. It was
    /// restored from a backup and wants the rest again.
    pub behind: Vec<Claim>,
    /// The office wants the terminal to make itself a new key.
    pub rotate_key: bool,
}

/// A prompt that the office wants asked at the terminal's window.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OfficePrompt {
    /// The centre's id of it; the same id is asked once.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub id: [u8; 16],
    /// For how many more milliseconds it makes sense to ask.
    #[n(1)]
    pub valid_ms: u64,
    /// The window it is for; a terminal at another one refuses.
    #[n(2)]
    pub window: String,
    /// The clerk's staff number.
    #[n(3)]
    pub staff: Option<String>,
    /// The item's code.
    #[n(4)]
    pub item: Option<String>,
    /// The case number.
    #[n(5)]
    pub case_number: Option<String>,
    /// The item's name, where the profile does not have it.
    #[n(6)]
    pub item_name: Option<String>,
    /// The clerk's name, where the profile does not have it.
    #[n(7)]
    pub staff_name: Option<String>,
}

/// What became of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ReplyStatus {
    /// Everything in it is durable at the centre (new, duplicate or rejected and kept).
    Taken = 1,
    /// The run starts above what the centre holds: send from the watermark on.
    Gap = 2,
    /// The exchange number was seen before or is too low: nothing was changed; number anew.
    StaleNumber = 3,
    /// The centre holds other bytes at these positions: both histories are kept, people are told.
    Conflict = 4,
    /// The office took the terminal's identity back: nothing is taken any more. Signed, so that
    /// nobody in between can silence a tablet.
    Revoked = 5,
}

impl ReplyStatus {
    fn from_number(number: u8) -> Option<Self> {
        [
            Self::Taken,
            Self::Gap,
            Self::StaleNumber,
            Self::Conflict,
            Self::Revoked,
        ]
        .into_iter()
        .find(|status| *status as u8 == number)
    }
}

/// What the centre holds of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The stream.
    pub stream: StreamId,
    /// Everything up to here is durable.
    pub watermark: Watermark,
    /// The chain at the watermark: what the centre signs that it holds.
    pub hash: ChainHash,
    /// Positions in this run that are kept as dead letters, with the reason.
    pub rejected: Vec<Rejection>,
    /// With [`ReplyStatus::Conflict`]: the terminal's own history is kept, too, up to here.
    pub conflict_kept: Option<Watermark>,
}

/// A record that is kept but not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// Its position.
    pub seq: Seq,
    /// Why.
    pub reason: RejectReason,
}

/// Why a record is kept as a dead letter instead of being counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RejectReason {
    /// Not a record: wrong or truncated CBOR, wrong shape, or a value the field does not allow.
    Malformed = 1,
    /// The first record of a stream does not open it, or a later one opens it again.
    Opening = 2,
    /// The stream names a hall or window that the centre does not have.
    UnknownWindow = 3,
    /// The prompt already has an outcome.
    SecondOutcome = 4,
    /// The amendment points at something that is no rating of this stream.
    NoTarget = 5,
    /// Every exchange with it failed; kept unread.
    Refused = 6,
    /// A reason of a newer collector.
    Other = 255,
}

impl RejectReason {
    fn from_number(number: u8) -> Self {
        [
            Self::Malformed,
            Self::Opening,
            Self::UnknownWindow,
            Self::SecondOutcome,
            Self::NoTarget,
            Self::Refused,
        ]
        .into_iter()
        .find(|reason| *reason as u8 == number)
        .unwrap_or(Self::Other)
    }

    /// The reason's name in logs, JSON and the dead-letter table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Opening => "opening",
            Self::UnknownWindow => "unknown_window",
            Self::SecondOutcome => "second_outcome",
            Self::NoTarget => "no_target",
            Self::Refused => "refused",
            Self::Other => "other",
        }
    }
}

/// Why bytes are not the collector's answer to our request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// Longer than [`MAX_REPLY_BYTES`].
    #[error("reply of {0} bytes is longer than {MAX_REPLY_BYTES}")]
    TooLong(usize),
    /// Not signed by the collector that enrolled us.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A genuine reply, but to another request or terminal.
    #[error("reply answers another request")]
    OtherRequest,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawReply {
    #[n(0)]
    version: u8,
    #[cbor(n(1), with = "minicbor::bytes")]
    terminal: [u8; 16],
    #[cbor(n(2), with = "minicbor::bytes")]
    request: [u8; 32],
    #[n(3)]
    status: u8,
    #[n(4)]
    acknowledgement: Option<RawAcknowledgement>,
    #[n(5)]
    server_ms: i64,
    #[n(6)]
    next_number: u64,
    #[n(7)]
    profile: Option<ByteVec>,
    #[n(8)]
    prompts: Option<Vec<OfficePrompt>>,
    #[n(9)]
    behind: Option<Vec<RawClaim>>,
    #[n(10)]
    rotate_key: Option<bool>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawAcknowledgement {
    #[cbor(n(0), with = "minicbor::bytes")]
    stream: [u8; 16],
    #[n(1)]
    watermark: u64,
    #[cbor(n(2), with = "minicbor::bytes")]
    hash: [u8; 32],
    #[n(3)]
    rejected: Option<Vec<RawRejection>>,
    #[n(4)]
    conflict_kept: Option<u64>,
}

#[derive(Encode, Decode)]
struct RawRejection {
    #[n(0)]
    seq: u64,
    #[n(1)]
    reason: u8,
}

impl Reply {
    /// Signs the reply.
    #[must_use]
    pub fn seal(&self, key: &SecretKey) -> Vec<u8> {
        let raw = RawReply {
            version: VERSION,
            terminal: *self.terminal.as_bytes(),
            request: self.request,
            status: self.status as u8,
            acknowledgement: self
                .acknowledgement
                .as_ref()
                .map(RawAcknowledgement::from_domain),
            server_ms: self.server_ms,
            next_number: self.next_number,
            profile: self.profile.clone().map(Into::into),
            prompts: (!self.prompts.is_empty()).then(|| self.prompts.clone()),
            behind: RawClaim::all(&self.behind),
            rotate_key: self.rotate_key.then_some(true),
        };
        Envelope::seal(
            Purpose::Reply,
            key.public().as_bytes(),
            super::to_cbor(&raw),
            key,
        )
    }

    /// Verifies that `bytes` are the collector's answer to the request with digest `request`.
    ///
    /// # Errors
    /// See [`ReplyError`]. Nothing of an unverified reply may be acted upon.
    pub fn open(
        bytes: &[u8],
        collector: &PublicKey,
        terminal: TerminalId,
        request: &[u8; 32],
    ) -> Result<Self, ReplyError> {
        if bytes.len() > MAX_REPLY_BYTES {
            return Err(ReplyError::TooLong(bytes.len()));
        }
        let envelope = Envelope::parse(bytes)?;
        let payload = envelope.open(Purpose::Reply, collector)?;
        let content = |e: String| ReplyError::Envelope(EnvelopeError::Content(e));
        super::deterministic::check(payload).map_err(|e| content(e.to_string()))?;
        let raw: RawReply = minicbor::decode(payload).map_err(|e| content(e.to_string()))?;
        if raw.version != VERSION {
            return Err(content(format!(
                "reply format {} is not known here",
                raw.version
            )));
        }
        if &raw.request != request || &raw.terminal != terminal.as_bytes() {
            return Err(ReplyError::OtherRequest);
        }
        Ok(Self {
            terminal,
            request: raw.request,
            status: ReplyStatus::from_number(raw.status)
                .ok_or_else(|| content(format!("status {} is not known here", raw.status)))?,
            acknowledgement: raw
                .acknowledgement
                .map(RawAcknowledgement::into_domain)
                .transpose()
                .map_err(content)?,
            server_ms: raw.server_ms,
            next_number: raw.next_number,
            profile: raw.profile.map(Into::into),
            prompts: raw.prompts.unwrap_or_default(),
            behind: raw
                .behind
                .unwrap_or_default()
                .into_iter()
                .take(MAX_CLAIMS)
                .map(RawClaim::into_domain)
                .collect::<Result<_, _>>()
                .map_err(content)?,
            rotate_key: raw.rotate_key.unwrap_or_default(),
        })
    }
}

impl RawAcknowledgement {
    fn from_domain(ack: &Acknowledgement) -> Self {
        let rejected: Vec<_> = ack
            .rejected
            .iter()
            .map(|r| RawRejection {
                seq: r.seq.get(),
                reason: r.reason as u8,
            })
            .collect();
        Self {
            stream: *ack.stream.as_bytes(),
            watermark: ack.watermark.get(),
            hash: *ack.hash.as_bytes(),
            rejected: (!rejected.is_empty()).then_some(rejected),
            conflict_kept: ack.conflict_kept.map(Watermark::get),
        }
    }

    fn into_domain(self) -> Result<Acknowledgement, String> {
        let rejected = self.rejected.unwrap_or_default().into_iter().map(|r| {
            Ok::<_, String>(Rejection {
                seq: Seq::new(r.seq).ok_or("a rejected position is at least 1")?,
                reason: RejectReason::from_number(r.reason),
            })
        });
        Ok(Acknowledgement {
            stream: StreamId::from_bytes(self.stream),
            watermark: Watermark::new(self.watermark),
            hash: ChainHash::from_bytes(self.hash),
            rejected: rejected.collect::<Result<_, _>>()?,
            conflict_kept: self.conflict_kept.map(Watermark::new),
        })
    }
}

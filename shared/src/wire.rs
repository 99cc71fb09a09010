//! How the domain is written down, signed and sent.
//!
//! **Do not change what is here; add to it.** Records live on tablets for years and in the centre
//! for ever. `tests/wire_golden.rs` holds golden bytes of every format; a change that breaks one of
//! them breaks a tablet in a hall.
//!
//! **Invariants**
//! 1. Everything is deterministic CBOR (RFC 8949 §4.2.1) with small integer keys, no floats: one
//!    value has one encoding.
//! 2. Readers skip keys they do not know and keep the bytes they were given, so a record that
//!    passes through an older program comes out byte for byte.
//! 3. A record's bytes never contain their own position; the chain and the exchange give it.
//! 4. Nothing is decompressed or decoded before its signature and digest are verified.

mod asset;
mod chain;
mod claim;
mod day_root;
mod deterministic;
mod enrolment;
mod envelope;
mod exchange;
mod fold;
mod health;
mod keys;
mod profile;
mod record;
mod reply;
mod rotation;
mod sealed;
mod signed;
mod sm2;
mod suite;
mod supplement;

pub mod limits;

pub use asset::{AssetDigest, AssetRequest, SignedAssetRequest};
pub use chain::ChainHash;
pub use claim::Claim;
pub use day_root::{DayRoot, SignedDayRoot};
pub use deterministic::{NotDeterministic, check as check_deterministic};
pub use enrolment::{EnrolReply, EnrolRequest, EnrolmentCode, InvalidEnrolmentCode};
pub use envelope::{Envelope, EnvelopeError, Purpose};
pub use exchange::{Exchange, ExchangeError, ExchangeHead, PromptReceipt, Run, SignedExchange};
pub use fold::{Fold, FoldEntry};
pub use health::{
    Board, Health, Painting, SCREEN_STALE_MS, SCREEN_TOLD_EVERY_MS, Screen, SelfTested, ShownPage,
};
pub use keys::{PublicKey, SecretKey};
pub use profile::{
    Announcement, AssetKind, Localised, OpeningHours, Profile, ProfileError, ProfileItem,
    ProfileOptions, ProfileStaff, ProfileTag, SupplementOption, VOICE_CLIPS, Voice, VoiceClip,
    check_sound,
};
pub use record::{
    Amendment, Loss, LossCause, Message, MessageKind, Misuse, OutcomeRecord, Record, RecordBody,
    RecordError, RecordTime, Rescued, SelfTest, StreamOpened, StreamTip,
};
pub use reply::{
    Acknowledgement, OfficePrompt, RejectReason, Rejection, Reply, ReplyError, ReplyStatus,
};
pub use rotation::{Rotation, RotationReply, SignedRotation};
pub use sealed::{MAX_SEALED_TEXT, OfficeKey, OfficeSecret, SealError, SealedText};
pub use signed::{Signed, TerminalMessage};
pub use suite::{Suite, UnknownSuite};
pub use supplement::{SignedSupplement, Supplement};

/// SHA-256 of `bytes`: names of files, stored codes and tokens. Digests inside signed messages are
/// the suite's: [`Suite::digest`].
#[must_use]
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

/// CBOR of a value that this crate owns, with its maps in key order.
///
/// Writing into a vector cannot fail, and none of our types has an encoder that refuses.
pub(crate) fn to_cbor<T: minicbor::Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    match minicbor::encode(value, &mut bytes) {
        Ok(()) => bytes,
        Err(error) => unreachable!("encoding into memory failed: {error}"),
    }
}

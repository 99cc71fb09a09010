//! The collector's signed root over the records that a hall received on one day.
//!
//! Whoever has a root can check any one record of that day against it, and whoever has the newest
//! root can check every root before it: each holds the digest of the one before.

use minicbor::{Decode, Encode};

use crate::domain::HallId;

use super::envelope::{Envelope, EnvelopeError, Purpose};
use super::keys::{PublicKey, SecretKey};

const VERSION: u8 = 1;

/// What the collector signs about one day of one hall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayRoot {
    /// The hall.
    pub hall: HallId,
    /// The hall's own day, as `yyyymmdd`.
    pub day: u32,
    /// The day's first moment, in milliseconds since 1970. A record belongs to the day in which it
    /// was received.
    pub from_ms: i64,
    /// The first moment after the day, in milliseconds since 1970.
    pub until_ms: i64,
    /// How many records were received; each is a leaf.
    pub leaves: u64,
    /// The root of the Merkle tree (RFC 9162) over them.
    pub root: [u8; 32],
    /// [`DayRoot::digest`] of the day before; none for the hall's first day.
    pub previous: Option<[u8; 32]>,
}

/// A root as it was published: taken apart, not yet trusted.
#[derive(Debug)]
pub struct SignedDayRoot {
    envelope: Envelope,
    key: PublicKey,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawRoot {
    #[n(0)]
    version: u8,
    #[n(1)]
    hall: String,
    #[n(2)]
    day: u32,
    #[n(3)]
    from_ms: i64,
    #[n(4)]
    until_ms: i64,
    #[n(5)]
    leaves: u64,
    #[cbor(n(6), with = "minicbor::bytes")]
    root: [u8; 32],
    #[cbor(n(7), with = "minicbor::bytes")]
    previous: Option<[u8; 32]>,
}

impl DayRoot {
    fn payload(&self) -> Vec<u8> {
        super::to_cbor(&RawRoot {
            version: VERSION,
            hall: self.hall.to_string(),
            day: self.day,
            from_ms: self.from_ms,
            until_ms: self.until_ms,
            leaves: self.leaves,
            root: self.root,
            previous: self.previous,
        })
    }

    /// SHA-256 of what is signed: what the next day's root holds.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        super::digest(&self.payload())
    }

    /// Signs the root with the collector's key.
    #[must_use]
    pub fn seal(&self, key: &SecretKey) -> Vec<u8> {
        Envelope::seal(
            Purpose::DayRoot,
            key.public().as_bytes(),
            self.payload(),
            key,
        )
    }
}

impl SignedDayRoot {
    /// Takes a published root apart without trusting it.
    ///
    /// # Errors
    /// [`EnvelopeError`] when the bytes are no signed message of a collector.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope = Envelope::parse(bytes)?;
        let key = envelope.key()?;
        Ok(Self { envelope, key })
    }

    /// The key that it claims to be signed with. Whether that is the collector's is the caller's
    /// question.
    #[must_use]
    pub const fn claimed_key(&self) -> PublicKey {
        self.key
    }

    /// What it says, once the signature fits.
    ///
    /// # Errors
    /// [`EnvelopeError`], also for a valid signature made for another purpose.
    pub fn open(&self, key: &PublicKey) -> Result<DayRoot, EnvelopeError> {
        let payload = self.envelope.open(Purpose::DayRoot, key)?;
        let fault = |problem: String| EnvelopeError::Content(problem);
        super::deterministic::check(payload).map_err(|e| fault(e.to_string()))?;
        let raw: RawRoot = minicbor::decode(payload).map_err(|e| fault(e.to_string()))?;
        if raw.version != VERSION {
            return Err(fault(format!(
                "day root format {} is not known here",
                raw.version
            )));
        }
        Ok(DayRoot {
            hall: HallId::new(raw.hall).map_err(|e| fault(e.to_string()))?,
            day: raw.day,
            from_ms: raw.from_ms,
            until_ms: raw.until_ms,
            leaves: raw.leaves,
            root: raw.root,
            previous: raw.previous,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> DayRoot {
        DayRoot {
            hall: "H1".parse().expect("a hall"),
            day: 20_260_324,
            from_ms: 1_774_281_600_000,
            until_ms: 1_774_368_000_000,
            leaves: 3,
            root: [7; 32],
            previous: Some([8; 32]),
        }
    }

    #[test]
    fn a_root_opens_with_its_collectors_key_only() {
        let (key, other) = (
            SecretKey::from_seed(&[1; 32]),
            SecretKey::from_seed(&[2; 32]),
        );
        let signed = SignedDayRoot::parse(&root().seal(&key)).expect("parses");
        assert_eq!(signed.claimed_key(), key.public());
        assert_eq!(signed.open(&key.public()), Ok(root()));
        let foreign = signed.open(&other.public());
        assert_eq!(foreign, Err(EnvelopeError::BadSignature));
    }

    #[test]
    fn a_profile_is_no_root() {
        let key = SecretKey::from_seed(&[1; 32]);
        let payload = root().payload();
        let bytes = Envelope::seal(Purpose::Profile, key.public().as_bytes(), payload, &key);
        let signed = SignedDayRoot::parse(&bytes).expect("parses");
        assert_eq!(signed.open(&key.public()), Err(EnvelopeError::BadSignature));
    }

    /// Frozen: published roots stand for ever.
    #[test]
    fn the_payload_is_as_it_was_published() {
        let hex: String = root()
            .payload()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let golden = concat!(
            "a8000101624831021a013525e4031b0000019d1b6cac00041b0000019d20930800050306582007070707",
            "070707070707070707070707070707070707070707070707070707070758200808080808080808080808",
            "080808080808080808080808080808080808080808",
        );
        assert_eq!(hex, golden);
    }
}

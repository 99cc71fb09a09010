//! Text for the office's eyes only: HPKE (RFC 9180) to the office's public key.
//!
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305, base mode; the suite's number is in
//! the format. The stream and the rating it belongs to are authenticated with it, so a number that
//! was left with one rating never opens as left with another.

use std::fmt;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use minicbor::{Decode, Encode};

use crate::domain::{Seq, StreamId};

type Suite = X25519HkdfSha256;

/// The only suite so far.
const SUITE: u8 = 1;

/// The `info` of RFC 9180: what these keys are for. Frozen.
const INFO: &[u8] = b"manyi/1/message";

/// The longest text that is sealed, in bytes: a comment of 500 Chinese characters.
pub const MAX_SEALED_TEXT: usize = 1500;

/// The office's public key: texts are sealed to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfficeKey([u8; 32]);

/// The office's secret key. Never printed.
pub struct OfficeSecret(<Suite as Kem>::PrivateKey);

/// An encrypted text, as it lies in a record.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SealedText {
    #[n(0)]
    suite: u8,
    /// The first 8 bytes of SHA-256 of the office's key: which key opens it.
    #[cbor(n(1), with = "minicbor::bytes")]
    key_id: [u8; 8],
    #[cbor(n(2), with = "minicbor::bytes")]
    encapsulated: [u8; 32],
    #[cbor(n(3), with = "minicbor::bytes")]
    ciphertext: Vec<u8>,
}

/// Why a text could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Longer than [`MAX_SEALED_TEXT`].
    #[error("text of {0} bytes is longer than {MAX_SEALED_TEXT}")]
    TooLong(usize),
    /// The profile's key is no X25519 key.
    #[error("the office's key is no X25519 public key")]
    BadKey,
    /// It was sealed to another key.
    #[error("the text is sealed to another key of the office")]
    OtherKey,
    /// Another suite than the one known here.
    #[error("encryption suite {0} is not known here")]
    UnknownSuite(u8),
    /// Forged, damaged, or taken from another rating.
    #[error("the text does not open: it is damaged or belongs to another rating")]
    DoesNotOpen,
    /// The decrypted bytes are not text.
    #[error("the opened bytes are no UTF-8 text")]
    NotText,
}

impl OfficeKey {
    /// The key with these 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key's 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn id(&self) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = super::digest(&self.0);
        [a, b, c, d, e, f, g, h]
    }

    /// Encrypts a text that belongs to the rating at `target` of `stream`.
    ///
    /// # Errors
    /// [`SealError::TooLong`] or [`SealError::BadKey`].
    pub fn seal(&self, text: &str, stream: StreamId, target: Seq) -> Result<SealedText, SealError> {
        if text.len() > MAX_SEALED_TEXT {
            return Err(SealError::TooLong(text.len()));
        }
        let key = <Suite as Kem>::PublicKey::from_bytes(&self.0).map_err(|_| SealError::BadKey)?;
        let (encapsulated, ciphertext) =
            hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Suite>(
                &OpModeS::Base,
                &key,
                INFO,
                text.as_bytes(),
                &belongs_to(stream, target),
            )
            .map_err(|_| SealError::BadKey)?;
        Ok(SealedText {
            suite: SUITE,
            key_id: self.id(),
            encapsulated: encapsulated.to_bytes().into(),
            ciphertext,
        })
    }
}

impl OfficeSecret {
    /// A fresh key from the operating system's generator.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut seed = [0_u8; 32];
        getrandom::fill(&mut seed)?;
        Ok(Self::from_seed(&seed))
    }

    /// The key derived from 32 random bytes (RFC 9180 `DeriveKeyPair`).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Suite::derive_keypair(seed).0)
    }

    /// The key with these 32 bytes, as [`Self::to_bytes`] gave them.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        <Suite as Kem>::PrivateKey::from_bytes(bytes).ok().map(Self)
    }

    /// The 32 bytes, for writing to a file that only its owner reads.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }

    /// The matching public key.
    #[must_use]
    pub fn public(&self) -> OfficeKey {
        OfficeKey(Suite::sk_to_pk(&self.0).to_bytes().into())
    }

    /// Decrypts a text that was left with the rating at `target` of `stream`.
    ///
    /// # Errors
    /// See the variants of [`SealError`].
    pub fn open(
        &self,
        sealed: &SealedText,
        stream: StreamId,
        target: Seq,
    ) -> Result<String, SealError> {
        if sealed.suite != SUITE {
            return Err(SealError::UnknownSuite(sealed.suite));
        }
        if sealed.key_id != self.public().id() {
            return Err(SealError::OtherKey);
        }
        let encapsulated = <Suite as Kem>::EncappedKey::from_bytes(&sealed.encapsulated)
            .map_err(|_| SealError::DoesNotOpen)?;
        let bytes = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Suite>(
            &OpModeR::Base,
            &self.0,
            &encapsulated,
            INFO,
            &sealed.ciphertext,
            &belongs_to(stream, target),
        )
        .map_err(|_| SealError::DoesNotOpen)?;
        String::from_utf8(bytes).map_err(|_| SealError::NotText)
    }
}

impl fmt::Debug for OfficeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OfficeSecret(of {:?})", self.public())
    }
}

/// The associated data: the stream's 16 bytes and the position, big-endian. Frozen.
fn belongs_to(stream: StreamId, target: Seq) -> Vec<u8> {
    let mut bytes = stream.as_bytes().to_vec();
    bytes.extend_from_slice(&target.get().to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(n: u8) -> StreamId {
        StreamId::from_bytes([n; 16])
    }

    fn at(n: u64) -> Seq {
        Seq::new(n).unwrap()
    }

    #[test]
    fn only_the_office_reads_what_a_citizen_left_and_only_with_its_rating() {
        let office = OfficeSecret::from_seed(&[1; 32]);
        let sealed = office
            .public()
            .seal("13800000000", stream(1), at(7))
            .unwrap();
        assert_eq!(
            office.open(&sealed, stream(1), at(7)).unwrap(),
            "13800000000"
        );
        let stranger = OfficeSecret::from_seed(&[2; 32]);
        assert_eq!(
            stranger.open(&sealed, stream(1), at(7)),
            Err(SealError::OtherKey)
        );
        for (stream, target) in [(stream(2), at(7)), (stream(1), at(8))] {
            assert_eq!(
                office.open(&sealed, stream, target),
                Err(SealError::DoesNotOpen)
            );
        }
    }

    #[test]
    fn the_same_number_never_looks_the_same_twice() {
        let key = OfficeSecret::from_seed(&[1; 32]).public();
        let seal = || key.seal("13800000000", stream(1), at(7)).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn the_secret_key_reads_back_from_its_bytes() {
        let key = OfficeSecret::generate().unwrap();
        let again = OfficeSecret::from_bytes(&key.to_bytes()).unwrap();
        assert_eq!(again.public(), key.public());
    }

    #[test]
    fn a_text_longer_than_a_record_is_refused_before_it_is_sealed() {
        let key = OfficeSecret::from_seed(&[1; 32]).public();
        let long = "长".repeat(501);
        assert_eq!(
            key.seal(&long, stream(1), at(1)),
            Err(SealError::TooLong(1503))
        );
    }
}

//! Signed envelopes: `COSE_Sign1` (RFC 9052) with a purpose that is signed too.
//!
//! The protected header names the algorithm: Ed25519 by its registered number, SM2 with SM3 by
//! -65538 from the range that COSE leaves for private use, as there is no registered one.

use coset::{Algorithm, CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, iana};

use super::keys::{PublicKey, SecretKey};
use super::suite::Suite;

/// What an envelope is for. The purpose is signed as external data, so a signature made for one
/// kind of message never verifies as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A terminal's exchange.
    Exchange,
    /// The collector's reply to an exchange.
    Reply,
    /// A new terminal's request for an identity.
    EnrolRequest,
    /// The collector's answer to it.
    EnrolReply,
    /// A terminal's profile.
    Profile,
    /// A terminal asks for a file of its profile.
    Asset,
    /// What the QR code on the reasons page carries.
    Supplement,
    /// The collector's root over a day's records.
    DayRoot,
    /// A terminal asks to be known by a new key.
    Rotate,
    /// The new key's proof that its owner asks for it.
    RotateProof,
    /// The collector's answer to it.
    RotateReply,
}

impl Purpose {
    /// The external data of RFC 9052 §4.3. Frozen.
    const fn context(self) -> &'static [u8] {
        match self {
            Self::Exchange => b"manyi/1/exchange",
            Self::Reply => b"manyi/1/reply",
            Self::EnrolRequest => b"manyi/1/enrol-request",
            Self::EnrolReply => b"manyi/1/enrol-reply",
            Self::Profile => b"manyi/1/profile",
            Self::Asset => b"manyi/1/asset",
            Self::Supplement => b"manyi/1/supplement",
            Self::DayRoot => b"manyi/1/day-root",
            Self::Rotate => b"manyi/1/rotate",
            Self::RotateProof => b"manyi/1/rotate-proof",
            Self::RotateReply => b"manyi/1/rotate-reply",
        }
    }
}

/// Why an envelope cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The bytes are no `COSE_Sign1` message.
    #[error("not a COSE_Sign1 message: {0}")]
    Malformed(String),
    /// The algorithm is not one this program knows.
    #[error("signature algorithm is neither Ed25519 nor SM2 with SM3")]
    UnknownSuite,
    /// The key id is missing or of the wrong length.
    #[error("key id is missing or has the wrong length")]
    KeyId,
    /// The signature does not fit key, purpose and payload.
    #[error("signature does not verify")]
    BadSignature,
    /// The message was verified, but its content is not what its purpose demands.
    #[error("signed content is malformed: {0}")]
    Content(String),
}

/// Where COSE's algorithm numbers for private use begin; ours are the suite's number below. Frozen.
const PRIVATE_ALGORITHMS: i64 = -65_536;

impl Suite {
    fn algorithm(self) -> Algorithm {
        match self {
            Self::Ed25519Sha256 => Algorithm::Assigned(iana::Algorithm::Ed25519),
            Self::Sm2Sm3 => Algorithm::PrivateUse(PRIVATE_ALGORITHMS - i64::from(self.number())),
        }
    }
}

/// A parsed envelope, not yet verified.
#[derive(Debug)]
pub struct Envelope {
    message: CoseSign1,
    suite: Suite,
}

impl Envelope {
    /// Signs `payload` for a purpose. `key_id` tells the reader which key to look up.
    #[must_use]
    pub fn seal(purpose: Purpose, key_id: &[u8], payload: Vec<u8>, key: &SecretKey) -> Vec<u8> {
        let mut protected = HeaderBuilder::new().key_id(key_id.to_vec()).build();
        protected.alg = Some(key.suite().algorithm());
        let message = CoseSign1Builder::new()
            .protected(protected)
            .payload(payload)
            .create_signature(purpose.context(), |signed| key.sign(signed))
            .build();
        match message.to_vec() {
            Ok(bytes) => bytes,
            Err(error) => unreachable!("a built COSE message did not encode: {error}"),
        }
    }

    /// Takes an envelope apart without trusting it.
    ///
    /// # Errors
    /// [`EnvelopeError::Malformed`] or [`EnvelopeError::UnknownSuite`].
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let message =
            CoseSign1::from_slice(bytes).map_err(|e| EnvelopeError::Malformed(e.to_string()))?;
        let algorithm = message.protected.header.alg.as_ref();
        let suite = Suite::ALL
            .into_iter()
            .find(|suite| algorithm == Some(&suite.algorithm()))
            .ok_or(EnvelopeError::UnknownSuite)?;
        Ok(Self { message, suite })
    }

    /// The suite it says it is signed with. Unverified until [`Self::open`] succeeds.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The public key that its key id is, for messages that bring their key. Unverified until
    /// [`Self::open`] succeeds.
    ///
    /// # Errors
    /// [`EnvelopeError::KeyId`] when the key id is no public key.
    pub fn key(&self) -> Result<PublicKey, EnvelopeError> {
        PublicKey::from_bytes(&self.message.protected.header.key_id).ok_or(EnvelopeError::KeyId)
    }

    /// The key id, for looking up the key. Unverified until [`Self::open`] succeeds.
    ///
    /// # Errors
    /// [`EnvelopeError::KeyId`] when it is not exactly `N` bytes.
    pub fn key_id<const N: usize>(&self) -> Result<[u8; N], EnvelopeError> {
        self.message
            .protected
            .header
            .key_id
            .as_slice()
            .try_into()
            .map_err(|_| EnvelopeError::KeyId)
    }

    /// The payload, once the signature fits.
    ///
    /// # Errors
    /// [`EnvelopeError::BadSignature`], also for a valid signature made for another purpose, and for
    /// a key of another suite.
    pub fn open(&self, purpose: Purpose, key: &PublicKey) -> Result<&[u8], EnvelopeError> {
        if key.suite() != self.suite {
            return Err(EnvelopeError::BadSignature);
        }
        self.message
            .verify_signature(purpose.context(), |signature, signed| {
                if key.verify(signature, signed) {
                    Ok(())
                } else {
                    Err(EnvelopeError::BadSignature)
                }
            })?;
        self.message
            .payload
            .as_deref()
            .ok_or_else(|| EnvelopeError::Malformed("no payload".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(suite: Suite, seed: u8) -> SecretKey {
        SecretKey::of(suite, &[seed; 32]).expect("a key")
    }

    fn other(suite: Suite) -> Suite {
        match suite {
            Suite::Ed25519Sha256 => Suite::Sm2Sm3,
            Suite::Sm2Sm3 => Suite::Ed25519Sha256,
        }
    }

    #[test]
    fn an_envelope_of_one_suite_never_opens_with_a_key_of_another() {
        for suite in Suite::ALL {
            let bytes = Envelope::seal(Purpose::Exchange, b"t", vec![1, 2, 3], &key(suite, 1));
            let envelope = Envelope::parse(&bytes).expect("parses");
            assert_eq!(envelope.suite(), suite);
            assert_eq!(
                envelope.open(Purpose::Exchange, &key(other(suite), 1).public()),
                Err(EnvelopeError::BadSignature)
            );
        }
    }

    /// The algorithm is in the signed header: naming the other breaks the signature, though both
    /// have 64 bytes.
    #[test]
    fn the_algorithm_cannot_be_renamed() {
        for suite in Suite::ALL {
            let bytes = Envelope::seal(Purpose::Exchange, b"t", vec![1], &key(suite, 1));
            let mut message = CoseSign1::from_slice(&bytes).expect("parses");
            message.protected.header.alg = Some(other(suite).algorithm());
            message.protected.original_data = None;
            let forged = message.to_vec().expect("encodes");
            let envelope = Envelope::parse(&forged).expect("parses");
            assert_eq!(envelope.suite(), other(suite));
            for key in Suite::ALL.map(|suite| key(suite, 1)) {
                assert_eq!(
                    envelope.open(Purpose::Exchange, &key.public()),
                    Err(EnvelopeError::BadSignature)
                );
            }
        }
    }

    #[test]
    fn an_algorithm_of_a_newer_program_is_named_as_unknown() {
        let bytes = Envelope::seal(Purpose::Reply, b"t", vec![1], &key(Suite::Sm2Sm3, 1));
        let mut message = CoseSign1::from_slice(&bytes).expect("parses");
        message.protected.header.alg = Some(Algorithm::PrivateUse(PRIVATE_ALGORITHMS - 3));
        message.protected.original_data = None;
        let parsed = Envelope::parse(&message.to_vec().expect("encodes"));
        assert_eq!(parsed.err(), Some(EnvelopeError::UnknownSuite));
    }

    #[test]
    fn an_envelope_opens_with_its_key_and_purpose_only() {
        for suite in Suite::ALL {
            let key = |seed| key(suite, seed);
            let bytes = Envelope::seal(Purpose::Exchange, b"t", vec![1, 2, 3], &key(1));
            let envelope = Envelope::parse(&bytes).expect("parses");
            assert_eq!(
                envelope.open(Purpose::Exchange, &key(1).public()),
                Ok(&[1, 2, 3][..])
            );
            for (purpose, key) in [(Purpose::Reply, key(1)), (Purpose::Exchange, key(2))] {
                assert_eq!(
                    envelope.open(purpose, &key.public()),
                    Err(EnvelopeError::BadSignature)
                );
            }
        }
    }

    #[rstest::rstest]
    #[case(Suite::Ed25519Sha256)]
    #[case(Suite::Sm2Sm3)]
    fn every_flipped_bit_is_noticed(#[case] suite: Suite) {
        let key = key(suite, 1);
        let bytes = Envelope::seal(Purpose::Reply, b"t", vec![9; 20], &key);
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            if let Some(byte) = forged.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
            let opened = Envelope::parse(&forged)
                .and_then(|e| e.open(Purpose::Reply, &key.public()).map(<[u8]>::to_vec));
            // A flip inside the unprotected header may leave an equal message; anything that opens
            // must carry the signed payload.
            if let Ok(payload) = opened {
                assert_eq!(payload, vec![9; 20], "bit {bit}");
            }
        }
    }
}

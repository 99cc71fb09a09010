//! Signed envelopes: `COSE_Sign1` (RFC 9052) with Ed25519 and a purpose that is signed too.

use coset::{CborSerializable, CoseSign1, CoseSign1Builder, HeaderBuilder, iana};

use super::keys::{PublicKey, SecretKey};

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
    #[error("signature algorithm is not Ed25519")]
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

/// A parsed envelope, not yet verified.
#[derive(Debug)]
pub struct Envelope(CoseSign1);

impl Envelope {
    /// Signs `payload` for a purpose. `key_id` tells the reader which key to look up.
    #[must_use]
    pub fn seal(purpose: Purpose, key_id: &[u8], payload: Vec<u8>, key: &SecretKey) -> Vec<u8> {
        let protected = HeaderBuilder::new()
            .algorithm(iana::Algorithm::Ed25519)
            .key_id(key_id.to_vec())
            .build();
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
        let algorithm = coset::RegisteredLabelWithPrivate::Assigned(iana::Algorithm::Ed25519);
        if message.protected.header.alg.as_ref() != Some(&algorithm) {
            return Err(EnvelopeError::UnknownSuite);
        }
        Ok(Self(message))
    }

    /// The key id, for looking up the key. Unverified until [`Self::open`] succeeds.
    ///
    /// # Errors
    /// [`EnvelopeError::KeyId`] when it is not exactly `N` bytes.
    pub fn key_id<const N: usize>(&self) -> Result<[u8; N], EnvelopeError> {
        self.0
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
    /// [`EnvelopeError::BadSignature`], also for a valid signature made for another purpose.
    pub fn open(&self, purpose: Purpose, key: &PublicKey) -> Result<&[u8], EnvelopeError> {
        self.0
            .verify_signature(purpose.context(), |signature, signed| {
                if key.verify(signature, signed) {
                    Ok(())
                } else {
                    Err(EnvelopeError::BadSignature)
                }
            })?;
        self.0
            .payload
            .as_deref()
            .ok_or_else(|| EnvelopeError::Malformed("no payload".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed(&[seed; 32])
    }

    #[test]
    fn an_envelope_opens_with_its_key_and_purpose_only() {
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

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = Envelope::seal(Purpose::Reply, b"t", vec![9; 20], &key(1));
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            if let Some(byte) = forged.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
            let opened = Envelope::parse(&forged)
                .and_then(|e| e.open(Purpose::Reply, &key(1).public()).map(<[u8]>::to_vec));
            // A flip inside the unprotected header may leave an equal message; anything that opens
            // must carry the signed payload.
            if let Ok(payload) = opened {
                assert_eq!(payload, vec![9; 20], "bit {bit}");
            }
        }
    }
}

//! SM2 signatures (GB/T 32918.2) with SM3, on the curve of GB/T 32918.5.
//!
//! What is signed is `SM3(Z || message)`, where `Z` binds the signer's public key and identity. The
//! identity is the standard's default for all our keys: who a key belongs to is the collector's
//! table, as with Ed25519.
//!
//! The nonce is derived from key and message (RFC 6979 with SM3), so a weak random generator on a
//! tablet cannot give the key away. The library is not certified by the State Cryptography
//! Administration.

use sm2::dsa::signature::{Signer, Verifier};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::elliptic_curve::sec1::ToSec1Point;

/// The signer's identity when none is agreed upon (GM/T 0009). Frozen.
const IDENTITY: &str = "1234567812345678";

/// A secret scalar; wiped from memory when dropped.
pub(super) struct Secret {
    scalar: sm2::SecretKey,
    public: Public,
}

impl Secret {
    /// The key with this scalar, big-endian; none unless it is in `1..=n-2`.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let scalar = sm2::SecretKey::from_slice(bytes).ok()?;
        // Signing divides by 1 + d.
        let next = *scalar.to_nonzero_scalar() + sm2::Scalar::ONE;
        if next.is_zero().into() {
            return None;
        }
        let public = Public::new(scalar.public_key())?;
        Some(Self { scalar, public })
    }

    pub(super) fn to_bytes(&self) -> [u8; 32] {
        self.scalar.to_bytes().into()
    }

    pub(super) const fn public(&self) -> Public {
        self.public
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signed = SigningKey::new(IDENTITY, &self.scalar).and_then(|key| key.try_sign(message));
        match signed {
            Ok(signature) => signature.to_bytes().into(),
            // r, s or r + k would have to be 0 modulo the order: one message in 2^254.
            Err(error) => unreachable!("SM2 found no signature: {error}"),
        }
    }
}

/// A point on the curve, and its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Public {
    point: sm2::PublicKey,
    bytes: [u8; 33],
}

impl Public {
    fn new(point: sm2::PublicKey) -> Option<Self> {
        let encoded = point.to_sec1_point(true);
        let bytes = encoded.as_bytes().try_into().ok()?;
        Some(Self { point, bytes })
    }

    /// The point with this compressed SEC 1 encoding. A point has one only.
    pub(super) fn from_bytes(bytes: &[u8; 33]) -> Option<Self> {
        let point = sm2::PublicKey::from_sec1_bytes(bytes).ok()?;
        Self::new(point).filter(|key| key.bytes == *bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 33] {
        &self.bytes
    }

    pub(super) fn verify(&self, signature: &[u8], message: &[u8]) -> bool {
        let Ok(signature) = Signature::from_slice(signature) else {
            return false;
        };
        VerifyingKey::new(IDENTITY, self.point)
            .is_ok_and(|key| key.verify(message, &signature).is_ok())
    }
}

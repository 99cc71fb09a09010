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

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex<const N: usize>(text: &str) -> [u8; N] {
        let digits: String = text.split_whitespace().collect();
        let bytes: Vec<u8> = digits
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        bytes.try_into().unwrap()
    }

    /// GB/T 32918.5-2017, appendix A: the key pair and the signature of "message digest" by the
    /// signer 1234567812345678.
    const SECRET: &str = "3945208F 7B2144B1 3F36E38A C6D39F95 88939369 2860B51A 42FB81EF 4DF7C5B8";
    const PUBLIC: &str =
        "03 09F9DF31 1E5421A1 50DD7D16 1E4BC5C6 72179FAD 1833FC07 6BB08FF3 56F35020";
    const PUBLIC_Y: &str =
        "CCEA490C E26775A5 2DC6EA71 8CC1AA60 0AED05FB F35E084A 6632F607 2DA9AD13";
    const SIGNATURE: &str = "F5A03B06 48D2C463 0EEAC513 E1BB81A1 5944DA38 27D5B741 43AC7EAC EEE720B3
                             B1B6AA29 DF212FD8 763182BC 0D421CA1 BB9038FD 1F7F42D4 840B69C4 85BBC1AA";

    #[test]
    fn the_standards_key_pair_is_ours() {
        let secret = Secret::from_bytes(&unhex(SECRET)).unwrap();
        assert_eq!(secret.public().as_bytes(), &unhex(PUBLIC));
        let uncompressed = secret.public().point.to_sec1_point(false);
        assert_eq!(&uncompressed.as_bytes()[33..], &unhex::<32>(PUBLIC_Y));
        assert_eq!(secret.to_bytes(), unhex(SECRET));
    }

    #[test]
    fn the_standards_signature_verifies_and_no_neighbour_of_it() {
        let public = Public::from_bytes(&unhex(PUBLIC)).unwrap();
        let signature: [u8; 64] = unhex(SIGNATURE);
        assert!(public.verify(&signature, b"message digest"));
        assert!(!public.verify(&signature, b"message digest "));
        for bit in 0..512 {
            let mut forged = signature;
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(!public.verify(&forged, b"message digest"), "bit {bit}");
        }
        for length in [0, 63] {
            assert!(!public.verify(&signature[..length], b"message digest"));
        }
    }

    /// Made with OpenSSL 3.0: `pkeyutl -sign -rawin -digest sm3 -pkeyopt distid:1234567812345678`.
    #[test]
    fn a_signature_of_another_program_verifies() {
        let public = "035070b1ff4cdb9af1cf692858ff37a7ded939d46f9419e0d13f9cce7b2d3d6af5";
        let signature = "5a618ad3218e9c4828ec7600f9a37c0dd189e9f36cb74134bb14ec7edfd4ce34
                         c556edc076acc17dcf6b2e872526b622d0220358bfd0a2da9ed22506ebc4b933";
        let public = Public::from_bytes(&unhex(public)).unwrap();
        assert!(public.verify(&unhex::<64>(signature), "满意度".as_bytes()));
    }

    #[test]
    fn what_the_standards_key_signs_verifies_and_is_always_the_same() {
        let secret = Secret::from_bytes(&unhex(SECRET)).unwrap();
        let signature = secret.sign(b"message digest");
        assert!(secret.public().verify(&signature, b"message digest"));
        assert_eq!(signature, secret.sign(b"message digest"));
        // The standard's has a random nonce.
        assert_ne!(signature, unhex(SIGNATURE));
    }

    /// The order of the curve is n; 1 + (n - 1) has no inverse.
    #[rstest::rstest]
    #[case::the_greatest(
        "FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF 7203DF6B 21C6052B 53BBF409 39D54121",
        true
    )]
    #[case::one_less_than_the_order(
        "FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF 7203DF6B 21C6052B 53BBF409 39D54122",
        false
    )]
    #[case::the_order(
        "FFFFFFFE FFFFFFFF FFFFFFFF FFFFFFFF 7203DF6B 21C6052B 53BBF409 39D54123",
        false
    )]
    #[case::one(
        "00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001",
        true
    )]
    fn a_secret_is_a_number_that_can_sign(#[case] scalar: &str, #[case] good: bool) {
        let secret = Secret::from_bytes(&unhex(scalar));
        assert_eq!(secret.is_some(), good);
        if let Some(secret) = secret {
            assert!(secret.public().verify(&secret.sign(b"x"), b"x"));
        }
    }

    /// A signature with r or s of 0 or not below the order is none.
    #[test]
    fn numbers_out_of_range_are_no_signature() {
        let public = Public::from_bytes(&unhex(PUBLIC)).unwrap();
        let signature: [u8; 64] = unhex(SIGNATURE);
        for (half, bytes) in [
            (0, [0; 32]),
            (32, [0; 32]),
            (0, [0xff; 32]),
            (32, [0xff; 32]),
        ] {
            let mut forged = signature;
            forged[half..half + 32].copy_from_slice(&bytes);
            assert!(!public.verify(&forged, b"message digest"));
        }
    }
}

//! The keys of terminals and of the collector, of either suite.
//!
//! A public key is 32 bytes for Ed25519 and 33 for SM2 (a compressed SEC 1 point); a secret key is a
//! 32-byte seed for Ed25519, and the suite's number before a 32-byte scalar for SM2.

use std::fmt;

use ed25519_dalek::{SigningKey, VerifyingKey};

use super::sm2;
use super::suite::Suite;

/// A signing key. Never printed; wiped from memory when dropped.
pub struct SecretKey(Secret);

enum Secret {
    Ed25519(SigningKey),
    Sm2(sm2::Secret),
}

impl SecretKey {
    /// A fresh key of a suite from the operating system's generator.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn generate(suite: Suite) -> Result<Self, getrandom::Error> {
        loop {
            let mut bytes = [0_u8; 32];
            getrandom::fill(&mut bytes)?;
            // One try in four thousand million is no SM2 key.
            if let Some(key) = Self::of(suite, &bytes) {
                return Ok(key);
            }
        }
    }

    /// The key of a suite with these 32 secret bytes: the seed of an Ed25519 key (RFC 8032), the
    /// scalar of an SM2 key. None when they are no SM2 key: 0, or not below the curve's order - 1.
    #[must_use]
    pub fn of(suite: Suite, bytes: &[u8; 32]) -> Option<Self> {
        match suite {
            Suite::Ed25519Sha256 => Some(Self::from_seed(bytes)),
            Suite::Sm2Sm3 => sm2::Secret::from_bytes(bytes).map(|key| Self(Secret::Sm2(key))),
        }
    }

    /// The Ed25519 key with this 32-byte seed (RFC 8032 private key).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Secret::Ed25519(SigningKey::from_bytes(seed)))
    }

    /// The key that [`Self::to_bytes`] wrote; none when the bytes are no key of a known suite.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if let Ok(seed) = bytes.try_into() {
            return Some(Self::from_seed(seed));
        }
        let (number, secret) = bytes.split_first()?;
        let suite = Suite::from_number(*number).filter(|suite| *suite != Suite::Ed25519Sha256)?;
        Self::of(suite, secret.try_into().ok()?)
    }

    /// The key's bytes, for writing to a file that only its owner reads: 32 for Ed25519, 33 for SM2.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Secret::Ed25519(key) => key.to_bytes().to_vec(),
            Secret::Sm2(key) => {
                let mut bytes = vec![Suite::Sm2Sm3.number()];
                bytes.extend(key.to_bytes());
                bytes
            }
        }
    }

    /// The key's suite.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        match &self.0 {
            Secret::Ed25519(_) => Suite::Ed25519Sha256,
            Secret::Sm2(_) => Suite::Sm2Sm3,
        }
    }

    /// The matching public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(match &self.0 {
            Secret::Ed25519(key) => Public::Ed25519(key.verifying_key()),
            Secret::Sm2(key) => Public::Sm2(key.public()),
        })
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        match &self.0 {
            Secret::Ed25519(key) => ed25519_dalek::Signer::sign(key, bytes).to_bytes().to_vec(),
            Secret::Sm2(key) => key.sign(bytes).to_vec(),
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {:?})", self.public())
    }
}

/// A key that verifies signatures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(Public);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Public {
    Ed25519(VerifyingKey),
    Sm2(sm2::Public),
}

impl PublicKey {
    /// The key with these bytes, if they are a point on a suite's curve: 32 bytes are an Ed25519
    /// key, 33 a compressed SM2 one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if let Ok(bytes) = bytes.try_into() {
            let key = VerifyingKey::from_bytes(bytes).ok()?;
            return Some(Self(Public::Ed25519(key)));
        }
        let key = sm2::Public::from_bytes(bytes.try_into().ok()?)?;
        Some(Self(Public::Sm2(key)))
    }

    /// The key's bytes: 32 for Ed25519, 33 for SM2.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Public::Ed25519(key) => key.as_bytes(),
            Public::Sm2(key) => key.as_bytes(),
        }
    }

    /// The key's suite.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        match &self.0 {
            Public::Ed25519(_) => Suite::Ed25519Sha256,
            Public::Sm2(_) => Suite::Sm2Sm3,
        }
    }

    /// A short form for people to compare: the first 8 bytes of the suite's hash of the key, in
    /// groups.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = self.suite().digest(self.as_bytes());
        let groups: Vec<String> = digest
            .chunks(2)
            .take(4)
            .map(|pair| pair.iter().map(|b| format!("{b:02x}")).collect())
            .collect();
        groups.join("-")
    }

    pub(crate) fn verify(&self, signature: &[u8], bytes: &[u8]) -> bool {
        match &self.0 {
            Public::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(bytes, &signature).is_ok()),
            Public::Sm2(key) => key.verify(signature, bytes),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(suite: Suite, seed: u8) -> SecretKey {
        SecretKey::of(suite, &[seed; 32]).unwrap()
    }

    #[test]
    fn a_key_reads_back_as_it_was_written_and_keeps_its_suite() {
        for suite in Suite::ALL {
            let secret = SecretKey::generate(suite).unwrap();
            let read = SecretKey::from_bytes(&secret.to_bytes()).unwrap();
            assert_eq!(read.to_bytes(), secret.to_bytes());
            assert_eq!((read.suite(), read.public().suite()), (suite, suite));
            let public = PublicKey::from_bytes(secret.public().as_bytes()).unwrap();
            assert_eq!(public, secret.public());
        }
    }

    #[test]
    fn an_ed25519_key_file_of_before_there_were_suites_is_still_that_key() {
        assert_eq!(
            SecretKey::from_bytes(&[7; 32]).unwrap().public(),
            SecretKey::from_seed(&[7; 32]).public()
        );
        assert_eq!(SecretKey::from_seed(&[7; 32]).to_bytes(), [7; 32]);
    }

    #[rstest::rstest]
    #[case::empty(&[])]
    #[case::short(&[2; 32][1..])]
    #[case::ed25519_with_a_number(&[1; 33])]
    #[case::suite_of_a_newer_program(&[3; 33])]
    #[case::scalar_zero(&[&[2][..], &[0; 32]].concat())]
    #[case::scalar_above_the_order(&[&[2][..], &[0xff; 32]].concat())]
    #[case::long(&[2; 34])]
    fn other_bytes_are_no_secret_key(#[case] bytes: &[u8]) {
        assert!(SecretKey::from_bytes(bytes).is_none());
    }

    #[rstest::rstest]
    #[case::empty(&[])]
    #[case::short(&[2; 31])]
    #[case::not_on_the_ed25519_curve(&[2; 32])]
    #[case::not_on_the_sm2_curve(&[&[2][..], &[0; 31], &[6]].concat())]
    #[case::coordinate_above_the_field(&[&[2][..], &[0xff; 32]].concat())]
    #[case::uncompressed_tag(&[4; 33])]
    #[case::compact_tag(&[5; 33])]
    #[case::infinity(&[0; 33])]
    fn other_bytes_are_no_public_key(#[case] bytes: &[u8]) {
        assert!(PublicKey::from_bytes(bytes).is_none());
    }

    #[test]
    fn a_signature_verifies_with_its_own_key_only() {
        for suite in Suite::ALL {
            let signature = key(suite, 1).sign(b"a rating");
            assert!(key(suite, 1).public().verify(&signature, b"a rating"));
            assert!(!key(suite, 1).public().verify(&signature, b"another"));
            assert!(!key(suite, 2).public().verify(&signature, b"a rating"));
            for other in Suite::ALL.into_iter().filter(|other| *other != suite) {
                assert!(!key(other, 1).public().verify(&signature, b"a rating"));
            }
        }
    }

    #[test]
    fn the_same_message_has_the_same_signature() {
        for suite in Suite::ALL {
            assert_eq!(key(suite, 1).sign(b"twice"), key(suite, 1).sign(b"twice"));
        }
    }

    #[test]
    fn a_key_is_never_shown_by_debug_output() {
        for suite in Suite::ALL {
            let shown = format!("{:?}", key(suite, 0x5a));
            assert!(!shown.contains("5a5a"), "{shown}");
            assert!(shown.contains(&key(suite, 0x5a).public().fingerprint()));
        }
    }
}

//! The second factor: codes of an authenticator app, and the codes that stand in for a lost one.
//!
//! **Invariants**
//! 1. A code is taken once: the step of time it belongs to, and all before it, are used up.
//! 2. The secret is stored sealed with a key of the collector, which is not in the database: a copy
//!    of the database alone makes no codes.

pub(super) mod page;
pub(super) mod totp;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;

use super::secret::{self, SecretError};
use crate::keys::SigningKeys;
use manyi_shared::wire::SecretKey;

/// Recovery codes made at a time.
const RECOVERY_CODES: usize = 10;

/// Bytes of the secret: as long as the hash of its HMAC (RFC 4226 §4, R6).
pub(super) const SECRET_BYTES: usize = 20;

/// What the sealing key is derived for.
const PURPOSE: &[u8] = b"manyi second factor 1";

/// A fresh secret.
pub(super) fn new_secret() -> Result<[u8; SECRET_BYTES], SecretError> {
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(SecretError::Random)?;
    Ok(secret)
}

/// Fresh recovery codes of 80 random bits.
pub(super) fn new_recovery_codes() -> Result<Vec<String>, SecretError> {
    (0..RECOVERY_CODES)
        .map(|_| secret::recovery_code())
        .collect()
}

/// Seals a user's secret.
pub(super) fn seal(keys: &SigningKeys, user: &str, secret: &[u8]) -> Result<Vec<u8>, SecretError> {
    let mut nonce = [0; 12];
    getrandom::fill(&mut nonce).map_err(SecretError::Random)?;
    let mut sealed = secret.to_vec();
    let failed = |_| SecretError::Hash("could not seal a second factor".to_owned());
    sealing_key(keys.chosen())
        .and_then(|key| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            key.seal_in_place_append_tag(nonce, Aad::from(user.as_bytes()), &mut sealed)
        })
        .map_err(failed)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens a user's secret; none when none of the collector's keys sealed it for this user.
pub(super) fn open(keys: &SigningKeys, user: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_first_chunk::<12>()?;
    keys.all().find_map(|key| {
        let mut bytes = rest.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let key = sealing_key(key).ok()?;
        let opened = key.open_in_place(nonce, Aad::from(user.as_bytes()), &mut bytes);
        opened.ok().map(|secret| secret.to_vec())
    })
}

fn sealing_key(key: &SecretKey) -> Result<LessSafeKey, ring::error::Unspecified> {
    let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key.to_bytes()), PURPOSE);
    UnboundKey::new(&CHACHA20_POLY1305, derived.as_ref()).map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_for_its_user_and_with_any_key_of_the_collector() {
        let first = SigningKeys::from(SecretKey::from_seed(&[7; 32]));
        let sealed = seal(&first, "li", &[1; SECRET_BYTES]).unwrap();
        assert_eq!(open(&first, "li", &sealed), Some(vec![1; SECRET_BYTES]));
        assert_eq!(open(&first, "wang", &sealed), None);
        let next = SigningKeys::new(
            SecretKey::from_seed(&[8; 32]),
            [SecretKey::from_seed(&[7; 32])],
        );
        assert_eq!(open(&next, "li", &sealed), Some(vec![1; SECRET_BYTES]));
        let other = SigningKeys::from(SecretKey::from_seed(&[8; 32]));
        assert_eq!(open(&other, "li", &sealed), None);
        let mut touched = sealed;
        *touched.last_mut().unwrap() ^= 1;
        assert_eq!(open(&first, "li", &touched), None);
        assert_eq!(open(&first, "li", &[]), None);
    }
}

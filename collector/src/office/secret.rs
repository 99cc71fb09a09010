//! Secrets: random tokens and their digests, passwords and their hashes.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::store::users::TokenDigest;

/// Crockford's base32: no I, L, O, U, so that a password survives paper and telephone.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Characters in a one-time password: 100 random bits.
const ONE_TIME_LENGTH: usize = 20;

/// Hashes computed at once. Each takes 19 MiB and a core for some 20 ms; more would let strangers
/// fill the memory.
static TURNS: Semaphore = Semaphore::const_new(2);

/// What an unknown user's password is compared with, so that the answer takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    token()
        .ok()
        .and_then(|password| hash_now(&password).ok())
        .unwrap_or_default()
});

/// Why a secret could not be made or compared.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The operating system gives no random bytes.
    #[error("the system has no randomness to give")]
    Random(#[source] getrandom::Error),
    /// Argon2 failed, for lack of memory or a damaged hash.
    #[error("could not hash a password: {0}")]
    Hash(String),
}

/// A fresh token of 256 random bits, in 43 characters that need no escaping.
///
/// # Errors
/// [`SecretError::Random`].
pub fn token() -> Result<String, SecretError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(SecretError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of a token.
#[must_use]
pub fn digest(token: &str) -> TokenDigest {
    Sha256::digest(token.as_bytes()).into()
}

/// A fresh one-time password, in groups of five.
///
/// # Errors
/// [`SecretError::Random`].
pub fn one_time_password() -> Result<String, SecretError> {
    crockford::<ONE_TIME_LENGTH>(5)
}

/// A fresh recovery code, in groups of four: 80 random bits.
///
/// # Errors
/// [`SecretError::Random`].
pub fn recovery_code() -> Result<String, SecretError> {
    crockford::<16>(4)
}

/// What is stored of a recovery code, however people write it down: without hyphens and spaces, in
/// capitals, with the letters that Crockford's base32 reads as digits.
#[must_use]
pub fn recovery_digest(text: &str) -> TokenDigest {
    let plain: String = text
        .chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    digest(&plain)
}

fn crockford<const N: usize>(group: usize) -> Result<String, SecretError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(SecretError::Random)?;
    // 256 is a multiple of 32, so every character is equally likely.
    let characters = bytes.map(|byte| {
        CROCKFORD
            .get(usize::from(byte % 32))
            .copied()
            .map_or('0', char::from)
    });
    let groups: Vec<String> = characters
        .chunks(group)
        .map(|characters| characters.iter().collect())
        .collect();
    Ok(groups.join("-"))
}

/// The Argon2id hash of a password, as a PHC string.
///
/// # Errors
/// [`SecretError::Hash`].
pub async fn hash(password: String) -> Result<String, SecretError> {
    aside(move || hash_now(&password)).await?
}

/// Whether the password is the one that was hashed. Without a hash the answer is no, after the same
/// work.
///
/// # Errors
/// [`SecretError::Hash`] when the hash is damaged.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool, SecretError> {
    aside(move || {
        // Whoever comes through a login service only has no password that could verify.
        let hash = hash.filter(|hash| !hash.is_empty());
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let hash =
            PasswordHash::new(&hash).map_err(|error| SecretError::Hash(error.to_string()))?;
        Ok(Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
            && known)
    })
    .await?
}

fn hash_now(password: &str) -> Result<String, SecretError> {
    let hash: PasswordHash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| SecretError::Hash(error.to_string()))?;
    Ok(hash.to_string())
}

async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, SecretError> {
    let turn = TURNS
        .acquire()
        .await
        .map_err(|error| SecretError::Hash(error.to_string()))?;
    let result = tokio::task::spawn_blocking(work).await;
    drop(turn);
    result.map_err(|error| SecretError::Hash(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_time_password_has_20_characters_in_groups() {
        let password = one_time_password().unwrap();
        assert_eq!(
            password.split('-').map(str::len).collect::<Vec<_>>(),
            [5, 5, 5, 5],
            "{password}"
        );
        assert!(
            password
                .bytes()
                .all(|b| b == b'-' || CROCKFORD.contains(&b)),
            "{password}"
        );
        assert_ne!(password, one_time_password().unwrap());
    }

    #[tokio::test]
    async fn only_the_hashed_password_verifies() {
        let hashed = hash("correct horse".to_owned()).await.unwrap();
        assert!(hashed.starts_with("$argon2id$"), "{hashed}");
        assert!(
            verify("correct horse".to_owned(), Some(hashed.clone()))
                .await
                .unwrap()
        );
        assert!(
            !verify("wrong horse".to_owned(), Some(hashed))
                .await
                .unwrap()
        );
        assert!(!verify("correct horse".to_owned(), None).await.unwrap());
    }
}

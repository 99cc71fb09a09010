//! The part of the port that keeps office users, sessions and API tokens.
//!
//! **Invariants**
//! 1. No secret is stored: passwords as Argon2id hashes, session and API tokens as SHA-256 digests
//!    (they are 256 random bits, so a fast digest is enough).

use async_trait::async_trait;

use super::StoreError;

/// The SHA-256 of a session's or an API token.
pub type TokenDigest = [u8; 32];

/// A user of the office pages.
#[derive(Clone, PartialEq, Eq)]
pub struct OfficeUser {
    /// The login name.
    pub name: String,
    /// Argon2id, as a PHC string.
    pub password_hash: String,
    /// The one-time first password still stands; nothing but changing it is allowed.
    pub must_change: bool,
}

impl std::fmt::Debug for OfficeUser {
    /// Without the hash: it has no business in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OfficeUser")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// An API token as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// What it is called.
    pub name: String,
    /// When it was made.
    pub created_ms: i64,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
}

/// Keeps users.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Keeps the first user; `false`, and nothing changes, when there is a user already.
    async fn add_first_user(&self, user: OfficeUser, now_ms: i64) -> Result<bool, StoreError>;

    /// The user with this name.
    async fn user(&self, name: String) -> Result<Option<OfficeUser>, StoreError>;

    /// Replaces a user's password and ends all of the user's sessions.
    async fn set_password(&self, name: String, password_hash: String) -> Result<(), StoreError>;

    /// Keeps a session; forgets those that have expired.
    async fn add_session(
        &self,
        digest: TokenDigest,
        user_name: String,
        expires_ms: i64,
        now_ms: i64,
    ) -> Result<(), StoreError>;

    /// The user of a session that has not expired.
    async fn session(
        &self,
        digest: TokenDigest,
        now_ms: i64,
    ) -> Result<Option<OfficeUser>, StoreError>;

    /// Ends a session.
    async fn remove_session(&self, digest: TokenDigest) -> Result<(), StoreError>;

    /// Keeps an API token; `false` when a valid one has this name.
    async fn add_token(
        &self,
        digest: TokenDigest,
        name: String,
        now_ms: i64,
    ) -> Result<bool, StoreError>;

    /// All API tokens, oldest first.
    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError>;

    /// The name of a valid API token.
    async fn token(&self, digest: TokenDigest) -> Result<Option<String>, StoreError>;

    /// Revokes the valid API token of this name; `false` when there is none.
    async fn revoke_token(&self, name: String, now_ms: i64) -> Result<bool, StoreError>;
}

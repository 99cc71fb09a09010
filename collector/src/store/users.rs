//! The part of the port that keeps users, what they may do, sessions and API tokens.
//!
//! **Invariants**
//! 1. No secret is stored: passwords as Argon2id hashes; session tokens, API tokens and recovery
//!    codes as SHA-256 digests (they are 80 random bits or more, so a fast digest is enough);
//!    secrets of second factors sealed.
//! 2. There is always an administrator everywhere who is not disabled, once there was one.
//! 3. Every change is in the audit log, in the same transaction.

use async_trait::async_trait;

use super::StoreError;
use crate::access::throttle::Pace;
use crate::access::{Grant, PermissionSet, Place, Tree};
use crate::audit::By;

/// The SHA-256 of a session's or an API token, or of a recovery code.
pub type TokenDigest = [u8; 32];

/// A user of the office pages.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct OfficeUser {
    /// The login name.
    pub name: String,
    /// As people call them; may be empty.
    pub full_name: String,
    /// Argon2id, as a PHC string; empty for whoever comes through a login service only.
    pub password_hash: String,
    /// The one-time password still stands; nothing but changing it is allowed.
    pub must_change: bool,
    /// The language of the pages, `zh` or `en`; empty: what the browser last chose.
    pub language: String,
    /// Since when the user may not log in.
    pub disabled_ms: Option<i64>,
    /// The last login.
    pub last_login_ms: Option<i64>,
    /// Counts up with every change by an administrator.
    pub version: i64,
    /// The second factor, when one is set up.
    pub second_factor: Option<SecondFactor>,
    /// A second factor that was shown and not confirmed yet, sealed.
    pub pending_factor: Option<Vec<u8>>,
    /// Roles at places.
    pub grants: Vec<Grant>,
}

/// A user's second factor.
#[derive(Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// The secret, sealed.
    pub sealed: Vec<u8>,
    /// The last step of time whose code was used.
    pub step: i64,
}

impl std::fmt::Debug for SecondFactor {
    /// Without the secret, sealed or not.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondFactor").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for OfficeUser {
    /// Without hash and secrets: they have no business in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OfficeUser")
            .field("name", &self.name)
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

impl OfficeUser {
    /// What an administrator decides about, as text: the same text, the same decision.
    #[must_use]
    pub fn summary(&self) -> String {
        let grants: Vec<String> = self.grants.iter().map(grant_text).collect();
        let state = if self.disabled_ms.is_some() {
            "disabled"
        } else {
            "enabled"
        };
        format!(
            "{}\n{}\n{state}\n{}",
            self.name,
            self.full_name,
            grants.join("\n")
        )
    }
}

/// A role at a place, as `role at place`.
fn grant_text(grant: &Grant) -> String {
    let role = grant.as_role().map_or("", crate::access::Role::name);
    format!("{role} at {}", grant.place)
}

/// A change of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserChange {
    /// A new user with a one-time password.
    Add(Box<OfficeUser>),
    /// Other names and roles; those that a login service gave stay.
    Edit {
        /// The version that was looked at.
        version: i64,
        /// As people call them.
        full_name: String,
        /// Roles at places.
        grants: Vec<Grant>,
    },
    /// May not log in from now on; all sessions end.
    Disable {
        /// The version that was looked at.
        version: i64,
    },
    /// May log in again.
    Enable {
        /// The version that was looked at.
        version: i64,
    },
    /// A one-time password instead of the own one; no second factor any more; all sessions end.
    Reset {
        /// The hash of the one-time password.
        password_hash: String,
    },
    /// The own password; all sessions end.
    Password {
        /// The hash of the new one.
        password_hash: String,
    },
    /// The language of the pages.
    Language(String),
    /// A second factor was shown, to be confirmed.
    OfferFactor {
        /// Its secret, sealed.
        sealed: Vec<u8>,
    },
    /// The second factor that was shown is the user's from now on.
    ConfirmFactor {
        /// The step whose code confirmed it.
        step: i64,
        /// Digests of the recovery codes; the former ones are void.
        codes: Vec<TokenDigest>,
    },
    /// No second factor any more.
    RemoveFactor,
    /// Other roles by what a login service claims; those given here stay.
    Claims(Vec<Grant>),
    /// Linked with a subject of a login service.
    Link {
        /// The service.
        issuer: String,
        /// Who the user is there.
        subject: String,
    },
}

/// Why a user is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserRefused {
    /// There is no such user.
    #[error("there is no such user")]
    Unknown,
    /// The name is taken.
    #[error("there is a user of this name already")]
    Taken,
    /// Somebody else changed the user meanwhile.
    #[error("somebody else changed this user meanwhile; look again")]
    Stale,
    /// Nobody could manage the system any more.
    #[error("this is the last administrator; make another one first")]
    LastAdministrator,
    /// A role is given at a place that does not exist.
    #[error("a role is at a place that does not exist")]
    NoSuchPlace,
    /// The subject of the login service is linked with another user.
    #[error("this login is linked with another user")]
    Linked,
}

/// A session that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The digest of its token.
    pub digest: TokenDigest,
    /// What lists call it; opens nothing.
    pub id: String,
    /// Whose.
    pub user: String,
    /// When it ends at the latest.
    pub expires_ms: i64,
    /// What the browser says it is.
    pub device: String,
    /// From which network.
    pub network: String,
    /// The second factor has yet to come.
    pub waits: bool,
}

/// A session that stands.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// What lists call it.
    pub id: String,
    /// Whose.
    pub user: OfficeUser,
    /// What the user's roles depend on.
    pub tree: Tree,
    /// The second factor has yet to come.
    pub waits: bool,
    /// The last use that was noted.
    pub seen_ms: i64,
}

/// A session as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSummary {
    /// What lists call it.
    pub id: String,
    /// When it began.
    pub created_ms: i64,
    /// The last use, to the minute.
    pub seen_ms: i64,
    /// What the browser says it is.
    pub device: String,
    /// From which network.
    pub network: String,
}

/// An API token that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its digest.
    pub digest: TokenDigest,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub permissions: PermissionSet,
    /// Where.
    pub place: Place,
    /// When it ends; none: when it is revoked.
    pub expires_ms: Option<i64>,
}

/// An API token as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub permissions: PermissionSet,
    /// Where.
    pub place: Place,
    /// When it was made.
    pub created_ms: i64,
    /// Who made it, as the audit log names them.
    pub created_by: String,
    /// When it ends; none: when it is revoked.
    pub expires_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
    /// The last use, to the minute.
    pub seen_ms: Option<i64>,
}

/// A token that is valid now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidToken {
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub grant: Grant,
    /// What the grant depends on.
    pub tree: Tree,
    /// The last use that was noted.
    pub seen_ms: Option<i64>,
}

/// Why a token is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// A valid one has this name.
    #[error("there is a valid token of this name; choose another name or revoke it first")]
    Taken,
    /// Its place does not exist.
    #[error("the token is for a place that does not exist")]
    NoSuchPlace,
}

/// A login on its way through a login service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcTry {
    /// The digest of the `state` that the service sends back.
    pub state: TokenDigest,
    /// What the token of the service must repeat.
    pub nonce: String,
    /// The secret half of PKCE.
    pub verifier: String,
    /// Who asked to be linked; empty for a login.
    pub link_user: String,
    /// Until when it may come back.
    pub expires_ms: i64,
}

/// The halls, departments and windows that roles can be given at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Organisation {
    /// Hall, its name, its region's code.
    pub halls: Vec<(String, String, String)>,
    /// Hall, department, name.
    pub departments: Vec<(String, String, String)>,
}

/// Keeps users.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Keeps the first user, an administrator everywhere; `false`, and nothing changes, when there
    /// is a user already.
    async fn add_first_user(&self, user: OfficeUser, now_ms: i64) -> Result<bool, StoreError>;

    /// The user with this name.
    async fn user(&self, name: String) -> Result<Option<OfficeUser>, StoreError>;

    /// All users, by name.
    async fn users(&self) -> Result<Vec<OfficeUser>, StoreError>;

    /// What a user's or a token's grants depend on.
    async fn tree(&self, grants: Vec<Grant>) -> Result<Tree, StoreError>;

    /// Where roles can be given.
    async fn organisation(&self) -> Result<Organisation, StoreError>;

    /// Changes a user, and writes it down.
    async fn change_user(
        &self,
        name: String,
        change: UserChange,
        by: By,
        now_ms: i64,
    ) -> Result<Result<(), UserRefused>, StoreError>;

    /// Notes that a step's code was used; `false` when it, or a later one, was used before.
    async fn use_step(&self, name: String, step: i64) -> Result<bool, StoreError>;

    /// Uses a recovery code up; `false` when there is no such unused one.
    async fn use_recovery_code(
        &self,
        name: String,
        digest: TokenDigest,
        by: By,
        now_ms: i64,
    ) -> Result<bool, StoreError>;

    /// How many recovery codes are left.
    async fn recovery_codes(&self, name: String) -> Result<u64, StoreError>;

    /// The user who is this subject of a login service.
    async fn identity(&self, issuer: String, subject: String)
    -> Result<Option<String>, StoreError>;

    /// Takes one try of something from its bucket. `Err` with the milliseconds to wait.
    async fn try_now(
        &self,
        subject: TokenDigest,
        pace: Pace,
        now_ms: i64,
    ) -> Result<Result<(), i64>, StoreError>;

    /// Empties a bucket: it succeeded.
    async fn forgive(&self, subject: TokenDigest) -> Result<(), StoreError>;

    /// Whether the user has logged in from this network lately.
    async fn knows_network(&self, name: String, network: String) -> Result<bool, StoreError>;

    /// Keeps a session and, unless it waits for the second factor, that the user logged in; forgets
    /// sessions that have expired, and ends `former`.
    async fn add_session(
        &self,
        session: NewSession,
        former: Option<TokenDigest>,
        now_ms: i64,
    ) -> Result<(), StoreError>;

    /// The session that has neither expired nor been idle for longer than `idle_ms`, of a user who
    /// is not disabled.
    async fn session(
        &self,
        digest: TokenDigest,
        idle_ms: i64,
        now_ms: i64,
    ) -> Result<Option<OpenSession>, StoreError>;

    /// Notes that a session was used.
    async fn touch_session(&self, digest: TokenDigest, now_ms: i64) -> Result<(), StoreError>;

    /// Ends a session.
    async fn remove_session(
        &self,
        digest: TokenDigest,
        by: Option<By>,
        now_ms: i64,
    ) -> Result<(), StoreError>;

    /// A user's sessions, the last used first.
    async fn sessions(
        &self,
        user: String,
        idle_ms: i64,
        now_ms: i64,
    ) -> Result<Vec<SessionSummary>, StoreError>;

    /// Ends the session of this id, or all of the user but `but`. How many ended.
    async fn end_sessions(
        &self,
        user: String,
        id: Option<String>,
        but: Option<TokenDigest>,
        by: By,
        now_ms: i64,
    ) -> Result<u64, StoreError>;

    /// Keeps an API token, and writes it down.
    async fn add_token(
        &self,
        token: NewToken,
        by: By,
        now_ms: i64,
    ) -> Result<Result<(), TokenRefused>, StoreError>;

    /// All API tokens, oldest first.
    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError>;

    /// The valid API token with this digest.
    async fn token(
        &self,
        digest: TokenDigest,
        now_ms: i64,
    ) -> Result<Option<ValidToken>, StoreError>;

    /// Notes that a token was used.
    async fn touch_token(&self, digest: TokenDigest, now_ms: i64) -> Result<(), StoreError>;

    /// Revokes the API token of this name that is not revoked; `false` when there is none.
    async fn revoke_token(&self, name: String, by: By, now_ms: i64) -> Result<bool, StoreError>;

    /// Keeps a login that goes to a login service; forgets those that did not come back.
    async fn add_oidc_try(
        &self,
        digest: TokenDigest,
        started: OidcTry,
        now_ms: i64,
    ) -> Result<(), StoreError>;

    /// Takes a login that came back: it can be taken once.
    async fn take_oidc_try(
        &self,
        digest: TokenDigest,
        now_ms: i64,
    ) -> Result<Option<OidcTry>, StoreError>;
}

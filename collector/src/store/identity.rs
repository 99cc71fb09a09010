//! The part of the port for identities that change hands or keys.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, TerminalId, WindowId};
use manyi_shared::wire::PublicKey;

use super::StoreError;

/// Keeps who terminals are.
#[async_trait]
pub trait IdentityStore: Send + Sync {
    /// Notes a terminal's new key beside the one in force; both are taken from now on.
    async fn note_next_key(&self, id: TerminalId, key: PublicKey) -> Result<(), StoreError>;

    /// A terminal has signed an exchange with its new key: from now on it is the one in force, and
    /// the old one is kept for checking what was signed with it, and taken no more.
    async fn adopt_next_key(
        &self,
        id: TerminalId,
        key: PublicKey,
        now_ms: i64,
    ) -> Result<(), StoreError>;

    /// Wants a terminal to make itself a new key; `false` when no such terminal is in use.
    async fn want_rotation(&self, id: TerminalId) -> Result<bool, StoreError>;

    /// The terminals that would be replaced by one that is enrolled at the window.
    async fn standing_at(
        &self,
        hall: HallId,
        window: WindowId,
    ) -> Result<Vec<TerminalId>, StoreError>;
}

/// Where a terminal's identity stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalState {
    /// In use.
    Active,
    /// Another was enrolled at its window to stand there instead. It may still deliver what it
    /// sealed before.
    Replaced,
    /// The office took its identity back.
    Revoked,
}

impl TerminalState {
    /// The name in the database and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
        }
    }

    /// The state with this name; one that is not known may do nothing.
    #[must_use]
    pub fn named(name: &str) -> Self {
        [Self::Active, Self::Replaced]
            .into_iter()
            .find(|state| state.name() == name)
            .unwrap_or(Self::Revoked)
    }
}

//! The part of the port that keeps what users of the office saved for themselves.

use async_trait::async_trait;

use super::StoreError;

/// The most views of one user.
pub const MOST_VIEWS: usize = 50;

/// A page under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedView {
    /// Its number among the user's views.
    pub id: i64,
    /// What the user calls it.
    pub name: String,
    /// Path and query.
    pub address: String,
}

/// Why a view was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a user keeps at most {MOST_VIEWS} views")]
pub struct TooManyViews;

/// Keeps saved views.
#[async_trait]
pub trait ViewStore: Send + Sync {
    /// A user's views, in the order of their names.
    async fn views(&self, user: String) -> Result<Vec<SavedView>, StoreError>;

    /// Keeps an address under a name; a view of that name is replaced.
    async fn save_view(
        &self,
        user: String,
        name: String,
        address: String,
        now_ms: i64,
    ) -> Result<Result<(), TooManyViews>, StoreError>;

    /// Forgets a view; `false` when the user has none of this number.
    async fn forget_view(&self, user: String, id: i64) -> Result<bool, StoreError>;
}

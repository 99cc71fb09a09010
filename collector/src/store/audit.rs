//! The part of the port that keeps the audit log.

use async_trait::async_trait;

use super::StoreError;
use crate::audit::{Break, Entry, Head, Note};

/// Which entries; what is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this caller, as the entry names them, or by the name alone.
    pub who: Option<String>,
    /// Of this action's name.
    pub action: Option<String>,
    /// Of this object.
    pub object: Option<String>,
    /// At or after this moment, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Before this moment.
    pub until_ms: Option<i64>,
    /// Only entries before this one, for the next page.
    pub before_seq: Option<u64>,
}

/// What a check of the log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// Entries that were looked at.
    pub entries: u64,
    /// Where the chain begins: after the entries that were dropped.
    pub anchor: Head,
    /// Where it stands, or where it breaks first.
    pub result: Result<Head, Break>,
}

/// Keeps the audit log.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Writes down a look at something; changes are written down by what changes them.
    async fn note(&self, note: Note, now_ms: i64) -> Result<(), StoreError>;

    /// The entries that a filter lets through, the newest first, `most` of them.
    async fn audit_entries(&self, filter: AuditFilter, most: u32)
    -> Result<Vec<Entry>, StoreError>;

    /// Checks the whole chain, also that it goes through a point that was noted earlier.
    async fn verify_audit(&self, noted: Option<Head>) -> Result<AuditReport, StoreError>;

    /// Drops the entries before a moment, which is written down. How many.
    async fn drop_audit(&self, until_ms: i64, note: Note, now_ms: i64) -> Result<u64, StoreError>;
}

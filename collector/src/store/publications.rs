//! The part of the port for what was published, and for the definitions it was published by.

use async_trait::async_trait;

use super::StoreError;

/// Keeps publications and definitions; neither is ever changed.
#[async_trait]
pub trait PublicationStore: Send + Sync {
    /// Keeps the next version of a bulletin; gives back its number.
    async fn publish(&self, publication: NewPublication) -> Result<u32, StoreError>;

    /// Every publication of a place (`''`: all halls together), the newest month and version
    /// first, without its content.
    async fn publications(&self, hall: String) -> Result<Vec<Published>, StoreError>;

    /// The places that have a publication.
    async fn published_places(&self) -> Result<Vec<String>, StoreError>;

    /// One publication with its content; without a version the newest.
    async fn publication(
        &self,
        hall: String,
        month: u32,
        version: Option<u32>,
    ) -> Result<Option<(Published, String)>, StoreError>;

    /// Notes versions of definitions that were not known. Gives back those that are known with
    /// another text: somebody changed what may not be changed.
    async fn note_definitions(
        &self,
        definitions: Vec<(String, u16, String)>,
        now_ms: i64,
    ) -> Result<Vec<(String, u16)>, StoreError>;
}

/// A bulletin to be published.
#[derive(Debug, Clone)]
pub struct NewPublication {
    /// The hall; `''`: all halls together.
    pub hall: String,
    /// The month, as `yyyymm`.
    pub month: u32,
    /// What is frozen.
    pub content: String,
    /// SHA-256 of it.
    pub digest: [u8; 32],
    /// Now.
    pub now_ms: i64,
    /// Who publishes.
    pub by: String,
    /// Why it is corrected; empty for the first version.
    pub why: String,
}

/// A publication, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The hall; `''`: all halls together.
    pub hall: String,
    /// The month, as `yyyymm`.
    pub month: u32,
    /// From 1.
    pub version: u32,
    /// SHA-256 of the content.
    pub digest: [u8; 32],
    /// When, in milliseconds since 1970.
    pub published_ms: i64,
    /// By whom.
    pub by: String,
    /// Why it corrects the version before; empty for the first.
    pub why: String,
}

//! The part of the port that shows that nothing was changed: daily roots, proofs, the check of
//! everything that is stored.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, StreamId, TerminalId};
use manyi_shared::wire::PublicKey;

use super::StoreError;
use crate::roots::merkle::{Hash, Tree};
use crate::roots::{ClosedDay, PublishedRoot};
use crate::verify::Report;

/// Closes days, keeps their roots, and reads what proves a record.
#[async_trait]
pub trait ProofStore: Send + Sync {
    /// Closes the hall's next day that is over, or finds the one that was closed and has no root
    /// yet; none when there is nothing to do. From then on nothing is received into that day.
    async fn close_day(&self, hall: HallId, now_ms: i64) -> Result<Option<ClosedDay>, StoreError>;

    /// The tree over the records that were received on a closed day.
    async fn day_tree(&self, hall: HallId, day: ClosedDay) -> Result<Tree, StoreError>;

    /// Keeps the signed root of a closed day; a root that is there stays as it is.
    async fn publish_root(
        &self,
        hall: HallId,
        day: u32,
        signed: Vec<u8>,
        now_ms: i64,
    ) -> Result<(), StoreError>;

    /// The published roots of a hall before a day (all when none is named), the newest first.
    async fn roots(
        &self,
        hall: HallId,
        before: Option<u32>,
        limit: usize,
    ) -> Result<Vec<PublishedRoot>, StoreError>;

    /// Everything that proves a record.
    async fn evidence(
        &self,
        hall: HallId,
        record: RecordId,
    ) -> Result<Result<Vec<Evidence>, NoEvidence>, StoreError>;

    /// Where the outcome of a prompt is: the terminal and the position of the record.
    async fn outcome_of(
        &self,
        hall: HallId,
        stream: StreamId,
        ordinal: u32,
    ) -> Result<Option<RecordId>, StoreError>;

    /// Checks everything that is stored of a hall. One read transaction: terminals may go on
    /// sending.
    async fn verify(&self, hall: HallId, collector: Vec<PublicKey>) -> Result<Report, StoreError>;
}

/// Which record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordId {
    /// The terminal.
    pub terminal: TerminalId,
    /// The stream.
    pub stream: StreamId,
    /// The position.
    pub seq: u64,
}

/// A record with its way to a published root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The position.
    pub seq: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Which leaf of the day it is, from 0.
    pub index: u64,
    /// What must be hashed in, from the leaf upwards.
    pub path: Vec<Hash>,
    /// The day's signed root.
    pub signed: Vec<u8>,
}

/// Why a record cannot be proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoEvidence {
    /// There is none.
    #[error("there is no such record here")]
    NoRecord,
    /// The day in which it, or one that belongs to it, was received has no root yet.
    #[error(
        "the record at position {seq} came on a day whose root is not published yet; ask again \
         after the hall's midnight, or run `manyi-collector roots publish`"
    )]
    NotPublished {
        /// Its position.
        seq: u64,
    },
}

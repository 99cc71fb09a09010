//! The part of the port that hands out what was counted, one by one.

use std::collections::BTreeMap;
use std::ops::Range;

use async_trait::async_trait;
use manyi_shared::domain::HallId;

use super::StoreError;

/// Reads counted records.
#[async_trait]
pub trait RecordStore: Send + Sync {
    /// The counted records of a hall whose time lies in a range of milliseconds since 1970, in the
    /// order of terminal, stream and position, after a place; at most `limit`. Each call sees its
    /// own moment of the database.
    async fn counted_records(
        &self,
        hall: HallId,
        range: Range<i64>,
        after: Option<RecordPlace>,
        limit: u32,
    ) -> Result<Vec<CountedRecord>, StoreError>;

    /// The counts of a hall in the same range that came without their records: the folds of full
    /// cards, in the order of terminal, stream and first position.
    async fn counted_folds(
        &self,
        hall: HallId,
        range: Range<i64>,
    ) -> Result<Vec<CountedFold>, StoreError>;

    /// How many bad ratings of a hall in the same range have each tag, as they now stand. A rating
    /// with several tags is counted for each.
    async fn bad_tags(
        &self,
        hall: HallId,
        range: Range<i64>,
    ) -> Result<BTreeMap<u16, u128>, StoreError>;
}

/// Where a record is: terminal, stream, position.
pub type RecordPlace = ([u8; 16], [u8; 16], i64);

/// One counted record. Nothing in it names a citizen; the case number stays out, because it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedRecord {
    /// Where it is.
    pub place: RecordPlace,
    /// The window.
    pub window: String,
    /// The department.
    pub department: String,
    /// The clerk; empty when the prompt named nobody.
    pub staff: String,
    /// The item; empty when the prompt named none.
    pub item: String,
    /// The channel's number.
    pub channel: i64,
    /// The outcome's number.
    pub outcome: i64,
    /// The level as it now stands; 0 when the outcome is no rating.
    pub level: i64,
    /// The tags as they now stand, with commas.
    pub tags: String,
    /// When, in milliseconds since 1970: as counted, at the earliest, at the latest.
    pub at_ms: (i64, i64, i64),
    /// When the centre received it.
    pub received_ms: i64,
    /// The position of the amendment that changed it last.
    pub amended_by: Option<i64>,
    /// The record's bytes, as signed.
    pub bytes: Vec<u8>,
}

/// Prompts of a fold that ended in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedFold {
    /// Where the fold begins.
    pub place: RecordPlace,
    /// The window.
    pub window: String,
    /// The department.
    pub department: String,
    /// The channel's number.
    pub channel: i64,
    /// The outcome's number.
    pub outcome: i64,
    /// The level; 0 when the outcome is no rating.
    pub level: i64,
    /// How many.
    pub n: i64,
    /// When, in milliseconds since 1970: as counted, at the earliest, at the latest.
    pub at_ms: (i64, i64, i64),
    /// When the centre received the fold.
    pub received_ms: i64,
    /// The fold's bytes, as signed.
    pub bytes: Vec<u8>,
}

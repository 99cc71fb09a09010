//! Counted records, one by one.

use std::collections::BTreeMap;
use std::ops::Range;

use async_trait::async_trait;
use manyi_shared::domain::HallId;

use super::{Db, Row, values};
use crate::store::records::{CountedFold, CountedRecord, RecordPlace, RecordStore};
use crate::store::{Database, StoreError};

#[async_trait]
impl RecordStore for Database {
    async fn counted_records(
        &self,
        hall: HallId,
        range: Range<i64>,
        after: Option<RecordPlace>,
        limit: u32,
    ) -> Result<Vec<CountedRecord>, StoreError> {
        self.read(move |db| records(db, &hall, &range, after, limit))
            .await
    }

    async fn counted_folds(
        &self,
        hall: HallId,
        range: Range<i64>,
    ) -> Result<Vec<CountedFold>, StoreError> {
        self.read(move |db| folds(db, &hall, &range)).await
    }

    async fn bad_tags(
        &self,
        hall: HallId,
        range: Range<i64>,
    ) -> Result<BTreeMap<u16, u128>, StoreError> {
        self.read(move |db| bad_tags(db, &hall, &range)).await
    }
}

/// A walk along the identity index from where the last call ended.
fn records(
    db: &Db<'_>,
    hall: &HallId,
    range: &Range<i64>,
    after: Option<RecordPlace>,
    limit: u32,
) -> Result<Vec<CountedRecord>, StoreError> {
    // Before the first record of any terminal.
    let (terminal, stream, seq) = after.unwrap_or(([0; 16], [0; 16], -1));
    db.rows(
        "SELECT terminal_id, stream_id, seq, window_id, department_id, staff_id, item_code, \
         channel, outcome, COALESCE(level, 0) AS level, COALESCE(tags, '') AS tags, at_ms, \
         earliest_ms, latest_ms, received_ms, amended_by, bytes FROM record \
         WHERE hall_id = ?1 AND outcome IS NOT NULL AND at_ms >= ?2 AND at_ms < ?3 \
         AND (terminal_id, stream_id, seq) > (?4, ?5, ?6) \
         ORDER BY terminal_id, stream_id, seq LIMIT ?7",
        values![
            hall.as_str(),
            range.start,
            range.end,
            terminal,
            stream,
            seq,
            limit
        ],
        |row| {
            Ok(CountedRecord {
                place: place(row, "seq")?,
                window: row.get("window_id")?,
                department: row.get("department_id")?,
                staff: row.get("staff_id")?,
                item: row.get("item_code")?,
                channel: row.get("channel")?,
                outcome: row.get("outcome")?,
                level: row.get("level")?,
                tags: row.get("tags")?,
                at_ms: moments(row)?,
                received_ms: row.get("received_ms")?,
                amended_by: row.get("amended_by")?,
                bytes: row.get("bytes")?,
            })
        },
    )
}

fn folds(db: &Db<'_>, hall: &HallId, range: &Range<i64>) -> Result<Vec<CountedFold>, StoreError> {
    db.rows(
        "SELECT c.terminal_id, c.stream_id, c.first, c.window_id, c.department_id, c.channel, \
         c.outcome, c.level, c.n, c.at_ms, c.earliest_ms, c.latest_ms, f.received_ms, f.bytes \
         FROM fold_count c JOIN fold f ON f.hall_id = c.hall_id \
         AND f.terminal_id = c.terminal_id AND f.stream_id = c.stream_id AND f.first = c.first \
         WHERE c.hall_id = ?1 AND c.at_ms >= ?2 AND c.at_ms < ?3 AND c.n > 0 \
         ORDER BY c.terminal_id, c.stream_id, c.first, c.entry",
        values![hall.as_str(), range.start, range.end],
        |row| {
            Ok(CountedFold {
                place: place(row, "first")?,
                window: row.get("window_id")?,
                department: row.get("department_id")?,
                channel: row.get("channel")?,
                outcome: row.get("outcome")?,
                level: row.get("level")?,
                n: row.get("n")?,
                at_ms: moments(row)?,
                received_ms: row.get("received_ms")?,
                bytes: row.get("bytes")?,
            })
        },
    )
}

/// A rating is received after it was given; a tablet's clock may be off by less than this.
const CLOCK_SLACK_MS: i64 = 86_400_000;

fn bad_tags(
    db: &Db<'_>,
    hall: &HallId,
    range: &Range<i64>,
) -> Result<BTreeMap<u16, u128>, StoreError> {
    let sql = format!(
        "SELECT tags, CAST(COUNT(*) AS BIGINT) AS n FROM record {} WHERE hall_id = ?1 \
         AND received_ms >= ?2 AND outcome = 1 AND level IN (1, 2) AND tags IS NOT NULL \
         AND at_ms >= ?3 AND at_ms < ?4 GROUP BY tags",
        db.by_index("record_by_reception")
    );
    let received = range.start.saturating_sub(CLOCK_SLACK_MS);
    let mut counts = BTreeMap::new();
    db.each(
        &sql,
        values![hall.as_str(), received, range.start, range.end],
        |row| {
            let (tags, n): (String, u64) = (row.get("tags")?, row.get("n")?);
            for tag in tags.split(',').filter(|tag| !tag.is_empty()) {
                let column = "record.tags";
                let code: u16 = tag.parse().map_err(|_| StoreError::Corrupt { column })?;
                *counts.entry(code).or_insert(0) += u128::from(n);
            }
            Ok(())
        },
    )?;
    Ok(counts)
}

fn place(row: &Row<'_>, seq: &str) -> Result<RecordPlace, StoreError> {
    Ok((
        row.get("terminal_id")?,
        row.get("stream_id")?,
        row.get(seq)?,
    ))
}

/// A record that counts has been placed in time.
fn moments(row: &Row<'_>) -> Result<(i64, i64, i64), StoreError> {
    Ok((
        row.get("at_ms")?,
        row.get("earliest_ms")?,
        row.get("latest_ms")?,
    ))
}

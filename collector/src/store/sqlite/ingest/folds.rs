//! Folds: kept as they were signed, counted by their entries.

use rusqlite::params;

use super::Of;
use crate::ingest::PlannedFold;
use crate::store::StoreError;
use crate::store::sqlite::port::capped;

impl Of<'_> {
    /// Stores a fold. With `whole`, its entries count nothing yet: how much they count follows from
    /// all that is held of the stream.
    pub(super) fn fold(
        &self,
        fold: &PlannedFold<'_>,
        signed_head: &[u8],
        whole: bool,
    ) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT INTO fold (hall_id, terminal_id, stream_id, first, last, base, head, bytes, \
                 signed_head, received_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                self.hall,
                self.terminal,
                self.stream,
                capped(fold.first),
                capped(fold.last),
                fold.base.as_bytes(),
                fold.head.as_bytes(),
                fold.bytes,
                signed_head,
                self.received_ms
            ])?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO fold_count (hall_id, terminal_id, stream_id, first, entry, at_ms, \
             earliest_ms, latest_ms, window_id, department_id, channel, outcome, level, n) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?;
        for (entry, count) in (0_i64..).zip(&fold.counts) {
            insert.execute(params![
                self.hall,
                self.terminal,
                self.stream,
                capped(fold.first),
                entry,
                count.placed.at_ms,
                count.placed.earliest_ms,
                count.placed.latest_ms,
                count.window,
                count.department,
                count.channel,
                count.outcome.number(),
                count.level.map_or(0, |level| level.number()),
                if whole { 0 } else { i64::from(count.n) }
            ])?;
        }
        Ok(())
    }
}

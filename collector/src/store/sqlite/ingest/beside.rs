//! What comes beside the outcomes: misuse, self-tests, messages.

use std::collections::BTreeMap;

use manyi_shared::wire::Misuse;
use rusqlite::params;

use super::Of;
use crate::day::day_of;
use crate::ingest::{Left, Tested};
use crate::store::StoreError;
use crate::store::sqlite::port::capped;

impl Of<'_> {
    /// The rating stays as it is; the last word about what the fingers did stands.
    pub(super) fn misuse(&self, misused: &BTreeMap<u64, Misuse>) -> Result<(), StoreError> {
        for (seq, misuse) in misused {
            self.connection
                .prepare_cached(
                    "UPDATE record SET misuse_kinds = ?1, misuse_touches = ?2, \
                     misuse_span_ms = ?3 WHERE hall_id = ?4 AND terminal_id = ?5 \
                     AND stream_id = ?6 AND seq = ?7",
                )?
                .execute(params![
                    misuse.kinds,
                    misuse.touches,
                    misuse.span_ms,
                    self.hall,
                    self.terminal,
                    self.stream,
                    capped(*seq)
                ])?;
        }
        Ok(())
    }

    /// The first arrival of a day's level stands. A tablet that did not know its day gets the
    /// hall's of when the record was sealed.
    pub(super) fn self_tests(&self, tested: &[Tested<'_>]) -> Result<(), StoreError> {
        for test in tested {
            let day = if test.day == 0 {
                day_of(test.at_ms, &self.time_zone()?).unwrap_or(0)
            } else {
                test.day
            };
            self.connection
                .prepare_cached(
                    "INSERT INTO self_test (hall_id, terminal_id, day, level, window_id, \
                     stream_id, seq, received_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    self.hall,
                    self.terminal,
                    day,
                    test.level.number(),
                    test.window,
                    self.stream,
                    capped(test.seq),
                    self.received_ms
                ])?;
        }
        Ok(())
    }

    fn time_zone(&self) -> Result<String, StoreError> {
        let sql = "SELECT time_zone FROM hall WHERE hall_id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row([self.hall], |row| row.get(0))?)
    }

    pub(super) fn messages(&self, left: &[Left<'_>]) -> Result<(), StoreError> {
        for one in left {
            let message = one.message;
            let sealed = minicbor::to_vec(&message.sealed).map_err(|_| StoreError::Corrupt {
                column: "message.sealed",
            })?;
            self.connection
                .prepare_cached(
                    "INSERT INTO message (hall_id, terminal_id, stream_id, seq, target_seq, \
                     window_id, what, sealed, at_ms, received_ms) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                )?
                .execute(params![
                    self.hall,
                    self.terminal,
                    self.stream,
                    capped(one.seq),
                    capped(message.target.get()),
                    one.window,
                    message.what.number(),
                    sealed,
                    one.at_ms,
                    self.received_ms
                ])?;
        }
        Ok(())
    }
}

//! What comes beside the outcomes: misuse, self-tests, messages.

use std::collections::BTreeMap;

use manyi_shared::wire::Misuse;

use super::Of;
use crate::day::day_of;
use crate::ingest::{Left, Tested};
use crate::store::StoreError;
use crate::store::sql::{Insert, capped, values};

impl Of<'_> {
    /// The rating stays as it is; the last word about what the fingers did stands.
    pub(super) fn misuse(&self, misused: &BTreeMap<u64, Misuse>) -> Result<(), StoreError> {
        let rows = misused.iter().map(|(seq, misuse)| {
            let seen = values![misuse.kinds, misuse.touches, misuse.span_ms];
            self.at(*seq, seen)
        });
        self.db
            .execute_many(
                "UPDATE record SET misuse_kinds = ?5, misuse_touches = ?6, misuse_span_ms = ?7 \
                 WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 AND seq = ?4",
                rows,
            )
            .map(drop)
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
            self.db.execute(
                "INSERT INTO self_test (hall_id, terminal_id, day, level, window_id, \
                 stream_id, seq, received_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
                 ON CONFLICT DO NOTHING",
                values![
                    self.hall,
                    self.terminal,
                    day,
                    test.level.number(),
                    test.window,
                    self.stream,
                    capped(test.seq),
                    self.received_ms
                ],
            )?;
        }
        Ok(())
    }

    fn time_zone(&self) -> Result<String, StoreError> {
        let sql = "SELECT time_zone FROM hall WHERE hall_id = ?1";
        self.db.one(sql, values![self.hall], |row| row.get(0))
    }

    pub(super) fn messages(&self, left: &[Left<'_>]) -> Result<(), StoreError> {
        let rows = left.iter().map(|one| {
            let message = one.message;
            let sealed = minicbor::to_vec(&message.sealed).map_err(|_| StoreError::Corrupt {
                column: "message.sealed",
            })?;
            let told = values![
                capped(message.target.get()),
                one.window,
                message.what.number(),
                sealed,
                one.at_ms,
                self.received_ms
            ];
            Ok(self.at(one.seq, told))
        });
        let rows: Vec<_> = rows.collect::<Result<_, StoreError>>()?;
        self.db.insert_many(&MESSAGE, rows).map(drop)
    }
}

const MESSAGE: Insert<'_> = Insert::into(
    "message",
    &[
        "hall_id",
        "terminal_id",
        "stream_id",
        "seq",
        "target_seq",
        "window_id",
        "what",
        "sealed",
        "at_ms",
        "received_ms",
    ],
);

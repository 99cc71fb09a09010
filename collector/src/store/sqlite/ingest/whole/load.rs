//! Reading a stream as it is stored.

use std::collections::BTreeMap;

use manyi_shared::wire::{Fold, Record, RecordBody};
use rusqlite::{OptionalExtension, Row, params};

use super::{Stored, StoredCount, StoredRow};
use crate::store::StoreError;
use crate::store::sqlite::ingest::Of;
use crate::store::sqlite::ingest::held::reason_named;

impl Stored {
    /// Reads a stream; none when there is none.
    pub(super) fn load(of: &Of<'_>) -> Result<Option<Self>, StoreError> {
        let key = params![of.hall, of.terminal, of.stream];
        let stream = of
            .connection
            .prepare_cached(
                "SELECT s.watermark, s.window_id, s.channel, COALESCE(w.department_id, '') \
                 FROM stream s LEFT JOIN service_window w ON w.hall_id = s.hall_id \
                 AND w.window_id = s.window_id \
                 WHERE s.hall_id = ?1 AND s.terminal_id = ?2 AND s.stream_id = ?3",
            )?
            .query_row(key, |row| {
                Ok(Self {
                    watermark: row.get::<_, i64>(0)?.unsigned_abs(),
                    window: row.get(1)?,
                    channel: row.get(2)?,
                    department: row.get(3)?,
                    rows: BTreeMap::new(),
                    records: BTreeMap::new(),
                    letters: BTreeMap::new(),
                    folds: Vec::new(),
                    counts: Vec::new(),
                })
            })
            .optional()?;
        let Some(mut stored) = stream else {
            return Ok(None);
        };
        stored.load_letters(of)?;
        stored.load_rows(of)?;
        stored.load_folds(of)?;
        Ok(Some(stored))
    }

    fn load_letters(&mut self, of: &Of<'_>) -> Result<(), StoreError> {
        let mut statement = of.connection.prepare_cached(
            "SELECT seq, reason FROM dead_letter WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3 AND state = 'kept'",
        )?;
        let mut rows = statement.query(params![of.hall, of.terminal, of.stream])?;
        while let Some(row) = rows.next()? {
            let reason = reason_named(&row.get::<_, String>(1)?);
            let seq = row.get::<_, i64>(0)?.unsigned_abs();
            self.letters.insert(seq, reason);
        }
        Ok(())
    }

    fn load_rows(&mut self, of: &Of<'_>) -> Result<(), StoreError> {
        let mut statement = of.connection.prepare_cached(
            "SELECT seq, bytes, kind, at_ms, outcome, level, tags, amended_by, misuse_kinds, \
             misuse_touches, misuse_span_ms, window_id, department_id, staff_id, item_code, \
             channel FROM record \
             WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 AND kind > 0 ORDER BY seq",
        )?;
        let mut rows = statement.query(params![of.hall, of.terminal, of.stream])?;
        while let Some(row) = rows.next()? {
            let seq = row.get::<_, i64>(0)?.unsigned_abs();
            let record = Record::decode(&row.get::<_, Vec<u8>>(1)?);
            let record = record.map_err(|_| StoreError::Corrupt {
                column: "record.bytes",
            })?;
            self.rows.insert(seq, stored_row(row)?);
            let opens = matches!(record.body, RecordBody::StreamOpened(_));
            if seq > 1 || opens {
                self.records.insert(seq, record);
            }
        }
        Ok(())
    }

    fn load_folds(&mut self, of: &Of<'_>) -> Result<(), StoreError> {
        let mut statement = of.connection.prepare_cached(
            "SELECT first, bytes FROM fold WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3 ORDER BY first",
        )?;
        let mut counts = of.connection.prepare_cached(
            "SELECT entry, at_ms, window_id, department_id, channel, outcome, level, n \
             FROM fold_count WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 \
             AND first = ?4 ORDER BY entry",
        )?;
        let mut rows = statement.query(params![of.hall, of.terminal, of.stream])?;
        while let Some(row) = rows.next()? {
            let first: i64 = row.get(0)?;
            let fold = self.folds.len();
            let bytes: Vec<u8> = row.get(1)?;
            let corrupt = |_| StoreError::Corrupt {
                column: "fold.bytes",
            };
            self.folds.push(Fold::from_bytes(&bytes).map_err(corrupt)?);
            let entries =
                counts.query_map(params![of.hall, of.terminal, of.stream, first], |row| {
                    Ok(StoredCount {
                        fold,
                        first,
                        entry: row.get::<_, usize>(0)?,
                        slot: crate::ingest::slot_of(row.get(1)?),
                        window: row.get(2)?,
                        department: row.get(3)?,
                        channel: row.get(4)?,
                        outcome: row.get(5)?,
                        level: row.get(6)?,
                        n: row.get(7)?,
                    })
                })?;
            for entry in entries {
                self.counts.push(entry?);
            }
        }
        Ok(())
    }
}

fn stored_row(row: &Row<'_>) -> Result<StoredRow, StoreError> {
    let misuse: (Option<u8>, Option<u16>, Option<u32>) = (row.get(8)?, row.get(9)?, row.get(10)?);
    let window: Option<String> = row.get(11)?;
    let place = match window {
        Some(window) => Some((
            window,
            row.get(12)?,
            row.get(13)?,
            row.get(14)?,
            row.get(15)?,
        )),
        None => None,
    };
    Ok(StoredRow {
        at_ms: row.get(3)?,
        outcome: row.get(4)?,
        counts: row.get::<_, Option<u8>>(4)?.is_some(),
        level: row.get(5)?,
        tags: row.get(6)?,
        amended_by: row.get::<_, Option<i64>>(7)?.map(i64::unsigned_abs),
        misuse: match misuse {
            (Some(kinds), Some(touches), Some(span_ms)) => Some((kinds, touches, span_ms)),
            _ => None,
        },
        place,
    })
}

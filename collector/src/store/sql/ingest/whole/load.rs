//! Reading a stream as it is stored.

use std::collections::BTreeMap;

use manyi_shared::wire::{Fold, Record, RecordBody};

use super::{Stored, StoredCount, StoredRow};
use crate::store::StoreError;
use crate::store::sql::ingest::Of;
use crate::store::sql::ingest::held::reason_named;
use crate::store::sql::{Row, values};

impl Stored {
    /// Reads a stream; none when there is none.
    pub(super) fn load(of: &Of<'_>) -> Result<Option<Self>, StoreError> {
        let stream = of.db.row(
            "SELECT s.watermark, s.window_id, s.channel, COALESCE(w.department_id, '') \
             FROM stream s LEFT JOIN service_window w ON w.hall_id = s.hall_id \
             AND w.window_id = s.window_id \
             WHERE s.hall_id = ?1 AND s.terminal_id = ?2 AND s.stream_id = ?3",
            values![of.hall, of.terminal, of.stream],
            |row| {
                Ok(Self {
                    watermark: row.get::<i64>(0)?.unsigned_abs(),
                    window: row.get(1)?,
                    channel: row.get(2)?,
                    department: row.get(3)?,
                    rows: BTreeMap::new(),
                    records: BTreeMap::new(),
                    letters: BTreeMap::new(),
                    folds: Vec::new(),
                    counts: Vec::new(),
                })
            },
        )?;
        let Some(mut stored) = stream else {
            return Ok(None);
        };
        stored.load_letters(of)?;
        stored.load_rows(of)?;
        stored.load_folds(of)?;
        Ok(Some(stored))
    }

    fn load_letters(&mut self, of: &Of<'_>) -> Result<(), StoreError> {
        of.db.each(
            "SELECT seq, reason FROM dead_letter WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3 AND state = 'kept'",
            values![of.hall, of.terminal, of.stream],
            |row| {
                let seq = row.get::<i64>(0)?.unsigned_abs();
                self.letters.insert(seq, reason_named(row.get(1)?));
                Ok(())
            },
        )
    }

    fn load_rows(&mut self, of: &Of<'_>) -> Result<(), StoreError> {
        of.db.each(
            "SELECT seq, bytes, kind, at_ms, outcome, level, tags, amended_by, misuse_kinds, \
             misuse_touches, misuse_span_ms, window_id, department_id, staff_id, item_code, \
             channel FROM record \
             WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 AND kind > 0 ORDER BY seq",
            values![of.hall, of.terminal, of.stream],
            |row| {
                let seq = row.get::<i64>(0)?.unsigned_abs();
                let record = Record::decode(row.get(1)?).map_err(|_| StoreError::Corrupt {
                    column: "record.bytes",
                })?;
                self.rows.insert(seq, stored_row(row)?);
                let opens = matches!(record.body, RecordBody::StreamOpened(_));
                if seq > 1 || opens {
                    self.records.insert(seq, record);
                }
                Ok(())
            },
        )
    }

    fn load_folds(&mut self, of: &Of<'_>) -> Result<(), StoreError> {
        let folds = of.db.rows(
            "SELECT first, bytes FROM fold WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3 ORDER BY first",
            values![of.hall, of.terminal, of.stream],
            |row| {
                let fold = Fold::from_bytes(row.get(1)?).map_err(|_| StoreError::Corrupt {
                    column: "fold.bytes",
                })?;
                Ok((row.get::<i64>(0)?, fold))
            },
        )?;
        for (index, (first, fold)) in folds.into_iter().enumerate() {
            self.counts.extend(counts(of, index, first)?);
            self.folds.push(fold);
        }
        Ok(())
    }
}

/// The entries of a fold as they count.
fn counts(of: &Of<'_>, fold: usize, first: i64) -> Result<Vec<StoredCount>, StoreError> {
    of.db.rows(
        "SELECT entry, at_ms, window_id, department_id, channel, outcome, level, n \
         FROM fold_count WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 \
         AND first = ?4 ORDER BY entry",
        values![of.hall, of.terminal, of.stream, first],
        |row| {
            Ok(StoredCount {
                fold,
                first,
                entry: row.get(0)?,
                slot: crate::ingest::slot_of(row.get(1)?),
                window: row.get(2)?,
                department: row.get(3)?,
                channel: row.get(4)?,
                outcome: row.get(5)?,
                level: row.get(6)?,
                n: row.get(7)?,
            })
        },
    )
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
        counts: row.get::<Option<u8>>(4)?.is_some(),
        level: row.get(5)?,
        tags: row.get(6)?,
        amended_by: row.get::<Option<i64>>(7)?.map(i64::unsigned_abs),
        misuse: match misuse {
            (Some(kinds), Some(touches), Some(span_ms)) => Some((kinds, touches, span_ms)),
            _ => None,
        },
        place,
    })
}

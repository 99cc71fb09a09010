//! The parts of `record`, one for each month.
//!
//! A record belongs to the month in which the first of its stream was received, so all of a stream
//! are in one part, and a position of a stream is one position: the key that keeps it so is (hall,
//! terminal, stream, position, part). A part is made when the first reception of its month comes,
//! and the next two months' with it; a part that could not be made is no harm, because its records
//! then go to `record_other`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::store::StoreError;
use crate::store::part::{following, part_of};
use crate::store::sql::{Db, values};

/// Months ahead for which parts are made.
const AHEAD: usize = 2;

/// Which parts are known to be there.
#[derive(Debug, Default)]
pub(super) struct Parts {
    known: Mutex<BTreeSet<i64>>,
}

impl Parts {
    /// Whether nothing needs to be made for what is received then.
    pub(super) fn ready_for(&self, received_ms: i64) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(&part_of(received_ms))
    }

    /// Parts were made for what is received then.
    pub(super) fn note(&self, received_ms: i64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(part_of(received_ms));
    }
}

/// Makes the part for what is received then, and those of the months after it.
///
/// # Errors
/// When the database fails; records find their place all the same.
pub(super) fn make(db: &Db<'_>, received_ms: i64) -> Result<(), StoreError> {
    let mut part = part_of(received_ms);
    for _ in 0..=AHEAD {
        let next = following(part);
        let name = format!("record_{part}");
        let there = "SELECT 1 FROM pg_class WHERE oid = to_regclass(?1)";
        // What came while the part could not be made stays where it is.
        let taken = "SELECT 1 FROM record_other WHERE part = ?1 LIMIT 1";
        if !db.exists(there, values![&name])? && !db.exists(taken, values![part])? {
            let sql = format!(
                "CREATE TABLE {name} PARTITION OF record FOR VALUES FROM ({part}) TO ({next})"
            );
            db.execute(&sql, values![])?;
        }
        part = next;
    }
    Ok(())
}

//! Schema versions. `PRAGMA user_version` counts the migrations that have run.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::store::StoreError;
use crate::store::migrations::{KNOWN, MIGRATIONS};

/// Runs the migrations that the file has not seen, each in its own transaction.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    for (version, sql) in (1_i64..).zip(MIGRATIONS) {
        // The version is read under the write lock: two programs starting at once agree.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found > KNOWN {
            return Err(StoreError::Newer {
                place: path.display().to_string(),
                found,
                known: KNOWN,
            });
        }
        if found < version {
            transaction.execute_batch(sql)?;
            transaction.pragma_update(None, "user_version", version)?;
            transaction.commit()?;
        }
    }
    Ok(())
}

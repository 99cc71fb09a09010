//! Schema versions. `PRAGMA user_version` counts the migrations that have run.
//!
//! A migration that was released is never changed; a new one is added at the end.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::store::StoreError;

const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/V1__first.sql"),
    include_str!("../../../migrations/V2__tablet_pages.sql"),
    include_str!("../../../migrations/V3__faults.sql"),
    include_str!("../../../migrations/V4__proof.sql"),
    include_str!("../../../migrations/V5__suites.sql"),
    include_str!("../../../migrations/V6__rollups.sql"),
    include_str!("../../../migrations/V7__access.sql"),
    include_str!("../../../migrations/V8__fleet.sql"),
    include_str!("../../../migrations/V9__office.sql"),
    include_str!("../../../migrations/V10__marks.sql"),
    include_str!("../../../migrations/V11__store.sql"),
];

/// Runs the migrations that the file has not seen, each in its own transaction.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    for (version, sql) in (1_i64..).zip(MIGRATIONS) {
        // The version is read under the write lock: two programs starting at once agree.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found > known {
            return Err(StoreError::Newer {
                path: path.to_owned(),
                found,
                known,
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

//! Keys that rotate and terminals that are replaced.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, TerminalId, WindowId};
use manyi_shared::wire::PublicKey;
use rusqlite::{Connection, params};

use super::SqliteStore;
use crate::store::{IdentityStore, StoreError};

#[async_trait]
impl IdentityStore for SqliteStore {
    async fn note_next_key(&self, id: TerminalId, key: PublicKey) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection.execute(
                "UPDATE terminal SET next_key = ?1 WHERE terminal_id = ?2 AND public_key <> ?1",
                params![key.as_bytes(), id.as_bytes()],
            )?;
            Ok(())
        })
        .await
    }

    async fn adopt_next_key(
        &self,
        id: TerminalId,
        key: PublicKey,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.write(move |connection| adopt(connection, id, &key, now_ms))
            .await
    }

    async fn want_rotation(&self, id: TerminalId) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let changed = connection.execute(
                "UPDATE terminal SET rotate_wanted = 1 WHERE terminal_id = ?1 \
                 AND state = 'active'",
                [id.as_bytes()],
            )?;
            Ok(changed > 0)
        })
        .await
    }

    async fn standing_at(
        &self,
        hall: HallId,
        window: WindowId,
    ) -> Result<Vec<TerminalId>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT terminal_id FROM terminal WHERE hall_id = ?1 AND window_id = ?2 \
                 AND state = 'active' ORDER BY enrolled_ms",
            )?;
            let rows = statement.query_map([hall.as_str(), window.as_str()], |row| {
                Ok(TerminalId::from_bytes(row.get(0)?))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}

/// Nothing happens when the key is in force already: two exchanges may come at once.
fn adopt(
    connection: &Connection,
    id: TerminalId,
    key: &PublicKey,
    now_ms: i64,
) -> Result<(), StoreError> {
    let which = params![id.as_bytes(), key.as_bytes(), now_ms];
    connection.execute(
        "INSERT INTO former_key (hall_id, terminal_id, public_key, until_ms) \
         SELECT hall_id, terminal_id, public_key, ?3 FROM terminal WHERE terminal_id = ?1 \
         AND next_key = ?2 ON CONFLICT DO NOTHING",
        which,
    )?;
    connection.execute(
        "UPDATE terminal SET public_key = next_key, next_key = NULL, rotate_wanted = 0 \
         WHERE terminal_id = ?1 AND next_key = ?2",
        params![id.as_bytes(), key.as_bytes()],
    )?;
    Ok(())
}

/// Everyone who stands at a window steps back for the one that was enrolled there now.
pub(super) fn replace(
    connection: &Connection,
    place: (&str, &str),
    by: TerminalId,
    now_ms: i64,
) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE terminal SET state = 'replaced', replaced_ms = ?1, replaced_by = ?2 \
         WHERE hall_id = ?3 AND window_id = ?4 AND state = 'active' AND terminal_id <> ?2",
        params![now_ms, by.as_bytes(), place.0, place.1],
    )?;
    Ok(())
}

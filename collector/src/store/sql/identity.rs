//! Keys that rotate and terminals that are replaced.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, TerminalId, WindowId};
use manyi_shared::wire::PublicKey;

use super::{Db, values};
use crate::store::{Database, IdentityStore, StoreError};

#[async_trait]
impl IdentityStore for Database {
    async fn note_next_key(&self, id: TerminalId, key: PublicKey) -> Result<(), StoreError> {
        self.write(move |db| {
            db.execute(
                "UPDATE terminal SET next_key = ?1 WHERE terminal_id = ?2 AND public_key <> ?1",
                values![key.as_bytes(), id.as_bytes()],
            )
            .map(drop)
        })
        .await
    }

    async fn adopt_next_key(
        &self,
        id: TerminalId,
        key: PublicKey,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.write(move |db| adopt(db, id, &key, now_ms)).await
    }

    async fn want_rotation(&self, id: TerminalId) -> Result<bool, StoreError> {
        self.write(move |db| {
            let changed = db.execute(
                "UPDATE terminal SET rotate_wanted = 1 WHERE terminal_id = ?1 \
                 AND state = 'active'",
                values![id.as_bytes()],
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
        self.read(move |db| {
            db.rows(
                "SELECT terminal_id FROM terminal WHERE hall_id = ?1 AND window_id = ?2 \
                 AND state = 'active' ORDER BY enrolled_ms",
                values![hall.as_str(), window.as_str()],
                |row| Ok(TerminalId::from_bytes(row.get(0)?)),
            )
        })
        .await
    }
}

/// Nothing happens when the key is in force already: two exchanges may come at once.
fn adopt(db: &Db<'_>, id: TerminalId, key: &PublicKey, now_ms: i64) -> Result<(), StoreError> {
    let which = "SELECT hall_id FROM terminal WHERE terminal_id = ?1";
    let hall = db.row(which, values![id.as_bytes()], |row| row.get::<String>(0))?;
    let Some(hall) = hall else {
        return Ok(());
    };
    db.lock_terminal(&hall, id)?;
    let former = db.row(
        "SELECT public_key FROM terminal WHERE hall_id = ?1 AND terminal_id = ?2 \
         AND next_key = ?3",
        values![&hall, id.as_bytes(), key.as_bytes()],
        |row| row.get::<Vec<u8>>(0),
    )?;
    let Some(former) = former else {
        return Ok(());
    };
    db.execute(
        "INSERT INTO former_key (hall_id, terminal_id, public_key, until_ms) \
         VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        values![&hall, id.as_bytes(), former, now_ms],
    )?;
    db.execute(
        "UPDATE terminal SET public_key = next_key, next_key = NULL, rotate_wanted = 0 \
         WHERE hall_id = ?1 AND terminal_id = ?2 AND next_key = ?3",
        values![&hall, id.as_bytes(), key.as_bytes()],
    )
    .map(drop)
}

/// Everyone who stands at a window steps back for the one that was enrolled there now.
pub(crate) fn replace(
    db: &Db<'_>,
    place: (&str, &str),
    by: TerminalId,
    now_ms: i64,
) -> Result<(), StoreError> {
    db.execute(
        "UPDATE terminal SET state = 'replaced', replaced_ms = ?1, replaced_by = ?2 \
         WHERE hall_id = ?3 AND window_id = ?4 AND state = 'active' AND terminal_id <> ?2",
        values![now_ms, by.as_bytes(), place.0, place.1],
    )
    .map(drop)
}

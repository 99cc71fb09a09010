//! What profiles say beyond the tables: options, files, PINs, pauses, the office's key.
//!
//! Whatever changes here counts the hall's profile version up in the same transaction, so no
//! terminal goes on with what was before.

use manyi_shared::domain::{HallId, WindowId};
use manyi_shared::wire::{AssetDigest, AssetKind};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::hall::{HallTables, WindowOptions};
use crate::store::sqlite::hall::version;
use crate::store::{ProfileSource, ResumeRefused, StoreError};

/// Profiles of the hall have a new version.
pub(super) fn count_up(connection: &Connection, hall: &str) -> Result<u32, StoreError> {
    connection.execute(
        "UPDATE hall SET profile_version = profile_version + 1 WHERE hall_id = ?1",
        [hall],
    )?;
    version(connection, hall)
}

/// Replaces options and files by those of an import, and forgets what was set for windows that are
/// gone.
pub(super) fn replace(connection: &Connection, tables: &HallTables) -> Result<(), StoreError> {
    let hall = tables.hall.id.as_str();
    for table in ["window_options", "asset"] {
        connection.execute(&format!("DELETE FROM {table} WHERE hall_id = ?1"), [hall])?;
    }
    if let Some(options) = &tables.options.hall {
        insert(connection, hall, "", options)?;
    }
    for (window, options) in &tables.options.windows {
        insert(connection, hall, window.as_str(), options)?;
    }
    for asset in &tables.assets {
        let kind = match asset.kind {
            AssetKind::Picture => "picture",
            AssetKind::Sound => "sound",
        };
        connection.execute(
            "INSERT INTO asset (hall_id, digest, kind, bytes) VALUES (?1, ?2, ?3, ?4)",
            params![hall, asset.digest, kind, asset.bytes],
        )?;
    }
    for table in ["technician_pin", "window_pause"] {
        connection.execute(
            &format!(
                "DELETE FROM {table} WHERE hall_id = ?1 AND window_id <> '' AND window_id NOT IN \
                 (SELECT window_id FROM service_window WHERE hall_id = ?1)"
            ),
            [hall],
        )?;
    }
    Ok(())
}

fn insert(
    connection: &Connection,
    hall: &str,
    window: &str,
    own: &WindowOptions,
) -> Result<(), StoreError> {
    let options = minicbor::to_vec(&own.options).map_err(|_| CORRUPT)?;
    connection
        .prepare_cached(
            "INSERT INTO window_options (hall_id, window_id, options, ask_seconds, \
             reasons_seconds, thanks_seconds, guard_ms, mirrored, ask_reasons, keep_records) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            hall,
            window,
            options,
            own.ask_seconds,
            own.reasons_seconds,
            own.thanks_seconds,
            own.guard_ms,
            own.mirrored,
            own.ask_reasons,
            own.keep_records
        ])?;
    Ok(())
}

const CORRUPT: StoreError = StoreError::Corrupt {
    column: "window_options.options",
};

/// Adds to a profile's source what is kept here.
pub(super) fn add(connection: &Connection, source: &mut ProfileSource) -> Result<(), StoreError> {
    let key = [source.hall.as_str(), source.window.as_str()];
    source.options = of_window(connection, key)?;
    source.technician_pin = connection
        .prepare_cached(
            "SELECT hash FROM technician_pin WHERE hall_id = ?1 AND window_id IN (?2, '') \
             ORDER BY window_id DESC LIMIT 1",
        )?
        .query_row(key, |row| row.get(0))
        .optional()?;
    source.paused = paused(connection, key)?;
    source.office_key = newest_key(connection)?;
    Ok(())
}

fn paused(connection: &Connection, key: [&str; 2]) -> Result<Option<String>, StoreError> {
    let sql = "SELECT text FROM window_pause WHERE hall_id = ?1 AND window_id = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(key, |row| row.get(0)).optional()?)
}

fn newest_key(connection: &Connection) -> Result<Option<[u8; 32]>, StoreError> {
    let sql = "SELECT public_key FROM office_key ORDER BY adopted_ms DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?)
}

/// The options of a window: its own row, else the hall's.
pub(in crate::store::sqlite) fn of_window(
    connection: &Connection,
    key: [&str; 2],
) -> Result<WindowOptions, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT options, ask_seconds, reasons_seconds, thanks_seconds, guard_ms, mirrored, \
         ask_reasons, keep_records FROM window_options WHERE hall_id = ?1 \
         AND window_id IN (?2, '') ORDER BY window_id DESC LIMIT 1",
    )?;
    let found = statement.query_row(key, |row: &Row<'_>| {
        let options = WindowOptions {
            ask_seconds: row.get(1)?,
            reasons_seconds: row.get(2)?,
            thanks_seconds: row.get(3)?,
            guard_ms: row.get(4)?,
            mirrored: row.get(5)?,
            ask_reasons: row.get(6)?,
            keep_records: row.get(7)?,
            ..WindowOptions::default()
        };
        Ok((options, row.get::<_, Vec<u8>>(0)?))
    });
    let Some((mut own, bytes)) = found.optional()? else {
        return Ok(WindowOptions::default());
    };
    own.options = minicbor::decode(&bytes).map_err(|_| CORRUPT)?;
    Ok(own)
}

/// A file of a hall.
pub(in crate::store::sqlite) fn asset(
    connection: &Connection,
    hall: &HallId,
    digest: &AssetDigest,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT bytes FROM asset WHERE hall_id = ?1 AND digest = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![hall.as_str(), digest], |row| row.get(0));
    Ok(found.optional()?)
}

/// Makes this the key that messages are sealed to from now on; tells whether it is another.
pub(in crate::store::sqlite) fn adopt_key(
    connection: &Connection,
    key: &[u8; 32],
    now_ms: i64,
) -> Result<bool, StoreError> {
    if newest_key(connection)?.as_ref() == Some(key) {
        return Ok(false);
    }
    // Never earlier than the one before, whatever the clock says: the newest is the one in use.
    connection.execute(
        "INSERT INTO office_key (public_key, adopted_ms) VALUES (?1, MAX(?2, \
         (SELECT COALESCE(MAX(adopted_ms), 0) + 1 FROM office_key))) \
         ON CONFLICT (public_key) DO UPDATE SET adopted_ms = excluded.adopted_ms",
        params![key, now_ms],
    )?;
    connection.execute("UPDATE hall SET profile_version = profile_version + 1", [])?;
    Ok(true)
}

/// Keeps or removes the PIN of a window, or of a hall's windows that have none of their own.
pub(in crate::store::sqlite) fn set_pin(
    connection: &Connection,
    hall: &HallId,
    window: Option<&WindowId>,
    hash: Option<&str>,
) -> Result<u32, StoreError> {
    let key = [hall.as_str(), window.map_or("", WindowId::as_str)];
    let removed = connection.execute(
        "DELETE FROM technician_pin WHERE hall_id = ?1 AND window_id = ?2",
        key,
    )?;
    if removed == 0 && hash.is_none() {
        return version(connection, hall.as_str());
    }
    if let Some(hash) = hash {
        connection.execute(
            "INSERT INTO technician_pin (hall_id, window_id, hash) VALUES (?1, ?2, ?3)",
            params![key[0], key[1], hash],
        )?;
    }
    count_up(connection, hall.as_str())
}

/// Pauses a window; again with another text changes the text.
pub(in crate::store::sqlite) fn pause(
    connection: &Connection,
    hall: &HallId,
    window: &WindowId,
    text: &str,
) -> Result<u32, StoreError> {
    let key = [hall.as_str(), window.as_str()];
    if paused(connection, key)?.as_deref() == Some(text) {
        return version(connection, hall.as_str());
    }
    connection.execute(
        "INSERT INTO window_pause (hall_id, window_id, text) VALUES (?1, ?2, ?3) \
         ON CONFLICT (hall_id, window_id) DO UPDATE SET text = excluded.text",
        params![key[0], key[1], text],
    )?;
    count_up(connection, hall.as_str())
}

/// Ends a pause by command.
pub(in crate::store::sqlite) fn resume(
    connection: &Connection,
    hall: &HallId,
    window: &WindowId,
) -> Result<Result<u32, ResumeRefused>, StoreError> {
    let key = [hall.as_str(), window.as_str()];
    let ended = connection.execute(
        "DELETE FROM window_pause WHERE hall_id = ?1 AND window_id = ?2",
        key,
    )?;
    let now = if ended > 0 {
        count_up(connection, hall.as_str())?
    } else {
        version(connection, hall.as_str())?
    };
    if of_window(connection, key)?.options.paused.is_some() {
        return Ok(Err(ResumeRefused::ByFile));
    }
    Ok(if ended > 0 {
        Ok(now)
    } else {
        Err(ResumeRefused::NotPaused)
    })
}

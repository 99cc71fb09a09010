//! What profiles say beyond the tables: options, files, PINs, pauses, the office's key.
//!
//! Whatever changes here counts the hall's profile version up in the same transaction, so no
//! terminal goes on with what was before.

use manyi_shared::domain::{HallId, WindowId};
use manyi_shared::wire::{AssetDigest, AssetKind};

use super::version;
use crate::hall::{HallTables, WindowOptions};
use crate::store::sql::{Db, Insert, values};
use crate::store::{ProfileSource, ResumeRefused, StoreError};

/// Profiles of the hall have a new version.
pub(crate) fn count_up(db: &Db<'_>, hall: &str) -> Result<u32, StoreError> {
    db.execute(
        "UPDATE hall SET profile_version = profile_version + 1 WHERE hall_id = ?1",
        values![hall],
    )?;
    version(db, hall)
}

/// Replaces options and files by those of an import, and forgets what was set for windows that are
/// gone.
pub(super) fn replace(db: &Db<'_>, tables: &HallTables) -> Result<(), StoreError> {
    let hall = tables.hall.id.as_str();
    for table in ["window_options", "asset"] {
        let sql = format!("DELETE FROM {table} WHERE hall_id = ?1");
        db.execute(&sql, values![hall])?;
    }
    if let Some(options) = &tables.options.hall {
        insert(db, hall, "", options)?;
    }
    for (window, options) in &tables.options.windows {
        insert(db, hall, window.as_str(), options)?;
    }
    let assets = tables.assets.iter().map(|asset| {
        let kind = match asset.kind {
            AssetKind::Picture => "picture",
            AssetKind::Sound => "sound",
        };
        values![hall, &asset.digest, kind, &asset.bytes].to_vec()
    });
    let columns = ["hall_id", "digest", "kind", "bytes"];
    db.insert_many(&Insert::into("asset", &columns), assets)?;
    for table in ["technician_pin", "window_pause"] {
        let sql = format!(
            "DELETE FROM {table} WHERE hall_id = ?1 AND window_id <> '' AND window_id NOT IN \
             (SELECT window_id FROM service_window WHERE hall_id = ?1)"
        );
        db.execute(&sql, values![hall])?;
    }
    Ok(())
}

fn insert(db: &Db<'_>, hall: &str, window: &str, own: &WindowOptions) -> Result<(), StoreError> {
    let options = minicbor::to_vec(&own.options).map_err(|_| CORRUPT)?;
    db.execute(
        "INSERT INTO window_options (hall_id, window_id, options, ask_seconds, \
         reasons_seconds, thanks_seconds, guard_ms, mirrored, ask_reasons, keep_records) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        values![
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
        ],
    )
    .map(drop)
}

const CORRUPT: StoreError = StoreError::Corrupt {
    column: "window_options.options",
};

/// Adds to a profile's source what is kept here.
pub(super) fn add(db: &Db<'_>, source: &mut ProfileSource) -> Result<(), StoreError> {
    let key = [source.hall.as_str(), source.window.as_str()];
    source.options = of_window(db, key)?;
    source.technician_pin = db.row(
        "SELECT hash FROM technician_pin WHERE hall_id = ?1 AND window_id IN (?2, '') \
         ORDER BY window_id DESC LIMIT 1",
        values![key[0], key[1]],
        |row| row.get(0),
    )?;
    source.paused = paused(db, key)?;
    source.office_key = newest_key(db)?;
    Ok(())
}

fn paused(db: &Db<'_>, [hall, window]: [&str; 2]) -> Result<Option<String>, StoreError> {
    let sql = "SELECT text FROM window_pause WHERE hall_id = ?1 AND window_id = ?2";
    db.row(sql, values![hall, window], |row| row.get(0))
}

fn newest_key(db: &Db<'_>) -> Result<Option<[u8; 32]>, StoreError> {
    let sql = "SELECT public_key FROM office_key ORDER BY adopted_ms DESC LIMIT 1";
    db.row(sql, &[], |row| row.get(0))
}

/// The options of a window: its own row, else the hall's.
pub(crate) fn of_window(
    db: &Db<'_>,
    [hall, window]: [&str; 2],
) -> Result<WindowOptions, StoreError> {
    let found = db.row(
        "SELECT options, ask_seconds, reasons_seconds, thanks_seconds, guard_ms, mirrored, \
         ask_reasons, keep_records FROM window_options WHERE hall_id = ?1 \
         AND window_id IN (?2, '') ORDER BY window_id DESC LIMIT 1",
        values![hall, window],
        |row| {
            Ok(WindowOptions {
                options: minicbor::decode(row.get(0)?).map_err(|_| CORRUPT)?,
                ask_seconds: row.get(1)?,
                reasons_seconds: row.get(2)?,
                thanks_seconds: row.get(3)?,
                guard_ms: row.get(4)?,
                mirrored: row.get(5)?,
                ask_reasons: row.get(6)?,
                keep_records: row.get(7)?,
            })
        },
    )?;
    Ok(found.unwrap_or_default())
}

/// A file of a hall.
pub(crate) fn asset(
    db: &Db<'_>,
    hall: &HallId,
    digest: &AssetDigest,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT bytes FROM asset WHERE hall_id = ?1 AND digest = ?2";
    db.row(sql, values![hall.as_str(), digest], |row| row.get(0))
}

/// Makes this the key that messages are sealed to from now on; tells whether it is another.
pub(crate) fn adopt_key(db: &Db<'_>, key: &[u8; 32], now_ms: i64) -> Result<bool, StoreError> {
    db.lock_name("office_key")?;
    if newest_key(db)?.as_ref() == Some(key) {
        return Ok(false);
    }
    // Never earlier than the one before, whatever the clock says: the newest is the one in use.
    let last = "SELECT COALESCE(MAX(adopted_ms), 0) FROM office_key";
    let last: i64 = db.one(last, &[], |row| row.get(0))?;
    db.execute(
        "INSERT INTO office_key (public_key, adopted_ms) VALUES (?1, ?2) \
         ON CONFLICT (public_key) DO UPDATE SET adopted_ms = excluded.adopted_ms",
        values![key, now_ms.max(last.saturating_add(1))],
    )?;
    let sql = "UPDATE hall SET profile_version = profile_version + 1";
    db.execute(sql, &[])?;
    Ok(true)
}

/// Keeps or removes the PIN of a window, or of a hall's windows that have none of their own.
pub(crate) fn set_pin(
    db: &Db<'_>,
    hall: &HallId,
    window: Option<&WindowId>,
    hash: Option<&str>,
) -> Result<u32, StoreError> {
    let window = window.map_or("", WindowId::as_str);
    db.lock_hall(hall.as_str())?;
    let removed = db.execute(
        "DELETE FROM technician_pin WHERE hall_id = ?1 AND window_id = ?2",
        values![hall.as_str(), window],
    )?;
    if removed == 0 && hash.is_none() {
        return version(db, hall.as_str());
    }
    if let Some(hash) = hash {
        db.execute(
            "INSERT INTO technician_pin (hall_id, window_id, hash) VALUES (?1, ?2, ?3)",
            values![hall.as_str(), window, hash],
        )?;
    }
    count_up(db, hall.as_str())
}

/// Pauses a window; again with another text changes the text.
pub(crate) fn pause(
    db: &Db<'_>,
    hall: &HallId,
    window: &WindowId,
    text: &str,
) -> Result<u32, StoreError> {
    let key = [hall.as_str(), window.as_str()];
    db.lock_hall(hall.as_str())?;
    if paused(db, key)?.as_deref() == Some(text) {
        return version(db, hall.as_str());
    }
    db.execute(
        "INSERT INTO window_pause (hall_id, window_id, text) VALUES (?1, ?2, ?3) \
         ON CONFLICT (hall_id, window_id) DO UPDATE SET text = excluded.text",
        values![key[0], key[1], text],
    )?;
    count_up(db, hall.as_str())
}

/// Ends a pause by command.
pub(crate) fn resume(
    db: &Db<'_>,
    hall: &HallId,
    window: &WindowId,
) -> Result<Result<u32, ResumeRefused>, StoreError> {
    let key = [hall.as_str(), window.as_str()];
    db.lock_hall(hall.as_str())?;
    let ended = db.execute(
        "DELETE FROM window_pause WHERE hall_id = ?1 AND window_id = ?2",
        values![key[0], key[1]],
    )?;
    let now = if ended > 0 {
        count_up(db, hall.as_str())?
    } else {
        version(db, hall.as_str())?
    };
    if of_window(db, key)?.options.paused.is_some() {
        return Ok(Err(ResumeRefused::ByFile));
    }
    Ok(if ended > 0 {
        Ok(now)
    } else {
        Err(ResumeRefused::NotPaused)
    })
}

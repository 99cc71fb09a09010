//! Halls: import of an office's tables, lists, profiles.

pub(super) mod options;

use manyi_shared::domain::{HallId, WindowId};
use manyi_shared::wire::{ProfileItem, ProfileStaff};
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::port::{code, number};
use crate::hall::{HallTables, WindowOptions};
use crate::store::{HallSummary, ImportRefused, Imported, ProfileSource, StoreError};

/// Replaces a hall's tables. Runs in one transaction: nothing is half-imported.
pub(super) fn import(
    connection: &Connection,
    tables: &HallTables,
) -> Result<Result<Imported, ImportRefused>, StoreError> {
    let hall = tables.hall.id.as_str();
    let keeps = |window: &String| tables.windows.iter().any(|w| w.id.as_str() == window);
    let gone = |sql: &str| -> Result<Vec<WindowId>, StoreError> {
        let windows = strings(connection, sql, [hall])?;
        let gone = windows.iter().filter(|window| !keeps(window));
        gone.map(|window| code(window, "service_window.window_id"))
            .collect()
    };
    let in_use = gone(
        "SELECT DISTINCT window_id FROM terminal WHERE hall_id = ?1 AND state = 'active' \
         ORDER BY window_id",
    )?;
    if !in_use.is_empty() {
        return Ok(Err(ImportRefused::WindowsInUse { windows: in_use }));
    }
    let removed_windows =
        gone("SELECT window_id FROM service_window WHERE hall_id = ?1 ORDER BY window_id")?;

    let before = contents(connection, hall)?;
    replace(connection, tables)?;
    let changed = before != contents(connection, hall)?;
    let profile_version = if changed {
        options::count_up(connection, hall)?
    } else {
        version(connection, hall)?
    };
    Ok(Ok(Imported {
        changed,
        profile_version,
        removed_windows,
    }))
}

/// The version of a hall's profiles.
fn version(connection: &Connection, hall: &str) -> Result<u32, StoreError> {
    let sql = "SELECT profile_version FROM hall WHERE hall_id = ?1";
    let version: i64 = connection.query_row(sql, [hall], |row| row.get(0))?;
    number(version, "hall.profile_version")
}

fn strings(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params, |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Everything an import can change, one line a row, for comparing before with after.
fn contents(connection: &Connection, hall: &str) -> Result<Vec<String>, StoreError> {
    strings(
        connection,
        "SELECT json_array('h', name, region_code, time_zone, contact) FROM hall \
         WHERE hall_id = ?1 \
         UNION ALL SELECT json_array('d', department_id, name) FROM department WHERE hall_id = ?1 \
         UNION ALL SELECT json_array('s', staff_id, name, post, department_id, \
         stars, HEX(photo)) FROM staff \
         WHERE hall_id = ?1 \
         UNION ALL SELECT json_array('w', window_id, block, number, name, department_id, staff_id) \
         FROM service_window WHERE hall_id = ?1 \
         UNION ALL SELECT json_array('i', item_code, name, department_id) FROM item \
         WHERE hall_id = ?1 \
         UNION ALL SELECT json_array('o', window_id, HEX(options), ask_seconds, reasons_seconds, \
         thanks_seconds, guard_ms, mirrored, ask_reasons, keep_records) FROM window_options \
         WHERE hall_id = ?1 ORDER BY 1",
        [hall],
    )
}

fn replace(connection: &Connection, tables: &HallTables) -> Result<(), StoreError> {
    let (hall, id) = (&tables.hall, tables.hall.id.as_str());
    connection.execute(
        "INSERT INTO hall VALUES (?1, ?2, ?3, ?4, ?5, 0) ON CONFLICT DO UPDATE SET \
         name = excluded.name, region_code = excluded.region_code, \
         time_zone = excluded.time_zone, contact = excluded.contact",
        params![
            id,
            hall.name,
            hall.region_code,
            hall.time_zone,
            hall.contact
        ],
    )?;
    for table in ["department", "staff", "service_window", "item"] {
        connection.execute(&format!("DELETE FROM {table} WHERE hall_id = ?1"), [id])?;
    }
    let mut insert = connection.prepare_cached("INSERT INTO department VALUES (?1, ?2, ?3)")?;
    for row in &tables.departments {
        insert.execute(params![id, row.id.as_str(), row.name])?;
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO staff (hall_id, staff_id, name, post, department_id, stars, photo) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for row in &tables.staff {
        insert.execute(params![
            id,
            row.id.as_str(),
            row.name,
            row.post,
            row.department.as_str(),
            row.stars,
            row.photo
        ])?;
    }
    let mut insert = connection
        .prepare_cached("INSERT INTO service_window VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for row in &tables.windows {
        insert.execute(params![
            id,
            row.id.as_str(),
            row.block,
            row.number,
            row.name,
            row.department.as_str(),
            row.staff.as_ref().map_or("", |staff| staff.as_str())
        ])?;
    }
    let mut insert = connection.prepare_cached("INSERT INTO item VALUES (?1, ?2, ?3, ?4)")?;
    for row in &tables.items {
        insert.execute(params![
            id,
            row.code.as_str(),
            row.name,
            row.department.as_str()
        ])?;
    }
    options::replace(connection, tables)
}

/// All halls with their windows.
pub(super) fn list(connection: &Connection) -> Result<Vec<HallSummary>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT hall_id, name, region_code, time_zone FROM hall ORDER BY hall_id",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
            row.get::<_, String>(3)?,
        ))
    })?;
    let halls = rows.map(|row| {
        let (id, name, region_code, time_zone) = row?;
        let windows = strings(
            connection,
            "SELECT window_id FROM service_window WHERE hall_id = ?1 ORDER BY window_id",
            [&id],
        )?;
        let windows = windows
            .iter()
            .map(|window| code(window, "service_window.window_id"));
        Ok(HallSummary {
            id: code(&id, "hall.hall_id")?,
            name,
            region_code,
            time_zone,
            windows: windows.collect::<Result<_, StoreError>>()?,
        })
    });
    halls.collect()
}

/// What a window's profile is made of: its department's clerks and items.
pub(super) fn profile_source(
    connection: &Connection,
    hall: &HallId,
    window: &WindowId,
) -> Result<Option<ProfileSource>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT h.profile_version, h.name, h.time_zone, h.contact, w.number, w.name, w.staff_id, \
         w.department_id FROM hall h JOIN service_window w ON w.hall_id = h.hall_id \
         WHERE h.hall_id = ?1 AND w.window_id = ?2",
    )?;
    let found = statement
        .query_row([hall.as_str(), window.as_str()], |row| {
            let source = ProfileSource {
                version: row.get(0)?,
                hall: hall.clone(),
                hall_name: row.get(1)?,
                time_zone: row.get(2)?,
                contact: row.get(3)?,
                window: window.clone(),
                window_number: row.get(4)?,
                window_name: row.get(5)?,
                staff_on_duty: Some(row.get::<_, String>(6)?).filter(|id| !id.is_empty()),
                staff: Vec::new(),
                items: Vec::new(),
                options: WindowOptions::default(),
                office_key: None,
                technician_pin: None,
                paused: None,
            };
            Ok((source, row.get::<_, String>(7)?))
        })
        .optional()?;
    let Some((mut source, department)) = found else {
        return Ok(None);
    };
    let on_duty = source.staff_on_duty.as_deref().unwrap_or_default();
    source.staff = connection
        .prepare_cached(
            "SELECT staff_id, name, post, stars, photo FROM staff WHERE hall_id = ?1 \
             AND (department_id = ?2 OR staff_id = ?3) ORDER BY staff_id",
        )?
        .query_map([hall.as_str(), &department, on_duty], |row| {
            Ok(ProfileStaff {
                id: row.get(0)?,
                name: row.get(1)?,
                post: row.get(2)?,
                stars: row.get(3)?,
                photo: row.get(4)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    source.items = connection
        .prepare_cached(
            "SELECT item_code, name FROM item WHERE hall_id = ?1 AND department_id = ?2 \
             ORDER BY item_code",
        )?
        .query_map([hall.as_str(), &department], |row| {
            Ok(ProfileItem {
                code: row.get(0)?,
                name: row.get(1)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    options::add(connection, &mut source)?;
    Ok(Some(source))
}

//! Halls: import of an office's tables, lists, profiles.

pub(crate) mod options;

use manyi_shared::domain::{HallId, WindowId};
use manyi_shared::wire::{ProfileItem, ProfileStaff};

use super::{Db, Insert, Param, Row, code, number, values};
use crate::hall::{HallTables, WindowOptions};
use crate::store::{HallSummary, ImportRefused, Imported, ProfileSource, StoreError};

/// Replaces a hall's tables. Runs in one transaction: nothing is half-imported.
pub(crate) fn import(
    db: &Db<'_>,
    tables: &HallTables,
) -> Result<Result<Imported, ImportRefused>, StoreError> {
    let hall = tables.hall.id.as_str();
    db.lock_name(&format!("hall {hall}"))?;
    db.lock_hall(hall)?;
    let keeps = |window: &String| tables.windows.iter().any(|w| w.id.as_str() == window);
    let gone = |sql: &str| -> Result<Vec<WindowId>, StoreError> {
        let windows = strings(db, sql, values![hall])?;
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

    let before = contents(db, hall)?;
    replace(db, tables)?;
    let changed = before != contents(db, hall)?;
    let profile_version = if changed {
        options::count_up(db, hall)?
    } else {
        version(db, hall)?
    };
    Ok(Ok(Imported {
        changed,
        profile_version,
        removed_windows,
    }))
}

/// The version of a hall's profiles.
fn version(db: &Db<'_>, hall: &str) -> Result<u32, StoreError> {
    let sql = "SELECT profile_version FROM hall WHERE hall_id = ?1";
    let version: i64 = db.one(sql, values![hall], |row| row.get(0))?;
    number(version, "hall.profile_version")
}

fn strings(db: &Db<'_>, sql: &str, values: &[Param<'_>]) -> Result<Vec<String>, StoreError> {
    db.rows(sql, values, |row| row.get(0))
}

/// Everything an import can change, table by table, for comparing before with after.
fn contents(db: &Db<'_>, hall: &str) -> Result<Vec<Vec<Param<'static>>>, StoreError> {
    let told = [
        "SELECT name, region_code, time_zone, contact FROM hall WHERE hall_id = ?1",
        "SELECT department_id, name FROM department WHERE hall_id = ?1 ORDER BY department_id",
        "SELECT staff_id, name, post, department_id, stars, photo FROM staff WHERE hall_id = ?1 \
         ORDER BY staff_id",
        "SELECT window_id, block, number, name, department_id, staff_id FROM service_window \
         WHERE hall_id = ?1 ORDER BY window_id",
        "SELECT item_code, name, department_id FROM item WHERE hall_id = ?1 ORDER BY item_code",
        "SELECT window_id, options, ask_seconds, reasons_seconds, thanks_seconds, guard_ms, \
         mirrored, ask_reasons, keep_records FROM window_options WHERE hall_id = ?1 \
         ORDER BY window_id",
    ];
    let mut all = Vec::new();
    for sql in told {
        all.extend(db.rows(sql, values![hall], |row| row.all())?);
        // Where one table ends and the next begins.
        all.push(Vec::new());
    }
    Ok(all)
}

fn replace(db: &Db<'_>, tables: &HallTables) -> Result<(), StoreError> {
    let (hall, id) = (&tables.hall, tables.hall.id.as_str());
    db.execute(
        "INSERT INTO hall (hall_id, name, region_code, time_zone, contact, profile_version) \
         VALUES (?1, ?2, ?3, ?4, ?5, 0) ON CONFLICT (hall_id) DO UPDATE SET \
         name = excluded.name, region_code = excluded.region_code, \
         time_zone = excluded.time_zone, contact = excluded.contact",
        values![
            id,
            &hall.name,
            &hall.region_code,
            &hall.time_zone,
            &hall.contact
        ],
    )?;
    for table in ["department", "staff", "service_window", "item"] {
        let sql = format!("DELETE FROM {table} WHERE hall_id = ?1");
        db.execute(&sql, values![id])?;
    }
    let rows = tables.departments.iter();
    db.insert_many(
        &Insert::into("department", &["hall_id", "department_id", "name"]),
        rows.map(|row| values![id, row.id.as_str(), &row.name].to_vec()),
    )?;
    replace_people(db, tables)?;
    let rows = tables.items.iter();
    db.insert_many(
        &Insert::into("item", &["hall_id", "item_code", "name", "department_id"]),
        rows.map(|row| values![id, row.code.as_str(), &row.name, row.department.as_str()].to_vec()),
    )?;
    options::replace(db, tables)
}

/// Clerks, and the windows they sit at.
fn replace_people(db: &Db<'_>, tables: &HallTables) -> Result<(), StoreError> {
    let id = tables.hall.id.as_str();
    let columns = [
        "hall_id",
        "staff_id",
        "name",
        "post",
        "department_id",
        "stars",
        "photo",
    ];
    let rows = tables.staff.iter().map(|row| {
        values![
            id,
            row.id.as_str(),
            &row.name,
            &row.post,
            row.department.as_str(),
            row.stars,
            &row.photo
        ]
        .to_vec()
    });
    db.insert_many(&Insert::into("staff", &columns), rows)?;
    let columns = [
        "hall_id",
        "window_id",
        "block",
        "number",
        "name",
        "department_id",
        "staff_id",
    ];
    let rows = tables.windows.iter().map(|row| {
        values![
            id,
            row.id.as_str(),
            &row.block,
            &row.number,
            &row.name,
            row.department.as_str(),
            row.staff.as_ref().map_or("", |staff| staff.as_str())
        ]
        .to_vec()
    });
    db.insert_many(&Insert::into("service_window", &columns), rows)?;
    Ok(())
}

/// All halls with their windows.
pub(crate) fn list(db: &Db<'_>) -> Result<Vec<HallSummary>, StoreError> {
    let sql = "SELECT hall_id, name, region_code, time_zone FROM hall ORDER BY hall_id";
    let halls = db.rows(sql, &[], |row| {
        Ok(HallSummary {
            id: code(row.get(0)?, "hall.hall_id")?,
            name: row.get(1)?,
            region_code: row.get(2)?,
            time_zone: row.get(3)?,
            windows: Vec::new(),
        })
    })?;
    let with_windows = halls.into_iter().map(|mut hall| {
        hall.windows = db.rows(
            "SELECT window_id FROM service_window WHERE hall_id = ?1 ORDER BY window_id",
            values![hall.id.as_str()],
            |row| code(row.get(0)?, "service_window.window_id"),
        )?;
        Ok(hall)
    });
    with_windows.collect()
}

/// What a window's profile is made of: its department's clerks and items.
pub(crate) fn profile_source(
    db: &Db<'_>,
    hall: &HallId,
    window: &WindowId,
) -> Result<Option<ProfileSource>, StoreError> {
    let found = db.row(
        "SELECT h.profile_version, h.name, h.time_zone, h.contact, w.number, w.name, w.staff_id, \
         w.department_id FROM hall h JOIN service_window w ON w.hall_id = h.hall_id \
         WHERE h.hall_id = ?1 AND w.window_id = ?2",
        values![hall.as_str(), window.as_str()],
        |row| Ok((source(row, hall, window)?, row.get::<String>(7)?)),
    )?;
    let Some((mut source, department)) = found else {
        return Ok(None);
    };
    let on_duty = source.staff_on_duty.as_deref().unwrap_or_default();
    source.staff = db.rows(
        "SELECT staff_id, name, post, stars, photo FROM staff WHERE hall_id = ?1 \
         AND (department_id = ?2 OR staff_id = ?3) ORDER BY staff_id",
        values![hall.as_str(), &department, on_duty],
        |row| {
            Ok(ProfileStaff {
                id: row.get(0)?,
                name: row.get(1)?,
                post: row.get(2)?,
                stars: row.get(3)?,
                photo: row.get(4)?,
            })
        },
    )?;
    source.items = db.rows(
        "SELECT item_code, name FROM item WHERE hall_id = ?1 AND department_id = ?2 \
         ORDER BY item_code",
        values![hall.as_str(), &department],
        |row| {
            Ok(ProfileItem {
                code: row.get(0)?,
                name: row.get(1)?,
            })
        },
    )?;
    options::add(db, &mut source)?;
    Ok(Some(source))
}

fn source(row: &Row<'_>, hall: &HallId, window: &WindowId) -> Result<ProfileSource, StoreError> {
    Ok(ProfileSource {
        version: row.get(0)?,
        hall: hall.clone(),
        hall_name: row.get(1)?,
        time_zone: row.get(2)?,
        contact: row.get(3)?,
        window: window.clone(),
        window_number: row.get(4)?,
        window_name: row.get(5)?,
        staff_on_duty: Some(row.get::<String>(6)?).filter(|id| !id.is_empty()),
        staff: Vec::new(),
        items: Vec::new(),
        options: WindowOptions::default(),
        office_key: None,
        technician_pin: None,
        paused: None,
    })
}

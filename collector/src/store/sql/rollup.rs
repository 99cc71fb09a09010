//! Roll-ups: changed with the tally, made from it for a hall that has none, and checked.
//!
//! **Invariant** a hall's roll-ups are what [`crate::rollup::deltas`] makes of the tally rows of all
//! windows that its state says are in. Whoever changes the tally holds to it; a hall whose state is
//! missing, or is of another time zone than the hall now has, has no roll-ups whatever rows there are.
//!
//! **Crash** each step is one transaction: after a cut the work goes on at the next window.

use std::collections::BTreeMap;

use super::{Db, Insert, Param, Row, values};
use crate::ingest::{Deltas, TagKey, TallyKey};
use crate::rollup::{Calendar, Parts, RollupKey, deltas};
use crate::store::StoreError;

const KEY: [&str; 9] = [
    "hall_id",
    "cube",
    "grain",
    "period",
    "tag",
    "a",
    "b",
    "department_id",
    "channel",
];

/// The columns of counts, in the order of [`Parts`].
pub(super) const PARTS: [&str; 9] = [
    "level_5",
    "level_4",
    "level_3",
    "level_2",
    "level_1",
    "declined",
    "timed_out",
    "withdrawn",
    "fault",
];

const ADD: Insert<'_> = Insert {
    table: "rollup",
    columns: &[
        "hall_id",
        "cube",
        "grain",
        "period",
        "tag",
        "a",
        "b",
        "department_id",
        "channel",
        "level_5",
        "level_4",
        "level_3",
        "level_2",
        "level_1",
        "declined",
        "timed_out",
        "withdrawn",
        "fault",
    ],
    conflict: "ON CONFLICT (hall_id, cube, grain, period, tag, a, b, department_id, channel) \
               DO UPDATE SET level_5 = rollup.level_5 + excluded.level_5, \
               level_4 = rollup.level_4 + excluded.level_4, \
               level_3 = rollup.level_3 + excluded.level_3, \
               level_2 = rollup.level_2 + excluded.level_2, \
               level_1 = rollup.level_1 + excluded.level_1, \
               declined = rollup.declined + excluded.declined, \
               timed_out = rollup.timed_out + excluded.timed_out, \
               withdrawn = rollup.withdrawn + excluded.withdrawn, \
               fault = rollup.fault + excluded.fault",
};

/// Which of a hall's windows are rolled up, and by which calendar.
pub(super) struct Built {
    calendar: Calendar,
    /// Windows up to this one; none: all.
    through: Option<String>,
}

impl Built {
    fn has(&self, window: &str) -> bool {
        let through = self.through.as_deref();
        through.is_none_or(|through| window <= through)
    }
}

/// What is rolled up of a hall before something is counted. A hall of which nothing was ever counted
/// is rolled up from now on.
pub(super) fn built(db: &Db<'_>, hall: &str) -> Result<Option<Built>, StoreError> {
    let found = db.row(
        "SELECT h.time_zone, s.time_zone, s.ready, s.built_through FROM hall h \
         LEFT JOIN rollup_state s ON s.hall_id = h.hall_id WHERE h.hall_id = ?1",
        values![hall],
        |row| {
            let zones: (String, Option<String>) = (row.get(0)?, row.get(1)?);
            Ok((zones, row.get::<Option<bool>>(2)?, row.get(3)?))
        },
    )?;
    let Some(((zone, of), ready, through)) = found else {
        return Ok(None);
    };
    let Some(calendar) = Calendar::named(&zone) else {
        return Ok(None);
    };
    match of {
        Some(of) if of == zone => {
            let through = (ready != Some(true)).then_some(through).flatten();
            Ok(Some(Built { calendar, through }))
        }
        // What is counted from here on is in no roll-up: should the old zone come back, the rows
        // must not count as whole again.
        Some(_) => {
            db.execute("DELETE FROM rollup_state WHERE hall_id = ?1", values![hall])?;
            Ok(None)
        }
        None if db.exists("SELECT 1 FROM tally WHERE hall_id = ?1", values![hall])? => Ok(None),
        None => {
            begin(db, hall, &zone, true)?;
            Ok(Some(Built {
                calendar,
                through: None,
            }))
        }
    }
}

fn begin(db: &Db<'_>, hall: &str, zone: &str, ready: bool) -> Result<(), StoreError> {
    db.execute("DELETE FROM rollup WHERE hall_id = ?1", values![hall])?;
    db.execute(
        "INSERT INTO rollup_state (hall_id, time_zone, ready, built_through) \
         VALUES (?1, ?2, ?3, '') ON CONFLICT (hall_id) DO UPDATE SET \
         time_zone = excluded.time_zone, ready = excluded.ready, built_through = ''",
        values![hall, zone, ready],
    )?;
    Ok(())
}

/// Changes the roll-ups with the tally.
pub(super) fn apply(
    db: &Db<'_>,
    hall: &str,
    changed: &Deltas<'_>,
    built: Option<Built>,
) -> Result<(), StoreError> {
    let Some(built) = built else {
        return Ok(());
    };
    let counts = changed.counts.iter().map(|(key, n)| (*key, *n));
    let tags = changed.tags.iter().map(|(key, n)| (*key, *n));
    let rows = deltas(
        counts.filter(|(key, _)| built.has(key.window)),
        tags.filter(|(key, _)| built.has(key.key.window)),
        &built.calendar,
    );
    add(db, hall, &rows)
}

fn add(db: &Db<'_>, hall: &str, rows: &BTreeMap<RollupKey<'_>, Parts>) -> Result<(), StoreError> {
    let with_parts = rows.iter().map(|(key, parts)| {
        let mut row = place(hall, key);
        row.extend(parts.iter().map(Param::from));
        row
    });
    db.insert_many(&ADD, with_parts)?;
    let fewer = rows
        .iter()
        .filter(|(_, parts)| parts.iter().any(|n| *n < 0));
    db.execute_many(
        "DELETE FROM rollup WHERE hall_id = ?1 AND cube = ?2 AND grain = ?3 AND period = ?4 \
         AND tag = ?5 AND a = ?6 AND b = ?7 AND department_id = ?8 AND channel = ?9 \
         AND level_5 = 0 AND level_4 = 0 AND level_3 = 0 AND level_2 = 0 AND level_1 = 0 \
         AND declined = 0 AND timed_out = 0 AND withdrawn = 0 AND fault = 0",
        fewer.map(|(key, _)| place(hall, key)),
    )?;
    Ok(())
}

fn place<'v>(hall: &'v str, key: &RollupKey<'v>) -> Vec<Param<'v>> {
    values![
        hall,
        key.cube.number(),
        key.grain.number(),
        key.period,
        key.tag,
        key.a,
        key.b,
        key.department,
        key.channel
    ]
    .to_vec()
}

/// Makes one window's roll-ups of a hall that is not whole; whether there is more to do.
pub(super) fn step(db: &Db<'_>) -> Result<bool, StoreError> {
    let open = db.row(
        "SELECT h.hall_id, h.time_zone FROM hall h LEFT JOIN rollup_state s \
         ON s.hall_id = h.hall_id AND s.time_zone = h.time_zone \
         WHERE s.ready IS NULL OR s.ready = 0 ORDER BY h.hall_id",
        &[],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
    )?;
    let Some((hall, zone)) = open else {
        return Ok(false);
    };
    let calendar = Calendar::named(&zone).ok_or(StoreError::Corrupt {
        column: "hall.time_zone",
    })?;
    db.lock_hall(&hall)?;
    let through = db.row(
        "SELECT built_through FROM rollup_state WHERE hall_id = ?1 AND time_zone = ?2",
        values![hall.as_str(), zone.as_str()],
        |row| row.get::<String>(0),
    )?;
    if through.is_none() {
        begin(db, &hall, &zone, false)?;
    }
    let next: Option<String> = db.one(
        "SELECT MIN(window_id) FROM tally WHERE hall_id = ?1 AND window_id > ?2",
        values![hall.as_str(), through.unwrap_or_default()],
        |row| row.get(0),
    )?;
    let Some(window) = next else {
        db.execute(
            "UPDATE rollup_state SET ready = 1 WHERE hall_id = ?1",
            values![hall.as_str()],
        )?;
        return Ok(true);
    };
    let held = Counted::of_window(db, &hall, &window)?;
    add(db, &hall, &held.rolled(&calendar))?;
    db.execute(
        "UPDATE rollup_state SET built_through = ?2 WHERE hall_id = ?1",
        values![hall.as_str(), window],
    )?;
    Ok(true)
}

/// Forgets that anything is rolled up.
pub(super) fn forget(db: &Db<'_>) -> Result<(), StoreError> {
    db.execute("DELETE FROM rollup_state", &[]).map(drop)
}

/// A window's rows of tally and tag tally.
#[derive(Default)]
struct Counted {
    counts: Vec<Owned>,
    tags: Vec<Owned>,
}

struct Owned {
    slot: i64,
    window: String,
    department: String,
    staff: String,
    item: String,
    channel: u8,
    outcome: u8,
    level: u8,
    tag: u16,
    n: i64,
}

impl Owned {
    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            slot: row.get(0)?,
            window: row.get(1)?,
            department: row.get(2)?,
            staff: row.get(3)?,
            item: row.get(4)?,
            channel: row.get(5)?,
            outcome: row.get(6)?,
            level: row.get(7)?,
            tag: row.get(8)?,
            n: row.get(9)?,
        })
    }

    fn key(&self) -> TallyKey<'_> {
        TallyKey {
            slot: self.slot,
            window: &self.window,
            department: &self.department,
            staff: &self.staff,
            item: &self.item,
            channel: self.channel,
            outcome: self.outcome,
            level: self.level,
        }
    }
}

impl Counted {
    fn of_window(db: &Db<'_>, hall: &str, window: &str) -> Result<Self, StoreError> {
        let key = values![hall, window];
        let counts = db.rows(
            "SELECT slot, window_id, department_id, staff_id, item_code, channel, outcome, level, \
             CAST(0 AS BIGINT), n FROM tally WHERE hall_id = ?1 AND window_id = ?2",
            key,
            Owned::read,
        )?;
        let tags = db.rows(
            "SELECT slot, window_id, department_id, staff_id, item_code, channel, CAST(1 AS BIGINT), level, \
             tag, n FROM tag_tally WHERE hall_id = ?1 AND window_id = ?2",
            key,
            Owned::read,
        )?;
        Ok(Self { counts, tags })
    }

    fn rolled(&self, calendar: &Calendar) -> BTreeMap<RollupKey<'_>, Parts> {
        let counts = self.counts.iter().map(|row| (row.key(), row.n));
        let tags = self.tags.iter().map(|row| {
            let (tag, key) = (row.tag, row.key());
            (TagKey { tag, key }, row.n)
        });
        deltas(counts, tags, calendar)
    }
}

/// How many rows differ between the roll-ups and the tally they are made of; 0 when all is well.
pub(super) fn differences(db: &Db<'_>) -> Result<u64, StoreError> {
    let halls = db.rows(
        "SELECT s.hall_id, s.time_zone, s.ready, s.built_through FROM rollup_state s \
         JOIN hall h ON h.hall_id = s.hall_id AND h.time_zone = s.time_zone",
        &[],
        |row| {
            let hall: (String, String) = (row.get(0)?, row.get(1)?);
            Ok((hall, row.get::<bool>(2)?, row.get::<String>(3)?))
        },
    )?;
    let mut n = 0;
    for ((hall, zone), ready, through) in halls {
        let calendar = Calendar::named(&zone).ok_or(StoreError::Corrupt {
            column: "rollup_state.time_zone",
        })?;
        let through = (!ready).then_some(through);
        n += of_hall(db, &hall, &Built { calendar, through })?;
    }
    Ok(n)
}

/// A row of the table: key, then counts.
type Stored = BTreeMap<Vec<Param<'static>>, Parts>;

fn of_hall(db: &Db<'_>, hall: &str, built: &Built) -> Result<u64, StoreError> {
    let windows = db.rows(
        "SELECT DISTINCT window_id FROM tally WHERE hall_id = ?1",
        values![hall],
        |row| row.get::<String>(0),
    )?;
    let mut wanted = Stored::new();
    for window in windows.iter().filter(|window| built.has(window)) {
        let held = Counted::of_window(db, hall, window)?;
        for (key, parts) in &held.rolled(&built.calendar) {
            let key = place(hall, key);
            let key = key.iter().map(|p| p.as_value().into()).collect();
            let sum = wanted.entry(key).or_default();
            for (sum, part) in sum.iter_mut().zip(parts) {
                *sum += part;
            }
        }
    }
    let mut n = 0;
    let (key, parts) = (KEY.join(", "), PARTS.join(", "));
    let sql = format!("SELECT {key}, {parts} FROM rollup WHERE hall_id = ?1");
    db.each(&sql, values![hall], |row| {
        let mut key = row.all()?;
        key.truncate(KEY.len());
        let mut found = Parts::default();
        for (index, part) in found.iter_mut().enumerate() {
            *part = row.get(KEY.len() + index)?;
        }
        n += u64::from(wanted.remove(&key) != Some(found));
        Ok(())
    })?;
    Ok(n + wanted.len() as u64)
}

/// How many counts of tags differ from the tags of all records; 0 when all is well.
pub(super) fn tag_differences(db: &Db<'_>) -> Result<u64, StoreError> {
    let mut told: BTreeMap<Vec<Param<'static>>, i64> = BTreeMap::new();
    db.each(
        "SELECT tags, hall_id, window_id, at_ms / 900000, department_id, staff_id, item_code, \
         channel, level FROM record WHERE outcome = 1 AND tags IS NOT NULL",
        &[],
        |row| {
            let tags: String = row.get(0)?;
            let place = row.all()?.split_off(1);
            for tag in crate::ingest::codes_in(Some(&tags)) {
                let mut key = place.clone();
                key.push(tag.into());
                *told.entry(key).or_default() += 1;
            }
            Ok(())
        },
    )?;
    let mut n = 0;
    db.each(
        "SELECT hall_id, window_id, slot, department_id, staff_id, item_code, channel, level, \
         tag, n FROM tag_tally",
        &[],
        |row| {
            let mut key = row.all()?;
            key.truncate(9);
            let counted: i64 = row.get(9)?;
            n += u64::from(told.remove(&key).unwrap_or(0) != counted);
            Ok(())
        },
    )?;
    Ok(n + told.len() as u64)
}

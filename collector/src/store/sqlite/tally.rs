//! Counts: changed with the records they come from, and recounted to check.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::ingest::TallyKey;
use crate::store::StoreError;

/// Adds the changes, in the order of their keys.
pub(super) fn apply(
    connection: &Connection,
    hall: &str,
    deltas: &BTreeMap<TallyKey<'_>, i64>,
) -> Result<(), StoreError> {
    let mut add = connection.prepare_cached(
        "INSERT INTO tally VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
         ON CONFLICT DO UPDATE SET n = n + excluded.n",
    )?;
    add.raw_bind_parameter(1, hall)?;
    let mut bound = None;
    for (key, n) in deltas {
        // One exchange is of one window, as a rule: its texts are bound, that is copied, once.
        if bound != Some((key.window, key.department)) {
            add.raw_bind_parameter(3, key.window)?;
            add.raw_bind_parameter(4, key.department)?;
            bound = Some((key.window, key.department));
        }
        add.raw_bind_parameter(2, key.slot)?;
        add.raw_bind_parameter(5, key.staff)?;
        add.raw_bind_parameter(6, key.item)?;
        add.raw_bind_parameter(7, key.channel)?;
        add.raw_bind_parameter(8, key.outcome)?;
        add.raw_bind_parameter(9, key.level)?;
        add.raw_bind_parameter(10, n)?;
        add.raw_execute()?;
    }
    drop(add);
    // An amendment may have taken the last of a kind: a count of nothing is no row.
    for (key, _) in deltas.iter().filter(|(_, n)| **n < 0) {
        connection
            .prepare_cached(
                "DELETE FROM tally WHERE hall_id = ?1 AND slot = ?2 AND window_id = ?3 AND \
                 department_id = ?4 AND staff_id = ?5 AND item_code = ?6 AND channel = ?7 AND \
                 outcome = ?8 AND level = ?9 AND n = 0",
            )?
            .execute(params![
                hall,
                key.slot,
                key.window,
                key.department,
                key.staff,
                key.item,
                key.channel,
                key.outcome,
                key.level
            ])?;
    }
    Ok(())
}

/// How many counts differ between the tally and a recount of all records and folds; 0 when all is
/// well.
pub(super) fn differences(connection: &Connection) -> Result<u64, StoreError> {
    let recount = "SELECT hall_id, slot, window_id, department_id, staff_id, item_code, channel, \
         outcome, level, SUM(n) AS n FROM (\
         SELECT hall_id, at_ms / 900000 AS slot, window_id, department_id, staff_id, item_code, \
         channel, outcome, COALESCE(level, 0) AS level, 1 AS n FROM record \
         WHERE outcome IS NOT NULL UNION ALL \
         SELECT hall_id, at_ms / 900000, window_id, department_id, '', '', channel, outcome, \
         level, n FROM fold_count WHERE n > 0) GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9";
    let tally = "SELECT hall_id, slot, window_id, department_id, staff_id, item_code, channel, \
         outcome, level, n FROM tally";
    let sql = format!(
        "SELECT (SELECT COUNT(*) FROM (SELECT * FROM ({recount}) EXCEPT SELECT * FROM ({tally}))) \
         + (SELECT COUNT(*) FROM (SELECT * FROM ({tally}) EXCEPT SELECT * FROM ({recount})))"
    );
    let n: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
    Ok(n.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key<'d>(window: &'d str, department: &'d str, channel: u8) -> TallyKey<'d> {
        TallyKey {
            slot: 1_994_444,
            window,
            department,
            staff: "",
            item: "",
            channel,
            outcome: 1,
            level: 5,
        }
    }

    /// Texts that keys share are bound once, so keys that do not share them must be seen apart.
    #[test]
    fn counts_of_several_windows_and_channels_do_not_run_into_one_another() {
        let mut db = Connection::open_in_memory().expect("opens");
        super::super::migrate::migrate(&mut db, std::path::Path::new("memory")).expect("tables");
        let keys = [
            key("A01", "d1", 4),
            key("A01", "d1", 3),
            key("A02", "d1", 4),
            key("A02", "d2", 4),
        ];
        let wanted: BTreeMap<_, i64> = keys.into_iter().zip(1..).collect();
        apply(&db, "h", &wanted).expect("counted");
        apply(&db, "h", &wanted).expect("counted again");
        let n_of = |db: &Connection, key: &TallyKey<'_>| -> i64 {
            db.query_row(
                "SELECT COALESCE(SUM(n), 0) FROM tally WHERE hall_id = 'h' AND window_id = ?1 \
                 AND department_id = ?2 AND channel = ?3",
                params![key.window, key.department, key.channel],
                |row| row.get(0),
            )
            .expect("readable")
        };
        for (key, n) in &wanted {
            assert_eq!(n_of(&db, key), 2 * n, "{key:?}");
        }
        // What was counted is taken back, and nothing is left of it.
        let back = wanted.iter().map(|(key, n)| (*key, -2 * n)).collect();
        apply(&db, "h", &back).expect("taken back");
        let rows: i64 = db
            .query_row("SELECT COUNT(*) FROM tally", [], |row| row.get(0))
            .expect("readable");
        assert_eq!(rows, 0);
    }
}

//! Counts: changed with the records they come from, and recounted to check.

use std::collections::BTreeMap;

use super::{Db, Insert, values};
use crate::ingest::TallyKey;
use crate::store::StoreError;

const ADD: Insert<'_> = Insert {
    table: "tally",
    columns: &[
        "hall_id",
        "slot",
        "window_id",
        "department_id",
        "staff_id",
        "item_code",
        "channel",
        "outcome",
        "level",
        "n",
    ],
    conflict: "ON CONFLICT (hall_id, window_id, slot, department_id, staff_id, item_code, channel, \
               outcome, level) DO UPDATE SET n = tally.n + excluded.n",
};

/// Adds the changes, in the order of their keys: two writers never wait for each other in a ring.
pub(crate) fn apply(
    db: &Db<'_>,
    hall: &str,
    deltas: &BTreeMap<TallyKey<'_>, i64>,
) -> Result<(), StoreError> {
    let rows = deltas.iter().map(|(key, n)| {
        values![
            hall,
            key.slot,
            key.window,
            key.department,
            key.staff,
            key.item,
            key.channel,
            key.outcome,
            key.level,
            *n
        ]
        .to_vec()
    });
    db.insert_many(&ADD, rows)?;
    // An amendment may have taken the last of a kind: a count of nothing is no row.
    for (key, _) in deltas.iter().filter(|(_, n)| **n < 0) {
        db.execute(
            "DELETE FROM tally WHERE hall_id = ?1 AND slot = ?2 AND window_id = ?3 AND \
             department_id = ?4 AND staff_id = ?5 AND item_code = ?6 AND channel = ?7 AND \
             outcome = ?8 AND level = ?9 AND n = 0",
            values![
                hall,
                key.slot,
                key.window,
                key.department,
                key.staff,
                key.item,
                key.channel,
                key.outcome,
                key.level
            ],
        )?;
    }
    Ok(())
}

/// How many counts differ between the tally and a recount of all records and folds; 0 when all is
/// well.
pub(crate) fn differences(db: &Db<'_>) -> Result<u64, StoreError> {
    let recount = "SELECT hall_id, slot, window_id, department_id, staff_id, item_code, channel, \
         outcome, level, CAST(SUM(n) AS BIGINT) AS n FROM (\
         SELECT hall_id, at_ms / 900000 AS slot, window_id, department_id, staff_id, item_code, \
         channel, outcome, COALESCE(level, 0) AS level, 1 AS n FROM record \
         WHERE outcome IS NOT NULL UNION ALL \
         SELECT hall_id, at_ms / 900000, window_id, department_id, '', '', channel, outcome, \
         level, n FROM fold_count WHERE n > 0) AS told GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9";
    let tally = "SELECT hall_id, slot, window_id, department_id, staff_id, item_code, channel, \
         outcome, level, n FROM tally";
    let sql = format!(
        "SELECT (SELECT COUNT(*) FROM (SELECT * FROM ({recount}) AS a EXCEPT \
         SELECT * FROM ({tally}) AS b) AS more) \
         + (SELECT COUNT(*) FROM (SELECT * FROM ({tally}) AS a EXCEPT \
         SELECT * FROM ({recount}) AS b) AS less)"
    );
    let n: i64 = db.one(&sql, &[], |row| row.get(0))?;
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

    #[test]
    fn counts_of_several_windows_and_channels_do_not_run_into_one_another() {
        let connection = crate::store::sqlite::in_memory().expect("tables");
        let db = Db::new(&connection);
        let keys = [
            key("A01", "d1", 4),
            key("A01", "d1", 3),
            key("A02", "d1", 4),
            key("A02", "d2", 4),
        ];
        let wanted: BTreeMap<_, i64> = keys.into_iter().zip(1..).collect();
        apply(&db, "h", &wanted).expect("counted");
        apply(&db, "h", &wanted).expect("counted again");
        let n_of = |key: &TallyKey<'_>| -> i64 {
            db.one(
                "SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM tally WHERE hall_id = 'h' \
                 AND window_id = ?1 AND department_id = ?2 AND channel = ?3",
                values![key.window, key.department, key.channel],
                |row| row.get(0),
            )
            .expect("readable")
        };
        for (key, n) in &wanted {
            assert_eq!(n_of(key), 2 * n, "{key:?}");
        }
        // What was counted is taken back, and nothing is left of it.
        let back = wanted.iter().map(|(key, n)| (*key, -2 * n)).collect();
        apply(&db, "h", &back).expect("taken back");
        assert!(!db.exists("SELECT 1 FROM tally", &[]).expect("readable"));
    }
}

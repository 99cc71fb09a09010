//! What is not read record by record: counts, second histories, what stands beside nothing.

use manyi_shared::domain::{HallId, StreamId, TerminalId};
use manyi_shared::wire::digest;

use crate::store::StoreError;
use crate::store::sql::{Db, Row, values};
use crate::verify::{Counted, Finding, Place, Verifier, What};

/// Windows whose counts are looked at one by one, and differences that are told of each.
const MOST_TOLD: usize = 20;

/// The tally, and the counts of folds: they stand in the tally and for no record.
pub(super) fn tally(db: &Db<'_>, hall: &HallId, verifier: &mut Verifier) -> Result<(), StoreError> {
    let told = [
        (
            "SELECT window_id, slot, department_id, staff_id, item_code, channel, outcome, level, n \
             FROM tally WHERE hall_id = ?1",
            1,
        ),
        (
            "SELECT window_id, at_ms / 900000, department_id, '', '', channel, outcome, level, n \
             FROM fold_count WHERE hall_id = ?1",
            -1,
        ),
    ];
    for (sql, sign) in told {
        db.each(sql, values![hall.as_str()], |row| {
            let small = |index: usize| -> Result<u8, StoreError> {
                Ok(u8::try_from(row.get::<i64>(index)?).unwrap_or(u8::MAX))
            };
            let counted = Counted {
                slot: row.get(1)?,
                department: row.get(2)?,
                staff: row.get(3)?,
                item: row.get(4)?,
                channel: small(5)?,
                outcome: small(6)?,
                level: small(7)?,
            };
            verifier.tally(row.get(0)?, &counted, sign * row.get::<i64>(8)?);
            Ok(())
        })?;
    }
    Ok(())
}

/// Dead letters and messages without their record.
pub(super) fn strays(
    db: &Db<'_>,
    hall: &HallId,
    verifier: &mut Verifier,
) -> Result<(), StoreError> {
    for (table, name) in [("dead_letter", "dead letter"), ("message", "message")] {
        let sql = format!(
            "SELECT terminal_id, stream_id, seq FROM {table} t WHERE hall_id = ?1 AND NOT EXISTS \
             (SELECT 1 FROM record r WHERE r.hall_id = t.hall_id AND r.terminal_id = t.terminal_id \
             AND r.stream_id = t.stream_id AND r.seq = t.seq)"
        );
        db.each(&sql, values![hall.as_str()], |row| {
            let problem = format!("a {name} is stored and its record is gone");
            verifier.found(Finding::at(place(row)?, What::Beside(problem)));
            Ok(())
        })?;
    }
    Ok(())
}

fn place(row: &Row<'_>) -> Result<Place, StoreError> {
    Ok(Place {
        window: None,
        terminal: TerminalId::from_bytes(row.get(0)?),
        stream: StreamId::from_bytes(row.get(1)?),
        seq: Some(row.get::<i64>(2)?.unsigned_abs()),
    })
}

/// Second histories: sound by themselves, and told once for each stream.
pub(super) fn conflicts(
    db: &Db<'_>,
    hall: &HallId,
    verifier: &mut Verifier,
) -> Result<(), StoreError> {
    let mut last = None;
    db.each(
        "SELECT terminal_id, stream_id, seq, digest, bytes FROM conflict WHERE hall_id = ?1 \
         ORDER BY terminal_id, stream_id, seq",
        values![hall.as_str()],
        |row| {
            let place = place(row)?;
            let (stored, bytes): (&[u8], &[u8]) = (row.get(3)?, row.get(4)?);
            if digest(bytes).as_slice() != stored {
                let problem = "a record of a second history was changed: its digest is another";
                let what = What::Conflict(problem.to_owned());
                verifier.found(Finding::at(place.clone(), what));
            }
            let stream = (place.terminal, place.stream);
            if last.replace(stream) != Some(stream) {
                verifier.found(Finding::at(place, What::SecondHistory));
            }
            Ok(())
        },
    )
}

/// Which counts of the windows that differ are wrong, by recounting these windows.
pub(super) fn differing_counts(
    db: &Db<'_>,
    hall: &HallId,
    verifier: &mut Verifier,
) -> Result<(), StoreError> {
    for (index, window) in verifier.windows_that_differ().into_iter().enumerate() {
        let told = if index < MOST_TOLD {
            differences(db, hall, &window)?
        } else {
            Vec::new()
        };
        let detail = if told.is_empty() {
            "they add up to something else".to_owned()
        } else {
            told.join("; ")
        };
        verifier.found(Finding::of_hall(What::Counts { window, detail }));
    }
    Ok(())
}

fn differences(db: &Db<'_>, hall: &HallId, window: &str) -> Result<Vec<String>, StoreError> {
    db.rows(
        DIFFERENCES,
        values![hall.as_str(), window, MOST_TOLD],
        |row| {
            let at = jiff::Timestamp::from_second(row.get::<i64>(0)?.saturating_mul(900));
            let at = at.map_or_else(|_| "?".to_owned(), |at| at.to_string());
            let (outcome, level): (i64, i64) = (row.get(1)?, row.get(2)?);
            let (staff, item): (&str, &str) = (row.get(3)?, row.get(4)?);
            let (told, held): (i64, i64) = (row.get(5)?, row.get(6)?);
            Ok(format!(
                "quarter-hour from {at}, outcome {outcome}, level {level}, clerk `{staff}`, item \
                 `{item}`: counted {held}, the records say {told}"
            ))
        },
    )
}

const DIFFERENCES: &str = "SELECT slot, outcome, level, staff, item, \
    CAST(SUM(told) AS BIGINT) AS told, CAST(SUM(held) AS BIGINT) AS held FROM \
    (SELECT at_ms / 900000 AS slot, department_id AS department, staff_id AS staff, \
     item_code AS item, channel, outcome, COALESCE(level, 0) AS level, 1 AS told, 0 AS held \
     FROM record WHERE hall_id = ?1 AND window_id = ?2 AND outcome IS NOT NULL \
     UNION ALL SELECT at_ms / 900000, department_id, '', '', channel, outcome, level, n, 0 \
     FROM fold_count WHERE hall_id = ?1 AND window_id = ?2 \
     UNION ALL SELECT slot, department_id, staff_id, item_code, channel, outcome, level, 0, n \
     FROM tally WHERE hall_id = ?1 AND window_id = ?2) AS counted \
    GROUP BY slot, department, staff, item, channel, outcome, level \
    HAVING SUM(told) <> SUM(held) LIMIT ?3";

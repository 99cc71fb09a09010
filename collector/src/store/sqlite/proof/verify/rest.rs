//! What is not read record by record: counts, second histories, what stands beside nothing.

use manyi_shared::domain::{HallId, StreamId, TerminalId};
use manyi_shared::wire::digest;
use rusqlite::{Connection, params};

use crate::store::StoreError;
use crate::verify::{Counted, Finding, Place, Verifier, What};

/// Windows whose counts are looked at one by one, and differences that are told of each.
const MOST_TOLD: usize = 20;

/// The tally, and the counts of folds: they stand in the tally and for no record.
pub(super) fn tally(
    connection: &Connection,
    hall: &HallId,
    verifier: &mut Verifier,
) -> Result<(), StoreError> {
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
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([hall.as_str()])?;
        while let Some(row) = rows.next()? {
            let text = |index| row.get_ref(index)?.as_str().map_err(|_| CORRUPT);
            let small = |index| -> Result<u8, StoreError> {
                Ok(u8::try_from(row.get::<_, i64>(index)?).unwrap_or(u8::MAX))
            };
            let counted = Counted {
                slot: row.get(1)?,
                department: text(2)?,
                staff: text(3)?,
                item: text(4)?,
                channel: small(5)?,
                outcome: small(6)?,
                level: small(7)?,
            };
            verifier.tally(text(0)?, &counted, sign * row.get::<_, i64>(8)?);
        }
    }
    Ok(())
}

const CORRUPT: StoreError = StoreError::Corrupt {
    column: "a text of tally",
};

/// Dead letters and messages without their record.
pub(super) fn strays(
    connection: &Connection,
    hall: &HallId,
    verifier: &mut Verifier,
) -> Result<(), StoreError> {
    for (table, name) in [("dead_letter", "dead letter"), ("message", "message")] {
        let sql = format!(
            "SELECT terminal_id, stream_id, seq FROM {table} t WHERE hall_id = ?1 AND NOT EXISTS \
             (SELECT 1 FROM record r WHERE r.hall_id = t.hall_id AND r.terminal_id = t.terminal_id \
             AND r.stream_id = t.stream_id AND r.seq = t.seq)"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query([hall.as_str()])?;
        while let Some(row) = rows.next()? {
            let problem = format!("a {name} is stored and its record is gone");
            verifier.found(Finding::at(place(row)?, What::Beside(problem)));
        }
    }
    Ok(())
}

fn place(row: &rusqlite::Row<'_>) -> Result<Place, StoreError> {
    Ok(Place {
        window: None,
        terminal: TerminalId::from_bytes(row.get(0)?),
        stream: StreamId::from_bytes(row.get(1)?),
        seq: Some(row.get::<_, i64>(2)?.unsigned_abs()),
    })
}

/// Second histories: sound by themselves, and told once for each stream.
pub(super) fn conflicts(
    connection: &Connection,
    hall: &HallId,
    verifier: &mut Verifier,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT terminal_id, stream_id, seq, digest, bytes FROM conflict WHERE hall_id = ?1 \
         ORDER BY terminal_id, stream_id, seq",
    )?;
    let mut rows = statement.query([hall.as_str()])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let place = place(row)?;
        let stored: Vec<u8> = row.get(3)?;
        let bytes: Vec<u8> = row.get(4)?;
        if digest(&bytes).as_slice() != stored {
            let problem = "a record of a second history was changed: its digest is another";
            let what = What::Conflict(problem.to_owned());
            verifier.found(Finding::at(place.clone(), what));
        }
        let stream = (place.terminal, place.stream);
        if last.replace(stream) != Some(stream) {
            verifier.found(Finding::at(place, What::SecondHistory));
        }
    }
    Ok(())
}

/// Which counts of the windows that differ are wrong, by recounting these windows.
pub(super) fn differing_counts(
    connection: &Connection,
    hall: &HallId,
    verifier: &mut Verifier,
) -> Result<(), StoreError> {
    for (index, window) in verifier.windows_that_differ().into_iter().enumerate() {
        let told = if index < MOST_TOLD {
            differences(connection, hall, &window)?
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

fn differences(
    connection: &Connection,
    hall: &HallId,
    window: &str,
) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT slot, outcome, level, staff, item, SUM(told) AS told, SUM(held) AS held FROM \
         (SELECT at_ms / 900000 AS slot, department_id AS department, staff_id AS staff, \
          item_code AS item, channel, outcome, COALESCE(level, 0) AS level, 1 AS told, 0 AS held \
          FROM record WHERE hall_id = ?1 AND window_id = ?2 AND outcome IS NOT NULL \
          UNION ALL SELECT at_ms / 900000, department_id, '', '', channel, outcome, level, n, 0 \
          FROM fold_count WHERE hall_id = ?1 AND window_id = ?2 \
          UNION ALL SELECT slot, department_id, staff_id, item_code, channel, outcome, level, 0, n \
          FROM tally WHERE hall_id = ?1 AND window_id = ?2) \
         GROUP BY slot, department, staff, item, channel, outcome, level \
         HAVING SUM(told) <> SUM(held) LIMIT ?3",
    )?;
    let rows = statement.query_map(params![hall.as_str(), window, MOST_TOLD], |row| {
        let at = jiff::Timestamp::from_second(row.get::<_, i64>(0)?.saturating_mul(900));
        let at = at.map_or_else(|_| "?".to_owned(), |at| at.to_string());
        let (outcome, level): (i64, i64) = (row.get(1)?, row.get(2)?);
        let (staff, item): (String, String) = (row.get(3)?, row.get(4)?);
        let (told, held): (i64, i64) = (row.get(5)?, row.get(6)?);
        Ok(format!(
            "quarter-hour from {at}, outcome {outcome}, level {level}, clerk `{staff}`, item \
             `{item}`: counted {held}, the records say {told}"
        ))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

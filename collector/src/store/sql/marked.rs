//! Marked ratings, counted as the tally counts them.

use std::collections::BTreeMap;

use super::{Db, Param, values};
use crate::store::StoreError;
use crate::store::scores::{Column, SLOT_SECONDS, Tally, TallyQuery, Value};

/// Milliseconds in a slot.
const SLOT_MS: i64 = SLOT_SECONDS * 1000;

/// A mark keeps the time that its rating had when it was made; should the rating have been placed
/// anew since, it moved by less than this.
const MOVED_MS: i64 = 7 * 86_400_000;

/// The marked ratings of a query, each once however many rules marked it. Open and confirmed marks
/// count, dismissed and lapsed ones do not.
pub(super) fn tally(db: &Db<'_>, query: &TallyQuery) -> Result<Tally, StoreError> {
    let (from, to) = (query.slots.start * SLOT_MS, query.slots.end * SLOT_MS);
    let mut parameters = values![from, to, from - MOVED_MS, to + MOVED_MS].to_vec();
    let (conditions, wanted) = conditions(query, parameters.len())?;
    parameters.extend(wanted);
    let columns: Result<Vec<&str>, StoreError> = query.split.iter().map(|c| name(*c)).collect();
    let columns = columns?;
    let split: String = columns
        .iter()
        .map(|column| format!("r.{column}, "))
        .collect();
    let sql = format!(
        "SELECT {split}r.at_ms, r.level AS rating FROM (SELECT DISTINCT hall_id, terminal_id, \
         stream_id, seq FROM mark WHERE state IN ('open', 'confirmed') AND at_ms >= ?3 \
         AND at_ms < ?4) m JOIN record r ON r.hall_id = m.hall_id \
         AND r.terminal_id = m.terminal_id AND r.stream_id = m.stream_id AND r.seq = m.seq \
         WHERE r.outcome = 1 AND r.at_ms >= ?1 AND r.at_ms < ?2{conditions}"
    );
    let mut groups = BTreeMap::new();
    db.each(&sql, &parameters, |row| {
        let slot = row.get::<i64>("at_ms")?.div_euclid(SLOT_MS);
        let starts = &query.buckets;
        let bucket = starts
            .partition_point(|start| *start <= slot)
            .saturating_sub(1);
        let values: Result<Vec<Value>, _> = (0..columns.len()).map(|at| row.get(at)).collect();
        Tally::add(&mut groups, (bucket, values?), 1, row.get("rating")?, 1)
    })?;
    Ok(Tally::Groups(groups))
}

/// What follows WHERE, and the values in it; of several values of one column any will do.
fn conditions(query: &TallyQuery, before: usize) -> Result<(String, Vec<Param<'_>>), StoreError> {
    let mut by_column: BTreeMap<Column, Vec<&Value>> = BTreeMap::new();
    for (column, value) in &query.filters {
        by_column.entry(*column).or_default().push(value);
    }
    let (mut text, mut wanted) = (String::new(), Vec::new());
    for (column, values) in by_column {
        let places: Vec<String> = (1..=values.len())
            .map(|n| format!("?{}", before + wanted.len() + n))
            .collect();
        text += &format!(" AND r.{} IN ({})", name(column)?, places.join(", "));
        wanted.extend(values.into_iter().map(Param::from));
    }
    Ok((text, wanted))
}

/// The column of a record; regions and tags are told by others before a query comes here.
fn name(column: Column) -> Result<&'static str, StoreError> {
    Ok(match column {
        Column::Hall => "hall_id",
        Column::Window => "window_id",
        Column::Department => "department_id",
        Column::Staff => "staff_id",
        Column::Item => "item_code",
        Column::Channel => "channel",
        Column::Outcome => "outcome",
        Column::Level => "level",
        _ => {
            let column = "mark: a region or a tag";
            return Err(StoreError::Corrupt { column });
        }
    })
}

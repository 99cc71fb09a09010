//! Counts of a range: added up from roll-ups where these fit, and from the tally where they do not.

use std::collections::BTreeMap;

use manyi_shared::domain::{HallId, Level, OutcomeKind, national_tags, retired_tags};

use super::rollup::PARTS;
use super::{Db, Param, Row, values};
use crate::rollup::{Calendar, Cube, Grain, Parts, Run, Source, parts_of, plan};
use crate::score::Counts;
use crate::store::StoreError;
use crate::store::scores::{Column, GroupKey, Tally, TallyQuery, Value};

/// The counts of a query.
pub(super) fn counted(db: &Db<'_>, query: &TallyQuery) -> Result<Tally, StoreError> {
    let mut groups = Groups {
        query,
        counts: BTreeMap::new(),
    };
    let mut needed = query.split.clone();
    needed.extend(query.filters.iter().map(|(column, _)| *column));
    for (zone, halls) in places(db, query)? {
        let cube = Cube::of(&needed);
        let calendar = cube.and(zone.as_deref().and_then(Calendar::named));
        let hours = cube.is_some_and(Cube::by_hour);
        for run in plan(&query.slots, &query.buckets, calendar.as_ref(), hours) {
            let done = match (run.source, cube) {
                (Source::Rollup(grain), Some(cube)) => {
                    rolled(db, &mut groups, &halls, cube, grain, &run)?
                }
                _ => slots(db, &mut groups, &halls, &run)?,
            };
            if done.is_none() {
                return Ok(Tally::TooMany);
            }
        }
    }
    Ok(Tally::Groups(groups.counts))
}

/// The halls that are asked for, by the zone of their roll-ups; none where there are none.
fn places(
    db: &Db<'_>,
    query: &TallyQuery,
) -> Result<BTreeMap<Option<String>, Vec<String>>, StoreError> {
    let asked: Vec<&str> = texts(query, Column::Hall).collect();
    let mut places: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
    db.each(
        "SELECT h.hall_id, s.time_zone FROM hall h LEFT JOIN rollup_state s \
         ON s.hall_id = h.hall_id AND s.time_zone = h.time_zone AND s.ready = 1 \
         ORDER BY h.hall_id",
        &[],
        |row| {
            let hall: String = row.get(0)?;
            if asked.is_empty() || asked.contains(&hall.as_str()) {
                places.entry(row.get(1)?).or_default().push(hall);
            }
            Ok(())
        },
    )?;
    Ok(places)
}

fn texts(query: &TallyQuery, column: Column) -> impl Iterator<Item = &str> {
    let values = query.filters.iter().filter(move |(c, _)| *c == column);
    values.filter_map(|(_, value)| match value {
        Value::Text(text) => Some(text.as_str()),
        Value::Number(_) => None,
    })
}

/// What was counted so far.
struct Groups<'q> {
    query: &'q TallyQuery,
    counts: BTreeMap<GroupKey, Counts>,
}

impl Groups<'_> {
    /// Adds a row: the values of its dimensions in the order of the split, without level and outcome,
    /// then its counts. `None` when there are too many groups.
    fn add(
        &mut self,
        bucket: usize,
        mut next: impl FnMut() -> Result<Value, StoreError>,
        parts: &Parts,
    ) -> Result<Option<()>, StoreError> {
        let mut values = Vec::with_capacity(self.query.split.len());
        for column in &self.query.split {
            values.push(match column {
                Column::Outcome | Column::Level => Value::Number(0),
                _ => next()?,
            });
        }
        for (place, n) in parts.iter().enumerate().filter(|(_, n)| **n != 0) {
            let (outcome, level) = of_part(place);
            for (value, column) in values.iter_mut().zip(&self.query.split) {
                match column {
                    Column::Outcome => *value = Value::Number(outcome.number().into()),
                    Column::Level => {
                        *value = Value::Number(level.map_or(0, |level| level.number().into()));
                    }
                    _ => {}
                }
            }
            let corrupt = || StoreError::Corrupt { column: "tally.n" };
            let n = u64::try_from(*n).map_err(|_| corrupt())?;
            let key = (bucket, values.clone());
            let counts = self.counts.entry(key).or_insert_with(Counts::none);
            counts.add(outcome, level, n).map_err(|_| corrupt())?;
        }
        Ok((self.counts.len() <= self.query.max_groups).then_some(()))
    }
}

/// The outcome and level of a place in [`Parts`].
fn of_part(place: usize) -> (OutcomeKind, Option<Level>) {
    let rated = Level::ALL.get(place).copied();
    let outcome = match place {
        5 => OutcomeKind::Declined,
        6 => OutcomeKind::TimedOut,
        7 => OutcomeKind::Withdrawn,
        8 => OutcomeKind::Fault,
        _ => OutcomeKind::Rated,
    };
    (outcome, rated)
}

/// A statement that is being written. Names come from this module alone, values are bound.
#[derive(Default)]
struct Sql<'v> {
    conditions: String,
    values: Vec<Param<'v>>,
}

impl<'v> Sql<'v> {
    fn bind(&mut self, value: impl Into<Param<'v>>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    fn when(&mut self, condition: &str) {
        let and = if self.conditions.is_empty() {
            ""
        } else {
            " AND "
        };
        self.conditions += &format!("{and}{condition}");
    }

    fn one_of(&mut self, column: &str, values: impl IntoIterator<Item = Param<'v>>) {
        let places: Vec<String> = values.into_iter().map(|value| self.bind(value)).collect();
        self.when(&format!("{column} IN ({})", places.join(", ")));
    }

    /// The filters of a query, with the names that columns have here.
    fn filters(&mut self, query: &'v TallyQuery, name: impl Fn(Column) -> &'static str) {
        let mut by_column: BTreeMap<Column, Vec<Param<'v>>> = BTreeMap::new();
        for (column, value) in &query.filters {
            if *column != Column::Hall {
                by_column.entry(*column).or_default().push(value.into());
            }
        }
        for (column, values) in by_column {
            self.one_of(name(column), values);
        }
    }
}

/// Adds up a run of roll-ups.
fn rolled(
    db: &Db<'_>,
    groups: &mut Groups<'_>,
    halls: &[String],
    cube: Cube,
    grain: Grain,
    run: &Run,
) -> Result<Option<()>, StoreError> {
    let query = groups.query;
    let name = |column: Column| rollup_name(cube, column);
    let mut sql = Sql::default();
    sql.one_of("hall_id", halls.iter().map(Param::from));
    let (cube_number, grain_number) = (sql.bind(cube.number()), sql.bind(grain.number()));
    sql.when(&format!("cube = {cube_number} AND grain = {grain_number}"));
    let (first, last) = (sql.bind(run.first), sql.bind(run.last));
    let within = format!("period BETWEEN {first} AND {last}");
    let [a, _] = cube.ids();
    let seeks = |column: Column| query.filters.iter().any(|(c, _)| *c == column);
    match halls {
        // One seek for each period that has anything, instead of a walk through all ids of all.
        [_] if a.is_some_and(seeks) || seeks(Column::Tag) => sql.when(&format!(
            "period IN (SELECT period FROM rollup WHERE hall_id = ?1 AND cube = 0 \
             AND grain = {grain_number} AND {within})"
        )),
        _ => sql.when(&within),
    }
    if !cube.by_tag() {
        sql.when("tag = 0");
    }
    sql.filters(query, name);
    let mut columns: Vec<&str> = query
        .split
        .iter()
        .filter(|column| !matches!(column, Column::Outcome | Column::Level))
        .map(|column| name(*column))
        .collect();
    if !query.buckets.is_empty() {
        columns.push("period");
    }
    let sums = PARTS
        .map(|part| format!("CAST(SUM({part}) AS BIGINT)"))
        .join(", ");
    let by = columns.join(", ");
    let (select, group) = match by.as_str() {
        "" => (sums, String::new()),
        by => (format!("{by}, {sums}"), format!(" GROUP BY {by}")),
    };
    let text = format!(
        "SELECT {select} FROM rollup WHERE {}{group}",
        sql.conditions
    );
    db.while_some(&text, &sql.values, |row| {
        let mut at = 0;
        let mut parts = Parts::default();
        for (index, part) in parts.iter_mut().enumerate() {
            *part = row.get::<Option<i64>>(columns.len() + index)?.unwrap_or(0);
        }
        let bucket = match query.buckets.is_empty() {
            true => 0,
            false => run.bucket_of(row.get(columns.len() - 1)?),
        };
        groups.add(bucket, || next_value(row, &mut at), &parts)
    })
}

fn next_value(row: &Row<'_>, at: &mut usize) -> Result<Value, StoreError> {
    let value = row.get(*at)?;
    *at += 1;
    Ok(value)
}

fn rollup_name(cube: Cube, column: Column) -> &'static str {
    match column {
        Column::Window | Column::Staff | Column::Item if cube.ids()[1] == Some(column) => "b",
        Column::Window | Column::Staff | Column::Item => "a",
        _ => tally_name(column),
    }
}

const fn tally_name(column: Column) -> &'static str {
    match column {
        // A region is told by the hall: who counts splits by hall instead.
        Column::Region | Column::Hall => "hall_id",
        Column::Window => "window_id",
        Column::Department => "department_id",
        Column::Staff => "staff_id",
        Column::Item => "item_code",
        Column::Tag => "tag",
        Column::Channel => "channel",
        Column::Outcome => "outcome",
        Column::Level => "level",
    }
}

/// The outcome of whatever has tags.
const RATED: &str = "CAST(1 AS BIGINT)";

/// Adds up quarter-hours.
fn slots(
    db: &Db<'_>,
    groups: &mut Groups<'_>,
    halls: &[String],
    run: &Run,
) -> Result<Option<()>, StoreError> {
    let query = groups.query;
    let by_tag = query.split.contains(&Column::Tag)
        || query
            .filters
            .iter()
            .any(|(column, _)| *column == Column::Tag);
    let (table, outcome) = if by_tag {
        ("tag_tally", RATED)
    } else {
        ("tally", "outcome")
    };
    let mut sql = Sql::default();
    let places: Vec<String> = halls.iter().map(|hall| sql.bind(hall)).collect();
    let (first, last) = (sql.bind(run.first), sql.bind(run.last));
    sql.when("w IS NOT NULL AND hall_id = h AND window_id = w");
    sql.when(&format!("slot BETWEEN {first} AND {last}"));
    sql.filters(query, tally_name);
    let mut columns: Vec<&str> = query
        .split
        .iter()
        .filter(|column| !matches!(column, Column::Outcome | Column::Level))
        .map(|column| tally_name(*column))
        .collect();
    if !query.buckets.is_empty() {
        columns.push("slot");
    }
    let fixed = columns.len();
    columns.push(outcome);
    columns.push("level");
    let by = columns.join(", ");
    // A constant in GROUP BY would be the place of a column.
    let group: Vec<&str> = columns.iter().copied().filter(|c| *c != RATED).collect();
    let text = format!(
        "{} SELECT {by}, CAST(SUM(n) AS BIGINT) FROM place CROSS JOIN {table} WHERE {} GROUP BY {}",
        windows_of(table, &places.join(", ")),
        sql.conditions,
        group.join(", ")
    );
    db.while_some(&text, &sql.values, |row| {
        let mut at = 0;
        let place = parts_of(row.get(fixed)?, row.get(fixed + 1)?);
        let mut parts = Parts::default();
        let part = place.and_then(|place| parts.get_mut(place));
        *part.ok_or(StoreError::Corrupt {
            column: "tally.level",
        })? = row.get(fixed + 2)?;
        let bucket = match query.buckets.is_empty() {
            true => 0,
            false => run.bucket_of(row.get(fixed - 1)?),
        };
        groups.add(bucket, || next_value(row, &mut at), &parts)
    })
}

/// Every (hall, window) that has counts, by jumping from one to the next in the key
/// (hall, window, slot, …): a range of time is then one seek a window instead of a walk through all
/// that was ever counted.
fn windows_of(table: &str, halls: &str) -> String {
    format!(
        "WITH RECURSIVE place (h, w) AS ( \
         SELECT hall_id, (SELECT MIN(window_id) FROM {table} t WHERE t.hall_id = hall.hall_id) \
         FROM hall WHERE hall_id IN ({halls}) UNION ALL \
         SELECT h, (SELECT MIN(window_id) FROM {table} t WHERE t.hall_id = h AND t.window_id > w) \
         FROM place WHERE w IS NOT NULL)"
    )
}

/// Filters whose value no hall has or ever counted.
pub(super) fn unknown(
    db: &Db<'_>,
    halls: &[HallId],
    filters: &[(Column, Value)],
) -> Result<Vec<(Column, Value)>, StoreError> {
    let mut unknown = Vec::new();
    for (column, value) in filters {
        let mut known = known_everywhere(*column, value);
        for hall in halls {
            known = known || known_in(db, hall.as_str(), *column, value)?;
        }
        if !known {
            unknown.push((*column, value.clone()));
        }
    }
    Ok(unknown)
}

/// What needs no look: channels, "named none", tags of a known set.
fn known_everywhere(column: Column, value: &Value) -> bool {
    match (column, value) {
        (Column::Tag, Value::Number(code)) => {
            let code = u16::try_from(*code).ok();
            let code = code.and_then(manyi_shared::domain::TagCode::new);
            let known = |code| {
                national_tags()
                    .get(code)
                    .or(retired_tags().get(code))
                    .is_some()
            };
            code.is_some_and(known)
        }
        (Column::Tag, Value::Text(_)) => false,
        (Column::Window | Column::Department | Column::Staff | Column::Item, Value::Text(id)) => {
            id.is_empty()
        }
        _ => true,
    }
}

fn known_in(db: &Db<'_>, hall: &str, column: Column, value: &Value) -> Result<bool, StoreError> {
    let (table, id) = match column {
        Column::Window => ("service_window", "window_id"),
        Column::Department => ("department", "department_id"),
        Column::Staff => ("staff", "staff_id"),
        Column::Item => ("item", "item_code"),
        Column::Tag => ("tag_tally", "tag"),
        _ => return Ok(true),
    };
    let listed = format!("SELECT 1 FROM {table} WHERE hall_id = ?1 AND {id} = ?2");
    let key = values![hall, value];
    if db.exists(&listed, key)? || column == Column::Tag {
        return db.exists(&listed, key);
    }
    // It may have been taken out of the hall's tables since something was counted.
    let cube = Cube::of(&[column]).map_or(0, Cube::number);
    let name = if column == Column::Department {
        "department_id"
    } else {
        "a"
    };
    let month = format!(
        "SELECT 1 FROM rollup_state s JOIN rollup r ON r.hall_id = s.hall_id \
         WHERE s.hall_id = ?1 AND r.cube = {cube} AND r.grain = 3 AND r.{name} = ?2"
    );
    let counted = format!("SELECT 1 FROM tally WHERE hall_id = ?1 AND {id} = ?2");
    let ready = "SELECT 1 FROM rollup_state WHERE hall_id = ?1 AND ready = 1";
    if db.exists(ready, values![hall])? {
        return db.exists(&month, key);
    }
    db.exists(&counted, key)
}

#[cfg(test)]
mod laws;

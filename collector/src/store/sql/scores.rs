//! Counts, read from `tally`; names and the state of windows.

use std::collections::BTreeMap;

use async_trait::async_trait;
use manyi_shared::domain::HallId;

use super::value::FromColumn;
use super::{Db, Param, Row, Value as Held, values};
use crate::store::scores::{Column, Names, Tally, TallyQuery, Value, WindowState};
use crate::store::{Database, ScoreStore, StoreError};

#[async_trait]
impl ScoreStore for Database {
    async fn tally(&self, query: TallyQuery) -> Result<Tally, StoreError> {
        self.read(move |db| tally(db, &query)).await
    }

    async fn names(&self, column: Column) -> Result<Names, StoreError> {
        self.read(move |db| names(db, column)).await
    }

    async fn windows(&self, hall: HallId) -> Result<Vec<WindowState>, StoreError> {
        self.read(move |db| windows(db, &hall)).await
    }
}

const fn sql_name(column: Column) -> &'static str {
    match column {
        // Never asked for here: who counts splits by hall instead.
        Column::Region => "region_code",
        Column::Hall => "hall_id",
        Column::Window => "window_id",
        Column::Department => "department_id",
        Column::Staff => "staff_id",
        Column::Item => "item_code",
        Column::Channel => "channel",
        Column::Outcome => "outcome",
        Column::Level => "level",
    }
}

impl<'v> From<&'v Value> for Param<'v> {
    fn from(value: &'v Value) -> Self {
        match value {
            Value::Number(number) => number.into(),
            Value::Text(text) => text.into(),
        }
    }
}

impl FromColumn<'_> for Value {
    const WANTED: &'static str = "a number or a text";

    fn of(value: Held<'_>) -> Option<Self> {
        match value {
            Held::Int(number) => Some(Self::Number(number)),
            Held::Text(text) => Some(Self::Text(text.to_owned())),
            Held::Null | Held::Blob(_) => None,
        }
    }
}

fn tally(db: &Db<'_>, query: &TallyQuery) -> Result<Tally, StoreError> {
    let mut parameters = values![query.slots.start, query.slots.end].to_vec();
    parameters.extend(query.filters.iter().map(|(_, value)| Param::from(value)));
    let mut groups = BTreeMap::new();
    let counted = db.while_some(&tally_sql(query), &parameters, |row| {
        let slot: i64 = row.get("slot")?;
        let bucket = query
            .buckets
            .partition_point(|start| *start <= slot)
            .saturating_sub(1);
        let values: Result<Vec<Value>, _> =
            query.split.iter().map(|c| row.get(sql_name(*c))).collect();
        let (outcome, level) = (row.get("outcome")?, row.get("level")?);
        let key = (bucket, values?);
        Tally::add(&mut groups, key, outcome, level, row.get("total")?)?;
        Ok((groups.len() <= query.max_groups).then_some(()))
    })?;
    Ok(if counted.is_some() {
        Tally::Groups(groups)
    } else {
        Tally::TooMany
    })
}

/// Column names come from [`sql_name`] alone, values are bound.
fn tally_sql(query: &TallyQuery) -> String {
    // Rows of one bucket need no slot; the first slot stands for all.
    let slot = if query.buckets.is_empty() {
        "MIN(slot) AS slot"
    } else {
        "slot"
    };
    let mut columns: Vec<&str> = query.split.iter().map(|c| sql_name(*c)).collect();
    columns.extend(
        ["outcome", "level"]
            .into_iter()
            .filter(|c| !query.split.iter().any(|s| sql_name(*s) == *c)),
    );
    let columns = columns.join(", ");
    let by_slot = if query.buckets.is_empty() {
        ""
    } else {
        ", slot"
    };
    let mut conditions = "w IS NOT NULL AND hall_id = h AND window_id = w AND slot >= ?1 \
                          AND slot < ?2"
        .to_owned();
    for (column, places) in places_of(&query.filters) {
        conditions += &format!(" AND {} IN ({places})", sql_name(column));
    }
    format!(
        "{PLACES} SELECT {slot}, {columns}, CAST(SUM(n) AS BIGINT) AS total \
         FROM place CROSS JOIN tally WHERE {conditions} \
         GROUP BY {columns}{by_slot} HAVING SUM(n) <> 0"
    )
}

/// For each column that is filtered, the parameters of its values: `?3, ?5`.
fn places_of(filters: &[(Column, Value)]) -> BTreeMap<Column, String> {
    let mut places: BTreeMap<Column, String> = BTreeMap::new();
    for (index, (column, _)) in filters.iter().enumerate() {
        let list = places.entry(*column).or_default();
        let comma = if list.is_empty() { "" } else { ", " };
        *list += &format!("{comma}?{}", index + 3);
    }
    places
}

/// Every (hall, window) that has counts, by jumping from one to the next in the key
/// (hall, window, slot, …): a range of time is then one seek a window instead of a walk through all
/// that was ever counted.
const PLACES: &str = "WITH RECURSIVE place (h, w) AS ( \
    SELECT hall_id, (SELECT MIN(window_id) FROM tally t WHERE t.hall_id = hall.hall_id) FROM hall \
    UNION ALL \
    SELECT h, (SELECT MIN(window_id) FROM tally t WHERE t.hall_id = h AND t.window_id > w) \
    FROM place WHERE w IS NOT NULL)";

fn names(db: &Db<'_>, column: Column) -> Result<Names, StoreError> {
    let sql = match column {
        Column::Hall => "SELECT hall_id, hall_id, name FROM hall",
        Column::Window => "SELECT hall_id, window_id, name FROM service_window",
        Column::Department => "SELECT hall_id, department_id, name FROM department",
        Column::Staff => "SELECT hall_id, staff_id, name FROM staff",
        Column::Item => "SELECT hall_id, item_code, name FROM item",
        Column::Region | Column::Channel | Column::Outcome | Column::Level => {
            return Ok(Names::new());
        }
    };
    let mut names = Names::new();
    db.each(sql, &[], |row| {
        names.insert((row.get(0)?, row.get(1)?), row.get(2)?);
        Ok(())
    })?;
    Ok(names)
}

const WINDOWS: &str = "
    SELECT w.window_id, w.block, w.number, w.name, COALESCE(d.name, '') AS department,
           COUNT(t.terminal_id) AS terminals, MAX(t.last_seen_ms) AS last_seen_ms,
           CAST(COALESCE(SUM(t.backlog), 0) AS BIGINT) AS backlog
    FROM service_window w
    LEFT JOIN department d ON d.hall_id = w.hall_id AND d.department_id = w.department_id
    LEFT JOIN terminal t
           ON t.hall_id = w.hall_id AND t.window_id = w.window_id AND t.state = 'active'
    WHERE w.hall_id = ?1
    GROUP BY w.window_id, w.block, w.number, w.name, d.name
    ORDER BY w.window_id";

/// The three newest streams of each terminal at a window: enough to find today's last rating after
/// a restart or two.
const STREAMS: &str = "
    SELECT t.window_id, s.terminal_id, s.stream_id
    FROM terminal t
    JOIN stream s ON s.hall_id = t.hall_id AND s.terminal_id = t.terminal_id
    WHERE t.hall_id = ?1 AND t.state = 'active'
      AND s.stream_id IN (SELECT n.stream_id FROM stream n
                          WHERE n.hall_id = t.hall_id AND n.terminal_id = t.terminal_id
                          ORDER BY n.received_ms DESC LIMIT 3)";

/// A walk back from the stream's end along the identity index. Nested in [`WINDOWS`] it would sort
/// the whole stream: SQLite then no longer sees that the index is in order.
const LAST_RATING: &str = "
    SELECT at_ms FROM record
    WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 AND outcome = 1
    ORDER BY seq DESC LIMIT 1";

fn windows(db: &Db<'_>, hall: &HallId) -> Result<Vec<WindowState>, StoreError> {
    let last_ratings = last_ratings(db, hall)?;
    db.rows(WINDOWS, values![hall.as_str()], |row| {
        let mut window = window(row)?;
        window.last_rating_ms = last_ratings.get(&window.id).copied();
        Ok(window)
    })
}

/// The last rating of each window that has one.
fn last_ratings(db: &Db<'_>, hall: &HallId) -> Result<BTreeMap<String, i64>, StoreError> {
    let mut found = BTreeMap::new();
    db.each(STREAMS, values![hall.as_str()], |row| {
        let (window, terminal, stream): (String, &[u8], &[u8]) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let key = values![hall.as_str(), terminal, stream];
        let at: Option<Option<i64>> = db.row(LAST_RATING, key, |row| row.get(0))?;
        if let Some(at) = at.flatten() {
            let last = found.entry(window).or_insert(at);
            *last = at.max(*last);
        }
        Ok(())
    })?;
    Ok(found)
}

fn window(row: &Row<'_>) -> Result<WindowState, StoreError> {
    Ok(WindowState {
        id: row.get("window_id")?,
        block: row.get("block")?,
        number: row.get("number")?,
        name: row.get("name")?,
        department: row.get("department")?,
        last_rating_ms: None,
        terminals: row.get("terminals")?,
        last_seen_ms: row.get("last_seen_ms")?,
        backlog: row.get("backlog")?,
    })
}

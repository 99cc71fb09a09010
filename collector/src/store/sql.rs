//! The store over SQL that every database here speaks: one implementation of the whole port.
//!
//! A statement is written once and runs on SQLite and on PostgreSQL. So it keeps to what both take
//! the same way:
//! - parameters `?1`, `?2`, …; one that is only compared with NULL, selected, or computed with
//!   alone says its type, `CAST(?1 AS BIGINT)`, because PostgreSQL could not tell it;
//! - `CAST(SUM(n) AS BIGINT)` (a sum has another type there), no two-argument `MAX` or `MIN`;
//! - truth values as 0 and 1: `?1 = 1 OR …`, not `?1 OR …`;
//! - `INSERT` names its columns, `ON CONFLICT (…) DO UPDATE` its key, and the old value its table
//!   (`tally.n + excluded.n`); a query in FROM has a name;
//! - never `INSERT OR …`, `rowid`, `hex()`, `json_…`, `GLOB`, `PRAGMA`, `INDEXED BY` (see
//!   [`Db::by_index`]).
//!
//! **Locks** A job of `Database::write` has all writing to itself, on both databases. One of
//! `write_beside` and `write_records` (ingest) has not on PostgreSQL, where others of its kind run
//! beside it, also in other collectors. A job that reads before it decides takes its lock first,
//! then reads, and in this order: [`Db::lock_name`], [`Db::lock_hall`] or
//! [`Db::lock_hall_shared`], [`Db::lock_terminal`]. Whoever stores records shares the hall with others
//! that do, and has the terminal for itself; whoever changes what they all depend on (tables of a
//! hall, closed days) has the hall for itself. Jobs that are alone today keep to this, too: then
//! letting one of them run beside others is a decision about speed, not about what is right.

mod alerts;
pub(crate) mod audit;
mod counts;
mod enrolment;
mod faults;
pub(crate) mod fleet;
pub(crate) mod hall;
mod identity;
pub(crate) mod ingest;
mod marked;
mod marks;
mod office;
mod port;
pub(crate) mod prompts;
pub(crate) mod proof;
mod publications;
mod records;
pub(crate) mod recount;
pub(crate) mod rollup;
mod scores;
mod session;
pub(crate) mod tables;
pub(crate) mod tally;
#[cfg(test)]
mod tests;
mod users;
mod value;
mod views;

pub(crate) use session::{Columns, Insert, NewRows, Session, Take, Walk};
pub(crate) use value::{FromColumn, Param, Value, capped, code, number, values};

use manyi_shared::domain::TerminalId;

use super::StoreError;

/// One transaction of the database.
pub(crate) struct Db<'c> {
    session: &'c dyn Session,
}

impl<'c> Db<'c> {
    /// Over a session of one of the databases.
    pub(crate) const fn new(session: &'c dyn Session) -> Self {
        Self { session }
    }

    /// Runs a statement; gives back how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, values: &[Param<'_>]) -> Result<u64, StoreError> {
        self.session.execute(sql, values)
    }

    /// Hands out the rows of a query one after another. Other statements may run meanwhile.
    pub(crate) fn each(
        &self,
        sql: &str,
        values: &[Param<'_>],
        mut take: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.session
            .each(sql, values, &mut |row| take(row).map(|()| Walk::On))
    }

    /// As [`Self::each`], as long as something is made of the rows. None when it was not.
    pub(crate) fn while_some(
        &self,
        sql: &str,
        values: &[Param<'_>],
        mut take: impl FnMut(&Row<'_>) -> Result<Option<()>, StoreError>,
    ) -> Result<Option<()>, StoreError> {
        let mut all = Some(());
        self.session.each(sql, values, &mut |row| {
            all = take(row)?;
            Ok(if all.is_some() { Walk::On } else { Walk::Stop })
        })?;
        Ok(all)
    }

    /// All rows of a query.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        values: &[Param<'_>],
        mut take: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.session.few(sql, values, &mut |row| {
            rows.push(take(row)?);
            Ok(Walk::On)
        })?;
        Ok(rows)
    }

    /// The first row of a query, if there is one. The query has few: it says so, if need be with
    /// `LIMIT`.
    pub(crate) fn row<T>(
        &self,
        sql: &str,
        values: &[Param<'_>],
        take: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut take = Some(take);
        let mut first = None;
        self.session.few(sql, values, &mut |row| {
            if let Some(take) = take.take() {
                first = Some(take(row)?);
            }
            Ok(Walk::Stop)
        })?;
        Ok(first)
    }

    /// The first row of a query that always has one.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        values: &[Param<'_>],
        take: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.row(sql, values, take)?.ok_or(StoreError::NoRow)
    }

    /// Whether a query has a row.
    pub(crate) fn exists(&self, sql: &str, values: &[Param<'_>]) -> Result<bool, StoreError> {
        Ok(self.row(sql, values, |_| Ok(()))?.is_some())
    }

    /// Inserts rows, many in one statement where that is faster; gives back how many were changed.
    pub(crate) fn insert_many<'v>(
        &self,
        insert: &Insert<'_>,
        rows: impl IntoIterator<Item = Vec<Param<'v>>>,
    ) -> Result<u64, StoreError> {
        self.session.insert(insert, &mut rows.into_iter())
    }

    /// Runs a statement for each row of values; gives back how many rows were changed.
    pub(crate) fn execute_many<'v>(
        &self,
        sql: &str,
        rows: impl IntoIterator<Item = Vec<Param<'v>>>,
    ) -> Result<u64, StoreError> {
        self.session.execute_many(sql, &mut rows.into_iter())
    }

    /// Has a thing for itself that is no row, until the job ends; everybody must name it alike.
    pub(crate) fn lock_name(&self, name: &str) -> Result<(), StoreError> {
        if self.session.shared() {
            let sql = "SELECT CAST(pg_advisory_xact_lock(hashtextextended(?1, 0)) AS TEXT)";
            self.row(sql, values![name], |_| Ok(()))?;
        }
        Ok(())
    }

    /// Has a hall for itself until the job ends, when there is such a hall.
    pub(crate) fn lock_hall(&self, hall: &str) -> Result<(), StoreError> {
        self.lock("SELECT 1 FROM hall WHERE hall_id = ?1 FOR UPDATE", hall)
    }

    /// Has a hall together with others that share it, until the job ends.
    pub(crate) fn lock_hall_shared(&self, hall: &str) -> Result<(), StoreError> {
        self.lock("SELECT 1 FROM hall WHERE hall_id = ?1 FOR KEY SHARE", hall)
    }

    /// Has a terminal for itself until the job ends; its hall is locked first.
    pub(crate) fn lock_terminal(&self, hall: &str, terminal: TerminalId) -> Result<(), StoreError> {
        if self.session.shared() {
            let sql =
                "SELECT 1 FROM terminal WHERE hall_id = ?1 AND terminal_id = ?2 FOR NO KEY UPDATE";
            self.row(sql, values![hall, terminal.as_bytes()], |_| Ok(()))?;
        }
        Ok(())
    }

    fn lock(&self, sql: &str, hall: &str) -> Result<(), StoreError> {
        if self.session.shared() {
            self.row(sql, values![hall], |_| Ok(()))?;
        }
        Ok(())
    }

    /// Names the index to walk along, after a table in FROM. For SQLite, which plans by shape alone;
    /// PostgreSQL knows the tables' sizes and chooses by itself.
    pub(crate) fn by_index(&self, index: &str) -> String {
        if self.session.shared() {
            return String::new();
        }
        format!("INDEXED BY {index}")
    }
}

/// A row that is being read.
pub(crate) struct Row<'r> {
    columns: &'r dyn Columns,
}

impl<'r> Row<'r> {
    pub(crate) const fn new(columns: &'r dyn Columns) -> Self {
        Self { columns }
    }

    /// The value of a column, by its place from 0 or by its name.
    pub(crate) fn get<'s, T: FromColumn<'s>>(&'s self, at: impl At) -> Result<T, StoreError> {
        let index = at.index(self.columns)?;
        T::of(self.columns.value(index)?).ok_or_else(|| StoreError::Column {
            column: self.columns.name_of(index).unwrap_or("?").to_owned(),
            wanted: T::WANTED,
        })
    }

    /// All values of the row.
    pub(crate) fn all(&self) -> Result<Vec<Param<'static>>, StoreError> {
        let indexes = 0..self.columns.count();
        indexes.map(|index| self.get(index)).collect()
    }
}

/// A column's place or name.
pub(crate) trait At {
    fn index(self, columns: &dyn Columns) -> Result<usize, StoreError>;
}

impl At for usize {
    fn index(self, _: &dyn Columns) -> Result<usize, StoreError> {
        Ok(self)
    }
}

impl At for &str {
    fn index(self, columns: &dyn Columns) -> Result<usize, StoreError> {
        columns.index_of(self).ok_or_else(|| StoreError::Column {
            column: self.to_owned(),
            wanted: "anything: the query has no such column",
        })
    }
}

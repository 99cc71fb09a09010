//! What a database has to offer, for [`Db`](super::Db) to stand on it.
//!
//! **Invariants**, which both databases hold
//! 1. A session is one transaction. All its statements see it; a reading one sees one moment.
//! 2. `each` may be nested: while one is walking, the session takes other statements.
//! 3. Texts and bytes compare byte by byte (`COLLATE "C"` where a database has other ideas); whole
//!    numbers have 64 bits; a truth value is read as 0 or 1.

use super::{Param, Row, Value};
use crate::store::StoreError;

/// Takes one row after another; [`Walk::Stop`] ends the query.
pub(crate) type Take<'t> = dyn FnMut(&Row<'_>) -> Result<Walk, StoreError> + 't;

/// Many rows of values, one at a time.
pub(crate) type NewRows<'t, 'v> = dyn Iterator<Item = Vec<Param<'v>>> + 't;

/// Whether the next row is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Walk {
    On,
    Stop,
}

/// One transaction of a database.
///
/// SQL comes with parameters `?1`, `?2`, …, as SQLite writes them. Statements are kept prepared:
/// the texts are few, and come again.
pub(crate) trait Session {
    /// Runs a statement; gives back how many rows it changed.
    fn execute(&self, sql: &str, values: &[Param<'_>]) -> Result<u64, StoreError>;

    /// Runs a statement for each of many rows of values, without waiting for one before the next is
    /// sent; gives back how many rows all of them changed.
    fn execute_many(&self, sql: &str, rows: &mut NewRows<'_, '_>) -> Result<u64, StoreError>;

    /// Runs a query and hands out its rows, in order, no more of them in memory than a few.
    fn each(&self, sql: &str, values: &[Param<'_>], take: &mut Take<'_>) -> Result<(), StoreError>;

    /// Like `each` for a query of few rows, which are all in memory at a time. Cheaper where a walk
    /// takes several messages.
    fn few(&self, sql: &str, values: &[Param<'_>], take: &mut Take<'_>) -> Result<(), StoreError> {
        self.each(sql, values, take)
    }

    /// Inserts rows, many at a time where that is faster; gives back how many it changed.
    fn insert(&self, insert: &Insert<'_>, rows: &mut NewRows<'_, '_>) -> Result<u64, StoreError>;

    /// Whether other writers may run beside this session, so that it must lock what it decides on.
    fn shared(&self) -> bool;
}

/// Where rows go.
///
/// No two rows of one insert may stand for the same key: a database that takes many rows in one
/// statement cannot update the same row twice in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Insert<'i> {
    /// The table.
    pub(crate) table: &'i str,
    /// Its columns, in the order of the values.
    pub(crate) columns: &'i [&'i str],
    /// What follows the values: `ON CONFLICT …`, or nothing.
    pub(crate) conflict: &'i str,
}

impl<'i> Insert<'i> {
    /// Rows that are new, whatever is there.
    pub(crate) const fn into(table: &'i str, columns: &'i [&'i str]) -> Self {
        Self {
            table,
            columns,
            conflict: "",
        }
    }

    /// The statement for this many rows, with parameters numbered from 1.
    pub(crate) fn sql(&self, rows: usize) -> String {
        let width = self.columns.len();
        let row = |n: usize| {
            let places = (1..=width).map(|column| format!("?{}", n * width + column));
            format!("({})", places.collect::<Vec<_>>().join(", "))
        };
        let rows: Vec<_> = (0..rows).map(row).collect();
        let (table, columns) = (self.table, self.columns.join(", "));
        let sql = format!("INSERT INTO {table} ({columns}) VALUES {}", rows.join(", "));
        format!("{sql} {}", self.conflict).trim_end().to_owned()
    }
}

/// The columns of a row, for [`Row`].
pub(crate) trait Columns {
    /// The value of a column, counted from 0.
    fn value(&self, index: usize) -> Result<Value<'_>, StoreError>;

    /// Where the column of this name is.
    fn index_of(&self, name: &str) -> Option<usize>;

    /// The name of a column.
    fn name_of(&self, index: usize) -> Option<&str>;

    /// How many columns there are.
    fn count(&self) -> usize;
}

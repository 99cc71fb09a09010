//! One transaction on one connection.
//!
//! **Invariants**
//! 1. A statement that fails makes the whole transaction void, whatever the job makes of the
//!    error: PostgreSQL takes nothing more, and answers COMMIT with a rollback. [`Session::failed`]
//!    remembers it, so that nothing is called durable that is not.
//! 2. No borrow of the connection is held while a row is handed out: the taker may ask on.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use postgres::types::{ToSql, Type};
use postgres::{Client, Statement};

use super::{text, value};
use crate::store::StoreError;
use crate::store::sql::{Insert, NewRows, Param, Row, Take, Walk};

/// Rows of a walk in memory at a time.
const FETCH: usize = 512;

/// Rows of one insert statement: beyond it a statement gains nothing and costs memory.
const INSERT: usize = 2_000;

/// Prepared statements that a connection keeps: more than the store has texts of.
const STATEMENTS: usize = 1_024;

/// What a connection keeps prepared.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    statements: HashMap<String, Vec<Statement>>,
    inserts: HashMap<String, Arc<Filling>>,
}

/// An insert of many rows, and the types of its columns.
#[derive(Debug)]
struct Filling {
    statement: Statement,
    types: Vec<Type>,
}

/// A transaction that has begun.
pub(super) struct Session<'c> {
    client: RefCell<&'c mut Client>,
    prepared: &'c RefCell<Prepared>,
    failed: Cell<bool>,
    walks: Cell<u32>,
}

impl<'c> Session<'c> {
    /// Over a connection on which a transaction has begun.
    pub(super) const fn new(client: &'c mut Client, prepared: &'c RefCell<Prepared>) -> Self {
        Self {
            client: RefCell::new(client),
            prepared,
            failed: Cell::new(false),
            walks: Cell::new(0),
        }
    }

    /// Whether a statement has failed.
    pub(super) const fn failed(&self) -> bool {
        self.failed.get()
    }

    fn noted<T>(&self, result: Result<T, postgres::Error>) -> Result<T, StoreError> {
        result.map_err(|error| {
            self.failed.set(true);
            error.into()
        })
    }

    /// The prepared statement for these values: their types are said where there are values, so
    /// that a number always is one of 64 bits.
    fn statement(&self, sql: &str, values: &[Param<'_>]) -> Result<Statement, StoreError> {
        let mut prepared = self.prepared.borrow_mut();
        if let Some(known) = prepared.statements.get(sql)
            && let Some(statement) = known.iter().find(|s| takes(s, values))
        {
            return Ok(statement.clone());
        }
        let types: Vec<_> = values.iter().map(value::type_of).collect();
        let text = text::parameters(sql);
        let mut client = self.client.borrow_mut();
        let statement = self.noted(client.prepare_typed(&text, &types))?;
        if prepared.statements.len() >= STATEMENTS {
            prepared.statements.clear();
        }
        let known = prepared.statements.entry(sql.to_owned()).or_default();
        known.push(statement.clone());
        Ok(statement)
    }

    fn query(&self, sql: &str, values: &[Param<'_>]) -> Result<Vec<postgres::Row>, StoreError> {
        let statement = self.statement(sql, values)?;
        let mut client = self.client.borrow_mut();
        self.noted(client.query(&statement, &bound(values)))
    }

    /// Walks along a cursor: the rows may be more than fit into memory.
    fn walk(
        &self,
        sql: &str,
        values: &[Param<'_>],
        cursor: &str,
        take: &mut Take<'_>,
    ) -> Result<(), StoreError> {
        let declare = format!("DECLARE {cursor} NO SCROLL CURSOR FOR {sql}");
        let fetch = format!("FETCH {FETCH} FROM {cursor}");
        self.execute_text(&declare, values)?;
        let walked = self.fetch(&fetch, take);
        if !self.failed() {
            let mut client = self.client.borrow_mut();
            self.noted(client.batch_execute(&format!("CLOSE {cursor}")))?;
        }
        walked
    }

    fn fetch(&self, fetch: &str, take: &mut Take<'_>) -> Result<(), StoreError> {
        loop {
            let rows = {
                let mut client = self.client.borrow_mut();
                self.noted(client.query_typed(fetch, &[]))?
            };
            for row in &rows {
                if take(&Row::new(row))? == Walk::Stop {
                    return Ok(());
                }
            }
            if rows.len() < FETCH {
                return Ok(());
            }
        }
    }

    fn execute_text(&self, sql: &str, values: &[Param<'_>]) -> Result<u64, StoreError> {
        let statement = self.statement(sql, values)?;
        let mut client = self.client.borrow_mut();
        self.noted(client.execute(&statement, &bound(values)))
    }

    /// The statement that inserts many rows. The types of the columns are those of a plain insert.
    fn filling(&self, insert: &Insert<'_>) -> Result<Arc<Filling>, StoreError> {
        let plain = insert.sql(1);
        if let Some(known) = self.prepared.borrow().inserts.get(&plain) {
            return Ok(Arc::clone(known));
        }
        let mut client = self.client.borrow_mut();
        let types = self.noted(client.prepare(&text::parameters(&plain)))?;
        let types = types.params().to_vec();
        let names: Vec<_> = types.iter().map(Type::name).collect();
        let sql = text::insert(insert.table, insert.columns, &names, insert.conflict);
        let statement = self.noted(client.prepare(&sql))?;
        let filling = Arc::new(Filling { statement, types });
        let mut prepared = self.prepared.borrow_mut();
        prepared.inserts.insert(plain, Arc::clone(&filling));
        Ok(filling)
    }
}

impl crate::store::sql::Session for Session<'_> {
    fn execute(&self, sql: &str, values: &[Param<'_>]) -> Result<u64, StoreError> {
        self.execute_text(sql, values)
    }

    fn execute_many(&self, sql: &str, rows: &mut NewRows<'_, '_>) -> Result<u64, StoreError> {
        let mut changed = 0;
        for row in rows {
            changed += self.execute_text(sql, &row)?;
        }
        Ok(changed)
    }

    fn each(&self, sql: &str, values: &[Param<'_>], take: &mut Take<'_>) -> Result<(), StoreError> {
        let depth = self.walks.get();
        self.walks.set(depth + 1);
        let walked = self.walk(sql, values, &format!("walk_{depth}"), take);
        self.walks.set(depth);
        walked
    }

    fn few(&self, sql: &str, values: &[Param<'_>], take: &mut Take<'_>) -> Result<(), StoreError> {
        for row in &self.query(sql, values)? {
            if take(&Row::new(row))? == Walk::Stop {
                break;
            }
        }
        Ok(())
    }

    fn insert(&self, insert: &Insert<'_>, rows: &mut NewRows<'_, '_>) -> Result<u64, StoreError> {
        let mut changed = 0;
        loop {
            let some: Vec<_> = std::iter::from_fn(|| rows.next()).take(INSERT).collect();
            if some.is_empty() {
                return Ok(changed);
            }
            let filling = self.filling(insert)?;
            let columns = filling.types.iter().enumerate();
            let columns: Vec<_> = columns
                .map(|(n, kind)| column(&some, n, kind))
                .collect::<Result<_, _>>()?;
            let columns: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|c| &**c).collect();
            let mut client = self.client.borrow_mut();
            changed += self.noted(client.execute(&filling.statement, &columns))?;
            if some.len() < INSERT {
                return Ok(changed);
            }
        }
    }

    fn shared(&self) -> bool {
        true
    }
}

fn takes(statement: &Statement, values: &[Param<'_>]) -> bool {
    let kinds = statement.params();
    kinds.len() == values.len()
        && kinds
            .iter()
            .zip(values)
            .all(|(kind, value)| value::fits(value, kind))
}

fn bound<'v>(values: &'v [Param<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|v| v as &(dyn ToSql + Sync)).collect()
}

/// A column of several rows, as one array.
fn column<'r>(
    rows: &'r [Vec<Param<'_>>],
    n: usize,
    kind: &Type,
) -> Result<Box<dyn ToSql + Sync + 'r>, StoreError> {
    let cells = rows.iter().map(|row| row.get(n).unwrap_or(&Param::Null));
    let wrong = |wanted| StoreError::Column {
        column: format!("number {n} of an insert"),
        wanted,
    };
    match *kind {
        Type::INT8 => {
            let numbers = cells.map(|cell| match cell {
                Param::Null => Ok(None),
                Param::Int(number) => Ok(Some(*number)),
                Param::Text(_) | Param::Blob(_) => Err(wrong("a number")),
            });
            Ok(Box::new(numbers.collect::<Result<Vec<_>, _>>()?))
        }
        Type::TEXT => {
            let texts = cells.map(|cell| match cell {
                Param::Null => Ok(None),
                Param::Text(text) => Ok(Some(value::storable(text))),
                Param::Int(_) | Param::Blob(_) => Err(wrong("a text")),
            });
            Ok(Box::new(texts.collect::<Result<Vec<_>, _>>()?))
        }
        Type::BYTEA => {
            let bytes = cells.map(|cell| match cell {
                Param::Null => Ok(None),
                Param::Blob(bytes) => Ok(Some(&**bytes)),
                Param::Int(_) | Param::Text(_) => Err(wrong("bytes")),
            });
            Ok(Box::new(bytes.collect::<Result<Vec<_>, _>>()?))
        }
        _ => Err(wrong("a number, a text or bytes")),
    }
}

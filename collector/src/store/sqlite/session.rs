//! A SQLite connection as a session: statements are kept prepared, values go over as they are.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row as SqliteRow, ToSql, params_from_iter};

use crate::store::StoreError;
use crate::store::sql::{Columns, Insert, NewRows, Param, Row, Session, Take, Value, Walk};

impl Session for Connection {
    fn execute(&self, sql: &str, values: &[Param<'_>]) -> Result<u64, StoreError> {
        let changed = self
            .prepare_cached(sql)?
            .execute(params_from_iter(values))?;
        Ok(changed as u64)
    }

    fn execute_many(&self, sql: &str, rows: &mut NewRows<'_, '_>) -> Result<u64, StoreError> {
        let mut statement = self.prepare_cached(sql)?;
        let mut changed = 0;
        for row in rows {
            changed += statement.execute(params_from_iter(&row))?;
        }
        Ok(changed as u64)
    }

    fn each(&self, sql: &str, values: &[Param<'_>], take: &mut Take<'_>) -> Result<(), StoreError> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            if take(&Row::new(row))? == Walk::Stop {
                break;
            }
        }
        Ok(())
    }

    /// One prepared statement, row by row: nothing is faster here.
    fn insert(&self, insert: &Insert<'_>, rows: &mut NewRows<'_, '_>) -> Result<u64, StoreError> {
        self.execute_many(&insert.sql(1), rows)
    }

    fn shared(&self) -> bool {
        false
    }
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.as_value() {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Columns for SqliteRow<'_> {
    fn value(&self, index: usize) -> Result<Value<'_>, StoreError> {
        let wrong = || StoreError::Column {
            column: self.name_of(index).unwrap_or("?").to_owned(),
            wanted: "a whole number, a text or bytes",
        };
        match self.get_ref(index)? {
            ValueRef::Null => Ok(Value::Null),
            ValueRef::Integer(number) => Ok(Value::Int(number)),
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Ok(Value::Text(text)),
                Err(_) => Err(wrong()),
            },
            ValueRef::Blob(bytes) => Ok(Value::Blob(bytes)),
            ValueRef::Real(_) => Err(wrong()),
        }
    }

    fn index_of(&self, name: &str) -> Option<usize> {
        self.as_ref().column_index(name).ok()
    }

    fn name_of(&self, index: usize) -> Option<&str> {
        self.as_ref().column_name(index).ok()
    }

    fn count(&self) -> usize {
        self.as_ref().column_count()
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use manyi_shared::domain::Retry;
        use rusqlite::ErrorCode;

        let retry = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Retry::Backoff { at_least: None }
            }
            Some(
                ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen,
            ) => Retry::AfterOperator,
            _ => Retry::Never,
        };
        Self::Query {
            source: Box::new(error),
            retry,
        }
    }
}

//! The tables as the migrations make them, for whoever goes through all of them: a copy to another
//! database, a check of the schema.
//!
//! Nothing is written down twice: the migrations are run on an empty database in memory, and that is
//! asked.

use super::{Db, Row, values};
use crate::store::StoreError;

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// In the order of their declaration.
    pub(crate) columns: Vec<Column>,
    /// The columns of the primary key and of each unique index, the primary key first.
    pub(crate) keys: Vec<Vec<String>>,
    /// The tables that foreign keys of this one point at.
    pub(crate) points_at: Vec<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Int,
    Blob,
}

/// All tables, by name.
///
/// # Errors
/// When the migrations cannot be run, which tests would have told, or a column has a type that the
/// two databases do not share.
pub(crate) fn tables() -> Result<Vec<Table>, StoreError> {
    let connection = crate::store::sqlite::in_memory()?;
    of(&Db::new(&connection))
}

/// The tables of a SQLite database.
fn of(db: &Db<'_>) -> Result<Vec<Table>, StoreError> {
    let names: Vec<String> = db.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
         ORDER BY name",
        &[],
        |row| row.get(0),
    )?;
    names.into_iter().map(|name| table(db, name)).collect()
}

fn table(db: &Db<'_>, name: String) -> Result<Table, StoreError> {
    let columns = "SELECT name, type, \"notnull\" FROM pragma_table_info(?1) ORDER BY cid";
    let columns = db.rows(columns, values![&name], column)?;
    let primary: Vec<String> = db.rows(
        "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk",
        values![&name],
        |row| row.get(0),
    )?;
    let indexes: Vec<String> = db.rows(
        "SELECT name FROM pragma_index_list(?1) WHERE \"unique\" = 1 AND origin <> 'pk' \
         ORDER BY name",
        values![&name],
        |row| row.get(0),
    )?;
    let mut keys = vec![primary];
    for index in indexes {
        let of_index = "SELECT name FROM pragma_index_info(?1) ORDER BY seqno";
        keys.push(db.rows(of_index, values![index], |row| row.get(0))?);
    }
    keys.retain(|key| !key.is_empty());
    let points_at = "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list(?1) ORDER BY 1";
    let points_at = db.rows(points_at, values![&name], |row| row.get(0))?;
    Ok(Table {
        name,
        columns,
        keys,
        points_at,
    })
}

fn column(row: &Row<'_>) -> Result<Column, StoreError> {
    Ok(Column {
        name: row.get(0)?,
        kind: match row.get(1)? {
            "TEXT" => Kind::Text,
            "INTEGER" | "BIGINT" => Kind::Int,
            "BLOB" => Kind::Blob,
            _ => {
                return Err(StoreError::Corrupt {
                    column: "a declared type",
                });
            }
        },
        nullable: !row.get::<bool>(2)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a database that is spread over nodes by hall cannot do, no table may ask of it: a key
    /// without the hall, or a row that points at another hall's.
    #[test]
    fn every_table_of_a_hall_has_the_hall_first_in_every_key_and_points_at_nothing() {
        let tables = tables().expect("the migrations run");
        assert!(tables.iter().any(|table| table.name == "record"));
        let of_a_hall = |table: &Table| table.columns.iter().any(|c| c.name == "hall_id");
        for table in tables {
            assert!(
                !table.keys.is_empty() || table.name == "message_access",
                "{table:?}"
            );
            assert!(table.points_at.is_empty(), "{table:?}");
            for key in table.keys.iter().filter(|_| of_a_hall(&table)) {
                let first = key.first().map(String::as_str);
                assert_eq!(first, Some("hall_id"), "{}: {key:?}", table.name);
            }
        }
    }

    #[test]
    fn a_key_without_the_hall_would_be_seen() {
        let connection = rusqlite::Connection::open_in_memory().expect("opens");
        connection
            .execute_batch(
                "CREATE TABLE t (hall_id TEXT NOT NULL, id BIGINT NOT NULL, x BLOB, \
                 PRIMARY KEY (hall_id, id)); CREATE UNIQUE INDEX t_by_id ON t (id);",
            )
            .expect("creates");
        let tables = of(&Db::new(&connection)).expect("readable");
        let keys = [vec!["hall_id", "id"], vec!["id"]];
        assert_eq!(tables.len(), 1);
        assert_eq!(tables[0].keys, keys);
        let kinds = tables[0].columns.iter().map(|column| column.kind);
        assert_eq!(
            kinds.collect::<Vec<_>>(),
            [Kind::Text, Kind::Int, Kind::Blob]
        );
    }
}

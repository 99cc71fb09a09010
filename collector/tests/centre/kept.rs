//! The database of a centre under test: a SQLite file, or a database of a PostgreSQL server in the
//! test program `centre_pg`, which has the same tests, and in the bench `postgres`.

use std::path::{Path, PathBuf};

use manyi_collector::store::Database;
use manyi_collector::store::sqlite::FILE_NAME;
use rusqlite::Connection;
use rusqlite::types::Value;

use super::cluster::TestDatabase;

pub(crate) enum Kept {
    File(PathBuf),
    Server(TestDatabase),
}

impl Kept {
    /// A new database and what is needed to look into it.
    pub(crate) fn new(dir: &Path) -> (Self, Database) {
        let on_server = ["centre_pg::", "postgres::"];
        if !on_server
            .iter()
            .any(|program| module_path!().starts_with(program))
        {
            let store = Database::create(dir).expect("a database");
            return (Self::File(dir.join(FILE_NAME)), store);
        }
        let database = TestDatabase::new();
        // For the program, when a test runs it on this directory.
        let config = format!("database = \"{}\"\n", database.address());
        std::fs::write(dir.join("collector.toml"), config).expect("written");
        let store = Database::open_postgres(&database.settings()).expect("a database");
        (Self::Server(database), store)
    }

    /// A connection to read from: to the file, or to a copy of everything that the server has now.
    pub(crate) fn read(&self) -> Connection {
        match self {
            Self::File(path) => Connection::open(path).expect("opens"),
            Self::Server(database) => database.look(copy),
        }
    }

    /// Changes what is stored, behind the collector's back.
    pub(crate) fn execute(&self, sql: &str) {
        self.execute_each(sql, sql);
    }

    /// Like [`Self::execute`], for what the two databases write differently.
    pub(crate) fn execute_each(&self, sqlite: &str, postgres: &str) {
        match self {
            Self::File(_) => self.read().execute_batch(sqlite).expect(sqlite),
            Self::Server(database) => {
                database.look(|client| client.batch_execute(postgres).expect(postgres));
            }
        }
    }

    /// Every byte that is stored: the file as it is, or what the server hands out.
    pub(crate) fn bytes(&self, dir: &Path) -> Vec<u8> {
        if let Self::File(path) = self {
            let wal = std::fs::read(path.with_extension("sqlite-wal")).unwrap_or_default();
            return [std::fs::read(path).expect("a file"), wal].concat();
        }
        let path = dir.join("everything.sqlite");
        let into = format!("VACUUM INTO '{}'", path.display());
        self.read().execute_batch(&into).expect("written");
        std::fs::read(&path).expect("a file")
    }
}

/// All tables of a PostgreSQL database in a SQLite one in memory, so that tests look at both in one
/// language.
fn copy(client: &mut postgres::Client) -> Connection {
    let copy = Connection::open_in_memory().expect("opens");
    let tables = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition \
         AND relnamespace = 'public'::regnamespace";
    // One moment, as a connection to the file sees it.
    let mut moment = client
        .build_transaction()
        .isolation_level(postgres::IsolationLevel::RepeatableRead)
        .start()
        .expect("begins");
    for table in moment.query(tables, &[]).expect("reads") {
        let table: String = table.get(0);
        let select = moment
            .prepare(&format!("SELECT * FROM {table}"))
            .expect("prepares");
        let columns: Vec<_> = select
            .columns()
            .iter()
            .map(|c| format!("\"{}\"", c.name()))
            .collect();
        let create = format!("CREATE TABLE {table} ({})", columns.join(", "));
        copy.execute_batch(&create).expect("made");
        let places = vec!["?"; columns.len()].join(", ");
        let mut insert = copy
            .prepare(&format!("INSERT INTO {table} VALUES ({places})"))
            .expect("prepares");
        for row in moment.query(&select, &[]).expect("reads") {
            let values = (0..row.len()).map(|index| value(&row, index));
            insert
                .execute(rusqlite::params_from_iter(values))
                .expect("inserts");
        }
    }
    copy
}

fn value(row: &postgres::Row, index: usize) -> Value {
    let kind = row.columns()[index].type_();
    let value = match kind.name() {
        "int8" => row.get::<_, Option<i64>>(index).map(Value::Integer),
        "text" => row.get::<_, Option<String>>(index).map(Value::Text),
        "bytea" => row.get::<_, Option<Vec<u8>>>(index).map(Value::Blob),
        other => panic!("a column of type {other}"),
    };
    value.unwrap_or(Value::Null)
}

//! The store on SQLite: one writer with group commit, a few readers.
//!
//! **Invariants**
//! 1. Only the writer thread writes. A write's answer leaves after the COMMIT that holds it.
//! 2. WAL with `synchronous=FULL`: a committed transaction survives a power cut.
//! 3. A file of a newer schema, or one that is no database, is left as it is.
//!
//! **Crash** a cut before COMMIT leaves the database as before the group, a cut after it with all
//! of the group; senders whose answer was lost ask again and are told the same.

pub mod backup;
mod migrate;
mod readers;
mod session;
mod writer;

use migrate::migrate;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;
use super::sql::Db;
use readers::Readers;
use writer::Writer;

/// The database's file name inside the data directory.
pub const FILE_NAME: &str = "collector.sqlite";

/// How long a connection waits for another process's lock (`hall import` beside `serve`).
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The store, by the name it had when SQLite was all there was.
pub use super::Database as SqliteStore;

/// Prepared statements that a connection keeps: more than the store has texts of.
const STATEMENTS: usize = 512;

/// A database in one SQLite file.
#[derive(Debug)]
pub(super) struct Sqlite {
    writer: Writer,
    readers: Readers,
}

impl Sqlite {
    /// Opens the database in `data_dir`, brings its schema up to date and starts the writer.
    ///
    /// # Errors
    /// [`StoreError::Missing`] before `init`, [`StoreError::Open`] for a file that cannot be read
    /// as a database, [`StoreError::Newer`] for one of a newer program; none of them changes it.
    pub(super) fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join(FILE_NAME);
        if !path.exists() {
            return Err(StoreError::Missing { path });
        }
        Self::start(path)
    }

    /// Like [`Self::open`], and makes the database when there is none.
    ///
    /// # Errors
    /// As [`Self::open`], but never [`StoreError::Missing`].
    pub(super) fn create(data_dir: &Path) -> Result<Self, StoreError> {
        Self::start(data_dir.join(FILE_NAME))
    }

    fn start(path: PathBuf) -> Result<Self, StoreError> {
        let mut connection = connect(&path)?;
        migrate(&mut connection, &path)?;
        Ok(Self {
            writer: Writer::start(connection),
            readers: Readers::new(path),
        })
    }

    /// Runs `job` on the writer, inside its own savepoint, and answers once it is durable.
    ///
    /// # Errors
    /// What `job` returns (its changes are rolled back), or that the commit failed.
    pub(super) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.writer.run(job).await
    }

    /// Runs `job` on a reading connection, inside one read transaction.
    ///
    /// # Errors
    /// What `job` returns.
    pub(super) async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.readers.run(job).await
    }
}

/// An empty database of today's schema, in memory.
pub(super) fn in_memory() -> Result<Connection, StoreError> {
    let mut connection = Connection::open_in_memory()?;
    migrate(&mut connection, Path::new(":memory:"))?;
    Ok(connection)
}

/// A connection with our settings.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // Reading the schema first: a file that is no database fails here, before any change.
        connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // What a savepoint must be able to undo stays in memory instead of in a temporary file.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        // 32 MiB: the tally of a busy month stays in memory.
        connection.pragma_update(None, "cache_size", -32_768)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    };
    open().map_err(|source: rusqlite::Error| StoreError::Open {
        place: path.display().to_string(),
        source: Box::new(source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An acknowledgement means "durable here"; without this a power cut would make it a lie, and
    /// no other test would notice.
    #[tokio::test]
    async fn the_writer_syncs_every_commit() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = SqliteStore::create(dir.path()).expect("a database");
        let settings = store.write(|db| {
            let mode = db.one("PRAGMA journal_mode", &[], |row| row.get(0))?;
            Ok((mode, db.one("PRAGMA synchronous", &[], |row| row.get(0))?))
        });
        // 2 is FULL.
        assert_eq!(settings.await.expect("read"), ("wal".to_owned(), 2_i64));
    }
}

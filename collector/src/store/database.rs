//! The database behind the port: which one it is, and how a job gets to it.
//!
//! **Invariants**
//! 1. A read sees one moment of the database, however many queries it makes.
//! 2. A write is all or nothing, and is answered when it is durable.

use std::path::Path;
use std::sync::Mutex;

use manyi_shared::domain::HallId;
use manyi_shared::wire::PublicKey;

use super::StoreError;
use super::postgres::Postgres;
use super::sql::{Db, audit, ingest, proof, recount, tally};
use super::sqlite::Sqlite;
use crate::audit::Note;
use crate::config::{Config, PostgresSettings};
use crate::verify::Report;

/// A collector's database. Every part of the port is implemented over it once.
#[derive(Debug)]
pub struct Database {
    backend: Backend,
    /// What the next write is noted as in the audit log.
    next_note: Mutex<Option<(Note, i64)>>,
}

/// The databases there are.
#[derive(Debug)]
enum Backend {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Database {
    /// Opens the SQLite database in `data_dir` and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Missing`] before `init`, [`StoreError::Open`] for a file that cannot be read
    /// as a database, [`StoreError::Newer`] for one of a newer program; none of them changes it.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        Sqlite::open(data_dir).map(Self::over_sqlite)
    }

    /// Like [`Self::open`], and makes the database when there is none.
    ///
    /// # Errors
    /// As [`Self::open`], but never [`StoreError::Missing`].
    pub fn create(data_dir: &Path) -> Result<Self, StoreError> {
        Sqlite::create(data_dir).map(Self::over_sqlite)
    }

    /// Opens the database that the configuration names, and brings its schema up to date.
    ///
    /// # Errors
    /// As [`Self::open`]; [`StoreError::Open`] also for a server that cannot be used.
    pub fn configured(config: &Config) -> Result<Self, StoreError> {
        match config.postgres() {
            Some(settings) => Self::open_postgres(&settings),
            None => Self::open(&config.data_dir),
        }
    }

    /// Like [`Self::configured`], and makes file or schema when there is none.
    ///
    /// # Errors
    /// As [`Self::configured`], but never [`StoreError::Missing`].
    pub fn create_configured(config: &Config) -> Result<Self, StoreError> {
        match config.postgres() {
            Some(settings) => Self::create_postgres(&settings),
            None => Self::create(&config.data_dir),
        }
    }

    /// Opens the database of a PostgreSQL server and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Missing`] before `init`, [`StoreError::Open`] for a server that cannot be used,
    /// [`StoreError::Newer`] for a schema of a newer program; none of them changes it.
    pub fn open_postgres(settings: &PostgresSettings) -> Result<Self, StoreError> {
        Postgres::open(settings).map(Self::over_postgres)
    }

    /// Like [`Self::open_postgres`], and makes the schema when there is none. The database itself
    /// must be there.
    ///
    /// # Errors
    /// As [`Self::open_postgres`], but never [`StoreError::Missing`].
    pub fn create_postgres(settings: &PostgresSettings) -> Result<Self, StoreError> {
        Postgres::create(settings).map(Self::over_postgres)
    }

    const fn over_postgres(postgres: Postgres) -> Self {
        Self {
            backend: Backend::Postgres(postgres),
            next_note: Mutex::new(None),
        }
    }

    const fn over_sqlite(sqlite: Sqlite) -> Self {
        Self {
            backend: Backend::Sqlite(sqlite),
            next_note: Mutex::new(None),
        }
    }

    /// How many counts differ from a recount of all records; 0 when all is well.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn tally_differences(&self) -> Result<u64, StoreError> {
        self.read(tally::differences).await
    }

    /// How many self-tests, messages and outcomes with misuse differ from what all records say; 0
    /// when all is well.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn beside_differences(&self) -> Result<u64, StoreError> {
        self.read(recount::differences).await
    }

    /// How many rows and folds stand otherwise than all records and folds of their streams come to;
    /// 0 when all is well.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn whole_differences(&self) -> Result<u64, StoreError> {
        self.read(ingest::whole::differences).await
    }

    /// Checks everything that a SQLite connection sees of a hall, also what is not committed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn verify_seen(
        connection: &rusqlite::Connection,
        hall: &HallId,
        collector: &[PublicKey],
    ) -> Result<Report, StoreError> {
        proof::verify::verify(&Db::new(connection), hall, collector)
    }

    /// Writes a note into the audit log in the transaction of the next write, when that succeeds. For
    /// commands, which make one change each.
    pub(crate) fn note_next_write(&self, note: Note, now_ms: i64) {
        if let Ok(mut next) = self.next_note.lock() {
            *next = Some((note, now_ms));
        }
    }

    /// The job, and after it the note that waits for it.
    fn noted<T, F>(&self, job: F) -> impl FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let note = self.next_note.lock().ok().and_then(|mut next| next.take());
        move |db| {
            let done = job(db)?;
            if let Some((note, now_ms)) = note {
                audit::append(db, &note, now_ms)?;
            }
            Ok(done)
        }
    }

    /// Runs `job`, which writes nothing, on one moment of the database.
    ///
    /// # Errors
    /// What `job` returns.
    pub(crate) async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.read(job).await,
            Backend::Postgres(postgres) => postgres.read(job).await,
        }
    }

    /// Runs `job` all or nothing, and answers once it is durable. Nobody else writes meanwhile.
    ///
    /// # Errors
    /// What `job` returns (its changes are rolled back), or that the commit failed.
    pub(crate) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let job = self.noted(job);
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.write(job).await,
            Backend::Postgres(postgres) => postgres.write(job).await,
        }
    }

    /// Runs `job` all or nothing, and answers once it is durable. On PostgreSQL other jobs of this
    /// kind run beside it, also in other collectors: it locks what it decides on (see
    /// [`sql`](super::sql)), and touches nothing else that others decide on.
    ///
    /// # Errors
    /// What `job` returns (its changes are rolled back), or that the commit failed.
    pub(crate) async fn write_beside<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let job = self.noted(job);
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.write(job).await,
            Backend::Postgres(postgres) => postgres.write_beside(job).await,
        }
    }

    /// Like [`Self::write_beside`], for a job that stores records which were received at this
    /// moment: the part of the record table that they go to is made first.
    ///
    /// # Errors
    /// As [`Self::write_beside`].
    pub(crate) async fn write_records<T, F>(
        &self,
        received_ms: i64,
        job: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        if let Backend::Postgres(postgres) = &self.backend {
            postgres.make_parts(received_ms).await;
        }
        self.write_beside(job).await
    }

    /// Whether the database can be read and written now.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => {
                let one = sqlite.read(|db| db.exists("SELECT 1", &[]));
                one.await?;
                // An empty write job begins and commits: a read-only or locked file fails here.
                sqlite.write(|_| Ok(())).await
            }
            Backend::Postgres(postgres) => postgres.ready().await,
        }
    }
}

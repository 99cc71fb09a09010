//! The database behind the port: which one it is, and how a job gets to it.
//!
//! **Invariants**
//! 1. A read sees one moment of the database, however many queries it makes.
//! 2. A write is all or nothing, and is answered when it is durable.

use std::path::Path;

use manyi_shared::domain::HallId;
use manyi_shared::wire::PublicKey;

use super::StoreError;
use super::sql::{Db, ingest, proof, recount, tally};
use super::sqlite::Sqlite;
use crate::verify::Report;

/// A collector's database. Every part of the port is implemented over it once.
#[derive(Debug)]
pub struct Database {
    backend: Backend,
}

/// The databases there are.
#[derive(Debug)]
enum Backend {
    Sqlite(Sqlite),
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

    const fn over_sqlite(sqlite: Sqlite) -> Self {
        Self {
            backend: Backend::Sqlite(sqlite),
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
        }
    }

    /// Runs `job` all or nothing, and answers once it is durable.
    ///
    /// # Errors
    /// What `job` returns (its changes are rolled back), or that the commit failed.
    pub(crate) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.write(job).await,
        }
    }
}

//! The store on PostgreSQL: a few connections, each with one job at a time.
//!
//! **Invariants**
//! 1. A read is one REPEATABLE READ transaction that cannot write: it sees one moment.
//! 2. A write is one READ COMMITTED transaction. It has the database's writing to itself, as on
//!    SQLite; or it shares it with others of its kind, and then locks what it decides on
//!    ([`Kind::Beside`]). So no job has to be run twice, and several collectors are as one.
//! 3. A write's answer leaves after the COMMIT that holds it, on a server that syncs.
//! 4. A schema that a newer program has made is left as it is.
//!
//! **Crash** of this program, of the connection or of the server: a transaction that was not
//! committed is gone, one that was is whole. Whether a COMMIT that got no answer was made is not
//! known; senders ask again and are told.

mod error;
mod migrate;
mod parts;
mod pool;
mod session;
mod target;
#[cfg(test)]
mod tests;
mod text;
mod value;

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::StoreError;
use super::sql::Db;
use crate::config::PostgresSettings;
use pool::Pool;

/// Namespace of our advisory locks: "Mnyi".
const NAMESPACE: i32 = 0x4d6e_7969;
/// The lock on writing.
const WRITING: i32 = 1;
/// The lock on changing the schema.
const MIGRATING: i32 = 2;

/// Reads at once. Beyond it a dashboard's visitors wait for one another, not ingest for them.
const READERS: usize = 6;

/// Writes at once: while one waits for its sync, others work. A collector has at most `READERS` and
/// these connections.
const WRITERS: usize = 10;

/// What a job may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Only read.
    Read,
    /// Write, with nobody else writing meanwhile.
    Alone,
    /// Write, beside others that do: the job locks what it decides on.
    Beside,
}

/// A collector's database on a PostgreSQL server.
#[derive(Debug)]
pub(super) struct Postgres {
    pool: Arc<Pool>,
    readers: Arc<Semaphore>,
    writers: Arc<Semaphore>,
    parts: Arc<parts::Parts>,
}

impl Postgres {
    /// Connects and brings the schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Missing`] before `init`, [`StoreError::Open`] for a server that cannot be used,
    /// [`StoreError::Newer`] for a schema of a newer program; none of them changes it.
    pub(super) fn open(settings: &PostgresSettings) -> Result<Self, StoreError> {
        Self::start(settings, false)
    }

    /// Like [`Self::open`], and makes the schema when there is none. The database itself must be
    /// there.
    ///
    /// # Errors
    /// As [`Self::open`], but never [`StoreError::Missing`].
    pub(super) fn create(settings: &PostgresSettings) -> Result<Self, StoreError> {
        Self::start(settings, true)
    }

    fn start(settings: &PostgresSettings, make: bool) -> Result<Self, StoreError> {
        let pool = Pool::new(settings)?;
        // A thread of its own: the client has a runtime inside, which cannot start in another's.
        let pool = std::thread::scope(|scope| {
            let prepare = scope.spawn(move || pool.prepare(make).map(|()| pool));
            prepare.join().unwrap_or_else(|cause| {
                Err(StoreError::Panicked(crate::problem::words_of(&*cause)))
            })
        })?;
        Ok(Self {
            pool: Arc::new(pool),
            readers: Arc::new(Semaphore::new(READERS)),
            writers: Arc::new(Semaphore::new(WRITERS)),
            parts: Arc::default(),
        })
    }

    /// Runs `job` on one moment of the database.
    ///
    /// # Errors
    /// What `job` returns.
    pub(super) async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.run(Kind::Read, job).await
    }

    /// Runs `job` all or nothing, with nobody else writing meanwhile.
    ///
    /// # Errors
    /// What `job` returns (its changes are rolled back), or that the commit failed.
    pub(super) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.run(Kind::Alone, job).await
    }

    /// Runs `job` all or nothing beside others: it locks what it decides on.
    ///
    /// # Errors
    /// What `job` returns (its changes are rolled back), or that the commit failed.
    pub(super) async fn write_beside<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.run(Kind::Beside, job).await
    }

    /// Makes ready for records that are received then; a failure is logged and no harm.
    pub(super) async fn make_parts(&self, received_ms: i64) {
        if self.parts.ready_for(received_ms) {
            return;
        }
        match self.write(move |db| parts::make(db, received_ms)).await {
            Ok(()) => self.parts.note(received_ms),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not make this month's part of the records; they go to `record_other`"
            ),
        }
    }

    /// Whether this program can read and write the database now.
    ///
    /// # Errors
    /// Why not.
    pub(super) async fn ready(&self) -> Result<(), StoreError> {
        let place = self.pool.shown().to_owned();
        let version = self.read(|db| {
            let sql = "SELECT version FROM manyi_schema";
            db.one(sql, crate::store::sql::values![], |row| row.get(0))
        });
        migrate::known(version.await?, &place)?;
        self.write_beside(|_| Ok(())).await
    }

    async fn run<T, F>(&self, kind: Kind, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Db<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let turns = match kind {
            Kind::Read => &self.readers,
            Kind::Alone | Kind::Beside => &self.writers,
        };
        let turn = Arc::clone(turns).acquire_owned().await;
        let turn = turn.map_err(|_| StoreError::Closed)?;
        let pool = Arc::clone(&self.pool);
        let run = move || {
            let result = pool.run(kind, job);
            drop(turn);
            result
        };
        tokio::task::spawn_blocking(run)
            .await
            .map_err(|_| StoreError::Closed)?
    }
}

//! Connections: opened when first wanted, kept while they are good.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use postgres::Client;

use super::session::{Prepared, Session};
use super::target::Target;
use super::{Kind, NAMESPACE, WRITING, migrate};
use crate::config::PostgresSettings;
use crate::store::StoreError;
use crate::store::sql::Db;

/// For each connection. `lock_timeout` is shorter than a request may take, so that its sender hears
/// why; a transaction whose program hangs does not hold its locks for ever. A walk is planned to its
/// end, and nothing here is worth compiling a plan for.
const SETTINGS: &str = "SET synchronous_commit = on; SET lock_timeout = '20s'; \
     SET idle_in_transaction_session_timeout = '5min'; SET TIME ZONE 'UTC'; \
     SET client_min_messages = warning; SET cursor_tuple_fraction = 1; SET jit = off";

/// Settings that an acknowledgement stands on, the values they must have, and what else would be.
const NEEDED: [(&str, &str, &str); 3] = [
    (
        "fsync",
        "on",
        "a power cut could destroy what was acknowledged",
    ),
    (
        "synchronous_commit",
        "on",
        "a crash could lose what was acknowledged",
    ),
    (
        "server_encoding",
        "UTF8",
        "names and comments could not be kept",
    ),
];

/// The oldest server that is used: older ones plan changes of a table of parts for every part.
const OLDEST: i32 = 14;

/// A connection and what is prepared on it.
struct Connection {
    client: Client,
    prepared: RefCell<Prepared>,
}

/// The connections that no job has.
pub(super) struct Pool {
    target: Target,
    idle: Mutex<Vec<Connection>>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Pool {
    /// No connection is made yet.
    ///
    /// # Errors
    /// [`StoreError::Open`] when a file that is named cannot be used.
    pub(super) fn new(settings: &PostgresSettings) -> Result<Self, StoreError> {
        Ok(Self {
            target: Target::new(settings)?,
            idle: Mutex::default(),
        })
    }

    /// The address without its password.
    pub(super) fn shown(&self) -> &str {
        self.target.shown()
    }

    /// Brings the schema up to date; `make`: also when there is none.
    ///
    /// # Errors
    /// As [`super::Postgres::open`].
    pub(super) fn prepare(&self, make: bool) -> Result<(), StoreError> {
        let mut connection = self.connect().map_err(|error| match error {
            StoreError::Unreachable { place, source } => StoreError::Open { place, source },
            other => other,
        })?;
        let client = &mut connection.client;
        if !make && migrate::version(client)?.is_none() {
            return Err(StoreError::Missing {
                path: self.shown().into(),
            });
        }
        migrate::migrate(client, self.shown())?;
        self.put_back(connection);
        Ok(())
    }

    /// Runs a job in a transaction of its own.
    ///
    /// # Errors
    /// What `job` returns (its changes are rolled back), or that there is no connection, or that
    /// the commit failed.
    pub(super) fn run<T>(
        &self,
        kind: Kind,
        job: impl FnOnce(&Db<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.begin(kind)?;
        let (result, failed) = {
            let session = Session::new(&mut connection.client, &connection.prepared);
            let result = catch_unwind(AssertUnwindSafe(|| job(&Db::new(&session))));
            let result = result.unwrap_or_else(|cause| {
                Err(StoreError::Panicked(crate::problem::words_of(&*cause)))
            });
            (result, session.failed())
        };
        let ended = end(&mut connection.client, result, failed);
        if !connection.client.is_closed() {
            self.put_back(connection);
        }
        ended
    }

    /// A connection on which a transaction has begun. One that broke while it was idle is replaced:
    /// nothing was asked of it yet.
    fn begin(&self, kind: Kind) -> Result<Connection, StoreError> {
        let begin = beginning(kind);
        while let Some(mut connection) = self.take() {
            match connection.client.batch_execute(&begin) {
                Ok(()) => return Ok(connection),
                Err(error) if connection.client.is_closed() || error.is_closed() => {
                    tracing::info!(error = %error, "a connection to the database has broken");
                }
                Err(error) => {
                    // The lock was not had in time: the transaction has failed, the connection not.
                    if connection.client.batch_execute("ROLLBACK").is_ok() {
                        self.put_back(connection);
                    }
                    return Err(error.into());
                }
            }
        }
        let mut connection = self.connect()?;
        connection.client.batch_execute(&begin)?;
        Ok(connection)
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
    }

    fn put_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(connection);
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let place = || self.shown().to_owned();
        let mut client = self.target.connect().map_err(|error| {
            let asked = StoreError::from(error);
            match asked {
                StoreError::Query {
                    source,
                    retry: manyi_shared::domain::Retry::Backoff { .. },
                } => StoreError::Unreachable {
                    place: place(),
                    source,
                },
                StoreError::Query { source, .. } => StoreError::Open {
                    place: place(),
                    source,
                },
                other => other,
            }
        })?;
        client.batch_execute(SETTINGS)?;
        fit(&mut client).map_err(|source| StoreError::Open {
            place: place(),
            source,
        })?;
        Ok(Connection {
            client,
            prepared: RefCell::default(),
        })
    }
}

impl Drop for Pool {
    /// A connection has a runtime inside, which must not end in another's; so all of them end on a
    /// thread of their own.
    fn drop(&mut self) {
        let idle = std::mem::take(&mut self.idle);
        if std::thread::spawn(move || drop(idle)).join().is_err() {
            tracing::warn!("connections to the database did not end in order");
        }
    }
}

/// How a transaction begins.
fn beginning(kind: Kind) -> String {
    let write = "START TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE";
    match kind {
        Kind::Read => "START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
        Kind::Alone => format!("{write}; SELECT pg_advisory_xact_lock({NAMESPACE}, {WRITING})"),
        Kind::Beside => {
            format!("{write}; SELECT pg_advisory_xact_lock_shared({NAMESPACE}, {WRITING})")
        }
    }
}

/// Commits what went well. A transaction in which a statement has failed cannot be committed: the
/// server would answer COMMIT with a rollback, and call it done.
fn end<T>(
    client: &mut Client,
    result: Result<T, StoreError>,
    failed: bool,
) -> Result<T, StoreError> {
    match result {
        Ok(value) if !failed => {
            client.batch_execute("COMMIT").map_err(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "could not commit");
                StoreError::Commit(words(&error))
            })?;
            Ok(value)
        }
        result => {
            if !client.is_closed()
                && let Err(error) = client.batch_execute("ROLLBACK")
            {
                tracing::warn!(error = %error, "could not roll back; the server does it by itself");
            }
            result.and(Err(StoreError::Commit(
                "a statement had failed before".to_owned(),
            )))
        }
    }
}

/// What an error and its causes say.
fn words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

/// Whether a server does what acknowledgements stand on.
fn fit(client: &mut Client) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let row = client.query_one(
        "SELECT CAST(current_setting('server_version_num') AS INTEGER) / 10000",
        &[],
    )?;
    let version: i32 = row.try_get(0)?;
    if version < OLDEST {
        return Err(format!("it is PostgreSQL {version}; {OLDEST} or newer is needed").into());
    }
    for (name, wanted, otherwise) in NEEDED {
        let row = client.query_one("SELECT current_setting($1)", &[&name])?;
        let found: String = row.try_get(0)?;
        if found != wanted {
            return Err(format!(
                "its `{name}` is `{found}` and must be `{wanted}`: otherwise {otherwise}"
            )
            .into());
        }
    }
    Ok(())
}

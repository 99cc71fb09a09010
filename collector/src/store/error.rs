//! What can go wrong between the collector and its database.

use std::path::PathBuf;

use manyi_shared::domain::Retry;

/// What a database says.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the database did not do what it was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened as a database.
    #[error("could not open database `{place}`")]
    Open {
        /// The file, or the server without a password.
        place: String,
        /// What the database says.
        #[source]
        source: Cause,
    },
    /// There is no database yet.
    #[error("there is no database `{path}`; run `manyi-collector init` first")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A newer program has changed the schema.
    #[error(
        "database `{place}` has schema version {found}, and this program knows versions up to \
         {known}; install the newer program again"
    )]
    Newer {
        /// The file, or the server without a password.
        place: String,
        /// The version in the file.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// A statement failed.
    #[error("database statement failed")]
    Query {
        /// What the database says.
        #[source]
        source: Cause,
        /// What the caller can do about it.
        retry: Retry,
    },
    /// The server does not answer, or the connection broke before anything was asked.
    #[error("database `{place}` cannot be reached now")]
    Unreachable {
        /// The server without a password.
        place: String,
        /// What stands in the way.
        #[source]
        source: Cause,
    },
    /// No transaction could be begun: another process holds the file, or it cannot be written.
    #[error("database cannot be written now")]
    Busy,
    /// The transaction that held this write, and maybe others, could not be made durable.
    #[error("database could not commit: {0}")]
    Commit(String),
    /// A stored value is not what its column promises.
    #[error("database column `{column}` holds something else than it promises")]
    Corrupt {
        /// Table and column.
        column: &'static str,
    },
    /// A column of a query cannot be read as what it should be.
    #[error("database column `{column}` does not hold {wanted}")]
    Column {
        /// Its name in the query.
        column: String,
        /// What was wanted of it.
        wanted: &'static str,
    },
    /// A row that must be there is not.
    #[error("database has no row where one must be")]
    NoRow,
    /// The writer has stopped.
    #[error("database writer has stopped")]
    Closed,
    /// The job itself failed in a way that must not happen; it would again.
    #[error("database job panicked: {0}")]
    Panicked(String),
}

impl StoreError {
    /// What the caller can do about it.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Query { retry, .. } => *retry,
            Self::Unreachable { .. } | Self::Busy | Self::Commit(_) | Self::Closed => {
                Retry::Backoff { at_least: None }
            }
            Self::Open { .. } | Self::Missing { .. } | Self::Newer { .. } => Retry::AfterOperator,
            Self::Corrupt { .. } | Self::Column { .. } | Self::NoRow | Self::Panicked(_) => {
                Retry::Never
            }
        }
    }
}

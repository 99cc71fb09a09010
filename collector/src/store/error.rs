//! What can go wrong between the collector and its database.

use std::path::PathBuf;

use manyi_shared::domain::Retry;

/// Why the database did not do what it was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened as a database.
    #[error("could not open database `{path}`")]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// There is no database yet.
    #[error("there is no database `{path}`; run `manyi-collector init` first")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A newer program has changed the schema.
    #[error(
        "database `{path}` has schema version {found}, and this program knows versions up to \
         {known}; install the newer program again"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// A statement failed.
    #[error("database statement failed")]
    Query(#[from] rusqlite::Error),
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
            Self::Query(error) => match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                    Retry::Backoff { at_least: None }
                }
                Some(
                    rusqlite::ErrorCode::DiskFull
                    | rusqlite::ErrorCode::ReadOnly
                    | rusqlite::ErrorCode::SystemIoFailure
                    | rusqlite::ErrorCode::CannotOpen,
                ) => Retry::AfterOperator,
                _ => Retry::Never,
            },
            Self::Busy | Self::Commit(_) | Self::Closed => Retry::Backoff { at_least: None },
            Self::Open { .. } | Self::Missing { .. } | Self::Newer { .. } => Retry::AfterOperator,
            Self::Corrupt { .. } | Self::Panicked(_) => Retry::Never,
        }
    }
}

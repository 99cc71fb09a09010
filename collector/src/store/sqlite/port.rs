//! The ingest half of the port: sends each job to the writer or to a reader.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, TerminalId, WindowId};
use manyi_shared::wire::{EnrolmentCode, PublicKey, Suite};

use super::{SqliteStore, enrolment, hall, ingest};
use crate::hall::HallTables;
use crate::ingest::{Delivery, Receipt};
use crate::store::{
    Enrolment, EnrolmentRefused, HallSummary, ImportRefused, Imported, IngestStore, KnownTerminal,
    NewCode, ProfileSource, StoreError, TerminalSummary,
};

#[async_trait]
impl IngestStore for SqliteStore {
    async fn terminal(&self, id: TerminalId) -> Result<Option<KnownTerminal>, StoreError> {
        self.read(move |connection| ingest::terminal(connection, id))
            .await
    }

    async fn ingest(&self, delivery: Delivery) -> Result<Receipt, StoreError> {
        self.write(move |connection| ingest::ingest(connection, delivery))
            .await
    }

    async fn import_hall(
        &self,
        tables: HallTables,
    ) -> Result<Result<Imported, ImportRefused>, StoreError> {
        self.write(move |connection| hall::import(connection, &tables))
            .await
    }

    async fn halls(&self) -> Result<Vec<HallSummary>, StoreError> {
        self.read(hall::list).await
    }

    async fn add_code(&self, code: NewCode) -> Result<bool, StoreError> {
        self.write(move |connection| enrolment::add_code(connection, &code))
            .await
    }

    async fn enrol(
        &self,
        code: EnrolmentCode,
        key: PublicKey,
        software: String,
        now_ms: i64,
    ) -> Result<Result<Enrolment, EnrolmentRefused>, StoreError> {
        self.write(move |connection| enrolment::enrol(connection, &code, &key, &software, now_ms))
            .await
    }

    async fn terminals(&self) -> Result<Vec<TerminalSummary>, StoreError> {
        self.read(enrolment::terminals).await
    }

    async fn suites(&self) -> Result<Vec<Suite>, StoreError> {
        self.read(enrolment::suites).await
    }

    async fn revoke(&self, id: TerminalId) -> Result<bool, StoreError> {
        self.write(move |connection| enrolment::revoke(connection, id))
            .await
    }

    async fn profile_source(
        &self,
        hall: HallId,
        window: WindowId,
    ) -> Result<Option<ProfileSource>, StoreError> {
        self.read(move |connection| hall::profile_source(connection, &hall, &window))
            .await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.read(|connection| Ok(connection.query_row("SELECT 1", [], |_| Ok(()))?))
            .await?;
        // An empty write job begins and commits: a read-only or locked file fails here.
        self.write(|_| Ok(())).await
    }
}

/// Reads a code that our own program wrote.
pub(super) fn code<T: std::str::FromStr>(
    text: &str,
    column: &'static str,
) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt { column })
}

/// Reads a number that our own program wrote.
pub(super) fn number<T: TryFrom<i64>>(value: i64, column: &'static str) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::Corrupt { column })
}

/// A number as SQLite keeps it; what it cannot hold becomes its largest.
pub(super) fn capped(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

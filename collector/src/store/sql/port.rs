//! The ingest half of the port: sends each job to a writer or to a reader.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, TerminalId, WindowId};
use manyi_shared::wire::{EnrolmentCode, PublicKey, Suite};

use super::{enrolment, hall, ingest};
use crate::hall::HallTables;
use crate::ingest::{Delivery, Receipt};
use crate::store::{
    Database, Enrolment, EnrolmentRefused, HallSummary, ImportRefused, Imported, IngestStore,
    KnownTerminal, NewCode, ProfileSource, StoreError, TerminalSummary,
};

#[async_trait]
impl IngestStore for Database {
    async fn terminal(&self, id: TerminalId) -> Result<Option<KnownTerminal>, StoreError> {
        self.read(move |db| ingest::terminal(db, id)).await
    }

    async fn ingest(&self, delivery: Delivery) -> Result<Receipt, StoreError> {
        let received_ms = delivery.received_ms;
        self.write_records(received_ms, move |db| ingest::ingest(db, delivery))
            .await
    }

    async fn import_hall(
        &self,
        tables: HallTables,
    ) -> Result<Result<Imported, ImportRefused>, StoreError> {
        self.write(move |db| hall::import(db, &tables)).await
    }

    async fn halls(&self) -> Result<Vec<HallSummary>, StoreError> {
        self.read(hall::list).await
    }

    async fn add_code(&self, code: NewCode) -> Result<bool, StoreError> {
        self.write(move |db| enrolment::add_code(db, &code)).await
    }

    async fn enrol(
        &self,
        code: EnrolmentCode,
        key: PublicKey,
        software: String,
        now_ms: i64,
    ) -> Result<Result<Enrolment, EnrolmentRefused>, StoreError> {
        self.write(move |db| enrolment::enrol(db, &code, &key, &software, now_ms))
            .await
    }

    async fn terminals(&self) -> Result<Vec<TerminalSummary>, StoreError> {
        self.read(enrolment::terminals).await
    }

    async fn suites(&self) -> Result<Vec<Suite>, StoreError> {
        self.read(enrolment::suites).await
    }

    async fn revoke(&self, id: TerminalId) -> Result<bool, StoreError> {
        self.write(move |db| enrolment::revoke(db, id)).await
    }

    async fn profile_source(
        &self,
        hall: HallId,
        window: WindowId,
    ) -> Result<Option<ProfileSource>, StoreError> {
        self.read(move |db| hall::profile_source(db, &hall, &window))
            .await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.check().await
    }
}

//! The store port: what the collector asks of a database. One implementation, in SQL that every
//! database here speaks ([`Database`], `sql`); behind it stands SQLite ([`sqlite`]).
//!
//! **Invariants**
//! 1. A method that writes returns only after its transaction is durable.
//! 2. A write is all or nothing; an error means that nothing changed.
//! 3. A read sees one moment of the database, however many queries it makes.

pub mod alerts;
pub mod audit;
pub mod copy;
mod database;
mod error;
pub mod faults;
pub mod fleet;
mod identity;
mod ingest;
pub mod marks;
mod migrations;
mod office;
pub(crate) mod part;
mod postgres;
pub mod prompts;
mod proof;
pub mod publications;
pub mod records;
pub mod scores;
pub(crate) mod sql;
pub mod sqlite;
pub mod users;
pub mod views;

pub use alerts::AlertStore;
pub use audit::AuditStore;
pub use database::Database;
pub use error::{Cause, StoreError};
pub use faults::FaultStore;
pub use fleet::FleetStore;
pub use identity::{IdentityStore, TerminalState};
pub use ingest::{
    Enrolment, EnrolmentRefused, HallSummary, ImportRefused, Imported, IngestStore, KnownTerminal,
    NewCode, ProfileSource, TerminalSummary,
};
pub use marks::MarkStore;
pub use office::{
    LeftMessage, MessageAccess, MessageFilter, OfficeStore, ResumeRefused, Supplemented,
    WatchedTerminal,
};
pub use prompts::PromptStore;
pub use proof::{Evidence, NoEvidence, ProofStore, RecordId};
pub use publications::PublicationStore;
pub use records::RecordStore;
pub use scores::ScoreStore;
pub use users::UserStore;
pub use views::ViewStore;

/// Everything the collector asks of its database.
pub trait Store:
    AlertStore
    + AuditStore
    + FaultStore
    + FleetStore
    + IdentityStore
    + IngestStore
    + MarkStore
    + OfficeStore
    + PromptStore
    + ProofStore
    + PublicationStore
    + RecordStore
    + ScoreStore
    + UserStore
    + ViewStore
{
}

impl<T> Store for T where
    T: AlertStore
        + AuditStore
        + FaultStore
        + FleetStore
        + IdentityStore
        + IngestStore
        + MarkStore
        + OfficeStore
        + PromptStore
        + ProofStore
        + PublicationStore
        + RecordStore
        + ScoreStore
        + UserStore
        + ViewStore
{
}

//! The part of the port for what went wrong: incidents that a person should know of, and records
//! that are kept but not counted.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, Seq, StreamId, TerminalId, WindowId};

use super::StoreError;
use crate::ingest::incident::{IncidentId, Kind};

/// Keeps incidents and dead letters.
#[async_trait]
pub trait FaultStore: Send + Sync {
    /// Every incident that nobody has cleared, by hall and window, the oldest first.
    async fn incidents(&self) -> Result<Vec<OpenIncident>, StoreError>;

    /// Clears the one incident whose id begins with these hexadecimal digits; who did it and when
    /// is kept.
    async fn clear_incident(
        &self,
        id: String,
        by: String,
        now_ms: i64,
    ) -> Result<Result<OpenIncident, ClearRefused>, StoreError>;

    /// Dead letters, the oldest first; with `all` those, too, that were read again since.
    async fn dead_letters(&self, all: bool) -> Result<Vec<KeptLetter>, StoreError>;

    /// One dead letter with the record's bytes.
    async fn dead_letter(
        &self,
        stream: StreamId,
        seq: Seq,
    ) -> Result<Option<(KeptLetter, Vec<u8>)>, StoreError>;

    /// Reads dead letters again, one or all that are still kept, and counts what can now be
    /// counted, in one transaction. Gives back each as it now stands.
    async fn replay(
        &self,
        which: Option<(StreamId, Seq)>,
        by: String,
        now_ms: i64,
    ) -> Result<Vec<KeptLetter>, StoreError>;
}

/// An incident that nobody has cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIncident {
    /// Its id.
    pub id: IncidentId,
    /// What kind of thing happened.
    pub kind: Kind,
    /// The hall.
    pub hall: HallId,
    /// The window.
    pub window: WindowId,
    /// The terminal.
    pub terminal: TerminalId,
    /// What happened, in English.
    pub detail: String,
    /// When what it is about was sealed at the earliest, in milliseconds since 1970.
    pub earliest_ms: Option<i64>,
    /// And at the latest.
    pub latest_ms: Option<i64>,
    /// When the centre learnt of it.
    pub at_ms: i64,
}

impl OpenIncident {
    /// The id as people type it.
    #[must_use]
    pub fn id_text(&self) -> String {
        self.id.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Why no incident was cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClearRefused {
    /// None has such an id, or it was cleared before.
    #[error("no open incident has this id; `manyi-collector alarms` lists them")]
    Unknown,
    /// Several begin so.
    #[error("{0} open incidents begin so; give more of the id")]
    Several(u64),
}

/// A record that is kept but not counted, or was until somebody had it read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLetter {
    /// The hall.
    pub hall: HallId,
    /// The window of its stream.
    pub window: WindowId,
    /// The terminal.
    pub terminal: TerminalId,
    /// The stream.
    pub stream: StreamId,
    /// Its position.
    pub seq: u64,
    /// Why, by the name of the reason.
    pub reason: String,
    /// Why, in words.
    pub detail: String,
    /// When it came, in milliseconds since 1970.
    pub received_ms: i64,
    /// Whether it has found its place since.
    pub taken: bool,
    /// When it was last read again.
    pub replayed_ms: Option<i64>,
    /// Who had it read again.
    pub replayed_by: Option<String>,
}

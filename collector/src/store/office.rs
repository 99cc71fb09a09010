//! The part of the port for what the office tells its terminals beyond its tables, and what comes
//! back from them beside ratings.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, Level, Seq, StreamId, TerminalId, WindowId};
use manyi_shared::wire::{AssetDigest, MessageKind, OfficeKey, OpeningHours, SealedText};

use super::StoreError;

/// Keeps what the office tells its terminals, and what it hears of them.
#[async_trait]
pub trait OfficeStore: Send + Sync {
    /// A file of a hall's profiles; none when no profile of that hall names it.
    async fn asset(&self, hall: HallId, digest: AssetDigest)
    -> Result<Option<Vec<u8>>, StoreError>;

    /// Makes this the key that messages are sealed to; `true` when it was another, or none. Every
    /// profile then has a new version.
    async fn adopt_office_key(&self, key: OfficeKey, now_ms: i64) -> Result<bool, StoreError>;

    /// Keeps the Argon2id hash of the technician's PIN of a window, or of all windows that have
    /// none of their own; none takes it away. The new profile version.
    async fn set_technician_pin(
        &self,
        hall: HallId,
        window: Option<WindowId>,
        hash: Option<String>,
    ) -> Result<u32, StoreError>;

    /// Pauses a window with this text. The new profile version.
    async fn pause_window(
        &self,
        hall: HallId,
        window: WindowId,
        text: String,
    ) -> Result<u32, StoreError>;

    /// Ends a window's pause. The new profile version.
    async fn resume_window(
        &self,
        hall: HallId,
        window: WindowId,
    ) -> Result<Result<u32, ResumeRefused>, StoreError>;

    /// The messages that a filter lets through, the oldest first. Who has them opened is written
    /// down in the same transaction, for each hall.
    async fn messages(
        &self,
        filter: MessageFilter,
        reader: String,
        now_ms: i64,
    ) -> Result<Vec<LeftMessage>, StoreError>;

    /// Writes down that messages from elsewhere were opened.
    async fn note_message_access(
        &self,
        reader: String,
        messages: u64,
        about: String,
        now_ms: i64,
    ) -> Result<(), StoreError>;

    /// Who had messages opened, the newest first; of one hall, or of all.
    async fn message_accesses(
        &self,
        hall: Option<HallId>,
    ) -> Result<Vec<MessageAccess>, StoreError>;

    /// Every active terminal with what its alarms depend on: self-tests of these days (`yyyymmdd`,
    /// both included).
    async fn watched(&self, days: (u32, u32)) -> Result<Vec<WatchedTerminal>, StoreError>;

    /// What is known of a rating, for the page that adds to it.
    async fn supplemented(
        &self,
        hall: HallId,
        terminal: TerminalId,
        stream: StreamId,
        target: Seq,
    ) -> Result<Supplemented, StoreError>;
}

/// Why a pause was not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResumeRefused {
    /// `profile.toml` pauses it.
    #[error("`profile.toml` pauses the window; take `paused` out there and import again")]
    ByFile,
    /// It is not paused.
    #[error("the window is not paused")]
    NotPaused,
}

/// Which messages; what is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Of this hall.
    pub hall: Option<HallId>,
    /// Left at this window.
    pub window: Option<WindowId>,
    /// Left at or after this moment, in milliseconds since 1970.
    pub from_ms: Option<i64>,
    /// Left before this moment.
    pub until_ms: Option<i64>,
}

/// Somebody had messages opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageAccess {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// The account of the operating system.
    pub reader: String,
    /// The hall; none for messages from elsewhere.
    pub hall: Option<String>,
    /// How many.
    pub messages: u64,
    /// Which, in words.
    pub about: String,
}

/// A message as it is kept: sealed.
#[derive(Debug, Clone)]
pub struct LeftMessage {
    /// The hall.
    pub hall: HallId,
    /// IANA name of its time zone.
    pub time_zone: String,
    /// The window.
    pub window: WindowId,
    /// The stream of the rating.
    pub stream: StreamId,
    /// The rating's position.
    pub target: Seq,
    /// What was left.
    pub what: MessageKind,
    /// The encrypted text.
    pub sealed: SealedText,
    /// When it was left, in milliseconds since 1970.
    pub at_ms: i64,
    /// The rating as it now stands.
    pub level: Level,
    /// Its case number, when the prompt named one.
    pub case_number: Option<String>,
}

/// An active terminal as far as alarms are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedTerminal {
    /// The terminal.
    pub terminal: TerminalId,
    /// Its hall.
    pub hall: HallId,
    /// IANA name of the hall's time zone.
    pub time_zone: String,
    /// Its window.
    pub window: WindowId,
    /// When it was enrolled, in milliseconds since 1970.
    pub enrolled_ms: i64,
    /// How many minutes before opening the self-test runs; none: it is switched off.
    pub self_test_minutes: Option<u16>,
    /// When the hall is open; empty: always.
    pub hours: Vec<OpeningHours>,
    /// Levels that came through, each with its day.
    pub tests: Vec<(u32, Level)>,
    /// Why it does not obey its profile.
    pub profile_problem: Option<String>,
    /// Why it cannot keep ratings.
    pub journal_problem: Option<String>,
}

/// What is known of a rating that somebody wants to add to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Supplemented {
    /// It is here since.
    Rated {
        /// When it was sealed, in milliseconds since 1970.
        at_ms: i64,
        /// Whom a citizen asks.
        contact: String,
    },
    /// Nothing has come for this position yet.
    NotYet {
        /// Whom a citizen asks.
        contact: String,
    },
    /// There is something else at this position.
    NoRating,
}

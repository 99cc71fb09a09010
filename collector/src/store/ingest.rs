//! The part of the port that takes records in and keeps halls and terminals.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, TerminalId, WindowId};
use manyi_shared::wire::{
    EnrolmentCode, EnvelopeError, ProfileItem, ProfileStaff, PublicKey, Signed, Suite,
    TerminalMessage,
};

use crate::hall::{HallTables, WindowOptions};
use crate::ingest::{Delivery, Receipt};

use super::{StoreError, TerminalState};

/// Takes records in; keeps halls, terminals and enrolment codes.
#[async_trait]
pub trait IngestStore: Send + Sync {
    /// What is known of a terminal, for verifying its signature; none for a stranger.
    async fn terminal(&self, id: TerminalId) -> Result<Option<KnownTerminal>, StoreError>;

    /// Decides on a verified exchange and makes the decision durable, in one transaction.
    async fn ingest(&self, delivery: Delivery) -> Result<Receipt, StoreError>;

    /// Replaces a hall's tables with an office's own; counts the profile version up when
    /// something changed.
    async fn import_hall(
        &self,
        tables: HallTables,
    ) -> Result<Result<Imported, ImportRefused>, StoreError>;

    /// All halls, by id.
    async fn halls(&self) -> Result<Vec<HallSummary>, StoreError>;

    /// Keeps the digest of a new enrolment code; `false` when hall or window do not exist.
    async fn add_code(&self, code: NewCode) -> Result<bool, StoreError>;

    /// Trades a code for an identity, once; the same key may ask again until the code expires.
    async fn enrol(
        &self,
        code: EnrolmentCode,
        key: PublicKey,
        software: String,
        now_ms: i64,
    ) -> Result<Result<Enrolment, EnrolmentRefused>, StoreError>;

    /// All terminals, by hall and window.
    async fn terminals(&self) -> Result<Vec<TerminalSummary>, StoreError>;

    /// The suites of the terminals whose identity was not taken back.
    async fn suites(&self) -> Result<Vec<Suite>, StoreError>;

    /// Takes a terminal's identity back for good; `false` when there is no such terminal.
    async fn revoke(&self, id: TerminalId) -> Result<bool, StoreError>;

    /// What a window's profile is made of; none when the window is gone.
    async fn profile_source(
        &self,
        hall: HallId,
        window: WindowId,
    ) -> Result<Option<ProfileSource>, StoreError>;

    /// Whether the database can be read and written now.
    async fn ready(&self) -> Result<(), StoreError>;
}

/// What is known of a terminal before its exchange is verified.
#[derive(Debug, Clone)]
pub struct KnownTerminal {
    /// The hall it stands in.
    pub hall: HallId,
    /// The key its exchanges must be signed with.
    pub key: PublicKey,
    /// A new key of it that has not signed an exchange yet, and may.
    pub next_key: Option<PublicKey>,
    /// Whether the office wants it to make itself a new key.
    pub rotate_wanted: bool,
    /// Whether the office has taken its identity back.
    pub revoked: bool,
}

impl KnownTerminal {
    /// What a small message of the terminal says, signed with either of its keys.
    ///
    /// # Errors
    /// [`EnvelopeError`] when neither fits.
    pub fn open<T: TerminalMessage>(&self, message: &Signed<T>) -> Result<T, EnvelopeError> {
        let opened = message.open(&self.key);
        match (opened, &self.next_key) {
            (Err(EnvelopeError::BadSignature), Some(next)) => message.open(next),
            (opened, _) => opened,
        }
    }
}

/// A terminal in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalSummary {
    /// Its id.
    pub id: TerminalId,
    /// Its hall.
    pub hall: HallId,
    /// Its window.
    pub window: WindowId,
    /// Where its identity stands.
    pub state: TerminalState,
    /// When its last exchange was here, in milliseconds since 1970.
    pub last_seen_ms: Option<i64>,
    /// Records it had not yet sent then.
    pub backlog: u64,
    /// The program that sent them.
    pub software: String,
}

/// A hall in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HallSummary {
    /// Its id.
    pub id: HallId,
    /// Its name.
    pub name: String,
    /// Its administrative region, as in the hall's tables.
    pub region_code: String,
    /// IANA name of its time zone.
    pub time_zone: String,
    /// Its windows, by id.
    pub windows: Vec<WindowId>,
}

/// What an import changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Whether anything is different from before.
    pub changed: bool,
    /// The version of the hall's profiles from now on.
    pub profile_version: u32,
    /// Windows that are gone.
    pub removed_windows: Vec<WindowId>,
}

/// Why an import was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportRefused {
    /// Terminals are enrolled at windows that the tables no longer have.
    #[error(
        "windows.csv no longer has {}, where terminals are enrolled; keep these windows, or take \
         the terminals' identities back with `manyi-collector terminal revoke` first",
        list(.windows)
    )]
    WindowsInUse {
        /// The windows.
        windows: Vec<WindowId>,
    },
}

fn list(windows: &[WindowId]) -> String {
    let names: Vec<_> = windows.iter().map(WindowId::as_str).collect();
    names.join(", ")
}

/// A fresh enrolment code to keep.
#[derive(Debug, Clone)]
pub struct NewCode {
    /// The hall.
    pub hall: HallId,
    /// The window the terminal will stand at.
    pub window: WindowId,
    /// SHA-256 of the code.
    pub digest: [u8; 32],
    /// When it expires.
    pub expires_ms: i64,
}

/// The identity a code was traded for.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// The new terminal.
    pub terminal: TerminalId,
    /// Its hall.
    pub hall: HallId,
    /// Its window.
    pub window: WindowId,
}

/// Why a code gives no identity. For the log; whoever asked is told one text for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnrolmentRefused {
    /// Nobody was given this code.
    #[error("code is unknown")]
    Unknown,
    /// It is too old.
    #[error("code has expired")]
    Expired,
    /// Another key has used it.
    #[error("code has been used")]
    Used,
    /// The window was removed since.
    #[error("window of the code is gone")]
    WindowGone,
}

/// What a window's profile is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSource {
    /// The hall's profile version.
    pub version: u32,
    /// The hall's id.
    pub hall: HallId,
    /// The hall's name.
    pub hall_name: String,
    /// IANA name of its time zone.
    pub time_zone: String,
    /// Whom to call.
    pub contact: String,
    /// The window's id.
    pub window: WindowId,
    /// The number over the window.
    pub window_number: String,
    /// The window's name.
    pub window_name: String,
    /// The clerk normally on duty.
    pub staff_on_duty: Option<String>,
    /// The department's clerks and the one on duty.
    pub staff: Vec<ProfileStaff>,
    /// The department's items.
    pub items: Vec<ProfileItem>,
    /// What the office's `profile.toml` says for the window.
    pub options: WindowOptions,
    /// The public key that messages are sealed to.
    pub office_key: Option<[u8; 32]>,
    /// Argon2id of the technician's PIN.
    pub technician_pin: Option<String>,
    /// The text of a pause by command.
    pub paused: Option<String>,
}

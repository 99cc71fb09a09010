//! The part of the port for the fleet: every terminal with what its state follows from, and how that
//! state was.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, TerminalId};

use super::{StoreError, TerminalState, WatchedTerminal};
use crate::fleet::Seen;

/// Keeps what terminals tell of themselves.
#[async_trait]
pub trait FleetStore: Send + Sync {
    /// Terminals by hall and window, with the self-tests of these days (`yyyymmdd`, both included).
    async fn fleet(
        &self,
        which: WhichTerminals,
        days: (u32, u32),
    ) -> Result<Vec<FleetTerminal>, StoreError>;

    /// Writes down states that are not the ones written last; how many were.
    async fn note_states(&self, states: Vec<NotedState>, now_ms: i64) -> Result<u64, StoreError>;

    /// The states of a terminal, the newest first, at most so many.
    async fn past_states(
        &self,
        terminal: TerminalId,
        limit: u32,
    ) -> Result<Vec<PastState>, StoreError>;

    /// A revoked terminal has called. Written at most once a minute for each.
    async fn note_refused(&self, terminal: TerminalId, now_ms: i64) -> Result<(), StoreError>;

    /// The days of a terminal's self-tests and how many levels came, the newest first.
    async fn past_tests(
        &self,
        terminal: TerminalId,
        limit: u32,
    ) -> Result<Vec<(u32, u32)>, StoreError>;
}

/// Which terminals; what is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhichTerminals {
    /// Of this hall.
    pub hall: Option<HallId>,
    /// This one.
    pub terminal: Option<TerminalId>,
}

/// A terminal and everything that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetTerminal {
    /// Who and where it is, and what its self-test depends on.
    pub watched: WatchedTerminal,
    /// The hall's name.
    pub hall_name: String,
    /// The number over its window; the window's id when the window is gone.
    pub window_number: String,
    /// The window's name.
    pub window_name: String,
    /// The window's department.
    pub department: Option<String>,
    /// Where its identity stands.
    pub state: TerminalState,
    /// Its last exchange.
    pub seen: Option<Seen>,
    /// The boot that it came from.
    pub boot: Option<[u8; 16]>,
    /// The profile it obeys; 0 for none.
    pub profile_version: u32,
    /// The profile it should obey.
    pub wanted_version: u32,
    /// How often its profile has it call.
    pub heartbeat_seconds: Option<u16>,
    /// The latest rating that it has spoken of, in milliseconds since 1970.
    pub last_rating_ms: Option<i64>,
    /// Its open incidents, the oldest first: id and kind.
    pub incidents: Vec<(String, String)>,
    /// Its last call after it was revoked.
    pub refused_ms: Option<i64>,
    /// How many there were.
    pub refused_calls: u64,
    /// The fingerprint of its key.
    pub fingerprint: String,
    /// Whether the office wants it to make itself a new key.
    pub rotate_wanted: bool,
    /// As last written down, see [`NotedState::written`].
    pub shown_state: String,
}

/// A state to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotedState {
    /// The hall.
    pub hall: HallId,
    /// The terminal.
    pub terminal: TerminalId,
    /// The state's name.
    pub state: String,
    /// The names of its reasons, with blanks between them.
    pub reasons: String,
}

impl NotedState {
    /// State and reasons in one text, by which a change is known.
    #[must_use]
    pub fn written(&self) -> String {
        format!("{} {}", self.state, self.reasons).trim().to_owned()
    }
}

/// A state that a terminal had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastState {
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
    /// The state's name.
    pub state: String,
    /// The names of its reasons, with blanks between them.
    pub reasons: String,
}

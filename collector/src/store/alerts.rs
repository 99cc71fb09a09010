//! The part of the port for alerts and what is told of them outside.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, TerminalId, WindowId};

use super::StoreError;
use crate::alert::message::Message;
use crate::alert::{About, Kind, OpenAlert};

/// Keeps alerts and messages.
#[async_trait]
pub trait AlertStore: Send + Sync {
    /// Alerts by hall and window, the newest first: the open ones, and those that were closed after
    /// a moment.
    async fn alerts(&self, which: WhichAlerts) -> Result<Vec<StoredAlert>, StoreError>;

    /// Makes changes of one hall's alerts, and the messages that tell of those that open, in one
    /// transaction. An alert that is open already is not opened again, whoever opened it: it is in no
    /// message then. How many opened.
    async fn change_alerts(&self, change: AlertChange, now_ms: i64) -> Result<u64, StoreError>;

    /// Somebody has taken an open alert in hand; `false` when there is none with this id, or
    /// somebody had before.
    async fn acknowledge(
        &self,
        hall: HallId,
        id: [u8; 16],
        by: String,
        now_ms: i64,
    ) -> Result<bool, StoreError>;

    /// Takes a message that is due for one of these targets. Nobody else gets it until the claim
    /// ends.
    async fn claim_message(
        &self,
        targets: Vec<String>,
        now_ms: i64,
        claimed_until_ms: i64,
    ) -> Result<Option<Claimed>, StoreError>;

    /// A claimed message needs no further try.
    async fn end_message(&self, claimed: &Claimed, ended: Ended) -> Result<(), StoreError>;

    /// A claimed message did not get through and is tried again then.
    async fn put_off_message(
        &self,
        claimed: &Claimed,
        due_ms: i64,
        problem: String,
    ) -> Result<(), StoreError>;
}

/// Which alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WhichAlerts {
    /// Of this hall.
    pub hall: Option<HallId>,
    /// Of this terminal.
    pub terminal: Option<TerminalId>,
    /// Besides the open ones those that were closed at or after this moment; none for open ones only.
    pub closed_since_ms: Option<i64>,
}

/// An alert as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAlert {
    /// Its id, what it is about, and since when it is calm.
    pub alert: OpenAlert,
    /// The hall.
    pub hall: HallId,
    /// The hall's name.
    pub hall_name: String,
    /// IANA name of its time zone.
    pub time_zone: String,
    /// The window.
    pub window: WindowId,
    /// The number over the window.
    pub window_number: String,
    /// How much, when it opened.
    pub detail: String,
    /// When it opened, in milliseconds since 1970.
    pub opened_ms: i64,
    /// Who took it in hand, and when.
    pub acknowledged: Option<(i64, String)>,
    /// When it closed; none while it is open.
    pub closed_ms: Option<i64>,
}

/// What becomes of one hall's alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertChange {
    /// The hall.
    pub hall: HallId,
    /// Those that open.
    pub open: Vec<Opening>,
    /// Since when others are calm; none: they are not any more.
    pub calm: Vec<([u8; 16], Option<i64>)>,
    /// Those that close.
    pub close: Vec<[u8; 16]>,
    /// Who is told of those that open.
    pub targets: Vec<Told>,
}

/// An alert that opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// What about.
    pub about: About,
    /// The window.
    pub window: WindowId,
    /// How much.
    pub detail: String,
    /// Whether it is told at once, also in quiet hours.
    pub urgent: bool,
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Who.
    pub target: String,
    /// When of urgent alerts, in milliseconds since 1970.
    pub urgent_due_ms: i64,
    /// When of others.
    pub due_ms: i64,
}

/// A message that somebody has claimed, with those of its alerts that are still open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// What it says.
    pub message: Message,
    /// To whom.
    pub target: String,
    /// When it was written, in milliseconds since 1970.
    pub created_ms: i64,
    /// Which try this is, from 1.
    pub tries: u32,
    /// When the claim ends: whose claim it is.
    pub claimed_until_ms: i64,
}

/// Why a message needs no further try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was taken, at this moment.
    Sent(i64),
    /// All it tells of was over before it was due.
    Closed(i64),
    /// It was tried for too long.
    GivenUp(i64),
}

impl Ended {
    /// Name and moment.
    #[must_use]
    pub const fn parts(self) -> (&'static str, i64) {
        match self {
            Self::Sent(at) => ("sent", at),
            Self::Closed(at) => ("closed", at),
            Self::GivenUp(at) => ("given_up", at),
        }
    }
}

impl StoredAlert {
    /// What kind of trouble.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.alert.about.kind
    }

    /// The id as addresses have it.
    #[must_use]
    pub fn id_text(&self) -> String {
        self.alert.id.iter().map(|b| format!("{b:02x}")).collect()
    }
}

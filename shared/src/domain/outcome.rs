//! How a prompt ends. Exactly one outcome ends every prompt; nothing becomes a rating by default.

use serde::{Deserialize, Serialize};

use super::{CaseNumber, ItemCode, Level, StaffId, TagCode};

/// What the business system said the prompt is about. Everything is optional: a window without a
/// business system still asks, and its rating still counts for the window.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceEvent {
    /// The clerk who served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<StaffId>,
    /// The service item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemCode>,
    /// The case number 办件编号.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_number: Option<CaseNumber>,
}

/// How one prompt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The citizen chose a level. Tags may come with it or later, in an amendment.
    Rated {
        /// The chosen level.
        level: Level,
        /// The chosen second-level options, all of this level, ascending, without repeats.
        tags: Vec<TagCode>,
    },
    /// The citizen said 暂不评价.
    Declined,
    /// Nobody answered in time.
    TimedOut,
    /// The prompt was taken back before an answer.
    Withdrawn(Withdrawal),
    /// The terminal could not ask or could not take the answer.
    Fault(FaultReason),
}

impl Outcome {
    /// The outcome without its details.
    #[must_use]
    pub const fn kind(&self) -> OutcomeKind {
        match self {
            Self::Rated { .. } => OutcomeKind::Rated,
            Self::Declined => OutcomeKind::Declined,
            Self::TimedOut => OutcomeKind::TimedOut,
            Self::Withdrawn(_) => OutcomeKind::Withdrawn,
            Self::Fault(_) => OutcomeKind::Fault,
        }
    }

    /// The level, when the outcome is a rating.
    #[must_use]
    pub const fn level(&self) -> Option<Level> {
        match self {
            Self::Rated { level, .. } => Some(*level),
            _ => None,
        }
    }
}

/// The five ways a prompt can end, as they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum OutcomeKind {
    /// A level was chosen.
    Rated = 1,
    /// 暂不评价 was chosen.
    Declined = 2,
    /// No answer in time.
    TimedOut = 3,
    /// Taken back.
    Withdrawn = 4,
    /// The terminal failed.
    Fault = 5,
}

impl OutcomeKind {
    /// All kinds in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::Rated,
        Self::Declined,
        Self::TimedOut,
        Self::Withdrawn,
        Self::Fault,
    ];

    /// The number in records and tables.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.number() == number)
    }

    /// The name in JSON and CSV.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rated => "rated",
            Self::Declined => "declined",
            Self::TimedOut => "timed_out",
            Self::Withdrawn => "withdrawn",
            Self::Fault => "fault",
        }
    }
}

/// Why a prompt was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Withdrawal {
    /// The next prompt came while this one was unanswered.
    Replaced = 1,
    /// The business system took it back.
    Cancelled = 2,
    /// The terminal program was stopped in order.
    Shutdown = 3,
}

/// Why a terminal could not ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FaultReason {
    /// The screen could not be shown or drawn.
    Screen = 1,
    /// The program stopped without order (crash, power cut) while the prompt was open; sealed by
    /// the next start.
    Interrupted = 2,
    /// The citizen answered, and the answer could not be kept; they were told so.
    NotKept = 3,
}

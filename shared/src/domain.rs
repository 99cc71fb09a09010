//! The terms of the field as types, and the arithmetic on them. Pure: no bytes, no I/O, no clock.
//!
//! **Invariants**
//! 1. A value of these types is valid: constructors refuse what the field does not allow.
//! 2. Nothing here has a default that could become a rating.

mod call;
mod clock;
mod ids;
mod language;
mod level;
mod outcome;
mod retry;
mod stream;
mod tags;

pub use call::{Call, CallerKey, Trigger};
pub use clock::{Clock, ClockReading};
pub use ids::{
    BootId, CaseNumber, DepartmentId, HallId, InvalidCode, InvalidPromptId, ItemCode, PromptId,
    StaffId, StreamId, TerminalId, WindowId,
};
pub use language::Language;
pub use level::{Channel, InvalidLevel, Level};
pub use outcome::{FaultReason, Outcome, OutcomeKind, ServiceEvent, Withdrawal};
pub use retry::Retry;
pub use stream::{Placement, Seq, Watermark};
pub use tags::{InvalidTags, Tag, TagCode, TagSet, TagSetId, national_tags, retired_tags};

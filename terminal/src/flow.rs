//! The flow: which page is shown, what a touch means, and what is sealed. Pure.
//!
//! `(flow, event, now) -> (flow, effects)`. Nothing here reads a clock, a file or a screen; `now` is
//! the uptime in milliseconds. The [`crate::conductor`] carries events in and effects out.
//!
//! **Invariants** (the laws in `flow/laws.rs` name them)
//! 1. Exactly one outcome ends every accepted prompt, and [`Effect::Ended`] follows only when that
//!    outcome is sealed.
//! 2. A level leaves the flow only after a citizen chose it on the page that asked for that prompt.
//! 3. Thanks are shown only when everything the citizen said is sealed.
//! 4. One record is being sealed at a time; touches meanwhile do nothing.
//! 5. A touch counts only for the showing of the page it was made on, after the guard time.
//! 6. The counts of sealed outcomes ascend in a stream; the centre takes nothing else.
//!
//! **Crash**: a prompt that is open when the program dies has no outcome yet; the recorder's note of
//! it comes back with [`Event::Opened`] and is sealed as a fault by the next start.
//!
//! It does not know names, words or colours, and never decides when the profile is read again.

use std::collections::{BTreeSet, VecDeque};

use manyi_shared::domain::{
    Level, Outcome, PromptId, Seq, ServiceEvent, StreamId, TagCode, TagSetId,
};
use manyi_shared::wire::{Profile, RecordBody};

mod moves;
mod steps;
mod view;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod run;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod tables;

pub use view::{PageView, View};

/// Uptime in milliseconds.
pub type Millis = u64;

/// How long the page that says "not kept" stays before the journal is tried again: long enough to
/// read it and to turn to the clerk.
pub const NOT_KEPT_MS: Millis = 8_000;

/// How long an out-of-service terminal waits before it tries its journal again.
pub const RETRY_MS: Millis = 5_000;

/// What the profile says about timing and pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How long the question stays.
    pub ask_ms: Millis,
    /// How long the reasons stay without a touch.
    pub reasons_ms: Millis,
    /// How long the thanks stay.
    pub thanks_ms: Millis,
    /// Touches within this time after a page changed do nothing.
    pub guard_ms: Millis,
    /// The option set of the reasons page; none when the page is not shown.
    pub reasons: Option<TagSetId>,
}

impl Rules {
    /// The rules of a profile. An option set that this program does not have switches the reasons
    /// page off: a chip without a word cannot be shown.
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        let seconds = |s: u16| Millis::from(s) * 1000;
        let set = profile.tag_set_id();
        let known = set == manyi_shared::domain::national_tags().id;
        Self {
            ask_ms: seconds(profile.ask_seconds),
            reasons_ms: seconds(profile.reasons_seconds),
            thanks_ms: seconds(profile.thanks_seconds),
            guard_ms: Millis::from(profile.guard_ms),
            reasons: (profile.ask_reasons && known).then_some(set),
        }
    }
}

/// Why the terminal cannot ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// Which of the known reasons.
    pub reason: Reason,
    /// For technicians: a path, a version, an error. Never shown large.
    pub detail: String,
}

/// The known reasons for not asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is no identity yet.
    NotEnrolled,
    /// The journal is damaged or no journal.
    JournalUnreadable,
    /// A newer program wrote the journal.
    JournalNewer,
    /// Nothing more fits on the card.
    StorageFull,
    /// Anything else; the detail says what.
    Other,
}

impl Reason {
    /// The reason's name in JSON and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotEnrolled => "not_enrolled",
            Self::JournalUnreadable => "journal_unreadable",
            Self::JournalNewer => "journal_newer_version",
            Self::StorageFull => "storage_full",
            Self::Other => "other",
        }
    }
}

/// Names for the ask page that the business system sent along; the profile fills what is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The item's name.
    pub item: Option<String>,
    /// The clerk's name.
    pub staff: Option<String>,
}

/// Who asks for a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// A program on this machine.
    Api,
    /// A program in the hall's network.
    Lan,
    /// A program over a WebSocket.
    WebSocket,
    /// The button at the window.
    Button,
    /// The collector.
    Office,
    /// The clerk, at the tablet.
    Clerk,
    /// The demo's key.
    Demo,
}

/// An accepted prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// How the business system knows it.
    pub id: PromptId,
    /// Its count in the stream that its outcome is sealed in: that of `id`, unless the stream it
    /// was accepted in came to an end first.
    pub ordinal: u32,
    /// What it is about.
    pub event: ServiceEvent,
    /// What to show.
    pub names: Names,
}

/// What happens to the flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The terminal knows who and where it is. Taken while idle or out of service only.
    Configured {
        /// What to obey from now on.
        rules: Rules,
        /// Whether hall or window are not those of the open stream, so that a new one is needed.
        moved: bool,
    },
    /// The terminal does not know who or where it is.
    Unfit(Why),
    /// Somebody asks for a prompt.
    Prompt {
        /// What it is about.
        event: ServiceEvent,
        /// What to show.
        names: Names,
    },
    /// The business system takes a prompt back.
    Cancel(PromptId),
    /// A finger on a target.
    Touch(Touch),
    /// The record of the last [`Effect::Seal`] is on the card.
    Sealed(Seq),
    /// The record of the last [`Effect::Seal`] is not kept; the stream is over.
    SealFailed(Why),
    /// The journal is open with a new stream.
    Opened {
        /// The stream.
        stream: StreamId,
        /// Whether the record of a failed seal turned out to be on the card.
        kept: bool,
        /// A prompt of an earlier start that no outcome ended.
        interrupted: Option<Prompt>,
    },
    /// The journal could not be opened.
    OpenFailed(Why),
    /// Time has passed.
    Tick,
    /// The program is to end in order.
    Stop,
}

/// A touch and the showing of the page it was made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// The [`View::serial`] that was on the screen.
    pub serial: u64,
    /// The target.
    pub target: Target,
}

/// What can be touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// One of the five.
    Level(Level),
    /// 暂不评价
    Decline,
    /// A second-level option.
    Tag(TagCode),
    /// 提交
    Submit,
    /// 跳过
    Skip,
}

/// What the flow wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Open the journal and a new stream in it; answer [`Event::Opened`] or [`Event::OpenFailed`].
    OpenJournal,
    /// Seal this record; answer [`Event::Sealed`] or [`Event::SealFailed`].
    Seal(RecordBody),
    /// The prompt is taken and has this id.
    Accepted(PromptId),
    /// The prompt is not taken.
    Refused,
    /// The prompt's question is on the screen now.
    Asking(Prompt),
    /// The prompt's outcome is sealed.
    Ended(PromptId),
    /// Everything is sealed; the program may end.
    Exit,
}

/// The whole state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    rules: Option<Rules>,
    /// The open stream and how many prompts it has had.
    stream: Option<(StreamId, u32)>,
    stage: Stage,
    /// Counts the showings of pages that take touches.
    serial: u64,
    /// When the present showing began.
    shown_at: Millis,
    /// Accepted and waiting; only the newest is kept waiting.
    next: Option<Prompt>,
    /// Over, but not sealed yet.
    owed: VecDeque<Owed>,
    stopping: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    OutOfService {
        why: Why,
        /// None while the journal is being opened or nothing can be tried.
        retry_at: Option<Millis>,
    },
    Opening,
    Idle,
    Asking(Prompt),
    Sealing(Sealing),
    Reasons(Reasons),
    Thanks,
    NotKept(Why),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Sealing {
    job: Job,
    /// What stays on the screen meanwhile.
    behind: Behind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Job {
    Outcome { prompt: Prompt, outcome: Outcome },
    Amendment,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Behind {
    Idle,
    Ask(Prompt),
    Reasons(Reasons),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Reasons {
    level: Level,
    /// The sealed rating.
    target: Seq,
    set: TagSetId,
    chosen: BTreeSet<TagCode>,
    /// The page stays this long after the last touch.
    touched_at: Millis,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Owed {
    prompt: Prompt,
    outcome: Outcome,
    /// Whether a failed seal may have reached the card after all.
    in_doubt: bool,
}

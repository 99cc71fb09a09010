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
//! 7. A correction is a record about the first rating, never a second rating.
//! 8. What a citizen types leaves the flow once, to be encrypted, and is nowhere afterwards.
//!
//! **Crash**: a prompt that is open when the program dies has no outcome yet; the recorder's note of
//! it comes back with [`Event::Opened`] and is sealed as a fault by the next start.
//!
//! It does not know names, words or colours, and never decides when the profile is read again.

use std::collections::{BTreeSet, VecDeque};

use manyi_shared::domain::{
    Call, Language, Level, Outcome, PromptId, Seq, ServiceEvent, StreamId, TagCode, TagSetId,
};
use manyi_shared::wire::{MessageKind, RecordBody};

mod correct;
mod moves;
mod odd;
mod phone;
mod reasons;
mod rules;
mod seals;
mod self_test;
mod steps;
mod view;

#[cfg(test)]
mod answers;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod run;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod tables;

pub use manyi_shared::domain::Trigger;
pub use odd::Oddity;
pub use rules::{Reason, Rules, Why};
pub use view::{PageView, PhoneView, View};

use odd::Odd;
use phone::Pad;

/// Uptime in milliseconds.
pub type Millis = u64;

/// How long the page that says "not kept" stays before the journal is tried again: long enough to
/// read it and to turn to the clerk.
pub const NOT_KEPT_MS: Millis = 8_000;

/// How long an out-of-service terminal waits before it tries its journal again.
pub const RETRY_MS: Millis = 5_000;

/// Elder mode gives every page this many times the time.
const ELDER_TIMES: Millis = 2;

/// How often a level can be corrected: a slip and a second thought, but no game.
pub const MOST_CORRECTIONS: u8 = 3;

/// Names for the ask page that the business system sent along; the profile fills what is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The item's name.
    pub item: Option<String>,
    /// The clerk's name.
    pub staff: Option<String>,
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
    /// How it came about.
    pub call: Call,
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
    /// Whether the office took the terminal's identity back. Whoever is at the screen, and whoever was
    /// promised a question, finishes first.
    Revoked(Option<Why>),
    /// Somebody asks for a prompt.
    Prompt {
        /// What it is about.
        event: ServiceEvent,
        /// How it came about.
        call: Call,
        /// What to show.
        names: Names,
    },
    /// The business system takes a prompt back.
    Cancel(PromptId),
    /// The clerk pauses the window, or ends the pause.
    Pause(bool),
    /// A finger on a target.
    Touch(Touch),
    /// A finger that did something else.
    Odd(Oddity),
    /// The daily self-test is due on this day of the hall (`yyyymmdd`). Taken while idle only.
    SelfTest(u32),
    /// The record of the last [`Effect::Seal`] or [`Effect::SealText`] is on the card.
    Sealed(Seq),
    /// The record of the last [`Effect::Seal`] or [`Effect::SealText`] is not kept; the stream is
    /// over.
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
    /// 暂不评价; while correcting: leave it as it was.
    Decline,
    /// Another language.
    Language(Language),
    /// Elder mode on or off.
    Elder,
    /// A second-level option.
    Tag(TagCode),
    /// 提交
    Submit,
    /// 跳过
    Skip,
    /// The pad for a call-back number.
    OpenPhone,
    /// A digit of the pad.
    Digit(u8),
    /// Takes the last digit back.
    Erase,
    /// The number is complete.
    KeepPhone,
    /// Leaves the pad without a number.
    ClosePhone,
    /// 更正, on the thanks page.
    Correct,
    /// The clerk calls the question from the idle page.
    Ask,
    /// The clerk ends a pause of theirs.
    Resume,
}

/// What the flow wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Open the journal and a new stream in it; answer [`Event::Opened`] or [`Event::OpenFailed`].
    OpenJournal,
    /// Seal this record; answer [`Event::Sealed`] or [`Event::SealFailed`].
    Seal(RecordBody),
    /// Encrypt this text to the office's key and seal the message; the answer is as for a seal.
    SealText {
        /// The rating it belongs to.
        target: Seq,
        /// What it is.
        what: MessageKind,
        /// What was typed.
        text: String,
    },
    /// The prompt is taken and has this id.
    Accepted(PromptId),
    /// The prompt is not taken.
    Refused,
    /// The prompt's question is on the screen now.
    Asking(Prompt),
    /// The prompt's outcome is sealed.
    Ended(PromptId),
    /// The clerk wants the question asked; answer [`Event::Prompt`].
    ClerkAsks,
    /// The self-test is over: whether all five levels are on the card.
    SelfTested(bool),
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
    /// The clerk has paused the window.
    paused: bool,
    /// The office took the terminal's identity back.
    revoked: Option<Why>,
    /// Of the citizen who is at the screen; back to the profile's with the next.
    manner: Manner,
    /// What the fingers did beside, since the question was shown.
    odd: Option<Odd>,
    stopping: bool,
}

/// How a citizen wants to be spoken to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    /// The language of the pages.
    pub language: Language,
    /// Double type, longer times, spoken levels.
    pub elder: bool,
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
    Asking(Asking),
    Sealing(Box<Sealing>),
    Reasons(Reasons),
    /// With the rating that can still be corrected.
    Thanks(Rated),
    Correcting(Correcting),
    NotKept(Why),
}

impl Stage {
    fn sealing(sealing: Sealing) -> Self {
        Self::Sealing(Box::new(sealing))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Asking {
    prompt: Prompt,
    /// The question stays this long after the last touch of language or type.
    touched_at: Millis,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Correcting {
    rated: Rated,
    touched_at: Millis,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Sealing {
    job: Job,
    /// What stays on the screen meanwhile.
    behind: Behind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Job {
    Outcome {
        prompt: Prompt,
        outcome: Outcome,
    },
    /// The chips of a rating, as it then stands.
    Amendment(Rated),
    /// Another level for a rating, as it then stands.
    Correction(Rated),
    /// What was typed on the pad.
    Text(Reasons),
    Misuse,
    /// The levels that are still to be sent through.
    SelfTest {
        day: u32,
        rest: Vec<Level>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Behind {
    Idle,
    Ask(Asking),
    Correct(Correcting),
    Reasons(Reasons),
}

/// A sealed rating of the citizen who is still at the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rated {
    prompt: Prompt,
    /// Where it is sealed.
    target: Seq,
    /// As it now stands.
    level: Level,
    /// The sealed options.
    tags: BTreeSet<TagCode>,
    corrections: u8,
    /// A telephone number is sealed with it.
    phone_kept: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Reasons {
    rated: Rated,
    set: TagSetId,
    chosen: BTreeSet<TagCode>,
    /// The page stays this long after the last touch.
    touched_at: Millis,
    /// The pad, while it is open.
    pad: Option<Pad>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Owed {
    prompt: Prompt,
    outcome: Outcome,
    /// Whether a failed seal may have reached the card after all.
    in_doubt: bool,
}

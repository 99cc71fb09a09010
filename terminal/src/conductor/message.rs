//! What the conductor hears, and what it answers.

use manyi_shared::domain::{PromptId, ServiceEvent};
use tokio::sync::oneshot;

use crate::desk::DeskEvent;
use crate::flow::{Names, Oddity, Touch, Trigger};
use crate::recorder::Answer;

/// What the conductor hears.
#[derive(Debug)]
pub enum Message {
    /// A finger on a target.
    Touch(Touch),
    /// A finger that did something else.
    Odd(Oddity),
    /// A touch in the dark.
    Wake,
    /// A touch on the staff's pages, or the answer to something they wanted.
    Desk(DeskEvent),
    /// Somebody asks for a prompt.
    Prompt {
        /// What for.
        request: PromptRequest,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<Taken, Refusal>>,
    },
    /// The API takes a prompt back.
    Cancel {
        /// Which one.
        id: PromptId,
        /// Told when the flow has heard it.
        reply: oneshot::Sender<()>,
    },
    /// The recorder's answer.
    Recorder(Answer),
    /// The window pauses or goes on.
    Pause {
        /// Whether it pauses.
        paused: bool,
        /// Told when it is so.
        reply: oneshot::Sender<()>,
    },
    /// The button at the window: a prompt about nothing in particular.
    Button,
    /// The demo's key: the next citizen.
    DemoPrompt,
    /// The program is to end in order.
    Stop,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptRequest {
    /// The asker's idempotency key: the same key asks the citizen once.
    pub key: Option<String>,
    /// What it is about.
    pub event: ServiceEvent,
    /// What to show.
    pub names: Names,
    /// Who asks.
    pub trigger: Trigger,
}

/// A prompt that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Its id.
    pub id: PromptId,
    /// Whether it had been taken before, by the same key.
    pub again: bool,
}

/// Why a prompt is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The terminal cannot ask; its health says why.
    OutOfService,
    /// The window pauses.
    Paused,
    /// The key has brought a prompt with another content.
    KeyReused,
}

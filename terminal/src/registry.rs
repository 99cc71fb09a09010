//! What the local API may know: which prompts there are and how the terminal is.
//!
//! **Invariants**
//! 1. No level, no outcome kind and no page is ever in here, so no answer can tell one.
//! 2. At most [`KEPT`] prompts are remembered, the newest.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use manyi_shared::domain::{PromptId, StreamId, TerminalId, WindowId};

use crate::flow::Reason;

/// How many prompts are remembered: two busy days of a window, in about 100 KB.
pub const KEPT: usize = 1000;

/// Where a prompt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptState {
    /// Taken, not asked yet.
    Waiting,
    /// On the screen.
    Asking,
    /// Over, and its outcome is sealed.
    Ended,
}

/// How the terminal is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    /// Starting.
    #[default]
    Starting,
    /// Nobody is being asked.
    Ready,
    /// Somebody is at the screen.
    Asking,
    /// No prompt is taken.
    OutOfService(Reason),
}

/// How the terminal is and who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// How it is.
    pub status: Status,
    /// Its id, once enrolled.
    pub terminal: Option<TerminalId>,
    /// The window it stands at, once known.
    pub window: Option<WindowId>,
    /// The open stream.
    pub stream: Option<StreamId>,
}

/// Written by the conductor, read by the API.
#[derive(Debug, Default)]
pub struct Registry {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    prompts: HashMap<PromptId, PromptState>,
    order: VecDeque<PromptId>,
    health: Health,
}

impl Registry {
    /// Where a prompt stands, if it is remembered.
    #[must_use]
    pub fn prompt(&self, id: PromptId) -> Option<PromptState> {
        self.lock().prompts.get(&id).copied()
    }

    /// How the terminal is.
    #[must_use]
    pub fn health(&self) -> Health {
        self.lock().health.clone()
    }

    /// Notes where a prompt stands. A prompt that was never taken here is not remembered, unless it
    /// is being taken now.
    pub fn note(&self, id: PromptId, state: PromptState) {
        let mut inner = self.lock();
        if let Some(known) = inner.prompts.get_mut(&id) {
            *known = state;
        } else if state == PromptState::Waiting {
            if inner.order.len() >= KEPT
                && let Some(oldest) = inner.order.pop_front()
            {
                inner.prompts.remove(&oldest);
            }
            inner.prompts.insert(id, state);
            inner.order.push_back(id);
        }
    }

    /// Notes how the terminal is.
    pub fn set_health(&self, health: Health) {
        self.lock().health = health;
    }

    /// The data is whole after every statement above, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(ordinal: u32) -> PromptId {
        PromptId {
            stream: StreamId::from_bytes([1; 16]),
            ordinal,
        }
    }

    #[test]
    fn the_newest_thousand_prompts_are_remembered() {
        let registry = Registry::default();
        for ordinal in 1..=1001 {
            registry.note(id(ordinal), PromptState::Waiting);
        }
        assert_eq!(registry.prompt(id(1)), None);
        assert_eq!(registry.prompt(id(2)), Some(PromptState::Waiting));
        assert_eq!(registry.prompt(id(1001)), Some(PromptState::Waiting));
    }

    #[test]
    fn a_prompt_of_an_earlier_start_is_not_taken_up() {
        let registry = Registry::default();
        registry.note(id(7), PromptState::Ended);
        assert_eq!(registry.prompt(id(7)), None);
    }
}

//! What the local API may know: which prompts there are and how the terminal is.
//!
//! **Invariants**
//! 1. No level, no outcome kind and no page is ever in here, so no answer can tell one.
//! 2. At most [`KEPT`] prompts are remembered, the newest.
//! 3. Who subscribes sees the newest state of everything that changed, never an older one; states
//!    that followed one another quickly may be seen as one change.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use manyi_shared::domain::{PromptId, StreamId, TerminalId, WindowId};
use tokio::sync::watch;

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
    /// Whether the window pauses.
    pub paused: bool,
}

/// What changed since a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The present revision, to ask from the next time.
    pub revision: u64,
    /// The prompts that changed and where they stand now, the first changed first.
    pub prompts: Vec<(PromptId, PromptState)>,
    /// How the terminal is now, if that changed.
    pub health: Option<Health>,
}

/// Written by the conductor, read by the API.
#[derive(Debug, Default)]
pub struct Registry {
    inner: Mutex<Inner>,
    /// Told the revision after each change.
    revised: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Counts the changes.
    revision: u64,
    /// Each with the revision at which it came to stand there.
    prompts: HashMap<PromptId, (PromptState, u64)>,
    order: VecDeque<PromptId>,
    health: Health,
    health_revision: u64,
}

impl Inner {
    fn revise(&mut self) -> u64 {
        self.revision = self.revision.saturating_add(1);
        self.revision
    }
}

impl Registry {
    /// Where a prompt stands, if it is remembered.
    #[must_use]
    pub fn prompt(&self, id: PromptId) -> Option<PromptState> {
        self.lock().prompts.get(&id).map(|(state, _)| *state)
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
        let known = inner.prompts.get(&id).map(|(known, _)| *known);
        if known == Some(state) || (known.is_none() && state != PromptState::Waiting) {
            return;
        }
        let revision = inner.revise();
        inner.prompts.insert(id, (state, revision));
        if known.is_none() {
            inner.order.push_back(id);
            if inner.order.len() > KEPT
                && let Some(oldest) = inner.order.pop_front()
            {
                inner.prompts.remove(&oldest);
            }
        }
        self.revised.send_replace(revision);
    }

    /// Notes how the terminal is.
    pub fn set_health(&self, health: Health) {
        let mut inner = self.lock();
        if inner.health == health {
            return;
        }
        let revision = inner.revise();
        inner.health = health;
        inner.health_revision = revision;
        self.revised.send_replace(revision);
    }

    /// Wakes at every change; what changed is in [`Self::since`].
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.revised.subscribe()
    }

    /// What changed after a revision; 0 is before the first change.
    #[must_use]
    pub fn since(&self, revision: u64) -> Changes {
        let inner = self.lock();
        let mut changed: Vec<_> = inner
            .prompts
            .iter()
            .filter(|(_, (_, at))| *at > revision)
            .map(|(id, (state, at))| (*at, *id, *state))
            .collect();
        changed.sort_unstable_by_key(|(at, _, _)| *at);
        Changes {
            revision: inner.revision,
            prompts: changed
                .into_iter()
                .map(|(_, id, state)| (id, state))
                .collect(),
            health: (inner.health_revision > revision).then(|| inner.health.clone()),
        }
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
    fn who_looks_again_sees_what_changed_and_nothing_else() {
        let registry = Registry::default();
        registry.note(id(1), PromptState::Waiting);
        registry.note(id(2), PromptState::Waiting);
        let seen = registry.since(0);
        assert_eq!(seen.prompts.len(), 2);
        assert_eq!(seen.health, None);
        registry.note(id(2), PromptState::Ended);
        registry.note(id(1), PromptState::Asking);
        registry.note(id(1), PromptState::Asking);
        let paused = Health {
            paused: true,
            ..Health::default()
        };
        registry.set_health(paused.clone());
        registry.set_health(paused.clone());
        let changes = registry.since(seen.revision);
        assert_eq!(
            changes.prompts,
            [(id(2), PromptState::Ended), (id(1), PromptState::Asking)]
        );
        assert_eq!(changes.health, Some(paused));
        assert_eq!(changes.revision, seen.revision + 3);
        let nothing = registry.since(changes.revision);
        assert_eq!((nothing.prompts, nothing.health), (vec![], None));
    }

    #[test]
    fn a_change_wakes_who_subscribed_and_a_repetition_does_not() {
        let registry = Registry::default();
        let mut changes = registry.subscribe();
        registry.note(id(1), PromptState::Waiting);
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        registry.note(id(1), PromptState::Waiting);
        registry.set_health(Health::default());
        assert!(!changes.has_changed().unwrap());
    }

    #[test]
    fn a_prompt_of_an_earlier_start_is_not_taken_up() {
        let registry = Registry::default();
        registry.note(id(7), PromptState::Ended);
        assert_eq!(registry.prompt(id(7)), None);
    }
}

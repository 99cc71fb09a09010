//! Calls for a prompt: from the APIs, the button, the clerk, the demo.

use manyi_shared::domain::{Call, CallerKey, PromptId, ServiceEvent, StaffId};

use super::{Conductor, PromptRequest, Refusal, Taken};
use crate::flow::{Event, Names, Trigger};
use crate::keys::{Content, Seen};
use crate::registry::PromptState;

impl Conductor {
    /// Takes a prompt, unless its key has brought one already.
    pub(super) fn prompt(&mut self, request: PromptRequest) -> Result<Taken, Refusal> {
        let content = Content::of(&request.event, &request.names);
        if let Some(key) = &request.key {
            match self.keys.seen(key, content) {
                Seen::Same(id) => return Ok(Taken { id, again: true }),
                Seen::Other => return Err(Refusal::KeyReused),
                Seen::Never => {}
            }
        }
        let (event, names) = (request.event, request.names);
        let call = Call {
            trigger: request.trigger,
            key: request.key.as_deref().map(CallerKey::of),
        };
        self.around.wake(self.now());
        let id = self.step(Event::Prompt { event, call, names });
        let id = id.ok_or_else(|| {
            if self.flow.paused() {
                Refusal::Paused
            } else {
                Refusal::OutOfService
            }
        })?;
        if let Some(key) = &request.key {
            self.keys.remember(key, content, id);
        }
        Ok(Taken { id, again: false })
    }

    /// A prompt that nobody said more of than that the clerk on duty has finished.
    pub(super) fn call(&mut self, trigger: Trigger) {
        let on_duty = self
            .station
            .as_ref()
            .and_then(|station| StaffId::new(station.profile.staff_on_duty.as_deref()?).ok());
        let request = PromptRequest {
            key: None,
            event: ServiceEvent {
                staff: on_duty,
                ..ServiceEvent::default()
            },
            names: Names::default(),
            trigger,
        };
        if let Err(refusal) = self.prompt(request) {
            tracing::info!(?refusal, ?trigger, "a prompt is not taken");
        }
    }

    /// Takes the callers' keys of earlier starts: their prompts are over, and the same call again
    /// asks nobody twice.
    pub(super) fn know(&mut self, keys: Vec<(CallerKey, PromptId)>) {
        for (_, id) in &keys {
            self.registry.note(*id, PromptState::Waiting);
            self.registry.note(*id, PromptState::Ended);
        }
        self.keys.seed(keys);
    }
}

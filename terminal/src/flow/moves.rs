//! From stage to stage: what the transitions have in common.

use manyi_shared::domain::{Outcome, PromptId, Withdrawal};
use manyi_shared::wire::{OutcomeRecord, RecordBody};

use super::{
    Asking, Behind, ELDER_TIMES, Effect, Flow, Job, Manner, Millis, NOT_KEPT_MS, Odd, Owed, Prompt,
    Rules, Sealing, Stage,
};

impl Flow {
    /// What comes when nothing is at hand: what is owed, then what waits, then idle.
    pub(super) fn go_on(&mut self, now: Millis, todo: &mut Vec<Effect>) {
        if self.seal_oddities(todo) {
            return;
        }
        if self.stopping
            && let Some(prompt) = self.next.take()
        {
            let outcome = Outcome::Withdrawn(Withdrawal::Shutdown);
            self.owe(prompt, outcome);
        }
        if let Some(Owed {
            prompt, outcome, ..
        }) = self.owed.pop_front()
        {
            self.seal_outcome(prompt, outcome, None, Behind::Idle, todo);
        } else if self.stopping {
            self.stage = Stage::Idle;
            todo.push(Effect::Exit);
        } else if let Some(prompt) = self.next.take() {
            todo.push(Effect::Asking(prompt.clone()));
            self.odd = Some(Odd::default());
            self.manner = self.first_manner();
            self.stage = Stage::Asking(Asking {
                prompt,
                touched_at: now,
            });
            self.show(now);
        } else {
            self.manner = self.first_manner();
            self.stage = Stage::Idle;
            self.show(now);
        }
    }

    /// Whether the citizen's pages have to make room.
    pub(super) fn waits(&self) -> bool {
        self.stopping || self.next.is_some() || !self.owed.is_empty()
    }

    /// A prompt that is over and whose outcome is sealed when its turn comes.
    pub(super) fn owe(&mut self, prompt: Prompt, outcome: Outcome) {
        self.owed.push_back(Owed {
            prompt,
            outcome,
            in_doubt: false,
        });
    }

    /// Ends the prompt whose question is on the screen.
    pub(super) fn end_asked(
        &mut self,
        asking: Asking,
        outcome: Outcome,
        now: Millis,
        todo: &mut Vec<Effect>,
    ) {
        let response_ms = u32::try_from(now.saturating_sub(self.shown_at)).unwrap_or(u32::MAX);
        let prompt = asking.prompt.clone();
        self.seal_outcome(
            prompt,
            outcome,
            Some(response_ms),
            Behind::Ask(asking),
            todo,
        );
    }

    pub(super) fn seal_outcome(
        &mut self,
        prompt: Prompt,
        outcome: Outcome,
        response_ms: Option<u32>,
        behind: Behind,
        todo: &mut Vec<Effect>,
    ) {
        let record = OutcomeRecord {
            ordinal: prompt.ordinal,
            outcome: outcome.clone(),
            tag_set: None,
            response_ms,
            event: prompt.event.clone(),
            call: prompt.call,
        };
        todo.push(Effect::Seal(RecordBody::Outcome(record)));
        self.stage = Stage::sealing(Sealing {
            job: Job::Outcome { prompt, outcome },
            behind,
        });
    }

    /// A new showing of a page.
    pub(super) const fn show(&mut self, now: Millis) {
        self.serial = self.serial.wrapping_add(1);
        self.shown_at = now;
    }

    pub(super) fn next_id(&mut self) -> Option<PromptId> {
        let (stream, count) = self.stream.as_mut()?;
        *count = count.checked_add(1)?;
        Some(PromptId {
            stream: *stream,
            ordinal: *count,
        })
    }

    /// How a citizen is spoken to before they choose.
    pub(super) fn first_manner(&self) -> Manner {
        self.rules
            .as_ref()
            .map_or_else(Manner::default, |r| r.manner)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused || self.rules.as_ref().is_some_and(|rules| rules.paused)
    }

    pub(super) fn deaf_until(&self) -> Millis {
        let guard = self.rules.as_ref().map_or(0, |rules| rules.guard_ms);
        self.shown_at.saturating_add(guard)
    }

    /// The time that a page has, longer for elders.
    pub(super) fn page_ms(&self, ms: fn(&Rules) -> Millis) -> Millis {
        let times = if self.manner.elder { ELDER_TIMES } else { 1 };
        self.rules.as_ref().map_or(0, ms).saturating_mul(times)
    }

    /// When the present stage ends by itself.
    pub(super) fn deadline(&self) -> Option<Millis> {
        let after =
            |from: Millis, ms: fn(&Rules) -> Millis| Some(from.saturating_add(self.page_ms(ms)));
        match &self.stage {
            Stage::OutOfService { retry_at, .. } => *retry_at,
            Stage::Asking(asking) => after(asking.touched_at, |r| r.ask_ms),
            Stage::Correcting(correcting) => after(correcting.touched_at, |r| r.ask_ms),
            Stage::Reasons(reasons) => after(reasons.touched_at, |r| r.reasons_ms),
            Stage::Thanks(_) => after(self.shown_at, |r| r.thanks_ms),
            Stage::NotKept(_) => Some(self.shown_at.saturating_add(NOT_KEPT_MS)),
            Stage::Opening | Stage::Idle | Stage::Sealing(_) => None,
        }
    }

    /// Whether the present page has targets.
    pub(super) const fn has_targets(&self) -> bool {
        match self.stage {
            Stage::Idle => self.revoked.is_none(),
            Stage::Asking(_) | Stage::Correcting(_) | Stage::Reasons(_) | Stage::Thanks(_) => true,
            Stage::OutOfService { .. } | Stage::Opening | Stage::Sealing(_) | Stage::NotKept(_) => {
                false
            }
        }
    }

    /// Whether touches do nothing now.
    pub(super) fn is_deaf(&self, now: Millis) -> bool {
        now < self.deaf_until() || !self.has_targets()
    }

    /// The end of the guard time, when it is still to come on a page that takes touches.
    pub(super) fn guard_end(&self, now: Millis) -> Option<Millis> {
        let end = self.deaf_until();
        (self.has_targets() && end > now).then_some(end)
    }
}

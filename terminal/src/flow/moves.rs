//! From stage to stage: what the transitions have in common.

use manyi_shared::domain::{Call, Outcome, PromptId, Withdrawal};
use manyi_shared::wire::{Amendment, OutcomeRecord, RecordBody};

use super::{
    Behind, Effect, Flow, Job, Millis, NOT_KEPT_MS, Owed, Prompt, Reasons, Rules, Sealing, Stage,
};

impl Flow {
    /// What comes when nothing is at hand: what is owed, then what waits, then idle.
    pub(super) fn go_on(&mut self, now: Millis, todo: &mut Vec<Effect>) {
        if self.stopping
            && let Some(prompt) = self.next.take()
        {
            let outcome = Outcome::Withdrawn(Withdrawal::Shutdown);
            self.owed.push_back(Owed {
                prompt,
                outcome,
                in_doubt: false,
            });
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
            self.stage = Stage::Asking(prompt);
            self.show(now);
        } else {
            self.stage = Stage::Idle;
            self.show(now);
        }
    }

    /// Ends the prompt whose question is on the screen.
    pub(super) fn end_asked(
        &mut self,
        prompt: Prompt,
        outcome: Outcome,
        now: Millis,
        todo: &mut Vec<Effect>,
    ) {
        let response_ms = u32::try_from(now.saturating_sub(self.shown_at)).unwrap_or(u32::MAX);
        let behind = Behind::Ask(prompt.clone());
        self.seal_outcome(prompt, outcome, Some(response_ms), behind, todo);
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
            call: Call::default(),
        };
        todo.push(Effect::Seal(RecordBody::Outcome(record)));
        self.stage = Stage::Sealing(Sealing {
            job: Job::Outcome { prompt, outcome },
            behind,
        });
    }

    /// Seals the chips that are tapped, however the page is left: nothing a citizen said is lost.
    pub(super) fn leave_reasons(&mut self, reasons: Reasons, now: Millis, todo: &mut Vec<Effect>) {
        if reasons.chosen.is_empty() {
            if self.stopping || self.next.is_some() || !self.owed.is_empty() {
                self.go_on(now, todo);
            } else {
                self.stage = Stage::Thanks;
                self.show(now);
            }
            return;
        }
        todo.push(Effect::Seal(RecordBody::Amendment(Amendment {
            target: reasons.target,
            level: reasons.level,
            tags: reasons.chosen.iter().copied().collect(),
            tag_set: Some(reasons.set.clone()),
        })));
        self.stage = Stage::Sealing(Sealing {
            job: Job::Amendment,
            behind: Behind::Reasons(reasons),
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

    pub(super) fn deaf_until(&self) -> Millis {
        let guard = self.rules.as_ref().map_or(0, |rules| rules.guard_ms);
        self.shown_at.saturating_add(guard)
    }

    /// When the present stage ends by itself.
    pub(super) fn deadline(&self) -> Option<Millis> {
        let rules = self.rules.as_ref();
        let after =
            |from: Millis, ms: fn(&Rules) -> Millis| rules.map(|r| from.saturating_add(ms(r)));
        match &self.stage {
            Stage::OutOfService { retry_at, .. } => *retry_at,
            Stage::Asking(_) => after(self.shown_at, |r| r.ask_ms),
            Stage::Reasons(reasons) => after(reasons.touched_at, |r| r.reasons_ms),
            Stage::Thanks => after(self.shown_at, |r| r.thanks_ms),
            Stage::NotKept(_) => Some(self.shown_at.saturating_add(NOT_KEPT_MS)),
            Stage::Opening | Stage::Idle | Stage::Sealing(_) => None,
        }
    }

    /// Whether touches do nothing now.
    pub(super) fn is_deaf(&self, now: Millis) -> bool {
        now < self.deaf_until() || !matches!(self.stage, Stage::Asking(_) | Stage::Reasons(_))
    }

    /// The end of the guard time, when it is still to come on a page that takes touches.
    pub(super) fn guard_end(&self, now: Millis) -> Option<Millis> {
        let takes = matches!(self.stage, Stage::Asking(_) | Stage::Reasons(_));
        let end = self.deaf_until();
        (takes && end > now).then_some(end)
    }
}

//! The transitions.

use std::collections::{BTreeSet, VecDeque};

use manyi_shared::domain::{
    FaultReason, Level, Outcome, PromptId, Seq, ServiceEvent, StreamId, Withdrawal, national_tags,
};

use super::{
    Effect, Event, Flow, Job, Millis, Names, Owed, Prompt, RETRY_MS, Reasons, Rules, Stage, Target,
    Touch, Why,
};

impl Flow {
    /// A flow that shows why it cannot ask yet.
    #[must_use]
    pub const fn new(why: Why, now: Millis) -> Self {
        Self {
            rules: None,
            stream: None,
            stage: Stage::OutOfService {
                why,
                retry_at: None,
            },
            serial: 0,
            shown_at: now,
            next: None,
            owed: VecDeque::new(),
            stopping: false,
        }
    }

    /// What follows from an event, and what is to be done.
    #[must_use]
    pub fn step(mut self, event: Event, now: Millis) -> (Self, Vec<Effect>) {
        let mut todo = Vec::new();
        match event {
            Event::Configured { rules, moved } => self.configured(rules, moved, &mut todo),
            Event::Unfit(why) => self.unfit(why),
            Event::Prompt { event, names } => self.prompted(event, names, now, &mut todo),
            Event::Cancel(id) => self.cancelled(id, now, &mut todo),
            Event::Touch(touch) => self.touched(touch, now, &mut todo),
            Event::Sealed(seq) => self.sealed(seq, now, &mut todo),
            Event::SealFailed(why) => self.seal_failed(why, now, &mut todo),
            Event::Opened {
                stream,
                kept,
                interrupted,
            } => {
                self.opened(stream, kept, interrupted, now, &mut todo);
            }
            Event::OpenFailed(why) => self.open_failed(why, now, &mut todo),
            Event::Tick => self.ticked(now, &mut todo),
            Event::Stop => self.stopped(now, &mut todo),
        }
        (self, todo)
    }

    fn configured(&mut self, rules: Rules, moved: bool, todo: &mut Vec<Effect>) {
        match &mut self.stage {
            Stage::Idle => {
                self.rules = Some(rules);
                if moved {
                    self.stream = None;
                    self.stage = Stage::Opening;
                    todo.push(Effect::OpenJournal);
                }
            }
            Stage::OutOfService { retry_at, .. } => {
                let first = self.rules.replace(rules).is_none();
                if first {
                    *retry_at = None;
                    self.stage = Stage::Opening;
                    todo.push(Effect::OpenJournal);
                }
            }
            _ => {}
        }
    }

    fn unfit(&mut self, why: Why) {
        if matches!(self.stage, Stage::OutOfService { .. }) && self.rules.is_none() {
            self.stage = Stage::OutOfService {
                why,
                retry_at: None,
            };
        }
    }

    fn prompted(&mut self, event: ServiceEvent, names: Names, now: Millis, todo: &mut Vec<Effect>) {
        let asks = !matches!(
            self.stage,
            Stage::OutOfService { .. } | Stage::Opening | Stage::NotKept(_)
        );
        let Some(id) = (asks && !self.stopping).then(|| self.next_id()).flatten() else {
            todo.push(Effect::Refused);
            return;
        };
        todo.push(Effect::Accepted(id));
        if let Some(prompt) = self.next.replace(Prompt {
            id,
            ordinal: id.ordinal,
            event,
            names,
        }) {
            let outcome = Outcome::Withdrawn(Withdrawal::Replaced);
            self.owed.push_back(Owed {
                prompt,
                outcome,
                in_doubt: false,
            });
        }
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Asking(old) => {
                self.end_asked(old, Outcome::Withdrawn(Withdrawal::Replaced), now, todo);
            }
            Stage::Reasons(reasons) => self.leave_reasons(reasons, now, todo),
            sealing @ Stage::Sealing(_) => self.stage = sealing,
            _ => self.go_on(now, todo),
        }
    }

    fn cancelled(&mut self, id: PromptId, now: Millis, todo: &mut Vec<Effect>) {
        let outcome = Outcome::Withdrawn(Withdrawal::Cancelled);
        if let Some(prompt) = self.next.take_if(|next| next.id == id) {
            self.owed.push_back(Owed {
                prompt,
                outcome,
                in_doubt: false,
            });
        } else if let Stage::Asking(prompt) = &self.stage
            && prompt.id == id
        {
            let prompt = prompt.clone();
            self.end_asked(prompt, outcome, now, todo);
        }
    }

    fn touched(&mut self, touch: Touch, now: Millis, todo: &mut Vec<Effect>) {
        if touch.serial != self.serial || now < self.deaf_until() {
            return;
        }
        match (&mut self.stage, touch.target) {
            (Stage::Asking(prompt), Target::Level(level)) => {
                let prompt = prompt.clone();
                self.end_asked(
                    prompt,
                    Outcome::Rated {
                        level,
                        tags: Vec::new(),
                    },
                    now,
                    todo,
                );
            }
            (Stage::Asking(prompt), Target::Decline) => {
                let prompt = prompt.clone();
                self.end_asked(prompt, Outcome::Declined, now, todo);
            }
            (Stage::Reasons(reasons), Target::Tag(code)) => {
                let offered = code.level() == reasons.level && national_tags().get(code).is_some();
                if offered && !reasons.chosen.remove(&code) {
                    reasons.chosen.insert(code);
                }
                reasons.touched_at = now;
            }
            (Stage::Reasons(reasons), Target::Submit | Target::Skip) => {
                let reasons = reasons.clone();
                self.leave_reasons(reasons, now, todo);
            }
            _ => {}
        }
    }

    fn sealed(&mut self, seq: Seq, now: Millis, todo: &mut Vec<Effect>) {
        let Stage::Sealing(sealing) = &self.stage else {
            return;
        };
        let rated = match &sealing.job {
            Job::Amendment => Some(None),
            Job::Outcome { prompt, outcome } => {
                todo.push(Effect::Ended(prompt.id));
                outcome.level().map(Some)
            }
        };
        let waits = self.stopping || self.next.is_some() || !self.owed.is_empty();
        match rated {
            Some(level) if !waits => self.answer(level, seq, now),
            _ => self.go_on(now, todo),
        }
    }

    /// After everything said so far is sealed: the reasons after a level, then the thanks.
    fn answer(&mut self, level: Option<Level>, target: Seq, now: Millis) {
        let set = self.rules.as_ref().and_then(|rules| rules.reasons.clone());
        self.stage = match (level, set) {
            (Some(level), Some(set)) => Stage::Reasons(Reasons {
                level,
                target,
                set,
                chosen: BTreeSet::new(),
                touched_at: now,
            }),
            _ => Stage::Thanks,
        };
        self.show(now);
    }

    fn seal_failed(&mut self, why: Why, now: Millis, todo: &mut Vec<Effect>) {
        let Stage::Sealing(sealing) = &self.stage else {
            return;
        };
        self.stream = None;
        let said = match sealing.job.clone() {
            Job::Amendment => true,
            Job::Outcome { prompt, outcome } => {
                let rated = outcome.level().is_some();
                // The citizen is told that the rating is not kept, so it must not appear later
                // under another position; that it was lost must.
                let outcome = if rated {
                    Outcome::Fault(FaultReason::NotKept)
                } else {
                    outcome
                };
                self.owed.push_front(Owed {
                    prompt,
                    outcome,
                    in_doubt: true,
                });
                rated
            }
        };
        if said {
            self.stage = Stage::NotKept(why);
            self.show(now);
        } else {
            self.reopen(why, now, todo);
        }
        if self.stopping {
            todo.push(Effect::Exit);
        }
    }

    fn reopen(&mut self, why: Why, now: Millis, todo: &mut Vec<Effect>) {
        self.stage = Stage::OutOfService {
            why,
            retry_at: None,
        };
        self.show(now);
        todo.push(Effect::OpenJournal);
    }

    fn opened(
        &mut self,
        stream: StreamId,
        kept: bool,
        interrupted: Option<Prompt>,
        now: Millis,
        todo: &mut Vec<Effect>,
    ) {
        if self.stream.is_some() {
            return;
        }
        self.stream = Some((stream, 0));
        if let Some(owed) = self.owed.front_mut()
            && std::mem::take(&mut owed.in_doubt)
            && kept
        {
            todo.extend(
                self.owed
                    .pop_front()
                    .map(|owed| Effect::Ended(owed.prompt.id)),
            );
        }
        if let Some(prompt) = interrupted {
            let outcome = Outcome::Fault(FaultReason::Interrupted);
            self.owed.push_front(Owed {
                prompt,
                outcome,
                in_doubt: false,
            });
        }
        self.count_anew();
        self.go_on(now, todo);
    }

    /// Gives everything that still waits its count in the new stream, in the order of sealing and
    /// before any new prompt gets one.
    fn count_anew(&mut self) {
        let Some((_, count)) = &mut self.stream else {
            return;
        };
        let owed = self.owed.iter_mut().map(|owed| &mut owed.prompt);
        for prompt in owed.chain(&mut self.next) {
            *count = count.saturating_add(1);
            prompt.ordinal = *count;
        }
    }

    fn open_failed(&mut self, why: Why, now: Millis, todo: &mut Vec<Effect>) {
        if self.stream.is_none() {
            // Its citizen will be gone before the journal is back.
            if let Some(prompt) = self.next.take() {
                self.owed.push_back(Owed {
                    prompt,
                    outcome: Outcome::Fault(FaultReason::Interrupted),
                    in_doubt: false,
                });
            }
            let retry_at = Some(now.saturating_add(RETRY_MS));
            self.stage = Stage::OutOfService { why, retry_at };
            self.show(now);
        }
        if self.stopping {
            todo.push(Effect::Exit);
        }
    }

    fn ticked(&mut self, now: Millis, todo: &mut Vec<Effect>) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.stage.clone() {
            Stage::Asking(prompt) => self.end_asked(prompt, Outcome::TimedOut, now, todo),
            Stage::Reasons(reasons) => self.leave_reasons(reasons, now, todo),
            Stage::Thanks => self.go_on(now, todo),
            Stage::NotKept(why) => self.reopen(why, now, todo),
            Stage::OutOfService { why, .. } => {
                self.stage = Stage::OutOfService {
                    why,
                    retry_at: None,
                };
                todo.push(Effect::OpenJournal);
            }
            Stage::Opening | Stage::Idle | Stage::Sealing(_) => {}
        }
    }

    fn stopped(&mut self, now: Millis, todo: &mut Vec<Effect>) {
        self.stopping = true;
        let withdrawn = Outcome::Withdrawn(Withdrawal::Shutdown);
        match self.stage.clone() {
            Stage::Asking(prompt) => self.end_asked(prompt, withdrawn, now, todo),
            Stage::Reasons(reasons) => self.leave_reasons(reasons, now, todo),
            Stage::Sealing(_) => {}
            Stage::Idle | Stage::Thanks => self.go_on(now, todo),
            Stage::OutOfService { .. } | Stage::Opening | Stage::NotKept(_) => {
                todo.push(Effect::Exit)
            }
        }
    }
}

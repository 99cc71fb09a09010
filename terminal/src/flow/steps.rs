//! The transitions.

use std::collections::VecDeque;

use manyi_shared::domain::{Call, Outcome, PromptId, ServiceEvent, Withdrawal};

use super::{
    Asking, Correcting, Effect, Event, Flow, Manner, Millis, Names, Oddity, Prompt, Rules, Stage,
    Target, Touch, Why,
};

impl Flow {
    /// A flow that shows why it cannot ask yet.
    #[must_use]
    pub fn new(why: Why, now: Millis) -> Self {
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
            paused: false,
            revoked: None,
            manner: Manner::default(),
            odd: None,
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
            Event::Revoked(why) => self.revoke(why, now),
            Event::Prompt { event, call, names } => {
                self.prompted(event, call, names, now, &mut todo);
            }
            Event::Cancel(id) => self.cancelled(id, now, &mut todo),
            Event::Pause(paused) => self.pause(paused, now),
            Event::Touch(touch) => self.touched(touch, now, &mut todo),
            Event::Odd(oddity) => self.ignored(oddity, now),
            Event::SelfTest(day) => self.self_test(day, &mut todo),
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
                self.manner = self.first_manner();
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

    fn revoke(&mut self, why: Option<Why>, now: Millis) {
        if self.revoked != why {
            self.revoked = why;
            if matches!(self.stage, Stage::Idle) {
                self.show(now);
            }
        }
    }

    fn prompted(
        &mut self,
        event: ServiceEvent,
        call: Call,
        names: Names,
        now: Millis,
        todo: &mut Vec<Effect>,
    ) {
        let out = matches!(
            self.stage,
            Stage::OutOfService { .. } | Stage::Opening | Stage::NotKept(_)
        );
        let asks = !out && !self.stopping && !self.is_paused() && self.revoked.is_none();
        let Some(id) = asks.then(|| self.next_id()).flatten() else {
            todo.push(Effect::Refused);
            return;
        };
        todo.push(Effect::Accepted(id));
        if let Some(prompt) = self.next.replace(Prompt {
            id,
            ordinal: id.ordinal,
            event,
            call,
            names,
        }) {
            self.owe(prompt, Outcome::Withdrawn(Withdrawal::Replaced));
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
            self.owe(prompt, outcome);
        } else if let Stage::Asking(asking) = &self.stage
            && asking.prompt.id == id
        {
            let asking = asking.clone();
            self.end_asked(asking, outcome, now, todo);
        }
    }

    /// A question that is open goes on; the pause is for the next one.
    fn pause(&mut self, paused: bool, now: Millis) {
        if self.paused != paused {
            self.paused = paused;
            if matches!(self.stage, Stage::Idle) {
                self.show(now);
            }
        }
    }

    fn touched(&mut self, touch: Touch, now: Millis, todo: &mut Vec<Effect>) {
        if touch.serial != self.serial || self.is_deaf(now) {
            self.ignored(Oddity::Stray, now);
            return;
        }
        match self.stage.clone() {
            Stage::Asking(asking) => self.ask_touched(asking, touch.target, now, todo),
            Stage::Correcting(correcting) => {
                self.correction_touched(correcting, touch.target, now, todo);
            }
            Stage::Reasons(reasons) => self.reasons_touched(reasons, touch.target, now, todo),
            Stage::Thanks(rated) if touch.target == Target::Correct => self.correct(rated, now),
            Stage::Idle => self.idle_touched(touch.target, now, todo),
            _ => {}
        }
    }

    fn idle_touched(&mut self, target: Target, now: Millis, todo: &mut Vec<Effect>) {
        let may_ask = self.rules.as_ref().is_some_and(|rules| rules.clerk_may_ask);
        match target {
            Target::Ask if may_ask && !self.is_paused() => todo.push(Effect::ClerkAsks),
            Target::Resume => self.pause(false, now),
            _ => {}
        }
    }

    fn ask_touched(
        &mut self,
        mut asking: Asking,
        target: Target,
        now: Millis,
        todo: &mut Vec<Effect>,
    ) {
        match target {
            Target::Level(level) => {
                let tags = Vec::new();
                self.end_asked(asking, Outcome::Rated { level, tags }, now, todo);
            }
            Target::Decline => self.end_asked(asking, Outcome::Declined, now, todo),
            _ if self.manner_touched(target) => {
                asking.touched_at = now;
                self.stage = Stage::Asking(asking);
            }
            _ => {}
        }
    }

    fn correction_touched(
        &mut self,
        mut correcting: Correcting,
        target: Target,
        now: Millis,
        todo: &mut Vec<Effect>,
    ) {
        match target {
            Target::Level(level) => self.corrected(correcting, level, now, todo),
            Target::Decline => self.thank(correcting.rated, now, todo),
            _ if self.manner_touched(target) => {
                correcting.touched_at = now;
                self.stage = Stage::Correcting(correcting);
            }
            _ => {}
        }
    }

    /// Language and type; whether the target was one of them.
    fn manner_touched(&mut self, target: Target) -> bool {
        match target {
            Target::Language(language) => {
                let offered = |rules: &Rules| rules.languages.contains(&language);
                if self.rules.as_ref().is_some_and(offered) {
                    self.manner.language = language;
                }
                true
            }
            Target::Elder => {
                self.manner.elder = !self.manner.elder;
                true
            }
            _ => false,
        }
    }

    fn ticked(&mut self, now: Millis, todo: &mut Vec<Effect>) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.stage.clone() {
            Stage::Asking(asking) => self.end_asked(asking, Outcome::TimedOut, now, todo),
            Stage::Reasons(reasons) => self.leave_reasons(reasons, now, todo),
            // The rating stands as it was.
            Stage::Thanks(_) | Stage::Correcting(_) => self.go_on(now, todo),
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
            Stage::Asking(asking) => self.end_asked(asking, withdrawn, now, todo),
            Stage::Reasons(reasons) => self.leave_reasons(reasons, now, todo),
            Stage::Sealing(_) => {}
            Stage::Idle | Stage::Thanks(_) | Stage::Correcting(_) => self.go_on(now, todo),
            Stage::OutOfService { .. } | Stage::Opening | Stage::NotKept(_) => {
                todo.push(Effect::Exit)
            }
        }
    }
}

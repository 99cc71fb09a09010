//! What the recorder answers, and how the flow goes on.

use std::collections::BTreeSet;

use manyi_shared::domain::{FaultReason, Outcome, Seq, StreamId};

use super::{Effect, Flow, Job, Millis, Owed, Prompt, RETRY_MS, Rated, Stage, Why};

impl Flow {
    pub(super) fn sealed(&mut self, seq: Seq, now: Millis, todo: &mut Vec<Effect>) {
        let Stage::Sealing(sealing) = self.stage.clone() else {
            return;
        };
        match sealing.job {
            Job::Outcome { prompt, outcome } => {
                todo.push(Effect::Ended(prompt.id));
                if let Some(odd) = &mut self.odd {
                    odd.ended(seq);
                }
                match outcome.level() {
                    Some(level) if !self.waits() => {
                        let rated = Rated {
                            prompt,
                            target: seq,
                            level,
                            tags: BTreeSet::new(),
                            corrections: 0,
                            phone_kept: false,
                        };
                        self.after_level(rated, now);
                    }
                    _ => self.go_on(now, todo),
                }
            }
            Job::Amendment(rated) => self.thank(rated, now, todo),
            Job::Correction(_) if self.waits() => self.go_on(now, todo),
            Job::Correction(rated) => self.after_level(rated, now),
            Job::Text(mut reasons) if self.waits() => {
                reasons.rated.phone_kept = true;
                self.leave_reasons(reasons, now, todo);
            }
            Job::Text(reasons) => self.text_kept(reasons, now),
            Job::Misuse => self.go_on(now, todo),
            Job::SelfTest { day, rest } => {
                if !self.seal_self_test(day, rest, todo) {
                    todo.push(Effect::SelfTested(true));
                    self.go_on(now, todo);
                }
            }
        }
    }

    pub(super) fn seal_failed(&mut self, why: Why, now: Millis, todo: &mut Vec<Effect>) {
        let Stage::Sealing(sealing) = &self.stage else {
            return;
        };
        self.stream = None;
        let said = match sealing.job.clone() {
            Job::Amendment(_) | Job::Correction(_) | Job::Text(_) => true,
            Job::Misuse => false,
            Job::SelfTest { .. } => {
                todo.push(Effect::SelfTested(false));
                false
            }
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

    pub(super) fn reopen(&mut self, why: Why, now: Millis, todo: &mut Vec<Effect>) {
        self.stage = Stage::OutOfService {
            why,
            retry_at: None,
        };
        self.manner = self.first_manner();
        self.odd = None;
        self.show(now);
        todo.push(Effect::OpenJournal);
    }

    pub(super) fn opened(
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

    pub(super) fn open_failed(&mut self, why: Why, now: Millis, todo: &mut Vec<Effect>) {
        if self.stream.is_none() {
            // Its citizen will be gone before the journal is back.
            if let Some(prompt) = self.next.take() {
                self.owe(prompt, Outcome::Fault(FaultReason::Interrupted));
            }
            let retry_at = Some(now.saturating_add(RETRY_MS));
            self.stage = Stage::OutOfService { why, retry_at };
            self.show(now);
        }
        if self.stopping {
            todo.push(Effect::Exit);
        }
    }
}

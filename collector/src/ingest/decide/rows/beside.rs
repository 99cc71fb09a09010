//! What comes beside the outcomes: self-tests, misuse, messages. None of it changes a count.

use manyi_shared::domain::OutcomeKind;
use manyi_shared::wire::{Message, Misuse, RejectReason, SelfTest};

use super::Extension;
use crate::ingest::whole::no_target;
use crate::ingest::{Left, Placed, Tested};

impl<'d> Extension<'_, 'd> {
    /// Every record that comes here was placed; without a place there is the reception.
    fn at_ms(&self, placed: Option<Placed>) -> i64 {
        placed.map_or(self.delivery.received_ms, |placed| placed.at_ms)
    }

    pub(super) fn tested(&mut self, seq: u64, placed: Option<Placed>, test: SelfTest) {
        self.plan.tested.push(Tested {
            seq,
            day: test.day,
            at_ms: self.at_ms(placed),
            level: test.level,
            window: self.stream.window,
        });
    }

    pub(super) fn misused(&mut self, seq: u64, misuse: Misuse) {
        let target = misuse.target.get();
        let done = match self.index_of(target) {
            Some(index) => {
                let row = self.plan.rows.get_mut(index);
                let outcome = row.and_then(|row| row.outcome.as_mut());
                outcome
                    .map(|outcome| outcome.misuse = Some(misuse))
                    .is_some()
            }
            None if self.held.outcomes.contains(&target) => {
                self.plan.misused.insert(target, misuse);
                true
            }
            None => false,
        };
        if !done {
            self.reject(seq, RejectReason::NoTarget, no_target(target, "outcome"));
        }
    }

    pub(super) fn left(&mut self, seq: u64, placed: Option<Placed>, message: &'d Message) {
        let target = message.target.get();
        let rated = match self.index_of(target) {
            Some(index) => {
                let row = self.plan.rows.get(index);
                let outcome = row.and_then(|row| row.outcome.as_ref());
                outcome.is_some_and(|outcome| outcome.kind == OutcomeKind::Rated)
            }
            None => self.held.targets.contains_key(&target),
        };
        if rated {
            self.plan.left.push(Left {
                seq,
                at_ms: self.at_ms(placed),
                message,
                window: self.stream.window,
            });
        } else {
            self.reject(seq, RejectReason::NoTarget, no_target(target, "rating"));
        }
    }
}

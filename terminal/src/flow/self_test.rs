//! The daily self-test: all five levels through the journal, worst first.
//!
//! A real system refused its two worst levels for eighteen months before anybody saw it; the centre
//! raises an alarm for every level that has not come through by opening time.

use manyi_shared::domain::Level;
use manyi_shared::wire::{RecordBody, SelfTest};

use super::{Behind, Effect, Flow, Job, Sealing, Stage};

impl Flow {
    pub(super) fn self_test(&mut self, day: u32, todo: &mut Vec<Effect>) {
        let fit = self.stream.is_some() && self.revoked.is_none();
        if matches!(self.stage, Stage::Idle) && fit && !self.stopping {
            let mut rest = Level::ALL.to_vec();
            rest.sort_unstable_by_key(|level| std::cmp::Reverse(level.number()));
            self.seal_self_test(day, rest, todo);
        }
    }

    /// Seals the next level; whether there was one.
    pub(super) fn seal_self_test(
        &mut self,
        day: u32,
        mut rest: Vec<Level>,
        todo: &mut Vec<Effect>,
    ) -> bool {
        let Some(level) = rest.pop() else {
            return false;
        };
        todo.push(Effect::Seal(RecordBody::SelfTest(SelfTest { day, level })));
        self.stage = Stage::sealing(Sealing {
            job: Job::SelfTest { day, rest },
            behind: Behind::Idle,
        });
        true
    }
}

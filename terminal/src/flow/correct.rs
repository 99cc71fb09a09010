//! Correcting the level while the thanks are shown: a second record that points at the first.

use std::collections::BTreeSet;

use manyi_shared::domain::Level;
use manyi_shared::wire::{Amendment, RecordBody};

use super::{
    Behind, Correcting, Effect, Flow, Job, MOST_CORRECTIONS, Millis, Rated, Sealing, Stage,
};

impl Flow {
    pub(super) const fn may_correct(rated: &Rated) -> bool {
        rated.corrections < MOST_CORRECTIONS
    }

    /// 更正 was touched.
    pub(super) fn correct(&mut self, rated: Rated, now: Millis) {
        if Self::may_correct(&rated) {
            self.stage = Stage::Correcting(Correcting {
                rated,
                touched_at: now,
            });
            self.show(now);
        }
    }

    /// A level was chosen anew. The same one again changes nothing and costs nothing.
    pub(super) fn corrected(
        &mut self,
        correcting: Correcting,
        level: Level,
        now: Millis,
        todo: &mut Vec<Effect>,
    ) {
        if level == correcting.rated.level {
            self.thank(correcting.rated, now, todo);
            return;
        }
        let rated = Rated {
            level,
            tags: BTreeSet::new(),
            corrections: correcting.rated.corrections.saturating_add(1),
            ..correcting.rated.clone()
        };
        todo.push(Effect::Seal(RecordBody::Amendment(Amendment {
            target: rated.target,
            level,
            tags: Vec::new(),
            tag_set: None,
        })));
        self.stage = Stage::sealing(Sealing {
            job: Job::Correction(rated),
            behind: Behind::Correct(correcting),
        });
    }
}

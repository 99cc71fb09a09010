//! The options of the chosen level.

use std::collections::BTreeSet;

use manyi_shared::wire::{Amendment, RecordBody};

use super::{Behind, Effect, Flow, Job, Millis, Rated, Reasons, Sealing, Stage, Target};

impl Flow {
    /// After everything said so far is sealed: the reasons after a level, then the thanks.
    pub(super) fn after_level(&mut self, rated: Rated, now: Millis) {
        let set = self.rules.as_ref().and_then(|rules| rules.reasons.clone());
        self.stage = match set {
            Some(set) => Stage::Reasons(Reasons {
                rated,
                set,
                chosen: BTreeSet::new(),
                touched_at: now,
                pad: None,
            }),
            None => Stage::Thanks(rated),
        };
        self.show(now);
    }

    pub(super) fn reasons_touched(
        &mut self,
        mut reasons: Reasons,
        target: Target,
        now: Millis,
        todo: &mut Vec<Effect>,
    ) {
        match target {
            Target::Tag(code) if reasons.pad.is_none() => {
                let offered = self
                    .rules
                    .as_ref()
                    .is_some_and(|r| r.offered.contains(&code));
                if offered && code.level() == reasons.rated.level && !reasons.chosen.remove(&code) {
                    reasons.chosen.insert(code);
                }
                reasons.touched_at = now;
                self.stage = Stage::Reasons(reasons);
            }
            Target::Submit | Target::Skip if reasons.pad.is_none() => {
                if self.wants_reason(&reasons) {
                    reasons.touched_at = now;
                    self.stage = Stage::Reasons(reasons);
                } else {
                    self.leave_reasons(reasons, now, todo);
                }
            }
            _ => self.phone_touched(reasons, target, now, todo),
        }
    }

    /// Whether the page cannot be left by a button yet.
    pub(super) fn wants_reason(&self, reasons: &Reasons) -> bool {
        let required = |level| {
            self.rules
                .as_ref()
                .is_some_and(|r| r.requires_reason(level))
        };
        reasons.chosen.is_empty() && required(reasons.rated.level)
    }

    /// Seals the chips that are tapped, however the page is left: nothing a citizen said is lost.
    /// A number that was not confirmed was not said.
    pub(super) fn leave_reasons(&mut self, reasons: Reasons, now: Millis, todo: &mut Vec<Effect>) {
        if reasons.chosen == reasons.rated.tags {
            self.thank(reasons.rated, now, todo);
            return;
        }
        let rated = Rated {
            tags: reasons.chosen.clone(),
            ..reasons.rated.clone()
        };
        todo.push(Effect::Seal(RecordBody::Amendment(Amendment {
            target: rated.target,
            level: rated.level,
            tags: rated.tags.iter().copied().collect(),
            tag_set: Some(reasons.set.clone()),
        })));
        self.stage = Stage::sealing(Sealing {
            job: Job::Amendment(rated),
            behind: Behind::Reasons(reasons),
        });
    }

    /// The thanks, unless something else waits.
    pub(super) fn thank(&mut self, rated: Rated, now: Millis, todo: &mut Vec<Effect>) {
        if self.waits() {
            self.go_on(now, todo);
        } else {
            self.stage = Stage::Thanks(rated);
            self.show(now);
        }
    }
}

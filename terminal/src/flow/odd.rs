//! What fingers do beside the one tap that counts: palms, held fingers, cloths, bursts.
//!
//! It is counted while a prompt is on the screen and sealed when its pages are over, as a record
//! beside the outcome. Nothing of it changes or delays the outcome.

use manyi_shared::domain::Seq;
use manyi_shared::wire::{Misuse, RecordBody};

use super::{Behind, Effect, Flow, Job, Millis, Sealing, Stage};

/// Ignored touches from here on are a burst: a person who is not understood taps twice or three
/// times.
const BURST: u16 = 5;

/// A touch that is no tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// A second finger while one was down.
    SeveralFingers,
    /// One finger that stayed down.
    Held,
    /// A finger that left its place.
    Dragged,
    /// A tap on nothing, or while targets were deaf.
    Stray,
}

/// What was seen since the question was shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Odd {
    /// Where the prompt's outcome is sealed.
    target: Option<Seq>,
    kinds: u8,
    touches: u16,
    first: Millis,
    last: Millis,
}

impl Odd {
    pub(super) fn see(&mut self, oddity: Oddity, now: Millis) {
        if self.touches == 0 {
            self.first = now;
        }
        self.last = now;
        self.touches = self.touches.saturating_add(1);
        self.kinds |= match oddity {
            Oddity::SeveralFingers => Misuse::SEVERAL_FINGERS,
            Oddity::Held => Misuse::HELD,
            Oddity::Dragged => Misuse::DRAGGED,
            Oddity::Stray => 0,
        };
        if self.touches >= BURST {
            self.kinds |= Misuse::BURST;
        }
    }

    /// The prompt's outcome is sealed. No other prompt's can be before this is taken: what follows a
    /// prompt begins with [`Flow::seal_oddities`].
    pub(super) const fn ended(&mut self, seq: Seq) {
        self.target = Some(seq);
    }

    /// What is to be sealed, when it is worth it and its outcome is sealed.
    fn record(&self) -> Option<Misuse> {
        let target = self.target.filter(|_| self.kinds != 0)?;
        let span = self.last.saturating_sub(self.first);
        Some(Misuse {
            target,
            kinds: self.kinds,
            touches: self.touches,
            span_ms: u32::try_from(span).unwrap_or(u32::MAX),
        })
    }
}

impl Flow {
    /// Notes a touch that does nothing.
    pub(super) fn ignored(&mut self, oddity: Oddity, now: Millis) {
        if let Some(odd) = &mut self.odd {
            odd.see(oddity, now);
        }
    }

    /// Seals what was seen, if the pages of a prompt are over and something was; whether it does.
    pub(super) fn seal_oddities(&mut self, todo: &mut Vec<Effect>) -> bool {
        let seen = self.odd.take();
        // Another stream has other positions.
        let Some(misuse) = seen
            .and_then(|odd| odd.record())
            .filter(|_| self.stream.is_some())
        else {
            return false;
        };
        todo.push(Effect::Seal(RecordBody::Misuse(misuse)));
        self.stage = Stage::sealing(Sealing {
            job: Job::Misuse,
            behind: Behind::Idle,
        });
        true
    }
}

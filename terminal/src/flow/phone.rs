//! The pad for a call-back number.
//!
//! What is typed lives here until it is handed over once, to be encrypted; afterwards the page only
//! says that something is kept.

use manyi_shared::wire::MessageKind;

use super::{Behind, Effect, Flow, Job, Millis, Reasons, Sealing, Stage, Target};

/// Telephone numbers with country code have at most 15 digits (ITU-T E.164).
const MOST_DIGITS: usize = 15;

/// The shortest numbers that are called back: an office's 5-digit extension.
const LEAST_DIGITS: usize = 5;

/// The digits so far. Never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Pad(String);

impl Pad {
    pub(super) fn digits(&self) -> &str {
        &self.0
    }

    pub(super) fn is_whole(&self) -> bool {
        self.0.len() >= LEAST_DIGITS
    }

    fn push(&mut self, digit: u8) {
        if self.0.len() < MOST_DIGITS && digit <= 9 {
            self.0.push(char::from(b'0'.saturating_add(digit)));
        }
    }
}

impl std::fmt::Debug for Pad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pad({} digits)", self.0.len())
    }
}

impl Flow {
    /// A touch on the reasons page that has to do with the number.
    pub(super) fn phone_touched(
        &mut self,
        mut reasons: Reasons,
        target: Target,
        now: Millis,
        todo: &mut Vec<Effect>,
    ) {
        let offered = self.rules.as_ref().is_some_and(|rules| rules.phone);
        reasons.touched_at = now;
        let turned = match (target, &mut reasons.pad) {
            (Target::OpenPhone, pad @ None) if offered && !reasons.rated.phone_kept => {
                *pad = Some(Pad::default());
                true
            }
            (Target::ClosePhone, pad @ Some(_)) => {
                *pad = None;
                true
            }
            (Target::Digit(digit), Some(pad)) => {
                pad.push(digit);
                false
            }
            (Target::Erase, Some(pad)) => {
                pad.0.pop();
                false
            }
            (Target::KeepPhone, Some(pad)) if pad.is_whole() => {
                let text = std::mem::take(&mut pad.0);
                todo.push(Effect::SealText {
                    target: reasons.rated.target,
                    what: MessageKind::Phone,
                    text,
                });
                self.stage = Stage::sealing(Sealing {
                    job: Job::Text(reasons.clone()),
                    behind: Behind::Reasons(reasons),
                });
                return;
            }
            _ => false,
        };
        self.stage = Stage::Reasons(reasons);
        if turned {
            self.show(now);
        }
    }

    /// The number is on the card.
    pub(super) fn text_kept(&mut self, mut reasons: Reasons, now: Millis) {
        reasons.pad = None;
        reasons.rated.phone_kept = true;
        reasons.touched_at = now;
        self.stage = Stage::Reasons(reasons);
        self.show(now);
    }
}

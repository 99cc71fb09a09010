//! A hand at the desk, and a clock that it moves: shared by the desk's tests.

use super::pin::Digit;
use super::*;

/// A PHC string; the hand answers checks itself, so nothing is ever compared with it.
pub(super) const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";

pub(super) struct Hand {
    pub(super) desk: Desk,
    pub(super) now: Millis,
    pub(super) enrolled: bool,
    pub(super) has_pin: bool,
    pub(super) paused: bool,
}

impl Hand {
    pub(super) fn new(enrolled: bool) -> Self {
        Self {
            desk: Desk::new(0),
            now: 0,
            enrolled,
            has_pin: true,
            paused: false,
        }
    }

    pub(super) fn situation(&self) -> Situation<'static> {
        Situation {
            enrolled: self.enrolled,
            pin_hash: self.has_pin.then_some(HASH),
            paused: self.paused,
        }
    }

    pub(super) fn hear(&mut self, event: DeskEvent) -> Vec<DeskEffect> {
        let situation = self.situation();
        self.desk.hear(event, &situation, self.now)
    }

    /// Time passes as the conductor lets it: every look that is due is heard.
    pub(super) fn wait(&mut self, ms: Millis) -> Vec<DeskEffect> {
        let until = self.now + ms;
        let mut effects = Vec::new();
        while let Some(due) = self.next_look().filter(|due| *due <= until) {
            self.now = due;
            effects.extend(self.hear(DeskEvent::Tick));
            let ahead = self.next_look().is_none_or(|next| next > self.now);
            assert!(ahead, "due again and again: {:?}", self.desk);
        }
        self.now = until;
        effects
    }

    pub(super) fn next_look(&self) -> Option<Millis> {
        self.desk.next_look(&self.situation(), self.now)
    }

    pub(super) fn view(&self) -> Option<DeskView> {
        self.desk.view(&self.situation(), self.now)
    }

    pub(super) fn technician(&self) -> Option<TechnicianScene> {
        match self.view()? {
            DeskView::Technician(scene) => Some(scene),
            DeskView::Enrolment(_) => None,
        }
    }

    pub(super) fn enrolment(&self) -> EnrolmentScene {
        match self.view() {
            Some(DeskView::Enrolment(scene)) => scene,
            other => panic!("no enrolment page but {other:?}"),
        }
    }

    pub(super) fn act(&mut self, action: Action) -> Vec<DeskEffect> {
        self.hear(DeskEvent::Technician(TechnicianInput::Act(action)))
    }

    pub(super) fn digits(&mut self, digits: &str) {
        for digit in digits.chars() {
            let digit = Digit::of(&digit.to_string()).unwrap();
            self.hear(DeskEvent::Technician(TechnicianInput::Digit(digit)));
        }
    }

    /// Types a PIN and enters it; whether it is being checked.
    pub(super) fn enter(&mut self, digits: &str) -> bool {
        self.digits(digits);
        let effects = self.hear(DeskEvent::Technician(TechnicianInput::Enter));
        matches!(effects.as_slice(), [DeskEffect::CheckPin { .. }])
    }

    /// Opens the page and gets in; answers what is wanted then.
    pub(super) fn get_in(&mut self) -> Vec<DeskEffect> {
        self.hear(DeskEvent::Gesture);
        assert!(self.enter("271828"));
        self.hear(DeskEvent::PinChecked { right: true })
    }

    pub(super) fn keys(&mut self, field: enrolment::Field, text: &str) {
        self.hear(DeskEvent::Enrolment(EnrolmentInput::Choose(field)));
        self.hear(DeskEvent::Enrolment(EnrolmentInput::Key(text.to_owned())));
    }

    pub(super) fn submit(&mut self) -> Option<EnrolOrder> {
        self.hear(DeskEvent::Enrolment(EnrolmentInput::Submit))
            .into_iter()
            .find_map(|effect| match effect {
                DeskEffect::WriteOrder(order) => Some(order),
                _ => None,
            })
    }
}

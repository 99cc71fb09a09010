//! The staff's pages: enrolment while there is no identity, and the technician's page behind the
//! corner gesture and the PIN. Pure; the conductor owns a [`Desk`] and does what it wants.
//!
//! `hear(event, situation, now) -> effects`. Nothing here reads a clock, a file or a screen, except
//! the functions that an effect names: [`enrolment::look`], [`facts::read`], [`export::run`],
//! [`pin::Pin::is_right`].
//!
//! **Invariants**
//! 1. The enrolment page is shown exactly while the terminal is not enrolled; nothing else of the
//!    desk is reachable then.
//! 2. Facts and actions are reachable only after the right PIN, and not for longer than somebody
//!    touches the page; a prompt ends them at once.
//! 3. Neither PIN nor code is in any debug output. The PIN leaves only in [`DeskEffect::CheckPin`].
//!
//! It never decides about prompts, records or whether the window is paused: it asks.

pub mod enrolment;
pub mod export;
pub mod facts;
pub mod pin;
pub mod technician;

use manyi_shared::tablet::EnrolOrder;

pub use enrolment::{EnrolmentInput, EnrolmentScene};
pub use facts::{Fact, FactValue};
pub use technician::{Action, TechnicianInput, TechnicianScene};

use crate::flow::Millis;

/// What the staff's pages hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskEvent {
    /// Five taps in the corner.
    Gesture,
    /// A touch on the enrolment page.
    Enrolment(EnrolmentInput),
    /// A touch on the technician's page.
    Technician(TechnicianInput),
    /// The answer to [`DeskEffect::CheckPin`].
    PinChecked {
        /// Whether it is the PIN.
        right: bool,
    },
    /// The answer to [`DeskEffect::LookAtEnrolment`].
    Progress(enrolment::Look),
    /// [`DeskEffect::WriteOrder`] failed, and why.
    OrderNotWritten(String),
    /// The answer to [`DeskEffect::ReadFacts`].
    Facts(Vec<FactValue>),
    /// The answer to [`DeskEffect::Export`] or [`DeskEffect::SelfTest`].
    Done(DoneNotice),
    /// A prompt has come: the citizen has the screen.
    Leave,
    /// The time of [`Desk::next_look`] has come.
    Tick,
}

/// What the staff's pages want done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskEffect {
    /// Compare, on a thread of its own; answer with [`DeskEvent::PinChecked`].
    CheckPin {
        /// What was typed.
        pin: pin::Pin,
        /// The profile's hash.
        hash: String,
    },
    /// Write the order, then wake the daemon; answer only when that failed.
    WriteOrder(EnrolOrder),
    /// Look with [`enrolment::look`]; answer with [`DeskEvent::Progress`].
    LookAtEnrolment,
    /// Read with [`facts::read`], on a thread of its own (it may ask a name server); answer with
    /// [`DeskEvent::Facts`].
    ReadFacts,
    /// Export with [`export::run`], on a thread of its own; answer with [`DeskEvent::Done`].
    Export,
    /// Test the terminal; answer with [`DeskEvent::Done`].
    SelfTest,
    /// Pause the window, or end the pause.
    Pause(bool),
    /// End the program in order; it is started again from outside.
    Restart,
}

/// How something came out that took its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoneNotice {
    /// The self-test found nothing; for technicians, what it tested.
    SelfTestGood(String),
    /// The self-test found something.
    SelfTestFailed(String),
    /// The journal lies here.
    Exported(std::path::PathBuf),
    /// Nothing is plugged in that could take it.
    NoMedium,
    /// The journal could not be exported, and why.
    ExportFailed(String),
}

/// What the desk has to know of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation<'a> {
    /// Whether there is an identity.
    pub enrolled: bool,
    /// The Argon2id hash of the PIN, from the profile.
    pub pin_hash: Option<&'a str>,
    /// Whether the window is paused.
    pub paused: bool,
}

/// What is to be drawn over the flow's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskView {
    /// The enrolment page.
    Enrolment(EnrolmentScene),
    /// The technician's page.
    Technician(TechnicianScene),
}

/// The staff's pages.
#[derive(Debug)]
pub struct Desk {
    enrolment: enrolment::Enrolment,
    technician: technician::Technician,
}

impl Desk {
    /// A desk that nobody has touched.
    #[must_use]
    pub fn new(now: Millis) -> Self {
        Self {
            enrolment: enrolment::Enrolment::new(now),
            technician: technician::Technician::default(),
        }
    }

    /// Hears one event; answers what is to be done, in this order.
    pub fn hear(
        &mut self,
        event: DeskEvent,
        situation: &Situation<'_>,
        now: Millis,
    ) -> Vec<DeskEffect> {
        let mut effects = self.settle(situation, now);
        match event {
            DeskEvent::Enrolment(input) if !situation.enrolled => {
                effects.extend(self.enrolment.input(input, now));
            }
            DeskEvent::Progress(look) if !situation.enrolled => self.enrolment.take(look, now),
            DeskEvent::OrderNotWritten(detail) => self.enrolment.not_written(detail),
            DeskEvent::Gesture if situation.enrolled => self.technician.open(situation, now),
            DeskEvent::Technician(input) => {
                effects.extend(self.technician.input(input, situation, now));
            }
            DeskEvent::PinChecked { right } => self.technician.checked(right, now),
            DeskEvent::Facts(facts) => self.technician.take_facts(facts, now),
            DeskEvent::Done(notice) => self.technician.done(notice, now),
            DeskEvent::Leave => self.technician.close(),
            DeskEvent::Tick
            | DeskEvent::Enrolment(_)
            | DeskEvent::Progress(_)
            | DeskEvent::Gesture => {}
        }
        effects.extend(self.technician.want_facts(now));
        effects
    }

    /// What time and situation alone change.
    fn settle(&mut self, situation: &Situation<'_>, now: Millis) -> Vec<DeskEffect> {
        self.technician.settle(now);
        if situation.enrolled {
            // The code was used; nothing of it stays.
            self.enrolment = enrolment::Enrolment::new(now);
            return Vec::new();
        }
        self.technician.close();
        self.enrolment.settle(now).into_iter().collect()
    }

    /// What is to be drawn over the flow's page, if anything.
    #[must_use]
    pub fn view(&self, situation: &Situation<'_>, now: Millis) -> Option<DeskView> {
        if situation.enrolled {
            let scene = self.technician.scene(situation, now)?;
            Some(DeskView::Technician(scene))
        } else {
            Some(DeskView::Enrolment(self.enrolment.scene()))
        }
    }

    /// When [`DeskEvent::Tick`] is to be heard if nothing else is; never before `now`.
    #[must_use]
    pub fn next_look(&self, situation: &Situation<'_>, now: Millis) -> Option<Millis> {
        let enrolment = (!situation.enrolled).then(|| self.enrolment.next_look());
        let technician = self.technician.next_look(now);
        let due = enrolment.into_iter().chain(technician).min();
        due.map(|at| at.max(now))
    }
}

#[cfg(test)]
mod hand;
#[cfg(test)]
mod laws;

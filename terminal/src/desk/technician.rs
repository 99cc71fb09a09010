//! The technician's page: the PIN, the facts, the actions and the two tests. Pure.
//!
//! The page belongs to whoever typed the PIN, and only while they touch it: it closes by itself, and
//! at once when a prompt comes. What was begun (an export, a self-test) runs on and is told at the
//! next opening.

mod scene;

pub use scene::{Notice, TechnicianScene, TechnicianStage};

use super::pin::{Digit, Pin, Tries};
use super::{DeskEffect, DoneNotice, FactValue, Situation};
use crate::flow::Millis;

/// How long the page that says "no PIN is set" stays.
const NO_PIN_MS: Millis = 10_000;
/// How long the page stays without a touch.
const IDLE_MS: Millis = 60_000;
/// How long the facts stay without a touch: they are read, compared and written down.
const IDLE_FACTS_MS: Millis = 120_000;
/// How old facts get before they are read anew.
const FACTS_MS: Millis = 5_000;
/// Facts that have not come by then are asked for again: a name server may take its time.
const FACTS_PATIENCE_MS: Millis = 30_000;
/// A PIN whose check was not answered by then was wrong.
const CHECK_PATIENCE_MS: Millis = 10_000;
/// Something that has not come to an end by then has no end.
const RUNNING_LIMIT_MS: Millis = 10 * 60_000;

/// A touch on the technician's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TechnicianInput {
    /// A digit of the PIN.
    Digit(Digit),
    /// The last digit goes.
    Erase,
    /// That is the PIN.
    Enter,
    /// A button.
    Act(Action),
    /// A finger on the touch test, in percent of the screen.
    Touched {
        /// From the left.
        x: u8,
        /// From the top.
        y: u8,
    },
}

/// The buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Show where the finger is.
    TouchTest,
    /// Show whole-screen colours.
    ScreenTest,
    /// Test the terminal.
    SelfTest,
    /// Write the journal to a removable medium.
    ExportJournal,
    /// Pause the window, or end the pause.
    Pause,
    /// Start the program anew.
    Restart,
    /// Leave the test, or the page.
    Leave,
}

#[derive(Debug)]
enum Page {
    NoPin {
        until: Millis,
    },
    Pin {
        pin: Pin,
        wrong: bool,
        touched: Millis,
    },
    Inside {
        stage: Stage,
        touched: Millis,
        facts: Vec<FactValue>,
        facts_at: Millis,
    },
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Facts,
    TouchTest { at: Option<(u8, u8)> },
    ScreenTest,
}

/// The page's state.
#[derive(Debug, Default)]
pub struct Technician {
    page: Option<Page>,
    tries: Tries,
    /// Since when a PIN is being compared. Outlives the page: its answer counts anyway.
    checking: Option<Millis>,
    /// Since when something runs.
    running: Option<Millis>,
    notice: Notice,
    detail: String,
}

impl Technician {
    /// Opens the page, at the PIN. An open one stays as it is.
    pub(super) fn open(&mut self, situation: &Situation<'_>, now: Millis) {
        if self.page.is_none() {
            self.page = Some(match situation.pin_hash {
                None => Page::NoPin {
                    until: now.saturating_add(NO_PIN_MS),
                },
                Some(_) => Page::Pin {
                    pin: Pin::default(),
                    wrong: false,
                    touched: now,
                },
            });
        }
    }

    pub(super) fn close(&mut self) {
        // An unfinished action, or one that nobody saw finish, is told at the next opening.
        if matches!(self.page, Some(Page::Inside { .. })) && self.running.is_none() {
            self.note(Notice::None, String::new());
        }
        self.page = None;
    }

    fn note(&mut self, notice: Notice, detail: String) {
        self.notice = notice;
        self.detail = detail;
    }

    pub(super) fn input(
        &mut self,
        input: TechnicianInput,
        situation: &Situation<'_>,
        now: Millis,
    ) -> Option<DeskEffect> {
        match &mut self.page {
            Some(Page::Pin { touched, .. } | Page::Inside { touched, .. }) => *touched = now,
            Some(Page::NoPin { .. }) => {}
            None => return None,
        }
        match input {
            TechnicianInput::Digit(digit) => self.change_pin(|pin| pin.push(digit), now),
            TechnicianInput::Erase => self.change_pin(Pin::erase, now),
            TechnicianInput::Enter => return self.enter(situation, now),
            TechnicianInput::Act(action) => return self.act(action, situation, now),
            TechnicianInput::Touched { x, y } => {
                if let Some(Page::Inside {
                    stage: Stage::TouchTest { at },
                    ..
                }) = &mut self.page
                {
                    *at = Some((x, y));
                }
            }
        }
        None
    }

    fn change_pin(&mut self, change: impl FnOnce(&mut Pin), now: Millis) {
        let open = self.checking.is_none() && self.tries.may_try(now);
        if let Some(Page::Pin { pin, wrong, .. }) = &mut self.page
            && open
        {
            change(pin);
            *wrong = false;
        }
    }

    fn enter(&mut self, situation: &Situation<'_>, now: Millis) -> Option<DeskEffect> {
        let open = self.checking.is_none() && self.tries.may_try(now);
        let Some(Page::Pin { pin, .. }) = &mut self.page else {
            return None;
        };
        if !open || !pin.is_whole() {
            return None;
        }
        let Some(hash) = situation.pin_hash else {
            // The office has taken it away meanwhile.
            self.close();
            self.open(situation, now);
            return None;
        };
        let pin = std::mem::take(pin);
        self.tries.spend();
        self.checking = Some(now);
        Some(DeskEffect::CheckPin {
            pin,
            hash: hash.to_owned(),
        })
    }

    /// The PIN was compared.
    pub(super) fn checked(&mut self, right: bool, now: Millis) {
        if self.checking.take().is_none() {
            return;
        }
        if right {
            self.tries.right();
        } else {
            self.tries.wrong(now);
        }
        let Some(Page::Pin { pin, wrong, .. }) = &mut self.page else {
            return;
        };
        if right {
            self.page = Some(Page::Inside {
                stage: Stage::Facts,
                touched: now,
                facts: Vec::new(),
                facts_at: now,
            });
        } else {
            *pin = Pin::default();
            *wrong = true;
        }
    }

    fn act(
        &mut self,
        action: Action,
        situation: &Situation<'_>,
        now: Millis,
    ) -> Option<DeskEffect> {
        let Some(Page::Inside { stage, .. }) = &mut self.page else {
            if action == Action::Leave {
                self.close();
            }
            return None;
        };
        match action {
            Action::TouchTest => *stage = Stage::TouchTest { at: None },
            Action::ScreenTest => *stage = Stage::ScreenTest,
            Action::Leave if matches!(stage, Stage::Facts) => self.close(),
            Action::Leave => *stage = Stage::Facts,
            Action::SelfTest => {
                return self.begin(Notice::SelfTestRunning, DeskEffect::SelfTest, now);
            }
            Action::ExportJournal => {
                return self.begin(Notice::Exporting, DeskEffect::Export, now);
            }
            Action::Restart => return self.begin(Notice::Restarting, DeskEffect::Restart, now),
            Action::Pause => return Some(DeskEffect::Pause(!situation.paused)),
        }
        None
    }

    /// Begins what takes its time; one thing at a time.
    fn begin(&mut self, notice: Notice, effect: DeskEffect, now: Millis) -> Option<DeskEffect> {
        if self.running.is_some() {
            return None;
        }
        self.running = Some(now);
        self.note(notice, String::new());
        Some(effect)
    }

    pub(super) fn done(&mut self, notice: DoneNotice, now: Millis) {
        self.running = None;
        match notice {
            DoneNotice::SelfTestGood(detail) => self.note(Notice::SelfTestGood, detail),
            DoneNotice::SelfTestFailed(detail) => self.note(Notice::SelfTestFailed, detail),
            DoneNotice::Exported(path) => self.note(Notice::Exported, path.display().to_string()),
            DoneNotice::NoMedium => self.note(Notice::NoMedium, String::new()),
            DoneNotice::ExportFailed(detail) => self.note(Notice::ExportFailed, detail),
        }
        if let Some(Page::Inside {
            touched, facts_at, ..
        }) = &mut self.page
        {
            // Time to read it; and a self-test is a fact, too.
            *touched = now;
            *facts_at = now;
        }
    }

    pub(super) fn take_facts(&mut self, read: Vec<FactValue>, now: Millis) {
        if let Some(Page::Inside {
            facts, facts_at, ..
        }) = &mut self.page
        {
            *facts = read;
            *facts_at = now.saturating_add(FACTS_MS);
        }
    }

    /// Asks for facts when the shown ones are old.
    pub(super) fn want_facts(&mut self, now: Millis) -> Option<DeskEffect> {
        match &mut self.page {
            Some(Page::Inside {
                stage: Stage::Facts,
                facts_at,
                ..
            }) if now >= *facts_at => {
                *facts_at = now.saturating_add(FACTS_PATIENCE_MS);
                Some(DeskEffect::ReadFacts)
            }
            _ => None,
        }
    }

    /// What time alone changes.
    pub(super) fn settle(&mut self, now: Millis) {
        if self.check_over_at().is_some_and(|at| now >= at) {
            self.checked(false, now);
        }
        if self
            .running
            .is_some_and(|since| now >= since.saturating_add(RUNNING_LIMIT_MS))
        {
            self.running = None;
            self.note(Notice::None, String::new());
        }
        if self.closes_at().is_some_and(|at| now >= at) {
            self.close();
        }
    }

    fn check_over_at(&self) -> Option<Millis> {
        self.checking
            .map(|since| since.saturating_add(CHECK_PATIENCE_MS))
    }

    fn closes_at(&self) -> Option<Millis> {
        match self.page.as_ref()? {
            Page::NoPin { until } => Some(*until),
            Page::Pin { touched, .. } => Some(touched.saturating_add(IDLE_MS)),
            Page::Inside { stage, touched, .. } => {
                let idle = match stage {
                    Stage::Facts => IDLE_FACTS_MS,
                    Stage::TouchTest { .. } | Stage::ScreenTest => IDLE_MS,
                };
                let running = self
                    .running
                    .map_or(0, |since| since.saturating_add(RUNNING_LIMIT_MS));
                Some(touched.saturating_add(idle).max(running))
            }
        }
    }

    pub(super) fn next_look(&self, now: Millis) -> Option<Millis> {
        let facts = match &self.page {
            Some(Page::Inside {
                stage: Stage::Facts,
                facts_at,
                ..
            }) => Some(*facts_at),
            _ => None,
        };
        // The count-down shows whole seconds, rounded up.
        let locked = self.tries.locked_ms(now);
        let second = (locked > 0 && matches!(self.page, Some(Page::Pin { .. })))
            .then(|| now.saturating_add((locked - 1) % 1_000 + 1));
        [facts, second, self.closes_at(), self.check_over_at()]
            .into_iter()
            .flatten()
            .min()
    }
}

#[cfg(test)]
mod tests;

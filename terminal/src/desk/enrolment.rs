//! Enrolment at the screen: what is typed, what was asked of the daemon, what it answered. Pure, but
//! for [`look`].
//!
//! The daemon enrols; the page writes an order and shows the daemon's progress. The order file is
//! the daemon's to take: while it lies there, whatever the progress file says is about an earlier
//! order.
//!
//! **Invariants**
//! 1. What was typed stays until the terminal is enrolled: a typo is mended, not typed anew.
//! 2. The order carries address and code exactly as they stand on the screen.
//! 3. The page never waits for ever: a daemon that says nothing becomes a problem with a name.
//!
//! **Crash**: an order that was written stays until a daemon takes it, whichever starts first.

mod form;
mod scene;

use manyi_shared::tablet::{DataDir, EnrolOrder, EnrolProblem, EnrolProgress, EnrolState};

pub use form::{Field, LONGEST_ADDRESS, is_collector_address};
pub use scene::{EnrolmentInput, EnrolmentScene, EnrolmentStage, Problem};

use form::Form;

use super::DeskEffect;
use crate::flow::Millis;

/// A daemon that has not taken the order by then is not running.
pub const SILENT_MS: Millis = 10_000;
/// A daemon that asks for longer has died: its own request ends earlier.
const ASKING_LIMIT_MS: Millis = 120_000;
/// How long "done" waits for the terminal to find its identity. A progress file of long ago says
/// "done", too, when somebody took the identity away.
const DONE_MS: Millis = 10_000;
/// An answer that equals the last one, word for word, is believed to be a new one after this time.
const SAME_ANSWER_MS: Millis = 2_000;
/// How often the daemon's progress is looked at while somebody waits for it, and otherwise.
const LOOK_ASKING_MS: Millis = 300;
const LOOK_MS: Millis = 2_000;

/// A look at the daemon's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether an order lies there that no daemon has taken.
    pub order_waits: bool,
    /// Where the daemon says the enrolment stands.
    pub progress: Option<EnrolProgress>,
}

/// Looks at order and progress. The order first: progress that is read after the order was taken is
/// not older than that.
#[must_use]
pub fn look(data: &DataDir) -> Look {
    let order_waits = data.enrol_order().exists();
    Look {
        order_waits,
        progress: EnrolProgress::read(&data.enrol_progress()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Form,
    /// Our order is written; the daemon has not said that it asks.
    Ordered {
        since: Millis,
    },
    /// The daemon asks, for us or by the file on the boot partition.
    Asking {
        since: Millis,
    },
    Done {
        since: Millis,
    },
}

/// The page's state.
pub struct Enrolment {
    stage: Stage,
    form: Form,
    problem: Option<Problem>,
    detail: String,
    /// The progress that the page shows.
    seen: Option<EnrolProgress>,
    look_at: Millis,
}

impl Enrolment {
    pub(super) fn new(now: Millis) -> Self {
        Self {
            stage: Stage::Form,
            form: Form::default(),
            problem: None,
            detail: String::new(),
            seen: None,
            look_at: now,
        }
    }

    pub(super) fn input(&mut self, input: EnrolmentInput, now: Millis) -> Option<DeskEffect> {
        if self.stage != Stage::Form {
            return None;
        }
        if !matches!(input, EnrolmentInput::Choose(_) | EnrolmentInput::Submit) {
            self.forget_problem();
        }
        match input {
            EnrolmentInput::Submit => return self.submit(now),
            EnrolmentInput::Choose(field) => self.form.field = field,
            EnrolmentInput::Key(keys) => self.form.type_keys(&keys),
            EnrolmentInput::Erase => self.form.erase(),
            EnrolmentInput::Clear => self.form.clear(),
        }
        None
    }

    fn forget_problem(&mut self) {
        self.problem = None;
        self.detail.clear();
    }

    fn submit(&mut self, now: Millis) -> Option<DeskEffect> {
        if !self.form.is_whole() {
            return None;
        }
        self.forget_problem();
        self.stage = Stage::Ordered { since: now };
        self.look_at = now.saturating_add(LOOK_ASKING_MS);
        Some(DeskEffect::WriteOrder(EnrolOrder {
            collector: self.form.address.clone(),
            code: self.form.code(),
        }))
    }

    /// The order could not be written; `detail` says why.
    pub(super) fn not_written(&mut self, detail: String) {
        if matches!(self.stage, Stage::Ordered { .. }) {
            self.back_to_form(Problem::Of(EnrolProblem::Storage), detail);
        }
    }

    fn back_to_form(&mut self, problem: Problem, detail: String) {
        self.stage = Stage::Form;
        self.problem = Some(problem);
        self.detail = detail;
    }

    /// Takes what the daemon's files say.
    pub(super) fn take(&mut self, look: Look, now: Millis) {
        let Some(progress) = look.progress.filter(|_| !look.order_waits) else {
            return;
        };
        let answers = match self.stage {
            Stage::Ordered { since } => now >= since.saturating_add(SAME_ANSWER_MS),
            _ => false,
        };
        if self.seen.as_ref() == Some(&progress) && !answers {
            return;
        }
        match progress.state {
            EnrolState::Waiting => {
                // A daemon that has just started says so before it looks for orders.
                if matches!(self.stage, Stage::Asking { .. }) {
                    self.stage = Stage::Form;
                }
            }
            EnrolState::Asking => {
                self.forget_problem();
                self.stage = Stage::Asking { since: now };
            }
            EnrolState::Failed => {
                let problem = progress.problem.unwrap_or(EnrolProblem::Other);
                self.back_to_form(Problem::Of(problem), progress.detail.clone());
            }
            EnrolState::Done => {
                self.forget_problem();
                self.form.forget_code();
                self.stage = Stage::Done { since: now };
            }
        }
        self.seen = Some(progress);
    }

    /// What time alone changes.
    pub(super) fn settle(&mut self, now: Millis) -> Option<DeskEffect> {
        match self.over_at() {
            Some(at) if now >= at => match self.stage {
                Stage::Done { .. } => self.stage = Stage::Form,
                _ => self.back_to_form(Problem::DaemonSilent, String::new()),
            },
            _ => {}
        }
        (now >= self.look_at).then(|| {
            let every = match self.stage {
                Stage::Ordered { .. } | Stage::Asking { .. } => LOOK_ASKING_MS,
                Stage::Form | Stage::Done { .. } => LOOK_MS,
            };
            self.look_at = now.saturating_add(every);
            DeskEffect::LookAtEnrolment
        })
    }

    const fn over_at(&self) -> Option<Millis> {
        match self.stage {
            Stage::Form => None,
            Stage::Ordered { since } => Some(since.saturating_add(SILENT_MS)),
            Stage::Asking { since } => Some(since.saturating_add(ASKING_LIMIT_MS)),
            Stage::Done { since } => Some(since.saturating_add(DONE_MS)),
        }
    }

    pub(super) fn next_look(&self) -> Millis {
        self.over_at()
            .map_or(self.look_at, |at| at.min(self.look_at))
    }

    pub(super) fn scene(&self) -> EnrolmentScene {
        let stage = match self.stage {
            Stage::Form => EnrolmentStage::Form,
            Stage::Ordered { .. } | Stage::Asking { .. } => EnrolmentStage::Asking,
            Stage::Done { .. } => EnrolmentStage::Done,
        };
        let typing = stage == EnrolmentStage::Form;
        let misshapen = typing.then(|| self.form.misshapen()).flatten();
        EnrolmentScene {
            stage,
            problem: self.problem.or(misshapen.map(Problem::Of)),
            detail: self.detail.clone(),
            field: self.form.field,
            address: self.form.address.clone(),
            code: self.form.code(),
            can_submit: typing && self.form.is_whole(),
        }
    }
}

/// Never what was typed.
impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolment")
            .field("stage", &self.stage)
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

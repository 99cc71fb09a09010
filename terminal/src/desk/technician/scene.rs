//! What the technician's page shows, in plain values.

use super::super::{FactValue, Situation};
use super::{Page, Stage, Technician};
use crate::flow::Millis;

/// What the page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TechnicianScene {
    /// Which part of the page.
    pub stage: TechnicianStage,
    /// How many digits are typed.
    pub typed: usize,
    /// Whether the last PIN was wrong.
    pub wrong: bool,
    /// Whole seconds until the next try; 0 when one may be made.
    pub locked_seconds: u64,
    /// Whether the office has set no PIN.
    pub no_pin: bool,
    /// The facts; empty until they are read.
    pub facts: Vec<FactValue>,
    /// What the last action came to.
    pub notice: Notice,
    /// For technicians: a path, an error, a place on the glass.
    pub detail: String,
    /// Whether the window is paused.
    pub paused: bool,
}

/// The parts of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TechnicianStage {
    /// The PIN is wanted.
    Pin,
    /// Facts and actions.
    Facts,
    /// The touch test.
    TouchTest,
    /// The screen test.
    ScreenTest,
}

/// What the last action came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Notice {
    /// Nothing was done.
    #[default]
    None,
    /// The self-test runs.
    SelfTestRunning,
    /// It found nothing.
    SelfTestGood,
    /// It found something; the detail says what.
    SelfTestFailed,
    /// The journal is being written.
    Exporting,
    /// It lies where the detail says.
    Exported,
    /// Nothing is plugged in.
    NoMedium,
    /// The detail says why.
    ExportFailed,
    /// The program ends.
    Restarting,
}

impl Technician {
    pub(in crate::desk) fn scene(
        &self,
        situation: &Situation<'_>,
        now: Millis,
    ) -> Option<TechnicianScene> {
        let mut scene = TechnicianScene {
            stage: TechnicianStage::Pin,
            typed: 0,
            wrong: false,
            locked_seconds: 0,
            no_pin: false,
            facts: Vec::new(),
            notice: Notice::None,
            detail: String::new(),
            paused: situation.paused,
        };
        match self.page.as_ref()? {
            Page::NoPin { .. } => scene.no_pin = true,
            Page::Pin { pin, wrong, .. } => {
                scene.typed = pin.len();
                scene.wrong = *wrong;
                scene.locked_seconds = self.tries.locked_ms(now).div_ceil(1_000);
            }
            Page::Inside { stage, facts, .. } => {
                scene.facts.clone_from(facts);
                scene.notice = self.notice;
                scene.detail.clone_from(&self.detail);
                scene.stage = match stage {
                    Stage::Facts => TechnicianStage::Facts,
                    Stage::ScreenTest => TechnicianStage::ScreenTest,
                    Stage::TouchTest { at } => {
                        scene.detail = at.map(|(x, y)| format!("{x} %, {y} %")).unwrap_or_default();
                        TechnicianStage::TouchTest
                    }
                };
            }
        }
        Some(scene)
    }
}

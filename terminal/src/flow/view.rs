//! What the screen shows of a flow, and when that changes by itself.

use std::collections::BTreeSet;

use manyi_shared::domain::{Level, StreamId, TagCode};

use super::{Behind, Flow, Millis, Prompt, Reasons, Stage, Why};

/// What is to be on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View<'a> {
    /// The showing of the page; touches carry it back.
    pub serial: u64,
    /// Whether touches count now.
    pub input: bool,
    /// The page.
    pub page: PageView<'a>,
}

/// A page and what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageView<'a> {
    /// Not asking, and why.
    OutOfService(&'a Why),
    /// A rating was given and is not kept.
    NotKept(&'a Why),
    /// Between two prompts.
    Idle,
    /// The question.
    Ask {
        /// What it is about.
        prompt: &'a Prompt,
        /// Time left, rounded up to whole seconds.
        left_seconds: u64,
        /// The whole time, in milliseconds.
        whole_ms: Millis,
    },
    /// The options of the chosen level.
    Reasons {
        /// The level.
        level: Level,
        /// Those that are chosen.
        chosen: &'a BTreeSet<TagCode>,
        /// Time left, rounded up to whole seconds.
        left_seconds: u64,
    },
    /// The thank-you.
    Thanks,
}

impl Flow {
    /// What is to be on the screen now.
    #[must_use]
    pub fn view(&self, now: Millis) -> View<'_> {
        let page = match &self.stage {
            Stage::OutOfService { why, .. } => PageView::OutOfService(why),
            Stage::NotKept(why) => PageView::NotKept(why),
            Stage::Asking(prompt) => self.ask(prompt, now),
            Stage::Reasons(reasons) => self.reasons(reasons, now),
            Stage::Sealing(sealing) => match &sealing.behind {
                Behind::Idle => PageView::Idle,
                Behind::Ask(prompt) => self.ask(prompt, now),
                Behind::Reasons(reasons) => self.reasons(reasons, now),
            },
            Stage::Thanks => PageView::Thanks,
            Stage::Opening | Stage::Idle => PageView::Idle,
        };
        View {
            serial: self.serial,
            input: !self.is_deaf(now),
            page,
        }
    }

    /// When to look again without an event: the flow's deadline, the end of the guard time, or the
    /// next second of a countdown.
    #[must_use]
    pub fn next_look(&self, now: Millis) -> Option<Millis> {
        let deadline = self.deadline();
        let counts = matches!(self.stage, Stage::Asking(_) | Stage::Reasons(_));
        let second = deadline.filter(|_| counts).map(|end| {
            let left = whole_seconds(end.saturating_sub(now)).saturating_sub(1);
            end.saturating_sub(left * 1000)
        });
        [deadline, second, self.guard_end(now)]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether nobody is being asked and nothing is to be sealed, so that the profile may change.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle)
    }

    /// Why no prompt is taken, when none is.
    #[must_use]
    pub const fn out_of_service(&self) -> Option<&Why> {
        match &self.stage {
            Stage::OutOfService { why, .. } | Stage::NotKept(why) => Some(why),
            _ => None,
        }
    }

    /// The open stream.
    #[must_use]
    pub fn stream(&self) -> Option<StreamId> {
        self.stream.map(|(stream, _)| stream)
    }

    /// How many prompts are over without a sealed outcome.
    #[must_use]
    pub fn owed(&self) -> usize {
        self.owed.len()
    }

    fn ask<'a>(&self, prompt: &'a Prompt, now: Millis) -> PageView<'a> {
        let whole_ms = self.rules.as_ref().map_or(0, |rules| rules.ask_ms);
        let end = self.shown_at.saturating_add(whole_ms);
        PageView::Ask {
            prompt,
            left_seconds: whole_seconds(end.saturating_sub(now)),
            whole_ms,
        }
    }

    fn reasons<'a>(&self, reasons: &'a Reasons, now: Millis) -> PageView<'a> {
        let whole_ms = self.rules.as_ref().map_or(0, |rules| rules.reasons_ms);
        let end = reasons.touched_at.saturating_add(whole_ms);
        PageView::Reasons {
            level: reasons.level,
            chosen: &reasons.chosen,
            left_seconds: whole_seconds(end.saturating_sub(now)),
        }
    }
}

const fn whole_seconds(ms: Millis) -> u64 {
    ms.div_ceil(1000)
}

//! What the screen shows of a flow, and when that changes by itself.

use std::collections::BTreeSet;

use manyi_shared::domain::{Language, Level, Seq, StreamId, TagCode};

use super::{Asking, Behind, Correcting, Flow, Manner, Millis, Prompt, Reasons, Stage, Why};

/// What is to be on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View<'a> {
    /// The showing of the page; touches carry it back.
    pub serial: u64,
    /// Whether touches count now.
    pub input: bool,
    /// How the citizen is spoken to.
    pub manner: Manner,
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
    Idle {
        /// The clerk may call the question from here.
        clerk_may_ask: bool,
    },
    /// The window is paused.
    Paused {
        /// By the clerk, who may end it here.
        by_clerk: bool,
    },
    /// The question.
    Ask {
        /// What it is about.
        prompt: &'a Prompt,
        /// The level is chosen anew. The earlier one is not shown.
        correcting: bool,
        /// Languages to choose from.
        languages: &'a [Language],
        /// Time left, rounded up to whole seconds.
        left_seconds: u64,
        /// The whole time, in milliseconds.
        whole_ms: Millis,
    },
    /// The options of the chosen level.
    Reasons {
        /// The level.
        level: Level,
        /// Where the rating is sealed.
        target: Seq,
        /// Those that are chosen.
        chosen: &'a BTreeSet<TagCode>,
        /// At least one is wanted.
        required: bool,
        /// The call-back number.
        phone: PhoneView,
        /// Time left, rounded up to whole seconds.
        left_seconds: u64,
    },
    /// The pad for a call-back number.
    Phone {
        /// As typed so far.
        digits: &'a str,
        /// Whether it is long enough to be kept.
        whole: bool,
        /// Time left, rounded up to whole seconds.
        left_seconds: u64,
    },
    /// The thank-you.
    Thanks {
        /// The level can still be corrected.
        may_correct: bool,
    },
}

/// What the reasons page says of a call-back number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneView {
    /// The profile does not ask for one.
    NotOffered,
    /// One may be left.
    Offered,
    /// One is kept.
    Kept,
}

impl Flow {
    /// What is to be on the screen now.
    #[must_use]
    pub fn view(&self, now: Millis) -> View<'_> {
        let page = match &self.stage {
            Stage::OutOfService { why, .. } => PageView::OutOfService(why),
            Stage::NotKept(why) => PageView::NotKept(why),
            Stage::Asking(asking) => self.ask(asking, now),
            Stage::Correcting(correcting) => self.correction(correcting, now),
            Stage::Reasons(reasons) => self.reasons(reasons, now),
            Stage::Sealing(sealing) => match &sealing.behind {
                Behind::Idle => self.idle(),
                Behind::Ask(asking) => self.ask(asking, now),
                Behind::Correct(correcting) => self.correction(correcting, now),
                Behind::Reasons(reasons) => self.reasons(reasons, now),
            },
            Stage::Thanks(rated) => PageView::Thanks {
                may_correct: Self::may_correct(rated),
            },
            Stage::Opening | Stage::Idle => self.idle(),
        };
        View {
            serial: self.serial,
            input: !self.is_deaf(now),
            manner: self.manner,
            page,
        }
    }

    /// When to look again without an event: the flow's deadline, the end of the guard time, or the
    /// next second of a countdown.
    #[must_use]
    pub fn next_look(&self, now: Millis) -> Option<Millis> {
        let deadline = self.deadline();
        let counts = matches!(
            self.stage,
            Stage::Asking(_) | Stage::Correcting(_) | Stage::Reasons(_)
        );
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
            Stage::Idle | Stage::Opening => self.revoked.as_ref(),
            _ => None,
        }
    }

    /// What was last heard of a revocation.
    #[must_use]
    pub const fn revoked(&self) -> Option<&Why> {
        self.revoked.as_ref()
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

    /// Whether the window is paused, by its clerk or by the office.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.is_paused()
    }

    /// Whether a citizen is at the screen.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        match &self.stage {
            Stage::Asking(_)
            | Stage::Correcting(_)
            | Stage::Reasons(_)
            | Stage::Thanks(_)
            | Stage::NotKept(_) => true,
            Stage::Sealing(sealing) => !matches!(sealing.behind, Behind::Idle),
            Stage::Idle | Stage::Opening | Stage::OutOfService { .. } => false,
        }
    }

    fn idle(&self) -> PageView<'_> {
        if let Some(why) = &self.revoked {
            PageView::OutOfService(why)
        } else if self.is_paused() {
            PageView::Paused {
                by_clerk: self.paused,
            }
        } else {
            PageView::Idle {
                clerk_may_ask: self.rules.as_ref().is_some_and(|r| r.clerk_may_ask),
            }
        }
    }

    fn ask<'a>(&'a self, asking: &'a Asking, now: Millis) -> PageView<'a> {
        self.question(&asking.prompt, false, asking.touched_at, now)
    }

    fn correction<'a>(&'a self, correcting: &'a Correcting, now: Millis) -> PageView<'a> {
        self.question(&correcting.rated.prompt, true, correcting.touched_at, now)
    }

    fn question<'a>(
        &'a self,
        prompt: &'a Prompt,
        correcting: bool,
        touched_at: Millis,
        now: Millis,
    ) -> PageView<'a> {
        let whole_ms = self.page_ms(|rules| rules.ask_ms);
        let end = touched_at.saturating_add(whole_ms);
        let rules = self.rules.as_ref();
        PageView::Ask {
            prompt,
            correcting,
            languages: rules.map_or(&[], |rules| rules.languages.as_slice()),
            left_seconds: whole_seconds(end.saturating_sub(now)),
            whole_ms,
        }
    }

    fn reasons<'a>(&self, reasons: &'a Reasons, now: Millis) -> PageView<'a> {
        let whole_ms = self.page_ms(|rules| rules.reasons_ms);
        let end = reasons.touched_at.saturating_add(whole_ms);
        let left_seconds = whole_seconds(end.saturating_sub(now));
        let offered = self.rules.as_ref().is_some_and(|rules| rules.phone);
        match &reasons.pad {
            Some(pad) => PageView::Phone {
                digits: pad.digits(),
                whole: pad.is_whole(),
                left_seconds,
            },
            None => PageView::Reasons {
                level: reasons.rated.level,
                target: reasons.rated.target,
                chosen: &reasons.chosen,
                required: self
                    .rules
                    .as_ref()
                    .is_some_and(|r| r.requires_reason(reasons.rated.level)),
                phone: match (offered, reasons.rated.phone_kept) {
                    (_, true) => PhoneView::Kept,
                    (true, false) => PhoneView::Offered,
                    (false, false) => PhoneView::NotOffered,
                },
                left_seconds,
            },
        }
    }
}

const fn whole_seconds(ms: Millis) -> u64 {
    ms.div_ceil(1000)
}

//! What the terminal tells the daemon of its screen, for the heartbeat.
//!
//! Every ten seconds, and at once when another kind of page is shown. By a datagram: the card is not
//! written to, and a daemon that does not run misses nothing that the next one does not say.

use manyi_shared::domain::{ClockReading, Outcome};
use manyi_shared::tablet::{DataDir, tell_screen};
use manyi_shared::wire::{RecordBody, SCREEN_TOLD_EVERY_MS, Screen, SelfTested, ShownPage};

use crate::flow::Millis;
use crate::pulse::Pulse;
use crate::scene::ScenePage;

/// Name and version in heartbeats.
const SOFTWARE: &str = concat!("manyi-terminal ", env!("CARGO_PKG_VERSION"));

/// What there is to tell.
#[derive(Debug, Default)]
pub(super) struct Telling {
    pulse: Pulse,
    page: Option<ShownPage>,
    told: Option<(ShownPage, Millis)>,
    /// When the rating was sealed that the card has not confirmed yet.
    sealing: Option<i64>,
    last_rating_ms: Option<i64>,
    self_test: Option<SelfTested>,
}

impl Telling {
    /// Whose pulse is told.
    pub(super) fn watch(&mut self, pulse: Pulse) {
        self.pulse = pulse;
    }

    /// This is on the screen now.
    pub(super) const fn shows(&mut self, page: &ScenePage) {
        self.page = Some(kind(page));
    }

    /// A record goes to the card.
    pub(super) fn sealing(&mut self, body: &RecordBody, now: &ClockReading) {
        let rated = matches!(
            body,
            RecordBody::Outcome(outcome) if matches!(outcome.outcome, Outcome::Rated { .. })
        );
        if rated {
            self.sealing = Some(now.wall_ms);
        }
    }

    /// The card has what went to it.
    pub(super) fn sealed(&mut self) {
        self.last_rating_ms = self.sealing.take().or(self.last_rating_ms);
    }

    /// The card did not take it.
    pub(super) const fn not_sealed(&mut self) {
        self.sealing = None;
    }

    /// A self-test has ended.
    pub(super) const fn tested(&mut self, day: u32, good: bool) {
        self.self_test = Some(SelfTested { day, good });
    }

    /// When there is something to tell.
    pub(super) fn due(&self, now: Millis) -> Option<Millis> {
        let page = self.page?;
        Some(match self.told {
            Some((told, at)) if told == page => at.saturating_add(SCREEN_TOLD_EVERY_MS),
            _ => now,
        })
    }

    /// Tells it when it is due.
    pub(super) fn tell(&mut self, data: &DataDir, now: Millis) {
        let Some(page) = self
            .page
            .filter(|_| self.due(now).is_some_and(|due| now >= due))
        else {
            return;
        };
        self.told = Some((page, now));
        // Nobody may listen yet; the next telling says it all again.
        if let Err(error) = tell_screen(&data.wake_socket(), &self.screen(page, now)) {
            tracing::debug!("the daemon cannot be told how the screen is: {error}");
        }
    }

    fn screen(&self, page: ShownPage, now: Millis) -> Screen {
        let beats = self.pulse.beats();
        Screen {
            software: SOFTWARE.to_owned(),
            uptime_ms: now,
            page: page.number(),
            turns: beats.turns,
            frames: beats.frames,
            turned_uptime_ms: beats.turned_ms,
            drawn_uptime_ms: beats.drawn_ms,
            last_rating_ms: self.last_rating_ms,
            self_test: self.self_test,
        }
    }
}

const fn kind(page: &ScenePage) -> ShownPage {
    match page {
        ScenePage::Idle(_) => ShownPage::Idle,
        ScenePage::Ask(_)
        | ScenePage::Reasons(_)
        | ScenePage::Phone(_)
        | ScenePage::Thanks { .. } => ShownPage::Asking,
        ScenePage::Paused(_) => ShownPage::Paused,
        ScenePage::OutOfService(_) => ShownPage::OutOfService,
        ScenePage::Desk(_) => ShownPage::Staff,
    }
}

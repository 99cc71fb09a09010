//! The status file: how the daemon is, for the technician's page and for `manyi-sync status`.
//!
//! On the card, so it is rewritten at once only when what it says changes in kind.

use std::time::Duration;

use manyi_shared::domain::Clock;
use manyi_shared::tablet::UplinkStatus;

use super::shipment::Shipment;
use super::{Daemon, MAX_PROBLEM};

/// Of the status file only the time of the last answer and what was counted then change from exchange to
/// exchange; that is written so many notes apart.
const TELL: u32 = 5;

impl Daemon {
    /// Writes how the daemon is, for the technician's page.
    pub(super) fn say(
        &mut self,
        shipment: &Shipment,
        problem: Option<String>,
        acknowledged: u64,
        now: Duration,
    ) {
        let clock = self.clock.read();
        let before = &shipment.head.health;
        let (backlog, oldest_unsent_ms) =
            self.health
                .after(acknowledged, before, &clock, &mut self.journal, now);
        let answered = problem.is_none().then_some(clock.uptime_ms);
        let failing = self.status.failing_since_uptime_ms;
        let failing = problem
            .is_some()
            .then(|| failing.unwrap_or(clock.uptime_ms));
        self.status = UplinkStatus {
            collector: self.collector_url.clone(),
            answered_uptime_ms: answered.or(self.status.answered_uptime_ms),
            boot: clock.boot.to_string(),
            backlog,
            oldest_unsent_ms,
            problem: problem.map(|problem| crate::one_line(&problem, MAX_PROBLEM)),
            profile_problem: self.profile.problem(),
            certificate: self.link.certificate_note(),
            failing_since_uptime_ms: failing,
            rotation_problem: self.status.rotation_problem.take(),
            revoked: self.status.revoked,
            screen: self.health.screen().map(|screen| {
                let painting = screen.painting(clock.uptime_ms);
                painting.name().to_owned()
            }),
            revoked_since_ms: self.status.revoked_since_ms,
        };
        let fresh = self
            .told
            .as_ref()
            .is_some_and(|(at, _)| now < at.saturating_add(self.note_after * TELL));
        let same = self
            .told
            .as_ref()
            .is_some_and(|(_, told)| says_the_same(told, &self.status));
        if !(fresh && same) {
            self.tell_status();
        }
    }

    pub(super) fn tell_status(&mut self) {
        self.told = Some((self.now(), self.status.clone()));
        if let Err(error) = self.status.write(&self.data.uplink_status()) {
            tracing::debug!(
                error = crate::chain(&error),
                "the screen cannot be told how the uplink is"
            );
        }
    }
}

/// Whether nobody needs to be told now: only times differ, and how many are unsent where some still are.
fn says_the_same(told: &UplinkStatus, now: &UplinkStatus) -> bool {
    let counts = |status: &UplinkStatus| UplinkStatus {
        answered_uptime_ms: None,
        oldest_unsent_ms: None,
        backlog: u64::from(status.backlog > 0),
        ..status.clone()
    };
    told.answered_uptime_ms.is_some() == now.answered_uptime_ms.is_some()
        && counts(told) == counts(now)
}

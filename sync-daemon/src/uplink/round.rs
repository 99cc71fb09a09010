//! Claims: when to tell the centre again what it acknowledged, and of which streams.
//!
//! A centre that was restored from a backup takes heartbeats as if nothing had happened, and a
//! stream with nothing new would never show that its end is missing there. So the terminal claims
//! what was acknowledged: all streams, exchange after exchange, when it starts and after any sign that
//! the centre went back; otherwise as many as one exchange takes, once an hour, taking turns.

use std::time::Duration;

use manyi_shared::domain::StreamId;
use manyi_shared::wire::Claim;
use manyi_shared::wire::limits::MAX_CLAIMS;

/// Between two exchanges with claims while nothing points to a loss.
pub(super) const CALM_PACE: Duration = Duration::from_secs(3600);

/// Where the claims of an exchange begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// With the stream after this one, and around; none for the newest.
    pub after: Option<StreamId>,
}

/// Where the claims are in their turns.
#[derive(Debug, Clone)]
pub(super) struct Round {
    due: Duration,
    after: Option<StreamId>,
    /// All streams are claimed, one exchange after the other.
    whole: bool,
    /// The first stream of a whole round: when its turn comes again, the round is over.
    began: Option<StreamId>,
}

impl Round {
    /// A whole round, due at once.
    pub(super) const fn new() -> Self {
        Self {
            due: Duration::ZERO,
            after: None,
            whole: true,
            began: None,
        }
    }

    /// The claims that are due.
    pub(super) fn due(&self, now: Duration) -> Option<Turn> {
        (now >= self.due).then_some(Turn { after: self.after })
    }

    /// The centre may have gone back. A whole round that is under way goes on; it looks at the
    /// streams before it an hour later.
    pub(super) const fn sign(&mut self, now: Duration) {
        if !self.whole {
            *self = Self {
                due: now,
                ..Self::new()
            };
        }
    }

    /// The centre looked at these claims.
    pub(super) fn answered(&mut self, claims: &[Claim], now: Duration) {
        let came_around = claims.iter().any(|claim| Some(claim.stream) == self.began);
        if came_around || claims.len() < MAX_CLAIMS {
            self.whole = false;
        } else if self.began.is_none() {
            self.began = claims.first().map(|claim| claim.stream);
        }
        self.after = claims.last().map(|claim| claim.stream);
        if !self.whole {
            self.due = now.saturating_add(CALM_PACE);
        }
    }
}

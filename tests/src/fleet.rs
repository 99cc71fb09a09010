//! A fleet that comes home: thousands of simulated tablets with days of ratings, a real collector,
//! and the same second for all of them.
//!
//! Each tablet is an identity from the real enrolment, a stream of real records, the real
//! [`manyi_sync::uplink::Uplink`] and a TCP connection of its own; what it sends is signed, what it
//! gets is verified. Only the journal is memory and the loop is this module's ([`Tablet`]).
//!
//! - [`Plan`]: how many, with how much, and how they come back.
//! - [`muster()`]: enrols them, at the collector's own router, before the program starts.
//! - [`Tablet::come_home`]: one tablet, from its return to the end of the run.
//! - [`Report`]: what was measured and whether it is good.

mod connection;
mod muster;
mod report;
mod run;
mod tablet;

use std::time::Duration;

use manyi_sync::uplink::{Backoff, Pace};
use serde::Serialize;

pub use muster::{Member, ask, gate, muster, muster_at};
pub use report::{Report, Timeline};
pub use run::run;
pub use tablet::{Attempt, Ended, Tablet};

/// How a fleet comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Return {
    /// The network was away and is back: the tablets have tried all the time.
    Network,
    /// The power was away and is back: all start in the same second, and so do their terminals.
    Power,
    /// Every daemon's first look is in the same instant. No tablet does this; it shows what the
    /// collector does when one does.
    AtOnce,
}

/// What is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Plan {
    /// Tablets.
    pub terminals: usize,
    /// Ratings that each has sealed while it was away.
    pub ratings: usize,
    /// How long it was away.
    pub away: Duration,
    /// How they come back.
    pub comes_back: Return,
    /// How many times faster than real tablets these are; for tests.
    pub speed: u32,
    /// What everything is drawn from.
    pub seed: u64,
    /// The longest the whole may take.
    pub limit: Duration,
}

impl Plan {
    /// The daemon's own pace.
    #[must_use]
    pub fn pace(&self) -> Pace {
        let usual = Pace::default();
        let speed = self.speed.max(1);
        Pace {
            poll: usual.poll / speed,
            heartbeat: usual.heartbeat / speed,
            backoff: Backoff {
                base: usual.backoff.base / speed,
                cap: usual.backoff.cap / speed,
            },
            ..usual
        }
    }
}

//! When a socket is pinged and when it is given up. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// How often, and how long at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    /// From ping to ping.
    pub(super) ping: Duration,
    /// Without a frame, a pong included, the connection is closed.
    pub(super) silence: Duration,
}

impl Rhythm {
    /// Two pings may be lost before a connection is given up.
    pub(super) const FIELD: Self = Self {
        ping: Duration::from_secs(60),
        silence: Duration::from_secs(130),
    };
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing before this.
    Wait(Instant),
    /// A ping; it counts as sent.
    Ping,
    /// The end.
    Close,
}

/// The pulse of one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    rhythm: Rhythm,
    heard: Instant,
    pinged: Instant,
}

impl Pulse {
    pub(super) const fn new(rhythm: Rhythm, now: Instant) -> Self {
        Self {
            rhythm,
            heard: now,
            pinged: now,
        }
    }

    /// A frame came.
    pub(super) const fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    pub(super) fn beat(&mut self, now: Instant) -> Beat {
        let end = self.heard + self.rhythm.silence;
        let ping = self.pinged + self.rhythm.ping;
        if now >= end {
            Beat::Close
        } else if now >= ping {
            self.pinged = now;
            Beat::Ping
        } else {
            Beat::Wait(ping.min(end))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_silent_connection_is_pinged_each_minute_and_closed_after_130_seconds() {
        let start = Instant::now();
        let mut pulse = Pulse::new(Rhythm::FIELD, start);
        assert_eq!(pulse.beat(start), Beat::Wait(start + seconds(60)));
        assert_eq!(pulse.beat(start + seconds(60)), Beat::Ping);
        assert_eq!(
            pulse.beat(start + seconds(60)),
            Beat::Wait(start + seconds(120))
        );
        assert_eq!(pulse.beat(start + seconds(120)), Beat::Ping);
        assert_eq!(
            pulse.beat(start + seconds(120)),
            Beat::Wait(start + seconds(130))
        );
        assert_eq!(pulse.beat(start + seconds(130)), Beat::Close);
    }

    #[test]
    fn a_connection_that_answers_pings_stays() {
        let start = Instant::now();
        let mut pulse = Pulse::new(Rhythm::FIELD, start);
        for minute in 1..=1000 {
            let now = start + seconds(60 * minute);
            assert_eq!(pulse.beat(now), Beat::Ping);
            pulse.heard(now);
        }
    }
}

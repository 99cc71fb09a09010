//! The one place that reads a tablet's clocks.

use std::path::Path;

use rustix::time::{ClockId, clock_gettime};

use crate::domain::{BootId, Clock, ClockReading};

/// Files that say a time service has set the clock in this boot: systemd-timesyncd makes the first
/// itself, our unit makes the second after `time-sync.target`, which every time service reaches.
const SYNCHRONISED_MARKS: [&str; 2] = [
    "/run/systemd/timesync/synchronized",
    "/run/manyi/clock-synchronised",
];

/// The clocks of this machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    boot: BootId,
}

impl SystemClock {
    /// Learns which boot this is. Where the kernel does not say, the program start stands in: no
    /// two starts are then taken for one boot.
    #[must_use]
    pub fn new() -> Self {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or_else(BootId::random);
        Self { boot }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn read(&self) -> ClockReading {
        let wall = clock_gettime(ClockId::Realtime);
        // Counts through suspend, unlike the monotonic clock.
        let uptime = clock_gettime(ClockId::Boottime);
        ClockReading {
            wall_ms: milliseconds(wall.tv_sec, wall.tv_nsec),
            uptime_ms: u64::try_from(milliseconds(uptime.tv_sec, uptime.tv_nsec)).unwrap_or(0),
            boot: self.boot,
            synchronised: SYNCHRONISED_MARKS
                .iter()
                .any(|mark| Path::new(mark).exists()),
        }
    }
}

const fn milliseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds
        .saturating_mul(1000)
        .saturating_add(nanoseconds / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_never_goes_back_and_the_boot_stays_the_same() {
        let clock = SystemClock::new();
        let (a, b) = (clock.read(), clock.read());
        assert!(b.uptime_ms >= a.uptime_ms);
        assert_eq!(a.boot, b.boot);
        assert!(a.wall_ms > 0);
    }
}

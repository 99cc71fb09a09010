//! The clock as a port. Decisions take readings as arguments; only one module reads the real one.

use super::BootId;

/// One look at a tablet's clocks.
///
/// The wall clock of a tablet without a clock chip starts in 1970 and may jump; the uptime never
/// does, but is comparable only inside one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// Milliseconds since 1970-01-01T00:00:00Z by the wall clock; may be wrong by decades.
    pub wall_ms: i64,
    /// Milliseconds since boot, suspend included.
    pub uptime_ms: u64,
    /// The boot that `uptime_ms` counts from.
    pub boot: BootId,
    /// Whether a time service had set the wall clock when it was read.
    pub synchronised: bool,
}

/// Reads the clocks. Implemented once for Linux and once for tests.
pub trait Clock: Send + Sync {
    /// The clocks as they stand now.
    fn read(&self) -> ClockReading;
}

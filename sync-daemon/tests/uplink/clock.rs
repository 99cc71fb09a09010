//! A tablet's clock that tests set.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use manyi_shared::domain::{BootId, Clock, ClockReading};
use manyi_shared::tablet::SystemClock;

/// The clock of one tablet: runs like this machine's, shows another time. Clones are the same
/// clock.
#[derive(Debug, Clone)]
pub(crate) struct Hands {
    shift_ms: Arc<AtomicI64>,
    synchronised: Arc<AtomicBool>,
    boot: Arc<Mutex<BootId>>,
}

impl Default for Hands {
    fn default() -> Self {
        Self {
            shift_ms: Arc::default(),
            synchronised: Arc::default(),
            boot: Arc::new(Mutex::new(SystemClock::new().read().boot)),
        }
    }
}

impl Clock for Hands {
    fn read(&self) -> ClockReading {
        let real = SystemClock::new().read();
        ClockReading {
            wall_ms: real.wall_ms + self.shift_ms.load(Ordering::Relaxed),
            synchronised: self.synchronised.load(Ordering::Relaxed),
            boot: *self.boot.lock().unwrap(),
            ..real
        }
    }
}

impl Hands {
    /// Shows the first of June of a year from now on, as somebody or something set it.
    pub(crate) fn set(&self, year: i64) {
        let real = SystemClock::new().read();
        self.shift_ms
            .store(june_ms(year) - real.wall_ms, Ordering::Relaxed);
        self.synchronised.store(false, Ordering::Relaxed);
    }

    /// Shows the first of June of a year from now on, as a time server set it.
    pub(crate) fn synchronise(&self, year: i64) {
        self.set(year);
        self.synchronised.store(true, Ordering::Relaxed);
    }

    /// Shows this machine's time, as a time server set it.
    pub(crate) fn synchronise_now(&self) {
        self.shift_ms.store(0, Ordering::Relaxed);
        self.synchronised.store(true, Ordering::Relaxed);
    }

    /// The tablet is switched on again; its clock shows that year.
    pub(crate) fn boot(&self, year: i64) {
        *self.boot.lock().unwrap() = BootId::random();
        self.set(year);
    }
}

/// About the first of June of a year, in milliseconds since 1970.
pub(crate) const fn june_ms(year: i64) -> i64 {
    (year - 1970) * 31_556_952_000 + 151 * 86_400_000
}

//! What time it is for TLS, on a tablet whose clock may be wrong by decades.
//!
//! A tablet without a clock chip starts in 1970, and the hall's time server may be out of reach for
//! ever. Two moments are certainly in the past, though: the release of this program, and the last
//! time that the centre signed into a reply. The later of them is the floor.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use manyi_shared::domain::{Clock, ClockReading};
use manyi_shared::tablet::{DataDir, SystemClock, replace};
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use serde::{Deserialize, Serialize};

/// Seconds since 1970 before which this program cannot run: `SOURCE_DATE_EPOCH` of the build, which
/// packagers set for reproducible builds, or else the first year of the project. Never the build
/// machine's own clock: the same source would give other programs.
const RELEASED: i64 = match option_env!("SOURCE_DATE_EPOCH") {
    None => 1_767_225_600,
    Some(text) => match i64::from_str_radix(text, 10) {
        Ok(seconds) => seconds,
        Err(_) => panic!("SOURCE_DATE_EPOCH is no count of seconds"),
    },
};

/// The centre's time is written to the card when it differs from what is there by so much: a floor
/// that is a day old serves as well.
const WORTH_WRITING_MS: u64 = 24 * 3600 * 1000;

/// The clocks of this machine, and what is known about the time without them. Clones share it.
#[derive(Clone)]
pub struct Time {
    clock: Arc<dyn Clock>,
    signed_ms: Arc<AtomicI64>,
    written_ms: Arc<AtomicI64>,
}

/// The file that remembers the centre's time.
#[derive(Serialize, Deserialize)]
struct Heard {
    signed_ms: i64,
}

impl Default for Time {
    fn default() -> Self {
        Self::by(Arc::new(SystemClock::new()))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Time({:?})", self.clock.read())
    }
}

impl Clock for Time {
    fn read(&self) -> ClockReading {
        self.clock.read()
    }
}

impl Time {
    /// Time by this clock.
    #[must_use]
    pub fn by(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            signed_ms: Arc::new(AtomicI64::new(0)),
            written_ms: Arc::new(AtomicI64::new(0)),
        }
    }

    /// Whether a time service has set the clock in this boot.
    #[must_use]
    pub fn is_synchronised(&self) -> bool {
        self.clock.read().synchronised
    }

    /// The moment before which it certainly is not, in milliseconds since 1970: the release, or the
    /// centre's last signed time. The newest word of the centre counts, not the latest: a centre
    /// whose clock was wrong once would otherwise have moved this for ever.
    #[must_use]
    pub fn floor_ms(&self) -> i64 {
        let signed = self.signed_ms.load(Ordering::Relaxed);
        signed.max(released_ms())
    }

    /// Remembers the time in a reply that the centre signed, on the card at most once a day.
    pub fn heard(&self, server_ms: i64, data: &DataDir) {
        self.signed_ms.store(server_ms, Ordering::Relaxed);
        let written = self.written_ms.load(Ordering::Relaxed);
        if server_ms <= released_ms() || server_ms.abs_diff(written) < WORTH_WRITING_MS {
            return;
        }
        // Once a day also when the card cannot be written.
        self.written_ms.store(server_ms, Ordering::Relaxed);
        let heard = Heard {
            signed_ms: server_ms,
        };
        let text = serde_json::to_vec(&heard).unwrap_or_default();
        if let Err(error) = replace(&data.centre_time(), &text) {
            tracing::debug!(
                error = crate::chain(&error),
                "the centre's time is not remembered"
            );
        }
    }

    /// Remembers what an earlier start heard. A file that is not there or cannot be read says
    /// nothing.
    pub fn recall(&self, data: &DataDir) {
        if let Some(Heard { signed_ms }) = read(&data.centre_time()) {
            self.signed_ms.store(signed_ms, Ordering::Relaxed);
            self.written_ms.store(signed_ms, Ordering::Relaxed);
        }
    }

    /// Now, as the clock says.
    pub(super) fn wall(&self) -> UnixTime {
        unix_time(self.clock.read().wall_ms)
    }

    /// Now, as far as it is known: the clock, but never before the floor.
    pub(super) fn likely(&self) -> UnixTime {
        unix_time(self.clock.read().wall_ms.max(self.floor_ms()))
    }
}

fn read(path: &Path) -> Option<Heard> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

const fn released_ms() -> i64 {
    RELEASED.saturating_mul(1000)
}

/// When this program was released, for a certificate.
pub(super) fn released() -> UnixTime {
    unix_time(released_ms())
}

fn unix_time(ms: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}

/// A moment for people, such as `Fri, 31 Dec 1999 23:59:59 GMT`.
#[must_use]
pub(crate) fn date(seconds: u64) -> String {
    // Later years have five digits, and no certificate has them.
    const LAST: u64 = 253_402_300_799;
    let since = Duration::from_secs(seconds.min(LAST));
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since)
}

/// Time for rustls, as the clock says.
#[derive(Debug)]
pub(super) struct Wall(pub(super) Time);

impl TimeProvider for Wall {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.0.wall())
    }
}

/// Time for rustls, never before the floor.
#[derive(Debug)]
pub(super) struct Likely(pub(super) Time);

impl TimeProvider for Likely {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.0.likely())
    }
}

#[cfg(test)]
mod tests {
    use manyi_shared::domain::BootId;

    use super::*;

    const YEAR_MS: i64 = 366 * 24 * 3600 * 1000;

    struct Stopped(i64);

    impl Clock for Stopped {
        fn read(&self) -> ClockReading {
            ClockReading {
                wall_ms: self.0,
                uptime_ms: 0,
                boot: BootId::random(),
                synchronised: false,
            }
        }
    }

    #[test]
    fn it_is_never_before_the_release_nor_before_what_the_centre_said_last() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        let at_1970 = || Time::by(Arc::new(Stopped(0)));
        let time = at_1970();
        assert_eq!(time.likely(), released());
        assert_eq!(time.wall().as_secs(), 0);
        let later = released_ms() + YEAR_MS;
        time.heard(later, &data);
        assert_eq!(time.floor_ms(), later);
        let next_start = at_1970();
        next_start.recall(&data);
        assert_eq!(next_start.likely(), unix_time(later));
        assert_eq!(
            Time::by(Arc::new(Stopped(later + 5000))).likely(),
            unix_time(later + 5000)
        );
    }

    #[test]
    fn a_centre_whose_clock_was_wrong_once_moves_the_floor_back_with_its_next_word() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        let time = Time::by(Arc::new(Stopped(0)));
        time.heard(released_ms() + 70 * YEAR_MS, &data);
        time.heard(released_ms() + YEAR_MS, &data);
        assert_eq!(time.floor_ms(), released_ms() + YEAR_MS);
        let next_start = Time::by(Arc::new(Stopped(0)));
        next_start.recall(&data);
        assert_eq!(next_start.floor_ms(), time.floor_ms());
    }

    #[test]
    fn the_card_is_written_once_a_day_and_a_damaged_file_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        let time = Time::by(Arc::new(Stopped(0)));
        let day = released_ms() + YEAR_MS;
        time.heard(day, &data);
        std::fs::remove_file(data.centre_time()).unwrap();
        time.heard(day + 3_600_000, &data);
        assert!(!data.centre_time().exists());
        time.heard(day + 25 * 3_600_000, &data);
        assert!(data.centre_time().exists());
        std::fs::write(data.centre_time(), b"{").unwrap();
        let next_start = Time::by(Arc::new(Stopped(0)));
        next_start.recall(&data);
        assert_eq!(next_start.floor_ms(), released_ms());
    }

    #[test]
    fn any_moment_can_be_told() {
        assert_eq!(date(946_684_799), "Fri, 31 Dec 1999 23:59:59 GMT");
        assert_eq!(date(u64::MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}

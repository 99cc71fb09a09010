//! How often something may be tried: a bucket that one moment in time describes.
//!
//! **Invariants**
//! 1. Whatever was tried before, the next try is allowed after one [`Pace::period_ms`] at the latest:
//!    nobody can lock somebody else out for longer.
//!
//! # Source
//! The virtual scheduling algorithm of ITU-T I.371, known as GCRA: the bucket is the moment at which
//! it will be empty again.

/// How fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Tries that may be made at once.
    pub burst: u32,
    /// Milliseconds for each further one.
    pub period_ms: i64,
}

impl Pace {
    /// Whether one more may be tried, for a bucket that is empty again at `empty_ms`.
    ///
    /// # Errors
    /// The milliseconds until the next may be tried.
    pub fn allows(self, empty_ms: i64, now_ms: i64) -> Result<(), i64> {
        let full = self.period_ms.saturating_mul(i64::from(self.burst));
        let owed = self.owed(empty_ms, now_ms);
        let over = owed.saturating_add(self.period_ms).saturating_sub(full);
        if over <= 0 { Ok(()) } else { Err(over) }
    }

    /// When the bucket is empty again after one more was tried.
    #[must_use]
    pub fn after(self, empty_ms: i64, now_ms: i64) -> i64 {
        let owed = self.owed(empty_ms, now_ms).saturating_add(self.period_ms);
        now_ms.saturating_add(owed)
    }

    /// A clock that was set back must not lock anybody out: more than full is full.
    fn owed(self, empty_ms: i64, now_ms: i64) -> i64 {
        let full = self.period_ms.saturating_mul(i64::from(self.burst));
        empty_ms.saturating_sub(now_ms).clamp(0, full)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACE: Pace = Pace {
        burst: 3,
        period_ms: 1000,
    };

    #[test]
    fn a_burst_passes_and_then_one_each_period() {
        let mut empty = 0;
        for _ in 0..3 {
            assert_eq!(PACE.allows(empty, 50_000), Ok(()));
            empty = PACE.after(empty, 50_000);
        }
        assert_eq!(PACE.allows(empty, 50_000), Err(1000));
        assert_eq!(PACE.allows(empty, 50_999), Err(1));
        assert_eq!(PACE.allows(empty, 51_000), Ok(()));
        assert_eq!(PACE.allows(empty, 60_000), Ok(()));
    }

    proptest! {
        /// Invariant 1.
        #[test]
        fn nobody_waits_longer_than_one_period(
            tries in prop::collection::vec(0_i64..10_000, 0..50),
            back in 0_i64..100_000,
        ) {
            let (mut now, mut empty) = (1_000_000, 0);
            for pause in tries {
                now += pause;
                // Refused tries are counted, too: that must not make the wait longer.
                empty = PACE.after(empty, now);
            }
            let now = now - back;
            let wait = PACE.allows(empty, now).err().unwrap_or(0);
            prop_assert!(wait <= PACE.period_ms, "{wait}");
        }
    }
}

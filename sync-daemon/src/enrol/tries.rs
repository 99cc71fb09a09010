//! When an enrolment that failed is tried again; pure. The collector may come within reach only
//! days later, so there is no last try.

use std::time::Duration;

use crate::uplink::Backoff;

/// The longest pause while a technician may still wait beside the tablet.
const SOMEBODY_WAITS: Duration = Duration::from_secs(60);

/// So many failures later nobody does.
const NOBODY_WAITS: u32 = 30;

/// From then on the pauses grow to so many times those of exchanges: five minutes. A tablet without an
/// identity has nothing to say meanwhile.
const SELDOM: u32 = 10;

/// The tries of one address and code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tries {
    backoff: Backoff,
    failures: u32,
    again: Option<Duration>,
}

impl Tries {
    pub(super) const fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            failures: 0,
            again: None,
        }
    }

    /// Another address or code: it has not failed yet.
    pub(super) const fn begin(&mut self) {
        self.failures = 0;
    }

    /// None is due until one has failed.
    pub(super) const fn stop(&mut self) {
        self.again = None;
    }

    pub(super) fn are_due(&self, now: Duration) -> bool {
        self.again.is_some_and(|again| now >= again)
    }

    /// One failed, but may succeed later; not before the collector's wish.
    pub(super) fn failed(&mut self, now: Duration, wish: Option<Duration>, random: u64) {
        let cap = if self.failures < NOBODY_WAITS {
            self.backoff.cap.min(SOMEBODY_WAITS)
        } else {
            self.backoff.cap * SELDOM
        };
        let backoff = Backoff {
            cap,
            ..self.backoff
        };
        let pause = backoff.pause(self.failures, wish, random);
        self.failures = self.failures.saturating_add(1);
        self.again = Some(now.saturating_add(pause));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    /// The times of all tries in so many days without an answer.
    fn tries_of(days: u32, mut random: u64) -> Vec<Duration> {
        let mut tries = Tries::new(Backoff::default());
        let (mut now, mut times) = (Duration::ZERO, Vec::new());
        while now < DAY * days {
            times.push(now);
            tries.failed(now, None, random);
            assert!(!tries.are_due(now) || random < 1 << 40);
            // Any numbers will do, as long as they are spread.
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            now = tries
                .again
                .expect("there is always another try")
                .max(now + Duration::from_nanos(1));
        }
        times
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn a_tablet_that_waits_for_days_never_gives_up_and_is_no_burden(random: u64) {
            let times = tries_of(7, random);
            for pair in times.windows(2) {
                prop_assert!(pair[1] - pair[0] <= Duration::from_secs(300));
            }
            let late = times.iter().filter(|time| **time >= DAY).count();
            // Every two and a half minutes on average.
            prop_assert!((2500..5000).contains(&late), "{late} tries in six days");
            let early = times.iter().filter(|time| **time < Duration::from_secs(900)).count();
            prop_assert!(early >= 15, "{early} tries in the first quarter of an hour");
        }
    }

    #[test]
    fn two_tablets_of_one_hall_do_not_ask_in_step() {
        let (one, other) = (tries_of(1, 1), tries_of(1, u64::MAX / 3));
        let close = |a: &Duration| {
            other
                .iter()
                .any(|b| a.abs_diff(*b) < Duration::from_secs(1))
        };
        let together = one.iter().skip(60).filter(|time| close(time)).count();
        assert!(together * 10 < one.len(), "{together} of {}", one.len());
    }

    #[test]
    fn the_collectors_wish_is_waited_for() {
        let mut tries = Tries::new(Backoff::default());
        tries.failed(Duration::ZERO, Some(Duration::from_secs(40)), 0);
        assert!(!tries.are_due(Duration::from_secs(39)));
        assert!(tries.are_due(Duration::from_secs(40)));
    }
}

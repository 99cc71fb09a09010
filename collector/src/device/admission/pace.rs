//! How fast exchanges are worked off, how long the line is, and who was told to come back when.
//!
//! Pure: times are counted from the program's start, randomness is handed in.

use std::time::Duration;

/// Before anything was measured: a small machine with a slow disk.
const GUESS: Duration = Duration::from_millis(10);

/// How long the pace is measured at a time. Commits come in groups, so it spans several.
const WINDOW: Duration = Duration::from_millis(250);

/// A pace is never taken for faster than this: a window of nothing but duplicates says little.
const FASTEST: Duration = Duration::from_micros(50);

/// The part of the pace that is promised to those who were turned away, in percent. The rest is for
/// those who come for the first time, and for heartbeats.
const PROMISED_PERCENT: u32 = 75;

/// The longest time that anybody is told to stay away: the line is forgotten after a restart, and
/// terminals should not be.
const LONGEST: Duration = Duration::from_secs(300);

/// The pace of work.
#[derive(Debug)]
pub(super) struct Pace {
    /// Time between two exchanges that are done, while there is more to do than slots.
    interval: Duration,
    waiting: u32,
    measuring: Option<(Duration, u32)>,
    /// Up to here the time is given away.
    promised: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            interval: GUESS,
            waiting: 0,
            measuring: None,
            promised: Duration::ZERO,
        }
    }
}

impl Pace {
    /// Somebody joins the line.
    pub(super) const fn joins(&mut self) {
        self.waiting = self.waiting.saturating_add(1);
    }

    /// Somebody leaves the line, for a slot or for good. Only while all slots are taken does the
    /// time between two ends say how fast work is done.
    pub(super) fn leaves(&mut self, now: Duration, all_taken: bool) {
        self.waiting = self.waiting.saturating_sub(1);
        if all_taken && self.waiting > 0 {
            self.measuring.get_or_insert((now, 0));
        } else if self.waiting == 0 {
            self.measuring = None;
        }
    }

    /// An exchange is done.
    pub(super) fn served(&mut self, now: Duration) {
        let Some((since, done)) = &mut self.measuring else {
            return;
        };
        *done = done.saturating_add(1);
        let took = now.saturating_sub(*since);
        if took >= WINDOW {
            let measured = (took / *done).max(FASTEST);
            self.interval = (self.interval + measured) / 2;
            self.measuring = Some((now, 0));
        }
    }

    /// How many wait.
    pub(super) const fn waiting(&self) -> u32 {
        self.waiting
    }

    /// Exchanges a second.
    pub(super) fn rate(&self) -> f64 {
        1.0 / self.interval.as_secs_f64()
    }

    /// How long who joins the line now would wait.
    pub(super) fn line(&self) -> Duration {
        self.interval.saturating_mul(self.waiting)
    }

    /// In how many seconds somebody who is turned away should come back. Each call gives a part of
    /// the future away: the next one gets a later time.
    pub(super) fn come_back(&mut self, now: Duration, random: u64) -> u64 {
        let share = self.interval.saturating_mul(100) / PROMISED_PERCENT;
        let soonest = now.saturating_add(self.line());
        let turn = self.promised.max(soonest).saturating_add(share);
        let away = turn.saturating_sub(now);
        if away > LONGEST {
            // The future is given away: anywhere in its second half.
            let half = LONGEST / 2;
            return half.as_secs() + below(half.as_secs(), random);
        }
        self.promised = turn;
        // Whole seconds: rounded up as often as the fraction says, so that the pace stays.
        let up = below(1_000_000_000, random) < u64::from(away.subsec_nanos());
        (away.as_secs() + u64::from(up)).max(1)
    }
}

fn below(bound: u64, random: u64) -> u64 {
    let wide = u128::from(random) * u128::from(bound);
    u64::try_from(wide >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const NOW: Duration = Duration::from_secs(1000);

    /// A pace at which so many exchanges a second were done while others waited.
    fn measured(rate: u32) -> Pace {
        let mut pace = Pace::default();
        for _ in 0..2 {
            pace.joins();
        }
        pace.leaves(Duration::ZERO, true);
        for n in 1..=rate * 20 {
            pace.served(Duration::from_secs(1) / rate * n);
        }
        pace.leaves(NOW, true);
        pace
    }

    #[rstest::rstest]
    #[case::slow(20)]
    #[case::fast(2000)]
    fn the_pace_is_what_was_done_while_others_waited(#[case] rate: u32) {
        let found = measured(rate).rate() / f64::from(rate);
        assert!((0.95..1.05).contains(&found), "{found}");
    }

    #[test]
    fn while_nobody_waits_the_time_between_two_exchanges_says_nothing() {
        let mut pace = measured(200);
        let before = pace.rate();
        for n in 1..100 {
            pace.served(NOW + Duration::from_secs(n));
        }
        assert!((pace.rate() - before).abs() < 1e-9);
    }

    #[test]
    fn the_line_is_as_long_as_it_takes_to_work_it_off() {
        let mut pace = measured(100);
        assert_eq!(pace.line(), Duration::ZERO);
        for _ in 0..50 {
            pace.joins();
        }
        let line = pace.line().as_secs_f64();
        assert!((0.45..0.55).contains(&line), "{line}");
    }

    #[test]
    fn whoever_is_turned_away_gets_a_time_of_their_own_below_the_pace() {
        let mut pace = measured(200);
        let mut told = BTreeMap::<u64, u32>::new();
        for n in 0..5000_u64 {
            let random = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            *told.entry(pace.come_back(NOW, random)).or_default() += 1;
        }
        let most = told.values().max().copied().unwrap_or(0);
        // The first second also gets those whose turn would be sooner; a second is the shortest wish.
        assert!(most <= 250, "{told:?}");
        let last = told.keys().next_back().copied().unwrap_or(0);
        assert!((30..40).contains(&last), "{told:?}");
        // Time that has passed is not given away twice, and none is owed.
        let later = NOW + Duration::from_secs(3600);
        assert_eq!(pace.come_back(later, u64::MAX), 1);
    }

    proptest! {
        #[test]
        fn nobody_is_told_to_come_at_once_or_to_stay_away_for_long(
            rate in 1_u32..5000, before in 0_u32..20_000, random: u64,
        ) {
            let mut pace = measured(rate);
            for _ in 0..before {
                pace.come_back(NOW, random);
            }
            let seconds = pace.come_back(NOW, random);
            prop_assert!((1..=LONGEST.as_secs()).contains(&seconds), "{seconds}");
        }
    }
}

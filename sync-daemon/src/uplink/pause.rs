//! How long to wait after a failed attempt.

use std::time::Duration;

/// The longest Retry-After that is obeyed. The header is not signed: whoever sits in between could
/// otherwise silence a tablet for years.
pub const LONGEST_WISH: Duration = Duration::from_secs(3600);

/// Doubling pauses with full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The upper bound of the first pause.
    pub base: Duration,
    /// The upper bound of every pause.
    pub cap: Duration,
}

impl Default for Backoff {
    /// 1 s to 30 s, which is the usual heartbeat: a fleet that cannot reach its centre asks on
    /// average twice as often as on any other day, and a fleet whose network is back is complete
    /// within half a minute. A longer cap would not spare the centre anything: the first attempts
    /// after an outage are spread over the cap, and they would only be fewer than the heartbeats of
    /// those that are back already (ADR 0021).
    fn default() -> Self {
        Self {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(30),
        }
    }
}

impl Backoff {
    /// The pause after `attempt` failures before this one (0 for the first).
    ///
    /// Without a wish of the server: evenly between 0 and the bound, where the bound doubles from
    /// base to cap. The jitter is applied after the cap, so tablets that all reached the cap are
    /// still spread. With a wish: the wish, at most [`LONGEST_WISH`], and up to a tenth more.
    #[must_use]
    pub fn pause(&self, attempt: u32, wish: Option<Duration>, random: u64) -> Duration {
        if let Some(wish) = wish {
            return stretched(wish.min(LONGEST_WISH), random);
        }
        let doublings = 1_u32.checked_shl(attempt).unwrap_or(u32::MAX);
        share(self.base.saturating_mul(doublings).min(self.cap), random)
    }
}

/// `time` and up to a tenth more.
#[must_use]
pub(super) fn stretched(time: Duration, random: u64) -> Duration {
    time.saturating_add(share(time / 10, random))
}

/// An even share of `time`: none of it for 0, nearly all for [`u64::MAX`].
#[must_use]
pub(super) fn share(time: Duration, random: u64) -> Duration {
    let nanos = time.as_nanos().saturating_mul(u128::from(random)) >> 64;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[rstest::rstest]
    #[case::never_waits_for_nothing(0, None, 0, 0)]
    #[case::first_pause_is_under_a_second(0, None, u64::MAX, 999)]
    #[case::half_way(0, None, u64::MAX / 2, 499)]
    #[case::doubles(3, None, u64::MAX, 7_999)]
    #[case::is_capped_before_the_jitter(9, None, u64::MAX / 2, 14_999)]
    #[case::stays_at_the_cap(4_000_000_000, None, u64::MAX, 29_999)]
    #[case::the_servers_wish_wins(0, Some(120), 0, 120_000)]
    #[case::and_is_stretched_by_a_tenth(9, Some(120), u64::MAX, 131_999)]
    #[case::a_mad_wish_is_not_obeyed(0, Some(u64::MAX), 0, 3_600_000)]
    fn pauses(
        #[case] attempt: u32,
        #[case] wish: Option<u64>,
        #[case] random: u64,
        #[case] expected_ms: u128,
    ) {
        let pause = Backoff::default().pause(attempt, wish.map(Duration::from_secs), random);
        assert_eq!(pause.as_millis(), expected_ms);
    }

    proptest! {
        #[test]
        fn a_pause_stays_in_its_bounds(attempt: u32, random: u64, wish in prop::option::of(0_u64..10_000)) {
            let pause = Backoff::default().pause(attempt, wish.map(Duration::from_secs), random);
            match wish {
                None => prop_assert!(pause < Duration::from_secs(30)),
                Some(wish) => {
                    let wish = Duration::from_secs(wish.min(3600));
                    prop_assert!(pause >= wish && pause <= wish.mul_f64(1.1));
                }
            }
        }
    }
}

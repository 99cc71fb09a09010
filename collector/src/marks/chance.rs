//! Chances. Floating point is right here: a chance decides whether a person looks, never a count.

use super::seen::Share;

/// A share as a chance that is neither 0 nor 1: one of each kind is added (Laplace's rule), so that
/// what was never seen is seldom and not impossible.
pub(super) fn chance_of(share: Share) -> f64 {
    real(share.part + 1) / real(share.of + 2)
}

/// The chance of `least` or more successes in `tries`, each with chance `p` between 0 and 1: the
/// binomial distribution's upper tail, summed term by term.
pub(super) fn at_least(least: u64, tries: u64, p: f64) -> f64 {
    if least > tries {
        return 0.0;
    }
    let (hit, miss) = (p.ln(), (1.0 - p).ln());
    let mut ways: f64 = (0..least)
        .map(|i| real(tries - i).ln() - real(i + 1).ln())
        .sum();
    let mut tail = 0.0;
    for n in least..=tries {
        tail += (ways + real(n) * hit + real(tries - n) * miss).exp();
        ways += real(tries - n).ln() - real(n + 1).ln();
    }
    tail.min(1.0)
}

/// A bound for the chance that among `ratings` in a row there are `run` top levels in a row: there
/// are fewer than `ratings` places where such a run can begin.
pub(super) fn run_among(run: u64, ratings: u64, p: f64) -> f64 {
    (real(ratings).ln() + real(run) * p.ln()).exp().min(1.0)
}

/// Exact up to 2^53, far above any count here.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of one day are far below 2^53"
)]
pub(super) const fn real(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 + b.abs() * 1e-9
    }

    #[rstest::rstest]
    #[case::none(0, 10, 0.3, 1.0)]
    #[case::one_of_two(1, 2, 0.5, 0.75)]
    #[case::all(3, 3, 0.5, 0.125)]
    #[case::too_many(4, 3, 0.5, 0.0)]
    // 10·0.1^9·0.9 + 0.1^10
    #[case::tail(9, 10, 0.1, 9.1e-9)]
    fn the_tail_is(#[case] least: u64, #[case] tries: u64, #[case] p: f64, #[case] expected: f64) {
        let tail = at_least(least, tries, p);
        assert!(close(tail, expected), "{tail} {expected}");
    }

    #[test]
    fn a_share_is_never_certain() {
        assert!(close(chance_of(Share { part: 0, of: 0 }), 0.5));
        assert!(chance_of(Share { part: 98, of: 98 }) < 1.0);
        assert!(chance_of(Share { part: 0, of: 98 }) > 0.0);
    }

    proptest::proptest! {
        #[test]
        fn more_successes_are_never_likelier(tries in 1_u64..200, least in 0_u64..200, p in 0.01_f64..0.99) {
            let (fewer, more) = (at_least(least, tries, p), at_least(least + 1, tries, p));
            proptest::prop_assert!(more <= fewer + 1e-12);
            proptest::prop_assert!((0.0..=1.0).contains(&fewer));
        }

        #[test]
        fn the_two_ends_make_the_whole(tries in 1_u64..150, least in 0_u64..150, p in 0.01_f64..0.99) {
            let least = least.min(tries);
            let fewer = if least == 0 { 0.0 } else { at_least(tries - least + 1, tries, 1.0 - p) };
            proptest::prop_assert!((at_least(least, tries, p) + fewer - 1.0).abs() < 1e-9);
        }
    }
}

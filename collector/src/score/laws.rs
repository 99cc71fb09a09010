//! What holds for any counts and any rounding.

use manyi_shared::domain::Level;
use proptest::prelude::*;

use super::*;

fn counts() -> impl Strategy<Value = Counts> {
    let count = prop_oneof![0..5_u64, 0..10_000_000_u64, any::<u64>()];
    proptest::array::uniform5(count).prop_map(Counts::of_levels)
}

fn rounding() -> impl Strategy<Value = Rounding> {
    (prop::sample::select(&RoundingMode::ALL[..]), 0..=MAX_DIGITS)
        .prop_map(|(mode, digits)| Rounding::new(mode, digits).unwrap())
}

fn units(figure: &Figure) -> Option<u128> {
    figure.value().ok().map(Decimal::units)
}

proptest! {
    #[test]
    fn rates_stay_between_0_and_100_and_the_mean_between_0_and_10(counts in counts(), rounding in rounding()) {
        let scores = Scores::of(&counts, rounding);
        let hundred = Decimal::whole(100, rounding.digits()).units();
        for rate in [scores.bad_rate, scores.satisfaction_rate].into_iter().chain(scores.level_shares.map(|(_, f)| f)) {
            prop_assert!(units(&rate).is_none_or(|u| u <= hundred), "{rate:?}");
        }
        prop_assert!(units(&scores.mean).is_none_or(|u| u <= hundred / 10), "{:?}", scores.mean);
    }

    #[test]
    fn with_a_bad_rating_nothing_prints_as_perfect(counts in counts(), rounding in rounding()) {
        let scores = Scores::of(&counts, rounding);
        let hundred = Decimal::whole(100, rounding.digits()).units();
        if counts.bad() > 0 {
            prop_assert!(units(&scores.satisfaction_rate).unwrap() < hundred);
            prop_assert!(units(&scores.mean).unwrap() < hundred / 10);
            prop_assert!(units(&scores.bad_rate).unwrap() > 0);
            prop_assert!(units(&scores.level_shares[0].1).unwrap() < hundred);
        } else if counts.rated() > 0 {
            prop_assert_eq!(units(&scores.satisfaction_rate), Some(hundred));
            prop_assert_eq!(units(&scores.bad_rate), Some(0));
        }
    }

    #[test]
    fn the_exact_shares_of_the_levels_make_the_whole(counts in counts()) {
        let scores = Scores::of(&counts, Rounding::default());
        let numerators: u128 = scores.level_shares.iter().map(|(_, share)| share.numerator()).sum();
        for (_, share) in scores.level_shares {
            prop_assert_eq!(share.denominator(), Some(numerators));
        }
        prop_assert_eq!(scores.satisfaction_rate.numerator() + scores.bad_rate.numerator(), numerators);
    }

    #[test]
    fn one_more_bad_rating_never_raises_a_score(levels in proptest::array::uniform5(0..1_000_000_u64), rounding in rounding()) {
        let [five, four, three, two, one] = levels;
        prop_assume!(levels.iter().sum::<u64>() > 0);
        let before = Scores::of(&Counts::of_levels(levels), rounding);
        let after = Scores::of(&Counts::of_levels([five, four, three, two, one + 1]), rounding);
        prop_assert!(units(&after.mean) <= units(&before.mean));
        prop_assert!(units(&after.satisfaction_rate) <= units(&before.satisfaction_rate));
        prop_assert!(units(&after.bad_rate) >= units(&before.bad_rate));
    }

    #[test]
    fn truncating_never_prints_more_than_rounding_half_up(part in 0..1_000_000_u128, more in 1..1_000_000_u128, digits in 0..=MAX_DIGITS) {
        let at = |mode| Rounding::new(mode, digits).unwrap().print(part, part + more).unwrap().units();
        let (cut, rounded) = (at(RoundingMode::Truncate), at(RoundingMode::HalfUp));
        prop_assert!(cut <= rounded && rounded <= cut + 1);
    }

    #[test]
    fn a_mean_published_by_either_rounding_is_reproducible(counts in counts(), rounding in rounding()) {
        prop_assume!(counts.rated() > 0);
        let points: u128 = Level::ALL.into_iter().zip([10, 8, 6, 3, 0]).map(|(l, p)| p * counts.level(l)).sum();
        let published = rounding.print(points, counts.rated()).unwrap();
        prop_assert!(check_claimed_mean(published, &counts).modes().contains(&rounding.mode()));
    }
}

//! Published tables come out as printed by their publishers. The counts and the printed figures are
//! the publishers' own; which rounding each used is inferred from them.

use manyi_shared::domain::Level;

use super::*;

fn rounding(mode: RoundingMode, digits: u8) -> Rounding {
    Rounding::new(mode, digits).unwrap()
}

fn printed(figure: &Figure) -> String {
    figure
        .value()
        .map_or_else(|absent| absent.name().to_owned(), |value| value.to_string())
}

/// Guangdong, January 2020 <http://zfsg.gd.gov.cn/zwgk/tjxx/content/post_2889813.html> \[P\].
fn guangdong() -> Counts {
    Counts::of_levels([445_832, 34_635, 1_638_682, 210, 935])
}

#[test]
fn guangdong_january_2020_channels_add_up_as_published() {
    let channels = [1_488_847, 5_345, 692, 241, 645_313, 56_922, 763, 553_964]
        .map(|n| ("channel".to_owned(), n));
    assert_eq!(Shares::of(&channels, Rounding::default()).total, 2_752_087);
}

#[test]
fn guangdong_january_2020_levels_give_these_figures() {
    let counts = guangdong();
    assert_eq!((counts.rated(), counts.bad()), (2_120_294, 1_145));

    let scores = Scores::of(&counts, rounding(RoundingMode::HalfUp, 2));
    let [_, _, (Level::BasicallySatisfied, basically_satisfied), _, _] = scores.level_shares else {
        panic!("levels out of order: {:?}", scores.level_shares);
    };
    assert_eq!(printed(&basically_satisfied), "77.29");

    let scores = Scores::of(&counts, rounding(RoundingMode::Truncate, 4));
    assert_eq!(printed(&scores.bad_rate), "0.0540");
    assert_eq!(printed(&scores.mean), "6.8708");
    assert_eq!(printed(&scores.participation), "prompts_not_given");
}

#[test]
fn the_published_mean_of_guangdong_january_2020_is_not_reproducible() {
    let claim = check_claimed_mean("7.8".parse().unwrap(), &guangdong());
    assert!(!claim.reproducible());
    assert_eq!(claim.computed.unwrap().to_string(), "6.870802822");
    assert!(
        claim
            .explanation()
            .en
            .contains("6.9 rounded half up and 6.8 truncated"),
        "{claim:?}"
    );
}

#[rstest::rstest]
#[case("6.9", &[RoundingMode::HalfUp])]
#[case("6.8", &[RoundingMode::Truncate])]
#[case("6.87", &[RoundingMode::HalfUp, RoundingMode::Truncate])]
#[case("7", &[RoundingMode::HalfUp])]
#[case("6", &[RoundingMode::Truncate])]
#[case("6.88", &[])]
fn a_claimed_mean_is_reproduced_by(#[case] claim: &str, #[case] modes: &[RoundingMode]) {
    assert_eq!(
        check_claimed_mean(claim.parse().unwrap(), &guangdong()).modes(),
        modes
    );
}

/// Weiyuan county, Gansu, 2020
/// <http://xianyu.chinaxiaokang.com/dingxishi/weiyuanxian/huizhan/2021/0107/4143644.html> \[N\].
#[test]
fn weiyuan_2020_channel_shares_come_out_as_printed() {
    let table = [
        ("大厅其他终端", 9_958, "40.16"),
        ("移动", 6_358, "25.64"),
        ("PC", 4_581, "18.48"),
        ("大厅平板", 3_885, "15.67"),
        ("短信", 8, "0.03"),
        ("二维码", 3, "0.01"),
    ];
    let counts = table.map(|(name, n, _)| (name.to_owned(), n));
    let shares = Shares::of(&counts, rounding(RoundingMode::HalfUp, 2));

    assert_eq!(shares.total, 24_793);
    for (row, (name, n, share)) in shares.rows.iter().zip(table) {
        assert_eq!(
            (
                row.name.as_str(),
                row.share.numerator(),
                printed(&row.share)
            ),
            (name, u128::from(n), share.to_owned())
        );
    }
    assert_eq!(shares.printed_sum.unwrap().to_string(), "99.99");
}

#[rstest::rstest]
#[case::county(24_793, "99.95", &[12, 13])]
#[case::townships(20_111, "99.93", &[14, 15])]
fn weiyuan_2020_satisfaction_rates_follow_from_these_bad_counts(
    #[case] total: u64,
    #[case] rate: &str,
    #[case] bad_counts: &[u64],
) {
    let prints = |bad: &u64| {
        let counts = Counts::of_levels([total - bad, 0, 0, *bad, 0]);
        printed(&Scores::of(&counts, rounding(RoundingMode::HalfUp, 2)).satisfaction_rate) == rate
    };
    assert_eq!((0..100).filter(prints).collect::<Vec<_>>(), bad_counts);
}

/// Kaifeng, 2021 <http://www.ceirp.cn/zhzw/hyyw/2022-01-14/8208.html> \[N\]: 9 bad of some 5 150 000.
#[test]
fn kaifeng_2021_prints_99_99_and_never_100() {
    let counts = Counts::of_levels([5_149_991, 0, 0, 9, 0]);

    let truncated = Scores::of(&counts, rounding(RoundingMode::Truncate, 2)).satisfaction_rate;
    assert_eq!(
        (printed(&truncated), truncated.note()),
        ("99.99".to_owned(), None)
    );

    let half_up = rounding(RoundingMode::HalfUp, 2);
    assert_eq!(
        half_up
            .print(100 * 5_149_991, 5_150_000)
            .unwrap()
            .to_string(),
        "100.00"
    );
    let scores = Scores::of(&counts, half_up);
    assert_eq!(printed(&scores.satisfaction_rate), "99.99");
    assert_eq!(scores.satisfaction_rate.note(), Some(Note::HeldBelowWhole));
    assert_eq!(
        (printed(&scores.bad_rate), scores.bad_rate.note()),
        ("0.01".to_owned(), Some(Note::HeldAboveZero))
    );
}

#[test]
fn without_a_rating_no_figure_has_a_value() {
    let scores = Scores::of(&Counts::none(), Rounding::default());
    assert_eq!(printed(&scores.mean), "no_ratings");
    assert_eq!(printed(&scores.satisfaction_rate), "no_ratings");
    assert_eq!(printed(&scores.participation), "no_answerable_prompts");
}

#[test]
fn unanswered_and_defaulted_prompts_enter_no_satisfaction_rate() {
    let ratings = Counts::of_levels([1, 2, 3, 4, 5]);
    let all = ratings.with_defaulted(1_000).with_unrated(Unrated {
        declined: 10,
        timed_out: 20,
        withdrawn: 40,
        fault: 80,
    });
    let (alone, beside) = (
        Scores::of(&ratings, Rounding::default()),
        Scores::of(&all, Rounding::default()),
    );
    assert_eq!(alone.mean, beside.mean);
    assert_eq!(alone.satisfaction_rate, beside.satisfaction_rate);
    assert_eq!(alone.level_shares, beside.level_shares);
    assert_eq!(
        (
            beside.participation.numerator(),
            beside.participation.denominator()
        ),
        (15, Some(45))
    );
    assert_eq!(printed(&beside.participation), "33.33");
}

//! Definitions as read, and what they come to.

use manyi_shared::domain::Level;
use proptest::prelude::*;

use super::*;
use crate::score::{Counts, FigureKind, Rounding, RoundingMode, Scores, Unrated};

const EXAMPLE: &str = include_str!("../../../deploy/indicators.example.toml");

const DAY: u32 = 20_261_031;

fn built_in() -> Definitions {
    file::built_in().unwrap()
}

fn with(text: &str) -> Result<Definitions, String> {
    let mut definitions = built_in();
    let read = file::read(&mut definitions, "indicators.toml", text);
    read.map(|()| definitions)
        .map_err(|fault| fault.to_string())
}

/// The figures of `score` and the indicators that they are.
fn figures() -> [(FigureKind, &'static str); 4] {
    [
        (FigureKind::Mean, "mean"),
        (FigureKind::SatisfactionRate, "satisfaction_rate"),
        (FigureKind::BadRate, "bad_rate"),
        (FigureKind::Participation, "participation"),
    ]
}

#[test]
fn a_figure_is_called_explained_and_rounded_as_its_definition_says() {
    let definitions = built_in();
    for (kind, id) in figures() {
        let indicator = definitions.in_force(id, DAY).unwrap();
        let told = kind.definition();
        assert_eq!(kind.name(), id);
        assert_eq!(told.title, indicator.name, "{id}");
        assert_eq!(told.formula, indicator.formula(), "{id}");
        assert_eq!(told.scope, indicator.scope, "{id}");
        assert_eq!(kind.unit(), indicator.unit, "{id}");
        assert_eq!(indicator.rounding, Rounding::default(), "{id}");
    }
}

fn counts() -> impl Strategy<Value = Counts> {
    let count = || prop_oneof![0..5_u64, 0..10_000_000_u64];
    let unrated = proptest::array::uniform4(count());
    (proptest::array::uniform5(count()), unrated).prop_map(|(levels, [a, b, c, d])| {
        Counts::of_levels(levels).with_unrated(Unrated {
            declined: a.into(),
            timed_out: b.into(),
            withdrawn: c.into(),
            fault: d.into(),
        })
    })
}

fn rounding() -> impl Strategy<Value = Rounding> {
    let mode = prop::sample::select(&RoundingMode::ALL[..]);
    (mode, 0..=9_u8).prop_map(|(mode, digits)| Rounding::new(mode, digits).unwrap())
}

proptest! {
    #[test]
    fn a_definition_comes_to_what_the_figure_of_its_name_comes_to(counts in counts(), rounding in rounding()) {
        let definitions = built_in();
        let scores = Scores::of(&counts, rounding);
        let of_scores = [scores.mean, scores.satisfaction_rate, scores.bad_rate, scores.participation];
        for figure in of_scores {
            let indicator = definitions.in_force(figure.kind().name(), DAY).unwrap();
            let value = indicator.rounded(&Quantities::of(&counts), rounding);
            prop_assert_eq!(value.numerator, Some(figure.numerator()));
            prop_assert_eq!(value.denominator, figure.denominator());
            prop_assert_eq!(value.value.ok(), figure.value().ok());
            prop_assert_eq!(value.note, figure.note());
        }
    }
}

#[test]
fn what_is_not_counted_is_named_and_never_taken_for_zero() {
    let definitions = built_in();
    let quantities = Quantities::of(&Counts::of_levels([9, 0, 0, 1, 0]));
    let on_time = definitions.in_force("rectification_on_time", DAY).unwrap();
    let value = on_time.value(&quantities);
    assert_eq!(
        value.value,
        Err(Missing::Unknown(Quantity::CasesRectifiedInTime))
    );
    assert_eq!(
        Missing::Unknown(Quantity::CasesRectifiedInTime).text().zh,
        "尚未统计“按期整改数”"
    );
    let known = quantities
        .with(Quantity::CasesRectifiedInTime, 184)
        .with(Quantity::CasesValid, 185);
    assert_eq!(on_time.value(&known).value.unwrap().to_string(), "99.46");
    let none = known
        .with(Quantity::CasesRectifiedInTime, 0)
        .with(Quantity::CasesValid, 0);
    assert_eq!(on_time.value(&none).value, Err(Missing::NoDenominator));
}

/// Kaifeng 2021, as in `score::published`: 93.62 % active of some 5.5 million.
#[test]
fn the_active_rating_rate_of_kaifeng_comes_out_as_printed() {
    let counts = Counts::of_levels([5_149_991, 0, 0, 9, 0]).with_defaulted(350_961);
    let definitions = built_in();
    let active = definitions.in_force("active_rating_rate", DAY).unwrap();
    let value = active.value(&Quantities::of(&counts)).value.unwrap();
    assert_eq!(value.to_string(), "93.62");
}

#[test]
fn the_example_file_reads_and_its_composite_is_the_sum_of_the_printed_parts() {
    let definitions = with(EXAMPLE).unwrap();
    let composite = definitions.composites_in_force(DAY).next().unwrap();
    // 2 bad of 300: 99.33 % reaches 98; 300 of 400 prompts: 75 of 80; 95 of 96 windows.
    let counts = Counts::of_levels([298, 0, 0, 2, 0]).with_unrated(Unrated {
        timed_out: 100,
        ..Unrated::default()
    });
    let quantities = Quantities::of(&counts)
        .with(Quantity::Windows, 96)
        .with(Quantity::WindowsRated, 95);
    let value = composite.value(&definitions, DAY, &quantities);
    let points: Vec<String> = value
        .parts
        .iter()
        .map(|p| p.points.unwrap().to_string())
        .collect();
    // 30 × 75.00 ÷ 80 = 28.125; 20 × 98.96 ÷ 100 = 19.792.
    assert_eq!(points, ["50.00", "28.13", "19.79"]);
    assert_eq!(value.total.unwrap().to_string(), "97.92");

    let less = composite.value(&definitions, DAY, &Quantities::of(&counts));
    assert_eq!((less.parts[2].points, less.total), (None, None));
}

#[test]
fn the_version_in_force_is_the_newest_whose_day_has_come() {
    let text = r#"
[[indicator]]
id = "mean"
version = 2
since = "2027-01-01"
name = { zh = "平均分", en = "Mean points" }
numerator = ["100 * level_5", "0 * level_1"]
denominator = ["rated"]
unit = "points"
rounding = "truncate"
digits = 1
scope = { zh = "一", en = "one" }
source = ["https://example.org/"]
"#;
    let definitions = with(text).unwrap();
    let version = |day| definitions.in_force("mean", day).map(|found| found.version);
    assert_eq!(
        (
            version(20_251_231),
            version(20_261_231),
            version(20_270_101)
        ),
        (None, Some(1), Some(2))
    );
}

const GOOD: &str = r#"[[indicator]]
id = "one"
version = 1
since = "2026-01-01"
name = { zh = "一", en = "one" }
numerator = ["level_5"]
denominator = ["rated"]
unit = "percent"
rounding = "half_up"
digits = 2
scope = { zh = "一", en = "one" }
source = ["https://example.org/"]
"#;

#[rstest::rstest]
#[case::quantity(
    "\"level_5\"",
    "\"level_6\"",
    "line 6, column 13",
    "`level_6` is not counted; there are: level_5"
)]
#[case::term("\"level_5\"", "\"x * level_5\"", "line 6", "is no term such as")]
#[case::unknown_field("digits = 2", "digits = 2\ndigit = 3", "line 11", "digit")]
#[case::missing_field("digits = 2\n", "", "line 1", "digits")]
#[case::unit(
    "\"percent\"",
    "\"percents\"",
    "line 8",
    "expected `points` or `percent`"
)]
#[case::day("\"2026-01-01\"", "\"2026-02-30\"", "line 4", "is no day")]
#[case::digits("digits = 2", "digits = 10", "line 2", "must be 0 to 9")]
#[case::id("\"one\"\nversion", "\"One\"\nversion", "line 2", "1 to 40 of a to z")]
#[case::source("[\"https://example.org/\"]", "[]", "line 2", "at least one address")]
#[case::first_version("version = 1", "version = 2", "line 2", "the first version must be 1")]
#[case::changed(
    "\"one\"\nversion",
    "\"mean\"\nversion",
    "line 2",
    "a definition is never changed; give this one version 2"
)]
#[case::nothing("[\"rated\"]", "[]", "line 2", "must name a quantity")]
fn a_wrong_file_is_refused_by_file_line_and_field(
    #[case] old: &str,
    #[case] new: &str,
    #[case] line: &str,
    #[case] words: &str,
) {
    with(GOOD).unwrap();
    assert!(GOOD.contains(old), "{old}");
    let error = with(&GOOD.replacen(old, new, 1)).unwrap_err();
    for expected in ["indicators.toml", line, words] {
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn a_composite_of_what_is_not_there_is_refused() {
    let text = EXAMPLE.replace("\"window_coverage\"", "\"windows_coverage\"");
    let error = with(&text).unwrap_err();
    assert!(
        error.contains("part `windows_coverage` is no indicator; there are: active"),
        "{error}"
    );
    let text = EXAMPLE.replace("weight = \"50\"", "weight = \"0\"");
    assert!(with(&text).unwrap_err().contains("must be above 0"));
}

#[test]
fn the_levels_have_the_points_of_the_published_rule() {
    let definitions = built_in();
    let mean = definitions.in_force("mean", DAY).unwrap();
    let weights: Vec<u16> = mean.numerator.iter().map(|term| term.weight).collect();
    assert_eq!(weights, [10, 8, 6, 3, 0]);
    assert_eq!(Level::ALL.len(), weights.len());
    assert_eq!(
        mean.expression(),
        "(10*level_5 + 8*level_4 + 6*level_3 + 3*level_2 + 0*level_1) / (rated)"
    );
}

//! What each rule finds, and what it leaves alone.

use std::collections::BTreeSet;

use manyi_shared::domain::{Level, StreamId, TerminalId, Trigger};
use proptest::prelude::*;

use super::seen::Share;
use super::*;

fn rules() -> Rules {
    file::read("rules.toml", include_str!("../../marks/rules.toml")).unwrap()
}

fn seen(seq: u64, at_s: i64, level: Level) -> Seen {
    Seen {
        place: Place {
            terminal: TerminalId::from_bytes([1; 16]),
            stream: StreamId::from_bytes([2; 16]),
            seq,
        },
        window: "A01".to_owned(),
        staff: "S1".to_owned(),
        has_matter: true,
        trigger: Some(Trigger::Api),
        level,
        response_ms: Some(4200),
        at_ms: 1_774_314_000_000 + at_s * 1000,
    }
}

/// A calm day: a rating every few minutes, the levels as they come.
fn calm() -> Vec<Seen> {
    let gaps = [0, 310, 545, 1100, 1290, 1800, 2405, 2600, 3300, 3911];
    let levels = [Level::VerySatisfied, Level::Satisfied];
    let day = (1..).zip(gaps).zip(levels.into_iter().cycle());
    day.map(|((seq, at), level)| seen(seq, at, level)).collect()
}

/// 80 of 100 ratings were of the top level, 100 of 100 named an item.
fn usual() -> Usual {
    let share = |part, of| Share { part, of };
    Usual {
        top: [
            (("A01".to_owned(), "S1".to_owned()), share(80, 100)),
            (("A01".to_owned(), "S2".to_owned()), share(80, 100)),
        ]
        .into(),
        matter: [("A01".to_owned(), share(100, 100))].into(),
    }
}

fn found(day: &[Seen], usual: &Usual) -> Vec<(u64, Rule)> {
    let found = find(day, usual, &rules());
    found
        .into_iter()
        .map(|mark| (mark.place.seq, mark.rule))
        .collect()
}

#[test]
fn a_calm_day_has_no_mark() {
    assert_eq!(found(&calm(), &usual()), []);
}

#[test]
fn an_answer_before_anybody_could_read_is_marked_with_its_time() {
    let mut day = calm();
    day[3].response_ms = Some(420);
    day[4].response_ms = Some(1000);
    day[5].response_ms = None;
    let marks = find(&day, &usual(), &rules());
    assert_eq!(marks.len(), 1);
    assert_eq!(
        (marks[0].place.seq, marks[0].rule, marks[0].reason.as_str()),
        (4, Rule::TooSoon, "response_ms=420 below_ms=1000")
    );
}

#[test]
fn five_ratings_in_a_minute_at_one_window_are_a_burst_and_four_are_not() {
    let mut day = calm();
    let burst = [5000, 5009, 5031, 5040, 5060];
    day.extend(
        (11..)
            .zip(burst)
            .map(|(seq, at)| seen(seq, at, Level::Satisfied)),
    );
    let all = BTreeSet::from([11, 12, 13, 14, 15]);
    let marked: BTreeSet<u64> = found(&day, &usual())
        .into_iter()
        .map(|(seq, _)| seq)
        .collect();
    assert_eq!(marked, all);

    day.pop();
    assert_eq!(found(&day, &usual()), []);
    let mut other = seen(15, 5060, Level::Satisfied);
    other.window = "A02".to_owned();
    day.push(other);
    assert_eq!(found(&day, &usual()), []);
}

#[test]
fn the_same_interval_again_and_again_is_a_rhythm() {
    let machine = (1..=8).map(|n| seen(n, i64::try_from(n).unwrap() * 90, Level::Satisfied));
    let day: Vec<Seen> = machine.collect();
    let marks = found(&day, &usual());
    let expected: Vec<_> = (1..=8).map(|seq| (seq, Rule::Rhythm)).collect();
    assert_eq!(marks, expected);
    // Six ratings have five intervals only.
    assert_eq!(found(&day[..6], &usual()), []);
    // One a quarter of an hour may be a timetable.
    let slow: Vec<Seen> = (1..=8)
        .map(|n| seen(n, i64::try_from(n).unwrap() * 900, Level::Satisfied))
        .collect();
    assert_eq!(found(&slow, &usual()), []);
}

#[test]
fn a_rating_without_a_matter_is_marked_where_others_name_one() {
    let mut day = calm();
    day[2].has_matter = false;
    day[2].trigger = Some(Trigger::Clerk);
    day[4].has_matter = false;
    day[4].trigger = Some(Trigger::Api);
    assert_eq!(found(&day, &usual()), [(3, Rule::NoMatter)]);

    let mut seldom = usual();
    seldom
        .matter
        .insert("A01".to_owned(), Share { part: 79, of: 100 });
    assert_eq!(found(&day, &seldom), []);
    seldom
        .matter
        .insert("A01".to_owned(), Share { part: 49, of: 49 });
    assert_eq!(found(&day, &seldom), []);
}

/// 30 ratings of clerk S1 far enough apart, `top` of them of the top level, one other after each few.
fn shift(top: u64) -> Vec<Seen> {
    let level = |n: u64| {
        if n < top {
            Level::VerySatisfied
        } else {
            Level::Satisfied
        }
    };
    // Not in a row: the tops are spread, so that no streak is in it.
    let order = (0..30_u64).map(|n| (n * 7) % 30);
    let day = (1..).zip(order);
    let gap = |seq: i64| seq * 400 + (seq * seq * 37) % 171;
    day.map(|(seq, n)| seen(seq, gap(i64::try_from(seq).unwrap()), level(n)))
        .collect()
}

#[test]
fn a_clerk_far_above_the_others_of_the_window_is_marked() {
    let mut usual = usual();
    // The others: half of 200 ratings.
    usual.top.insert(
        ("A01".to_owned(), "S2".to_owned()),
        Share { part: 100, of: 200 },
    );
    // 28 of 30 at one half: 4.3e-7. 24 of 30: 7.2e-4.
    let marks = find(&shift(28), &usual, &rules());
    assert_eq!(marks.len(), 28);
    assert_eq!(marks[0].rule, Rule::OwnShift);
    assert!(
        marks[0]
            .reason
            .starts_with("top=28/30 others=100/200 chance=4"),
        "{}",
        marks[0].reason
    );
    assert_eq!(found(&shift(24), &usual), []);
    // Without others there is nothing to compare with.
    usual.top.remove(&("A01".to_owned(), "S2".to_owned()));
    assert_eq!(found(&shift(28), &usual), []);
}

#[test]
fn a_streak_is_marked_only_where_the_window_is_not_always_so() {
    let mut day: Vec<Seen> = shift(0);
    for seen in &mut day[..15] {
        seen.level = Level::VerySatisfied;
        seen.staff = String::new();
    }
    let half = |part| Usual {
        top: [(("A01".to_owned(), "S2".to_owned()), Share { part, of: 100 })].into(),
        ..Usual::default()
    };
    // 30 × 0.3^15 = 4e-7; at nine tenths: 30 × 0.9^15 is more than one.
    let expected: Vec<_> = (1..=15).map(|seq| (seq, Rule::TopStreak)).collect();
    assert_eq!(found(&day, &half(30)), expected);
    assert_eq!(found(&day, &half(90)), []);
}

fn any_day() -> impl Strategy<Value = Vec<Seen>> {
    let one = (
        0..4_000_i64,
        1..=5_u8,
        proptest::option::of(0..3_000_u32),
        any::<bool>(),
        0..3_usize,
    );
    proptest::collection::vec(one, 0..60).prop_map(|ratings| {
        let day = (1..).zip(ratings);
        let rating = |(seq, (at, level, response, matter, staff)): (_, (_, _, _, _, usize))| Seen {
            staff: ["", "S1", "S2"][staff].to_owned(),
            response_ms: response,
            has_matter: matter,
            trigger: Some(Trigger::Clerk),
            ..seen(seq, at, Level::try_from(level).unwrap())
        };
        day.map(rating).collect()
    })
}

proptest! {
    #[test]
    fn the_same_day_gives_the_same_marks_in_whatever_order_it_came(day in any_day().prop_shuffle()) {
        let mut sorted = day.clone();
        sorted.sort_by_key(|seen| seen.place);
        let (a, b) = (find(&day, &usual(), &rules()), find(&sorted, &usual(), &rules()));
        prop_assert_eq!(&a, &b);
        let keys: BTreeSet<_> = a.iter().map(|mark| (mark.place, mark.rule)).collect();
        prop_assert_eq!(keys.len(), a.len());
    }
}

#[rstest::rstest]
#[case("version = 0", "`version` must be 1 or more")]
#[case(
    "version = 1\n[burst]\nratings = 1\nseconds = 60",
    "`burst.ratings` must be 2 to 1000"
)]
#[case("version = 1\n[burst]\nratings = 5", "seconds")]
#[case("version = 1\n[brust]\nratings = 5", "brust")]
#[case("version = 1\n[too_soon]\nbelow_ms = \"soon\"", "line 3")]
fn wrong_thresholds_are_refused_by_name(#[case] text: &str, #[case] words: &str) {
    let error = file::read("marks.toml", text).unwrap_err().to_string();
    assert!(
        error.contains("marks.toml") && error.contains(words),
        "{error}"
    );
}

#[test]
fn a_rule_without_thresholds_is_not_used() {
    let rules = file::read("marks.toml", "version = 3").unwrap();
    let mut day = calm();
    day[3].response_ms = Some(1);
    assert_eq!(find(&day, &usual(), &rules), []);
}

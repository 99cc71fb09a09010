//! Power cuts: the journal keeps what citizens were thanked for, whatever a cut leaves on the card.
//!
//! `MANYI_POWER_SEED` sets the seed; `MANYI_POWER_STATE` (story.cut.variant, as a failure prints it)
//! looks at that one state. More states: `sh tests/run --long power-cut`.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use std::time::Instant;

use manyi_e2e::citizens::note;
use manyi_e2e::power::campaign::{
    self, STEPS, Sabotage, Shape, StateId, Verdict, campaign, many_deaths, record,
};
use manyi_e2e::power::story::{JOURNAL, opening, reading};
use manyi_e2e::power::{again, liars, salvage};
use manyi_shared::journal::{Writer, open_or_set_aside};

const SHAPE: Shape = Shape {
    steps: STEPS,
    variants: 8,
    threads: 2,
    sabotage: Sabotage::None,
};

fn seed() -> u64 {
    std::env::var("MANYI_POWER_SEED").map_or(1, |seed| seed.parse().unwrap())
}

fn assert_clean(verdict: &Verdict) {
    let lines = verdict.lines(seed());
    assert!(verdict.failures.is_empty(), "{}\n{lines}", summary(verdict));
}

fn summary(verdict: &Verdict) -> String {
    let Verdict {
        states,
        cuts,
        thanked,
        ..
    } = verdict;
    format!("{states} states of {cuts} cuts, {thanked} thank-yous")
}

#[test]
fn no_power_cut_takes_doubles_or_changes_what_a_citizen_was_thanked_for() {
    if let Ok(state) = std::env::var("MANYI_POWER_STATE") {
        let state: StateId = state.parse().unwrap();
        let recording = record(seed(), state.story, SHAPE.steps).unwrap();
        let (files, findings) = recording.replay(state, Sabotage::None).unwrap();
        let sizes: Vec<_> = files
            .iter()
            .map(|(name, data)| (name, data.len()))
            .collect();
        assert!(findings.is_clean(), "{sizes:?}\n{}", findings.lines());
        return;
    }
    let verdict = campaign(seed(), 20_000, SHAPE, &|_| {}).unwrap();
    assert_clean(&verdict);
    assert!(
        verdict.states >= 20_000 && verdict.thanked > 50,
        "{}",
        summary(&verdict)
    );
}

#[test]
fn a_tablet_that_dies_again_and_again_never_gives_a_position_other_bytes() {
    for number in 0..40 {
        let verdict = many_deaths(seed(), number, 12, 12).unwrap();
        assert_clean(&verdict);
    }
}

#[test]
fn a_terminal_on_a_disk_that_lied_seals_ratings_saves_what_is_readable_and_admits_the_rest() {
    if let Ok(state) = std::env::var("MANYI_POWER_LIE") {
        let state: StateId = state.parse().unwrap();
        let recording = record(seed(), state.story, SHAPE.steps).unwrap();
        let (_, lies, start) = liars::one(&recording, state.variant as u64).unwrap();
        assert!(
            start.findings.is_clean(),
            "{lies}\n{}",
            start.findings.lines()
        );
        return;
    }
    let verdict = liars::campaign(seed(), 2_000, SHAPE.steps, 2, &|_| {}).unwrap();
    assert!(
        verdict.failures.is_empty(),
        "{verdict}\n{}",
        verdict.lines(seed())
    );
    assert!(verdict.set_aside > 200 && verdict.told > 0, "{verdict}");
    let lines = verdict.lines(seed());
    assert_eq!(
        (verdict.missed, verdict.unproved),
        (0, 0),
        "{verdict}\n{lines}"
    );
}

#[test]
fn a_power_cut_in_a_salvage_changes_nothing_about_where_it_ends() {
    let (mut states, mut saved) = (0, 0);
    for story in 0..15 {
        // Some long ones: records behind a hole, which come rescued.
        let steps = if story < 10 { SHAPE.steps } else { 120 };
        let recording = record(seed(), story, steps).unwrap();
        for variant in 0..4 {
            let again = again::cut_again(&recording, variant, 20).unwrap();
            assert!(again.findings.is_clean(), "{}", again.findings.lines());
            states += again.states;
            saved += again.saved + again.rescued;
        }
    }
    assert!(
        states == 1_200 && saved > 200,
        "{states} states, {saved} saved"
    );
}

/// The test must be able to fail: a disk that skips one kind of sync loses ratings, and it is seen.
#[test]
fn a_sync_that_is_left_out_is_found_out() {
    for sabotage in [Sabotage::Log, Sabotage::Database, Sabotage::Folder] {
        let recording = record(seed(), 0, SHAPE.steps).unwrap();
        let verdict = recording
            .cut_everywhere(Shape { sabotage, ..SHAPE }, &|_| {})
            .unwrap();
        let lost = |failure: &&campaign::Failure| {
            !failure.findings.lost.is_empty() || !failure.findings.unreadable.is_empty()
        };
        let found = verdict.failures.iter().filter(lost).count();
        assert!(
            found > 0,
            "{sabotage:?}: nothing is lost in {}",
            summary(&verdict)
        );
    }
}

/// A journal at its cap, whole and damaged: how long a start takes until a rating is sealed, and until
/// everything is put back.
#[test]
#[ignore = "a measurement of a minute: cargo test -p manyi-e2e --test power -- --ignored --nocapture"]
fn the_start_with_a_journal_of_64_mib() {
    let folder = campaign::scratch().unwrap();
    let path = folder.path().join(JOURNAL);
    let mut writer = Writer::open(&path, &opening().unwrap(), reading(1)).unwrap();
    let mut sealed = 0_u64;
    while !sealed.is_multiple_of(1_000)
        || std::fs::metadata(&path).unwrap().len() < 63 * 1024 * 1024
    {
        sealed += 1;
        writer.append(salvage::rating(), &reading(sealed)).unwrap();
    }
    drop(writer);
    for damaged in [false, true] {
        if damaged {
            let mut bytes = std::fs::read(&path).unwrap();
            // Where the first page counts its cells: SQLite finds no table any more.
            bytes[103..105].fill(0xff);
            std::fs::write(&path, bytes).unwrap();
        }
        let began = Instant::now();
        let now = reading(sealed + 1_000);
        let (mut writer, mut work) = open_or_set_aside(&path, &opening().unwrap(), now).unwrap();
        writer.append(salvage::rating(), &now).unwrap();
        let usable = began.elapsed();
        while work.step(&mut writer, &now).unwrap() {}
        note(format_args!(
            "{sealed} ratings, damaged: {damaged}: a rating sealed after {usable:?}, all put back \
             ({} records) after {:?}",
            work.so_far().saved,
            began.elapsed()
        ));
        assert!(usable <= salvage::USABLE_WITHIN, "{usable:?}");
        assert_eq!(work.so_far().saved > sealed, damaged);
    }
}

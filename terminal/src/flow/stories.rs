//! What the tables cannot say: several events in a row.

use manyi_shared::domain::{Level, PromptId, ServiceEvent};

use super::run::{GUARD, Run, at, code, id, opened, prompt, rules, stream, why};
use super::*;

#[test]
fn a_touch_inside_the_guard_time_is_nothing() {
    let mut run = Run::idle();
    run.hear(prompt())
        .later(GUARD - 1)
        .touch(Target::Level(Level::VerySatisfied));
    assert_eq!(run.did(), ["accepted 1", "asking 1"]);
    assert!(!run.flow.view(run.now).input);
    run.later(1);
    assert!(run.flow.view(run.now).input);
    run.touch(Target::Level(Level::VerySatisfied));
    assert_eq!(run.did(), ["seal 1 rated 5 0"]);
}

#[test]
fn a_touch_made_for_the_prompt_before_is_nothing() {
    let mut run = Run::asking();
    let old = run.flow.view(run.now).serial;
    run.hear(prompt()).sealed().later(GUARD).did();
    let target = Target::Level(Level::VeryDissatisfied);
    run.hear(Event::Touch(Touch {
        serial: old,
        target,
    }));
    assert_eq!(run.did(), [""; 0]);
}

#[test]
fn a_chip_tapped_twice_is_not_chosen_and_a_chip_of_another_level_never_is() {
    let mut run = at("reasons");
    run.touch(Target::Tag(code(207)))
        .touch(Target::Tag(code(207)));
    run.touch(Target::Tag(code(510)))
        .touch(Target::Tag(code(299)))
        .touch(Target::Submit);
    assert_eq!((run.page(), run.did()), ("thanks", Vec::new()));
}

#[test]
fn every_touch_of_a_chip_gives_the_whole_time_again() {
    let mut run = Run::reasons();
    run.later(15_000)
        .touch(Target::Tag(code(207)))
        .later(15_000);
    assert_eq!(run.page(), "reasons");
}

#[test]
fn of_many_prompts_while_a_vote_is_kept_the_newest_is_asked_and_the_others_are_withdrawn() {
    let mut run = at("sealing");
    run.hear(prompt()).hear(prompt()).sealed();
    assert_eq!(
        run.did(),
        ["accepted 2", "accepted 3", "ended 1", "seal 2 replaced"]
    );
    run.sealed();
    assert_eq!(run.did(), ["ended 2", "asking 3"]);
}

#[test]
fn a_waiting_prompt_can_be_cancelled() {
    let mut run = at("sealing timeout");
    run.hear(prompt()).hear(Event::Cancel(id(2))).sealed();
    assert_eq!(run.did(), ["accepted 2", "ended 1", "seal 2 cancelled"]);
    run.sealed();
    assert_eq!(
        (run.page(), run.did()),
        ("idle", vec!["ended 2".to_owned()])
    );
}

#[test]
fn a_lost_rating_is_said_aloud_and_becomes_a_fault_in_the_next_stream() {
    let mut run = at("not kept");
    run.later(NOT_KEPT_MS).hear(opened(2));
    assert_eq!(run.did(), ["open", "seal 1 not kept"]);
    run.sealed();
    assert_eq!(
        (run.page(), run.did()),
        ("idle", vec!["ended 1".to_owned()])
    );
}

#[test]
fn a_rating_that_reached_the_card_after_all_is_not_sealed_again() {
    let mut run = at("not kept");
    run.later(NOT_KEPT_MS);
    run.hear(Event::Opened {
        stream: stream(2),
        kept: true,
        interrupted: None,
    });
    assert_eq!(
        (run.page(), run.did()),
        ("idle", vec!["open".to_owned(), "ended 1".to_owned()])
    );
}

#[test]
fn an_outcome_that_was_not_kept_is_sealed_in_the_next_stream() {
    let mut run = at("sealing timeout");
    run.hear(Event::SealFailed(why())).hear(opened(2));
    assert_eq!(run.did(), ["open", "seal 1 timed out"]);
}

#[test]
fn a_prompt_that_an_earlier_start_left_open_is_sealed_before_anything_is_asked() {
    let mut run = at("opening");
    let old = Prompt {
        id: PromptId {
            stream: stream(9),
            ordinal: 7,
        },
        ordinal: 7,
        event: ServiceEvent::default(),
        call: Call::default(),
        names: Names::default(),
    };
    run.hear(Event::Opened {
        stream: stream(1),
        kept: false,
        interrupted: Some(old),
    });
    assert_eq!(run.did(), ["seal 1 interrupted"]);
    run.sealed().hear(prompt());
    assert_eq!(run.did(), ["ended 7", "accepted 2", "asking 2"]);
}

#[test]
fn a_terminal_that_moved_opens_a_new_stream_and_counts_from_one() {
    let mut run = at("thanks");
    run.later(2_000).hear(Event::Configured {
        rules: rules(),
        moved: true,
    });
    assert_eq!(run.did(), ["open"]);
    run.hear(opened(2)).hear(prompt());
    assert_eq!(run.did(), ["accepted 1", "asking 1"]);
}

#[test]
fn without_a_reasons_page_thanks_follow_the_level() {
    let mut run = Run::idle();
    let rules = Rules {
        reasons: None,
        ..rules()
    };
    run.hear(Event::Configured {
        rules,
        moved: false,
    })
    .hear(prompt())
    .later(GUARD);
    run.touch(Target::Level(Level::VeryDissatisfied)).sealed();
    assert_eq!(run.page(), "thanks");
}

#[test]
fn a_countdown_looks_again_at_each_second_and_the_guard_at_its_end() {
    let mut run = Run::idle();
    run.hear(prompt());
    assert_eq!(run.flow.next_look(0), Some(GUARD));
    assert_eq!(run.flow.next_look(GUARD), Some(1_000));
    assert_eq!(run.flow.next_look(1_000), Some(2_000));
    assert_eq!(run.flow.next_look(29_999), Some(30_000));
    let left = |now| match run.flow.view(now).page {
        PageView::Ask { left_seconds, .. } => left_seconds,
        _ => panic!("not asking"),
    };
    assert_eq!(
        [0, 1, 999, 1_000, 29_999, 30_000].map(left),
        [30, 30, 30, 29, 1, 0]
    );
}

#[test]
fn a_prompt_that_waits_for_a_journal_that_stays_away_is_not_asked_of_somebody_else_later() {
    let mut run = at("sealing timeout");
    run.hear(prompt())
        .hear(Event::SealFailed(why()))
        .hear(Event::OpenFailed(why()));
    run.later(RETRY_MS).hear(opened(2)).sealed().sealed();
    assert_eq!(
        run.did(),
        [
            "accepted 2",
            "open",
            "open",
            "seal 1 timed out",
            "ended 1",
            "seal 2 interrupted",
            "ended 2"
        ]
    );
    assert_eq!(run.page(), "idle");
}

//! What a citizen answers beside the level: languages, corrections, numbers, odd fingers.

use manyi_shared::domain::{Language, Level};

use super::run::{GUARD, Run, at, code, opened, prompt, rules, why};
use super::*;

#[test]
fn a_language_and_large_type_are_for_one_citizen_only() {
    let mut run = at("asking");
    run.touch(Target::Language(Language::Ug))
        .touch(Target::Elder);
    let manner = run.flow.view(run.now).manner;
    assert_eq!((manner.language, manner.elder), (Language::Ug, true));
    run.touch(Target::Level(Level::Satisfied)).sealed();
    assert_eq!(
        run.flow.view(run.now).manner,
        manner,
        "until the thanks end"
    );
    run.later(40_000).later(4_000);
    assert_eq!(run.page(), "idle");
    assert_eq!(run.flow.view(run.now).manner, Manner::default());
}

#[test]
fn a_language_that_the_profile_does_not_offer_cannot_be_chosen() {
    let mut run = Run::new();
    let rules = Rules {
        languages: vec![Language::ZhHans],
        ..rules()
    };
    run.hear(Event::Configured {
        rules,
        moved: false,
    });
    run.hear(opened(1)).hear(prompt()).later(GUARD);
    run.touch(Target::Language(Language::En));
    assert_eq!(run.flow.view(run.now).manner.language, Language::ZhHans);
}

#[test]
fn choosing_a_language_gives_the_whole_time_again_and_elders_get_twice_as_much() {
    let mut run = at("asking");
    run.later(29_000)
        .touch(Target::Language(Language::Fr))
        .later(29_999);
    assert_eq!(run.page(), "ask");
    run.touch(Target::Elder).later(59_999).did();
    assert_eq!(run.page(), "ask");
    run.later(1);
    assert_eq!(run.did(), ["seal 1 timed out"]);
}

#[test]
fn a_corrected_level_is_a_second_record_about_the_first() {
    let mut run = at("correcting");
    run.touch(Target::Level(Level::VerySatisfied));
    assert_eq!(run.did(), ["seal amendment of 2 level 5 []"]);
    run.sealed();
    assert_eq!(run.page(), "reasons");
    run.later(GUARD)
        .touch(Target::Tag(code(510)))
        .touch(Target::Submit);
    assert_eq!(run.did(), ["seal amendment of 2 level 5 [510]"]);
    run.sealed();
    assert_eq!(run.page(), "thanks");
}

#[test]
fn the_same_level_again_and_no_correction_leave_the_rating_as_it_is() {
    for target in [Target::Level(Level::Dissatisfied), Target::Decline] {
        let mut run = at("correcting");
        run.touch(target);
        assert_eq!((run.page(), run.did()), ("thanks", Vec::new()));
    }
    let mut run = at("correcting");
    run.later(30_000);
    assert_eq!((run.page(), run.did()), ("idle", Vec::new()));
}

#[test]
fn three_corrections_are_enough() {
    let mut run = at("thanks");
    for level in [Level::VerySatisfied, Level::Satisfied, Level::Dissatisfied] {
        run.later(GUARD).touch(Target::Correct).later(GUARD);
        run.touch(Target::Level(level)).sealed();
        run.later(GUARD).touch(Target::Skip);
        assert_eq!(run.page(), "thanks");
    }
    run.later(GUARD).touch(Target::Correct);
    assert_eq!(run.page(), "thanks");
    let page = run.flow.view(run.now).page;
    assert_eq!(page, PageView::Thanks { may_correct: false });
}

#[test]
fn a_correction_that_is_not_kept_is_said_aloud() {
    let mut run = at("correcting");
    run.touch(Target::Level(Level::VerySatisfied)).did();
    run.hear(Event::SealFailed(why()));
    assert_eq!(run.page(), "not kept");
}

#[test]
fn where_a_reason_is_wanted_no_button_leaves_the_page_without_one_but_time_does() {
    let mut run = Run::new();
    let rules = Rules {
        required: [Level::Dissatisfied].into(),
        ..rules()
    };
    run.hear(Event::Configured {
        rules,
        moved: false,
    });
    run.hear(opened(1)).hear(prompt()).later(GUARD);
    run.touch(Target::Level(Level::Dissatisfied))
        .sealed()
        .later(GUARD)
        .did();
    run.touch(Target::Skip).touch(Target::Submit);
    assert_eq!((run.page(), run.did()), ("reasons", Vec::new()));
    let PageView::Reasons { required, .. } = run.flow.view(run.now).page else {
        panic!("not the reasons");
    };
    assert!(required);
    run.later(20_000);
    assert_eq!(run.page(), "thanks");
}

#[test]
fn a_number_is_handed_over_once_and_is_nowhere_afterwards() {
    let mut run = at("phone");
    run.later(GUARD);
    for digit in [1, 3, 8, 0, 0] {
        run.touch(Target::Digit(digit));
    }
    run.touch(Target::Digit(9))
        .touch(Target::Erase)
        .touch(Target::KeepPhone);
    assert_eq!(run.did(), ["seal text 13800 of 2"]);
    assert!(!format!("{:?}", run.flow).contains("13800"));
    let PageView::Phone { digits, .. } = run.flow.view(run.now).page else {
        panic!("not the pad");
    };
    assert_eq!(digits, "", "while it is being sealed");
    run.sealed();
    let PageView::Reasons { phone, .. } = run.flow.view(run.now).page else {
        panic!("not the reasons");
    };
    assert_eq!(phone, PhoneView::Kept);
    run.later(GUARD).touch(Target::OpenPhone);
    assert_eq!(run.page(), "reasons", "one number is enough");
}

#[test]
fn a_number_that_is_too_short_or_not_confirmed_is_not_kept() {
    let mut run = at("phone");
    run.later(GUARD);
    for digit in [1, 2, 3, 4] {
        run.touch(Target::Digit(digit));
    }
    run.touch(Target::KeepPhone);
    assert_eq!((run.page(), run.did()), ("phone", Vec::new()));
    run.later(20_000);
    assert_eq!((run.page(), run.did()), ("thanks", Vec::new()));
}

#[test]
fn chips_that_were_tapped_before_the_pad_are_kept() {
    let mut run = at("reasons chosen");
    run.touch(Target::OpenPhone).later(GUARD).hear(prompt());
    assert_eq!(
        run.did(),
        ["accepted 2", "seal amendment of 2 level 2 [207, 214]"]
    );
}

#[test]
fn fifty_taps_in_ten_seconds_are_one_rating_with_a_mark() {
    let mut run = Run::idle();
    run.hear(prompt());
    for _ in 0..50 {
        run.later(200).touch(Target::Level(Level::VerySatisfied));
    }
    run.sealed().later(GUARD).touch(Target::Skip).later(2_000);
    let did = run.did();
    let ratings: Vec<_> = did.iter().filter(|d| d.starts_with("seal 1")).collect();
    assert_eq!(ratings, ["seal 1 rated 5 0"]);
    assert_eq!(
        did.last().unwrap(),
        "seal misuse of 2 kinds 8 touches 49 in 9800"
    );
}

#[rstest::rstest]
#[case::palm(Oddity::SeveralFingers, 1)]
#[case::held(Oddity::Held, 2)]
#[case::cloth(Oddity::Dragged, 4)]
fn a_palm_a_held_finger_and_a_cloth_are_marked_and_answer_nothing(
    #[case] oddity: Oddity,
    #[case] kind: u8,
) {
    let mut run = at("asking");
    run.hear(Event::Odd(oddity)).later(30_000).sealed();
    let mark = format!("seal misuse of 2 kinds {kind} touches 1 in 0");
    assert_eq!(
        run.did(),
        ["seal 1 timed out".to_owned(), "ended 1".to_owned(), mark]
    );
    run.sealed();
    assert_eq!(run.page(), "idle");
}

#[test]
fn a_touch_or_two_beside_the_targets_is_no_misuse() {
    let mut run = at("asking");
    run.hear(Event::Odd(Oddity::Stray))
        .hear(Event::Odd(Oddity::Stray));
    run.touch(Target::Decline).sealed();
    assert_eq!(run.did(), ["seal 1 declined", "ended 1"]);
}

#[test]
fn a_self_test_seals_all_five_levels_worst_first_and_a_prompt_waits_for_it() {
    let mut run = Run::idle();
    run.hear(Event::SelfTest(20_261_123)).hear(prompt());
    for _ in 0..5 {
        run.sealed();
    }
    let wanted = [
        "seal self-test 1 of 20261123",
        "accepted 1",
        "seal self-test 2 of 20261123",
        "seal self-test 3 of 20261123",
        "seal self-test 4 of 20261123",
        "seal self-test 5 of 20261123",
        "self-tested true",
        "asking 1",
    ];
    assert_eq!(run.did(), wanted);
}

#[test]
fn a_self_test_never_takes_the_screen_from_a_citizen_and_says_when_it_failed() {
    let mut run = at("asking");
    run.hear(Event::SelfTest(20_261_123));
    assert_eq!((run.page(), run.did()), ("ask", Vec::new()));
    let mut run = Run::idle();
    run.hear(Event::SelfTest(20_261_123)).did();
    run.hear(Event::SealFailed(why()));
    assert_eq!(run.did(), ["self-tested false", "open"]);
}

#[test]
fn a_pause_lets_the_citizen_finish_and_takes_no_prompt_until_it_ends() {
    let mut run = at("asking");
    run.hear(Event::Pause(true));
    assert_eq!(run.page(), "ask");
    run.touch(Target::Decline).sealed();
    assert_eq!(run.page(), "paused");
    run.did();
    run.hear(prompt());
    assert_eq!(run.did(), ["refused"]);
    run.later(GUARD).touch(Target::Resume);
    assert_eq!(run.page(), "idle");
}

#[test]
fn a_pause_of_the_office_cannot_be_ended_at_the_window() {
    let mut run = Run::idle();
    let rules = Rules {
        paused: true,
        ..rules()
    };
    run.hear(Event::Configured {
        rules,
        moved: false,
    });
    run.later(GUARD).touch(Target::Resume);
    let page = run.flow.view(run.now).page;
    assert_eq!(page, PageView::Paused { by_clerk: false });
}

#[test]
fn a_revoked_terminal_lets_its_citizen_finish_and_then_takes_nothing_until_it_is_in_use_again() {
    let mut run = at("asking");
    run.hear(Event::Revoked(Some(why())));
    run.touch(Target::Level(Level::Satisfied)).sealed();
    run.later(GUARD).touch(Target::Skip).later(2_000);
    assert_eq!(run.page(), "out");
    assert_eq!(run.flow.out_of_service(), Some(&why()));
    assert_eq!(run.did(), ["seal 1 rated 4 0", "ended 1"]);
    run.hear(prompt()).hear(Event::SelfTest(20_261_122));
    run.later(GUARD).touch(Target::Ask);
    assert_eq!(run.did(), ["refused"]);
    assert!(run.flow.is_idle(), "a new identity is looked for");
    run.hear(Event::Revoked(None)).hear(prompt());
    assert_eq!((run.page(), run.did().len()), ("ask", 2));
}

#[test]
fn the_clerk_calls_the_question_only_where_the_profile_lets_them() {
    let mut run = Run::idle();
    run.later(GUARD).touch(Target::Ask);
    assert_eq!(run.did(), ["clerk asks"]);
    let rules = Rules {
        clerk_may_ask: false,
        ..rules()
    };
    run.hear(Event::Configured {
        rules,
        moved: false,
    });
    run.touch(Target::Ask);
    assert_eq!(run.did(), [""; 0]);
}

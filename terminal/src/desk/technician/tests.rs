use std::path::PathBuf;

use super::super::hand::{HASH, Hand};
use super::super::{DeskEvent, Fact};
use super::*;

fn inside() -> Hand {
    let mut hand = Hand::new(true);
    assert_eq!(hand.get_in(), [DeskEffect::ReadFacts]);
    hand
}

fn stage(hand: &Hand) -> Option<TechnicianStage> {
    hand.technician().map(|scene| scene.stage)
}

fn scene(hand: &Hand) -> TechnicianScene {
    hand.technician().expect("the page")
}

#[test]
fn the_gesture_opens_at_the_pin_and_the_right_one_leads_to_the_facts() {
    let mut hand = Hand::new(true);
    assert_eq!(hand.view(), None);
    hand.hear(DeskEvent::Gesture);
    hand.digits("271828");
    assert_eq!(
        (stage(&hand), scene(&hand).typed),
        (Some(TechnicianStage::Pin), 6)
    );
    let effects = hand.hear(DeskEvent::Technician(TechnicianInput::Enter));
    let [DeskEffect::CheckPin { pin, hash }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!((pin.len(), hash.as_str()), (6, HASH));
    let effects = hand.hear(DeskEvent::PinChecked { right: true });
    assert_eq!(effects, [DeskEffect::ReadFacts]);
    assert_eq!(stage(&hand), Some(TechnicianStage::Facts));
}

#[test]
fn five_digits_are_no_pin_and_a_thirteenth_is_nothing() {
    let mut hand = Hand::new(true);
    hand.hear(DeskEvent::Gesture);
    assert!(!hand.enter("27182"));
    hand.digits("81828459");
    assert_eq!(scene(&hand).typed, 12);
    hand.hear(DeskEvent::Technician(TechnicianInput::Erase));
    assert_eq!(scene(&hand).typed, 11);
}

#[test]
fn a_wrong_pin_is_said_until_the_next_digit() {
    let mut hand = Hand::new(true);
    hand.hear(DeskEvent::Gesture);
    hand.enter("000000");
    hand.hear(DeskEvent::PinChecked { right: false });
    assert_eq!((scene(&hand).wrong, scene(&hand).typed), (true, 0));
    hand.digits("1");
    assert_eq!((scene(&hand).wrong, scene(&hand).typed), (false, 1));
}

#[test]
fn the_third_wrong_pin_locks_also_when_the_page_was_closed_between() {
    let mut hand = Hand::new(true);
    for n in 0..3 {
        hand.hear(DeskEvent::Gesture);
        assert!(hand.enter("000000"), "try {n}");
        hand.hear(DeskEvent::PinChecked { right: false });
        hand.act(Action::Leave);
    }
    hand.hear(DeskEvent::Gesture);
    assert_eq!(scene(&hand).locked_seconds, 30);
    assert!(!hand.enter("271828"));
    assert_eq!(scene(&hand).typed, 0, "a locked page takes no digits");
    let mut counted = Vec::new();
    while let Some(next) = hand.next_look().filter(|_| scene(&hand).locked_seconds > 0) {
        hand.now = next;
        hand.hear(DeskEvent::Tick);
        counted.push(scene(&hand).locked_seconds);
    }
    assert_eq!(counted, (0..30).rev().collect::<Vec<_>>());
    assert!(hand.enter("271828"));
}

#[test]
fn walking_away_from_the_answer_does_not_give_the_try_back() {
    let mut hand = Hand::new(true);
    for _ in 0..3 {
        hand.hear(DeskEvent::Gesture);
        assert!(hand.enter("000000"));
        hand.hear(DeskEvent::Leave);
        hand.hear(DeskEvent::Gesture);
        assert!(!hand.enter("111111"), "two checks at once");
        hand.hear(DeskEvent::PinChecked { right: false });
        hand.hear(DeskEvent::Leave);
    }
    hand.hear(DeskEvent::Gesture);
    assert_eq!(scene(&hand).locked_seconds, 30);
}

#[test]
fn a_check_that_is_never_answered_was_wrong() {
    let mut hand = Hand::new(true);
    hand.hear(DeskEvent::Gesture);
    hand.enter("271828");
    hand.wait(CHECK_PATIENCE_MS);
    assert!(scene(&hand).wrong);
    hand.hear(DeskEvent::PinChecked { right: true });
    assert_eq!(stage(&hand), Some(TechnicianStage::Pin), "too late");
}

#[test]
fn an_answer_nobody_asked_for_opens_nothing() {
    let mut hand = Hand::new(true);
    hand.hear(DeskEvent::PinChecked { right: true });
    assert_eq!(hand.view(), None);
    hand.hear(DeskEvent::Gesture);
    hand.hear(DeskEvent::PinChecked { right: true });
    assert_eq!(stage(&hand), Some(TechnicianStage::Pin));
}

#[test]
fn without_a_pin_the_page_says_so_and_closes_by_itself() {
    let mut hand = Hand::new(true);
    hand.has_pin = false;
    hand.hear(DeskEvent::Gesture);
    assert!(scene(&hand).no_pin);
    assert!(!hand.enter("271828"));
    hand.wait(NO_PIN_MS - 1);
    assert!(hand.view().is_some());
    hand.wait(1);
    assert_eq!(hand.view(), None);
}

#[test]
fn a_pin_that_was_taken_away_while_it_was_typed_is_said() {
    let mut hand = Hand::new(true);
    hand.hear(DeskEvent::Gesture);
    hand.digits("271828");
    hand.has_pin = false;
    hand.hear(DeskEvent::Technician(TechnicianInput::Enter));
    assert!(scene(&hand).no_pin);
}

#[rstest::rstest]
#[case::facts(None, IDLE_FACTS_MS)]
#[case::touch(Some(Action::TouchTest), IDLE_MS)]
#[case::screen(Some(Action::ScreenTest), IDLE_MS)]
fn the_page_closes_when_nobody_touches_it(#[case] test: Option<Action>, #[case] after: Millis) {
    let mut hand = inside();
    if let Some(test) = test {
        hand.act(test);
    }
    hand.wait(after / 2);
    hand.hear(DeskEvent::Technician(TechnicianInput::Touched {
        x: 1,
        y: 1,
    }));
    hand.wait(after - 1);
    assert!(hand.view().is_some());
    hand.wait(1);
    assert_eq!(hand.view(), None);
    hand.hear(DeskEvent::Gesture);
    assert_eq!(
        stage(&hand),
        Some(TechnicianStage::Pin),
        "the PIN is asked again"
    );
}

#[test]
fn an_open_pin_page_closes_after_a_minute() {
    let mut hand = Hand::new(true);
    hand.hear(DeskEvent::Gesture);
    hand.wait(IDLE_MS);
    assert_eq!(hand.view(), None);
}

#[test]
fn a_prompt_ends_the_page_at_once() {
    let mut hand = inside();
    hand.hear(DeskEvent::Leave);
    assert_eq!(hand.view(), None);
    assert_eq!(hand.act(Action::Restart), []);
}

#[test]
fn facts_are_read_anew_every_five_seconds_and_only_while_they_are_shown() {
    let mut hand = inside();
    assert_eq!(hand.wait(FACTS_MS), [], "the first are still being read");
    let read = vec![FactValue {
        fact: Fact::Backlog,
        value: "3".to_owned(),
        bad: false,
    }];
    hand.hear(DeskEvent::Facts(read.clone()));
    assert_eq!(scene(&hand).facts, read);
    assert_eq!(hand.wait(FACTS_MS - 1), []);
    assert_eq!(hand.wait(1), [DeskEffect::ReadFacts]);
    hand.hear(DeskEvent::Facts(read));
    hand.act(Action::TouchTest);
    assert_eq!(hand.wait(20_000), []);
    assert_eq!(hand.act(Action::Leave), [DeskEffect::ReadFacts]);
}

#[test]
fn a_test_is_left_to_the_facts_and_the_facts_to_the_citizens_page() {
    let mut hand = inside();
    hand.act(Action::TouchTest);
    hand.hear(DeskEvent::Technician(TechnicianInput::Touched {
        x: 37,
        y: 81,
    }));
    let test = scene(&hand);
    assert_eq!(
        (test.stage, test.detail.as_str()),
        (TechnicianStage::TouchTest, "37 %, 81 %")
    );
    hand.act(Action::Leave);
    assert_eq!(
        (stage(&hand), scene(&hand).detail),
        (Some(TechnicianStage::Facts), String::new())
    );
    hand.act(Action::ScreenTest);
    assert_eq!(stage(&hand), Some(TechnicianStage::ScreenTest));
    hand.act(Action::Leave);
    hand.act(Action::Leave);
    assert_eq!(hand.view(), None);
}

#[rstest::rstest]
#[case(Action::SelfTest, DeskEffect::SelfTest, Notice::SelfTestRunning)]
#[case(Action::ExportJournal, DeskEffect::Export, Notice::Exporting)]
#[case(Action::Restart, DeskEffect::Restart, Notice::Restarting)]
fn one_thing_runs_at_a_time(
    #[case] action: Action,
    #[case] effect: DeskEffect,
    #[case] notice: Notice,
) {
    let mut hand = inside();
    assert_eq!(hand.act(action), [effect]);
    assert_eq!(scene(&hand).notice, notice);
    for other in [Action::SelfTest, Action::ExportJournal, Action::Restart] {
        assert_eq!(hand.act(other), []);
    }
}

#[rstest::rstest]
#[case(DoneNotice::SelfTestGood("5/5".to_owned()), Notice::SelfTestGood, "5/5")]
#[case(DoneNotice::SelfTestFailed("disk".to_owned()), Notice::SelfTestFailed, "disk")]
#[case(
    DoneNotice::Exported(PathBuf::from("/media/a/x")),
    Notice::Exported,
    "/media/a/x"
)]
#[case(DoneNotice::NoMedium, Notice::NoMedium, "")]
#[case(DoneNotice::ExportFailed("full".to_owned()), Notice::ExportFailed, "full")]
fn what_it_came_to_is_told_and_the_next_may_begin(
    #[case] done: DoneNotice,
    #[case] notice: Notice,
    #[case] detail: &str,
) {
    let mut hand = inside();
    hand.act(Action::ExportJournal);
    hand.hear(DeskEvent::Done(done));
    assert_eq!(
        (scene(&hand).notice, scene(&hand).detail.as_str()),
        (notice, detail)
    );
    assert_eq!(hand.act(Action::SelfTest), [DeskEffect::SelfTest]);
}

#[test]
fn an_export_that_ends_after_the_page_was_closed_is_told_once_at_the_next_opening() {
    let mut hand = inside();
    hand.act(Action::ExportJournal);
    hand.hear(DeskEvent::Leave);
    hand.hear(DeskEvent::Done(DoneNotice::NoMedium));
    hand.get_in();
    assert_eq!(scene(&hand).notice, Notice::NoMedium);
    hand.act(Action::Leave);
    hand.get_in();
    assert_eq!(scene(&hand).notice, Notice::None);
}

#[test]
fn the_page_stays_while_something_runs_but_not_for_ever() {
    let mut hand = inside();
    hand.act(Action::ExportJournal);
    hand.wait(RUNNING_LIMIT_MS - 1);
    assert_eq!(scene(&hand).notice, Notice::Exporting);
    hand.wait(IDLE_FACTS_MS);
    assert_eq!(hand.view(), None);
}

#[test]
fn pausing_asks_for_the_opposite_of_what_is() {
    let mut hand = inside();
    assert_eq!(hand.act(Action::Pause), [DeskEffect::Pause(true)]);
    hand.paused = true;
    assert!(scene(&hand).paused);
    assert_eq!(hand.act(Action::Pause), [DeskEffect::Pause(false)]);
}

#[test]
fn a_terminal_that_loses_its_identity_shows_the_enrolment_page() {
    let mut hand = inside();
    hand.enrolled = false;
    hand.hear(DeskEvent::Tick);
    assert_eq!(hand.enrolment().address, "https://");
    hand.hear(DeskEvent::Gesture);
    hand.enrolled = true;
    hand.hear(DeskEvent::Tick);
    assert_eq!(hand.view(), None);
}

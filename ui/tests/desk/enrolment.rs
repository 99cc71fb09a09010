//! Enrolment at the tablet.

use manyi_ui::{EnrolmentAdapter, EnrolmentField, EnrolmentProblem, EnrolmentStage, Page};
use rstest::rstest;
use slint::Global as _;

use crate::glass::{SIZES, assert_large, buttons, element, labels, listen, settle, tap, window_at};

const FIELDS: [&str; 2] = ["管理中心地址", "一次性登记码"];

const PROBLEMS: [EnrolmentProblem; 11] = [
    EnrolmentProblem::AddressMalformed,
    EnrolmentProblem::CodeMalformed,
    EnrolmentProblem::DaemonSilent,
    EnrolmentProblem::Unreachable,
    EnrolmentProblem::Certificate,
    EnrolmentProblem::NotACollector,
    EnrolmentProblem::CodeRefused,
    EnrolmentProblem::TooManyTries,
    EnrolmentProblem::OfficeError,
    EnrolmentProblem::Storage,
    EnrolmentProblem::Other,
];

#[rstest]
#[case::address(EnrolmentField::Address, "1234567890abcdefghijklmnopqrstuvwxyz:/.-_")]
#[case::code(EnrolmentField::Code, "1234567890ABCDEFGHIJKLMNOPQRSTUVWXYZ-")]
fn each_key_tells_its_own_character_once(#[case] field: EnrolmentField, #[case] keys: &str) {
    let window = window_at(SIZES[1], Page::Enrolment);
    EnrolmentAdapter::get(&window).set_field(field);
    settle();
    let heard = listen(&window);
    for key in keys.chars() {
        tap(&window, &key.to_string());
        assert_eq!(heard.take(), [format!("key {key}")]);
    }
    let others = FIELDS.len() + ["清空", "删除", "登记"].len();
    assert_eq!(buttons(&window).len(), keys.len() + others);
}

#[test]
fn fields_are_chosen_by_a_tap_and_say_which_one_is() {
    for size in SIZES {
        let window = window_at(size, Page::Enrolment);
        let heard = listen(&window);
        let chosen = || FIELDS.map(|name| element(&window, name).accessible_item_selected());
        assert_eq!(chosen(), [Some(true), Some(false)]);
        tap(&window, FIELDS[1]);
        assert_eq!(heard.take(), ["Code"]);
        EnrolmentAdapter::get(&window).set_field(EnrolmentField::Code);
        settle();
        assert_eq!(chosen(), [Some(false), Some(true)]);
        tap(&window, FIELDS[0]);
        assert_eq!(heard.take(), ["Address"]);
    }
}

#[test]
fn input_can_be_erased_cleared_and_sent_once_it_may_be() {
    let window = window_at(SIZES[2], Page::Enrolment);
    let heard = listen(&window);
    tap(&window, "删除");
    tap(&window, "清空");
    assert_eq!(heard.take(), ["erase", "clear"]);
    tap(&window, "登记");
    assert_eq!(heard.take(), Vec::<String>::new(), "nothing to send yet");
    EnrolmentAdapter::get(&window).set_can_submit(true);
    settle();
    tap(&window, "登记");
    assert_eq!(heard.take(), ["submit"]);
}

#[test]
fn disabled_input_makes_every_key_deaf() {
    let window = window_at(SIZES[0], Page::Enrolment);
    EnrolmentAdapter::get(&window).set_can_submit(true);
    window.set_input_enabled(false);
    settle();
    let heard = listen(&window);
    for label in buttons(&window) {
        tap(&window, &label);
    }
    assert_eq!(heard.take(), Vec::<String>::new());
}

#[test]
fn every_key_is_large_enough_for_a_finger() {
    for size in SIZES {
        let window = window_at(size, Page::Enrolment);
        let enrolment = EnrolmentAdapter::get(&window);
        enrolment.set_problem(EnrolmentProblem::Certificate);
        for field in [EnrolmentField::Address, EnrolmentField::Code] {
            enrolment.set_field(field);
            settle();
            assert_large(&window, size, 48.0);
        }
    }
}

#[test]
fn each_problem_has_words_of_its_own_that_say_what_to_do() {
    let window = window_at(SIZES[0], Page::Enrolment);
    let enrolment = EnrolmentAdapter::get(&window);
    let before = labels(&window);
    let mut seen: Vec<String> = Vec::new();
    for problem in PROBLEMS {
        enrolment.set_problem(problem);
        settle();
        let mut said = labels(&window);
        said.retain(|label| !before.contains(label));
        let [words] = <[String; 1]>::try_from(said).expect("one sentence takes the hint's place");
        assert!(
            words.contains('请') && words.ends_with('。'),
            "{problem:?}: {words}"
        );
        assert!(!seen.contains(&words), "{problem:?} says what another says");
        seen.push(words);
    }
}

#[test]
fn what_the_daemon_said_is_shown_beside_the_words() {
    let window = window_at(SIZES[0], Page::Enrolment);
    let enrolment = EnrolmentAdapter::get(&window);
    enrolment.set_problem(EnrolmentProblem::CodeRefused);
    enrolment.set_detail("HTTP 403 code-refused".into());
    settle();
    let box_ = element(
        &window,
        "登记码不正确、已使用或已过期，请向管理中心索取新的登记码。",
    );
    assert_eq!(
        box_.accessible_description().as_deref(),
        Some("HTTP 403 code-refused")
    );
}

#[test]
fn the_way_by_file_and_the_version_are_told() {
    let window = window_at(SIZES[0], Page::Enrolment);
    let enrolment = EnrolmentAdapter::get(&window);
    enrolment.set_file_path("/mnt/e.toml".into());
    enrolment.set_version("9.8.7".into());
    settle();
    element(
        &window,
        "也可以把登记文件存为 /mnt/e.toml，再重新启动本机。",
    );
    element(&window, "程序版本 9.8.7");
}

#[test]
fn nothing_can_be_typed_while_the_collector_is_asked_or_afterwards() {
    let window = window_at(SIZES[0], Page::Enrolment);
    for (stage, words) in [
        (EnrolmentStage::Asking, "正在联系管理中心……"),
        (EnrolmentStage::Done, "登记完成"),
    ] {
        EnrolmentAdapter::get(&window).set_stage(stage);
        settle();
        assert_eq!(buttons(&window), Vec::<String>::new());
        element(&window, words);
    }
}

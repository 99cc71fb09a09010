//! The pad for a call-back number.

use i_slint_core::input::TouchPhase;
use i_slint_core::lengths::LogicalPoint;
use manyi_ui::{GlassAdapter, Page, PhoneAdapter};
use slint::platform::{InternalEvent, WindowEvent};
use slint::{ComponentHandle as _, Global as _};

use crate::glass::{SIZES, assert_large, buttons, element, labels, listen, settle, tap, window_at};

const DIGITS: [&str; 10] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];

#[test]
fn each_key_tells_its_own_digit_once() {
    for size in SIZES {
        let window = window_at(size, Page::Phone);
        let heard = listen(&window);
        for digit in DIGITS {
            tap(&window, digit);
            assert_eq!(heard.take(), [format!("digit {digit}")], "{size:?}");
        }
    }
}

#[test]
fn the_number_can_be_shortened_kept_and_left() {
    let window = window_at(SIZES[0], Page::Phone);
    PhoneAdapter::get(&window).set_can_keep(true);
    settle();
    let heard = listen(&window);
    for (label, told) in [("删除", "erase"), ("保存", "keep"), ("返回", "back")] {
        tap(&window, label);
        assert_eq!(heard.take(), [told]);
    }
}

#[test]
fn an_unfinished_number_cannot_be_kept() {
    let window = window_at(SIZES[0], Page::Phone);
    let heard = listen(&window);
    tap(&window, "保存");
    element(&window, "保存").invoke_accessible_default_action();
    assert_eq!(heard.take(), Vec::<String>::new());
    assert_eq!(element(&window, "保存").accessible_enabled(), Some(false));
}

#[test]
fn disabled_input_makes_the_pad_deaf() {
    let window = window_at(SIZES[0], Page::Phone);
    PhoneAdapter::get(&window).set_can_keep(true);
    window.set_input_enabled(false);
    settle();
    let heard = listen(&window);
    for label in buttons(&window) {
        tap(&window, &label);
    }
    assert_eq!(heard.take(), Vec::<String>::new());
}

#[test]
fn two_fingers_type_nothing() {
    let window = window_at(SIZES[0], Page::Phone);
    let heard = listen(&window);
    let send = |finger: i32, label: &str, phase: TouchPhase| {
        let key = element(&window, label);
        let (place, size) = (key.absolute_position(), key.size());
        let position = LogicalPoint::new(place.x + size.width / 2.0, place.y + size.height / 2.0);
        window
            .window()
            .dispatch_event(WindowEvent::internal(InternalEvent::Touch {
                id: finger,
                position,
                phase,
            }));
        settle();
    };
    send(0, "4", TouchPhase::Started);
    send(1, "6", TouchPhase::Started);
    send(0, "4", TouchPhase::Ended);
    send(1, "6", TouchPhase::Ended);
    assert_eq!(heard.take(), Vec::<String>::new());
    tap(&window, "5");
    assert_eq!(heard.take(), ["digit 5"]);
}

#[test]
fn every_key_is_large_enough_for_a_finger_in_both_types() {
    for size in SIZES {
        let window = window_at(size, Page::Phone);
        for elder in [false, true] {
            GlassAdapter::get(&window).set_elder(elder);
            settle();
            assert_eq!(buttons(&window).len(), 13);
            assert_large(&window, size, 72.0);
        }
    }
}

#[test]
fn the_pad_runs_from_left_to_right_where_the_words_run_from_right_to_left() {
    let window = window_at(SIZES[0], Page::Phone);
    PhoneAdapter::get(&window).set_digits("138".into());
    let x = |label: &str| element(&window, label).absolute_position().x;
    for (language, mirrored) in [
        ("zh-Hans", false),
        ("ar", true),
        ("fr", false),
        ("ug", true),
    ] {
        GlassAdapter::get(&window).set_language(language.into());
        settle();
        assert!(x("1") < x("2") && x("2") < x("3"), "{language}");
        assert_eq!(x("138") > x("3"), mirrored, "the words in {language}");
        assert_eq!(x("保存") < x("返回"), mirrored, "the buttons in {language}");
    }
}

#[test]
fn the_page_says_what_the_number_is_for_and_shows_what_was_typed() {
    let window = window_at(SIZES[0], Page::Phone);
    let phone = PhoneAdapter::get(&window);
    phone.set_digits("".into());
    settle();
    let said = labels(&window);
    let promise = "如需回访，请留下联系电话。号码将加密保存，仅供回访使用。";
    assert!(said.iter().any(|label| label == promise), "{said:?}");
    assert!(
        said.iter().any(|label| label == "请输入电话号码"),
        "{said:?}"
    );
    phone.set_digits("13800001234".into());
    settle();
    element(&window, "13800001234");
}

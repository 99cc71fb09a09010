//! What the glass tells besides answers: oddities, keys, the dark, the technician's corner.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use i_slint_backend_testing::mock_elapsed_time;
use i_slint_core::input::TouchPhase;
use manyi_ui::{AskAdapter, GlassAdapter, KioskWindow, Light, Oddity, Page};
use rstest::rstest;
use slint::platform::WindowEvent;
use slint::{ComponentHandle as _, Global as _, LogicalPosition};

use crate::glass::{SIZES, centre, element, settle, tap, touch, window_at};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Told {
    Odd(Oddity),
    Key(i32),
    Wake,
    Technician,
    Chosen(i32),
}

type Heard = Rc<RefCell<Vec<Told>>>;

fn glass_at(page: Page) -> (KioskWindow, Heard) {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[0], page);
    let heard = Heard::default();
    let sink = || {
        let heard = heard.clone();
        move |told: Told| heard.borrow_mut().push(told)
    };
    let glass = GlassAdapter::get(&window);
    let hear = sink();
    glass.on_odd(move |what| hear(Told::Odd(what)));
    let hear = sink();
    glass.on_keypad(move |level| hear(Told::Key(level)));
    let hear = sink();
    glass.on_wake(move || hear(Told::Wake));
    let hear = sink();
    glass.on_technician(move || hear(Told::Technician));
    let hear = sink();
    AskAdapter::get(&window).on_choose(move |level| hear(Told::Chosen(level)));
    (window, heard)
}

fn tap_at(window: &KioskWindow, x: f32, y: f32) {
    let at = LogicalPosition::new(x, y);
    touch(window, 0, at, TouchPhase::Started);
    touch(window, 0, at, TouchPhase::Ended);
}

fn press_key(window: &KioskWindow, text: &str) {
    let text = text.into();
    window
        .window()
        .dispatch_event(WindowEvent::KeyPressed { text });
    settle();
}

#[test]
fn a_second_finger_is_told_once_an_episode() {
    let (window, heard) = glass_at(Page::Ask);
    let (one, other) = (
        centre(&element(&window, "满意")),
        centre(&element(&window, "不满意")),
    );
    for _ in 0..2 {
        touch(&window, 0, one, TouchPhase::Started);
        touch(&window, 1, other, TouchPhase::Started);
        touch(&window, 0, one, TouchPhase::Ended);
        touch(&window, 1, other, TouchPhase::Ended);
        assert_eq!(heard.take(), [Told::Odd(Oddity::SeveralFingers)]);
    }
}

#[test]
fn a_finger_that_rests_too_long_is_told_when_the_limit_is_over() {
    let (window, heard) = glass_at(Page::Ask);
    let at = centre(&element(&window, "满意"));
    touch(&window, 0, at, TouchPhase::Started);
    mock_elapsed_time(Duration::from_secs(2));
    assert_eq!(heard.borrow().len(), 0);
    mock_elapsed_time(Duration::from_secs(2));
    assert_eq!(heard.take(), [Told::Odd(Oddity::Held)]);
    touch(&window, 0, at, TouchPhase::Ended);
    assert_eq!(heard.take(), [], "once is enough");
}

#[rstest]
#[case::from_a_target(200.0, 450.0)]
#[case::from_nothing(640.0, 130.0)]
fn a_wiping_finger_is_told_once(#[case] x: f32, #[case] y: f32) {
    let (window, heard) = glass_at(Page::Ask);
    touch(&window, 0, LogicalPosition::new(x, y), TouchPhase::Started);
    for step in 1_u8..6 {
        let at = LogicalPosition::new(x + 60.0 * f32::from(step), y);
        touch(&window, 0, at, TouchPhase::Moved);
    }
    touch(&window, 0, LogicalPosition::new(x, y), TouchPhase::Ended);
    assert_eq!(heard.take(), [Told::Odd(Oddity::Dragged)]);
}

#[test]
fn a_tap_on_nothing_or_on_a_deaf_target_is_a_stray_and_a_real_one_is_not() {
    let (window, heard) = glass_at(Page::Ask);
    tap_at(&window, 640.0, 130.0);
    assert_eq!(heard.take(), [Told::Odd(Oddity::Stray)]);
    tap(&window, "满意");
    assert_eq!(heard.take(), [Told::Chosen(4)]);
    window.set_input_enabled(false);
    settle();
    let at = centre(&element(&window, "满意"));
    tap_at(&window, at.x, at.y);
    assert_eq!(heard.take(), [Told::Odd(Oddity::Stray)]);
}

/// A finger may outlast a page. Its lift on the next one is nobody's second finger.
#[test]
fn the_lift_of_a_finger_from_an_earlier_page_does_not_cost_the_next_tap() {
    let (window, heard) = glass_at(Page::Idle);
    let at = LogicalPosition::new(640.0, 450.0);
    touch(&window, 7, at, TouchPhase::Started);
    window.set_page(Page::Ask);
    settle();
    touch(&window, 7, at, TouchPhase::Ended);
    heard.take();
    tap(&window, "满意");
    assert_eq!(heard.take(), [Told::Chosen(4)]);
}

#[rstest]
#[case(Page::Idle)]
#[case(Page::Ask)]
#[case(Page::Reasons)]
#[case(Page::Thanks)]
#[case(Page::OutOfService)]
fn the_keys_5_to_1_are_told_on_every_page_and_no_others(#[case] page: Page) {
    let (window, heard) = glass_at(Page::Ask);
    tap(&window, "满意");
    heard.take();
    window.set_page(page);
    settle();
    for key in ["5", "4", "3", "2", "1", "0", "6", "9", "a", " ", "n", "\n"] {
        press_key(&window, key);
    }
    assert_eq!(heard.take(), [5, 4, 3, 2, 1].map(Told::Key));
}

#[test]
fn a_key_that_repeats_because_it_is_held_is_told_once() {
    let (window, heard) = glass_at(Page::Ask);
    press_key(&window, "5");
    for _ in 0..3 {
        let text = "5".into();
        window
            .window()
            .dispatch_event(WindowEvent::KeyPressRepeated { text });
        settle();
    }
    assert_eq!(heard.take(), [Told::Key(5)]);
}

#[rstest]
#[case(Light::Dim)]
#[case(Light::Asleep)]
fn a_touch_in_the_dark_wakes_and_means_nothing_else(#[case] light: Light) {
    let (window, heard) = glass_at(Page::Ask);
    GlassAdapter::get(&window).set_light(light);
    settle();
    let at = centre(&element(&window, "满意"));
    touch(&window, 3, at, TouchPhase::Started);
    assert_eq!(heard.take(), [Told::Wake]);
    // The light comes while the finger is still down.
    GlassAdapter::get(&window).set_light(Light::Awake);
    settle();
    touch(&window, 3, at, TouchPhase::Ended);
    assert_eq!(heard.take(), []);
    tap(&window, "满意");
    assert_eq!(heard.take(), [Told::Chosen(4)], "the next touch is a tap");
}

#[rstest]
#[case(Page::Idle)]
#[case(Page::Ask)]
#[case(Page::Reasons)]
#[case(Page::Thanks)]
#[case(Page::OutOfService)]
fn five_taps_in_the_corner_are_for_the_technician(#[case] page: Page) {
    let (window, heard) = glass_at(page);
    for _ in 0..4 {
        tap_at(&window, 60.0, 60.0);
    }
    assert_eq!(heard.take(), []);
    tap_at(&window, 60.0, 60.0);
    assert_eq!(heard.take(), [Told::Technician]);
    tap_at(&window, 60.0, 60.0);
    assert_eq!(heard.take(), [], "counting begins anew");
}

#[test]
fn slow_taps_in_the_corner_are_nothing() {
    let (window, heard) = glass_at(Page::Ask);
    for _ in 0..12 {
        tap_at(&window, 60.0, 60.0);
        mock_elapsed_time(Duration::from_secs(1));
    }
    assert_eq!(heard.take(), []);
}

//! Every target answers a deliberate tap with its own intent, and nothing else with anything.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::glass::{SIZES, WORDS, centre, element, labels, settle, tap, touch, window_at};
use i_slint_backend_testing::{AccessibleRole, ElementQuery, mock_elapsed_time};
use i_slint_core::input::TouchPhase;
use manyi_ui::languages::LANGUAGES;
use manyi_ui::{
    AskAdapter, GlassAdapter, IdleAdapter, KioskWindow, Page, PhoneState, ReasonsAdapter, Tag,
    ThanksAdapter,
};
use rstest::rstest;
use slint::platform::{PointerEventButton, WindowEvent};
use slint::{ComponentHandle as _, Global as _, LogicalPosition, Model as _, ModelRc, VecModel};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Intent {
    Choose(i32),
    Decline,
    Language(String),
    Elder,
    Toggle(String),
    Submit,
    Skip,
    Phone,
    Correct,
    Ask,
}

type Heard = Rc<RefCell<Vec<Intent>>>;

/// Collects every intent of every page.
fn listen(window: &KioskWindow) -> Heard {
    let heard = Heard::default();
    let sink = || {
        let heard = heard.clone();
        move |intent: Intent| heard.borrow_mut().push(intent)
    };
    let ask = AskAdapter::get(window);
    ask.on_choose({
        let sink = sink();
        move |level| sink(Intent::Choose(level))
    });
    ask.on_decline({
        let sink = sink();
        move || sink(Intent::Decline)
    });
    ask.on_choose_language({
        let sink = sink();
        move |code| sink(Intent::Language(code.into()))
    });
    ask.on_toggle_elder({
        let sink = sink();
        move || sink(Intent::Elder)
    });
    ThanksAdapter::get(window).on_correct({
        let sink = sink();
        move || sink(Intent::Correct)
    });
    IdleAdapter::get(window).on_ask({
        let sink = sink();
        move || sink(Intent::Ask)
    });
    let reasons = ReasonsAdapter::get(window);
    reasons.on_open_phone({
        let sink = sink();
        move || sink(Intent::Phone)
    });
    reasons.on_toggle({
        let sink = sink();
        move |code| sink(Intent::Toggle(code.into()))
    });
    reasons.on_submit({
        let sink = sink();
        move || sink(Intent::Submit)
    });
    reasons.on_skip({
        let sink = sink();
        move || sink(Intent::Skip)
    });
    heard
}

fn ask_window() -> (KioskWindow, Heard) {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[0], Page::Ask);
    let heard = listen(&window);
    (window, heard)
}

#[rstest]
#[case::landscape(SIZES[0], false)]
#[case::small(SIZES[1], false)]
#[case::portrait(SIZES[2], false)]
#[case::mirrored(SIZES[0], true)]
fn each_target_chooses_its_own_level(#[case] size: (u32, u32), #[case] mirrored: bool) {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(size, Page::Ask);
    AskAdapter::get(&window).set_mirrored(mirrored);
    settle();
    let heard = listen(&window);
    for (level, word) in WORDS {
        tap(&window, word);
        assert_eq!(heard.take(), [Intent::Choose(level)], "{word}");
    }
}

#[test]
fn the_levels_run_from_best_to_worst_unless_mirrored() {
    let (window, _) = ask_window();
    let order = |window: &KioskWindow| {
        let mut places: Vec<(f32, i32)> = WORDS
            .iter()
            .map(|(level, word)| (element(window, word).absolute_position().x, *level))
            .collect();
        places.sort_by(|a, b| a.0.total_cmp(&b.0));
        places
            .into_iter()
            .map(|(_, level)| level)
            .collect::<Vec<_>>()
    };
    assert_eq!(order(&window), [5, 4, 3, 2, 1]);
    AskAdapter::get(&window).set_mirrored(true);
    settle();
    assert_eq!(order(&window), [1, 2, 3, 4, 5]);
}

#[test]
fn a_citizen_can_decline() {
    let (window, heard) = ask_window();
    tap(&window, "暂不评价");
    assert_eq!(heard.take(), [Intent::Decline]);
}

#[test]
fn the_accessible_action_of_a_target_is_the_same_tap() {
    let (window, heard) = ask_window();
    element(&window, "不满意").invoke_accessible_default_action();
    assert_eq!(heard.take(), [Intent::Choose(2)]);
    window.set_input_enabled(false);
    settle();
    element(&window, "不满意").invoke_accessible_default_action();
    assert_eq!(heard.take(), []);
}

#[test]
fn disabled_input_makes_every_target_deaf() {
    let (window, heard) = ask_window();
    window.set_input_enabled(false);
    settle();
    for (_, word) in WORDS {
        tap(&window, word);
    }
    tap(&window, "暂不评价");
    window.set_page(Page::Reasons);
    settle();
    tap(&window, "服务态度生硬");
    tap(&window, "跳过");
    tap(&window, "提交");
    assert_eq!(heard.take(), []);
}

#[test]
fn disabling_input_under_a_resting_finger_forgets_the_finger() {
    let (window, heard) = ask_window();
    let at = centre(&element(&window, "满意"));
    touch(&window, 0, at, TouchPhase::Started);
    window.set_input_enabled(false);
    settle();
    window.set_input_enabled(true);
    settle();
    touch(&window, 0, at, TouchPhase::Ended);
    assert_eq!(heard.take(), []);
}

#[test]
fn a_finger_that_lifts_on_another_target_chooses_nothing() {
    let (window, heard) = ask_window();
    let (from, to) = (
        centre(&element(&window, "非常满意")),
        centre(&element(&window, "非常不满意")),
    );
    touch(&window, 0, from, TouchPhase::Started);
    touch(&window, 0, to, TouchPhase::Moved);
    touch(&window, 0, to, TouchPhase::Ended);
    assert_eq!(heard.take(), []);
    tap(&window, "满意");
    assert_eq!(heard.take(), [Intent::Choose(4)]);
}

#[test]
fn a_trembling_finger_still_taps_and_a_wiping_one_does_not() {
    let (window, heard) = ask_window();
    let at = centre(&element(&window, "满意"));
    let trembled = LogicalPosition::new(at.x + 20.0, at.y - 15.0);
    touch(&window, 0, at, TouchPhase::Started);
    touch(&window, 0, trembled, TouchPhase::Moved);
    touch(&window, 0, trembled, TouchPhase::Ended);
    assert_eq!(heard.take(), [Intent::Choose(4)]);

    let wiped = LogicalPosition::new(at.x, at.y + 120.0);
    touch(&window, 0, at, TouchPhase::Started);
    touch(&window, 0, wiped, TouchPhase::Moved);
    touch(&window, 0, at, TouchPhase::Moved);
    touch(&window, 0, at, TouchPhase::Ended);
    assert_eq!(heard.take(), []);
}

#[test]
fn a_held_finger_chooses_nothing() {
    let (window, heard) = ask_window();
    let at = centre(&element(&window, "满意"));
    touch(&window, 0, at, TouchPhase::Started);
    for _ in 0..4 {
        mock_elapsed_time(Duration::from_secs(1));
    }
    touch(&window, 0, at, TouchPhase::Ended);
    assert_eq!(heard.take(), []);
    touch(&window, 0, at, TouchPhase::Started);
    mock_elapsed_time(Duration::from_secs(1));
    touch(&window, 0, at, TouchPhase::Ended);
    assert_eq!(heard.take(), [Intent::Choose(4)], "a slow tap is a tap");
}

#[test]
fn a_pointer_that_leaves_the_window_chooses_nothing() {
    let (window, heard) = ask_window();
    let position = centre(&element(&window, "满意"));
    let button = PointerEventButton::Left;
    window
        .window()
        .dispatch_event(WindowEvent::PointerPressed { position, button });
    window.window().dispatch_event(WindowEvent::PointerExited);
    window
        .window()
        .dispatch_event(WindowEvent::PointerReleased { position, button });
    settle();
    assert_eq!(heard.take(), []);
}

#[test]
fn a_page_change_under_a_resting_finger_forgets_the_finger() {
    let (window, heard) = ask_window();
    let at = centre(&element(&window, "满意"));
    touch(&window, 0, at, TouchPhase::Started);
    window.set_page(Page::Reasons);
    settle();
    touch(&window, 0, at, TouchPhase::Ended);
    assert_eq!(heard.take(), []);
}

/// The runtime releases the first finger by itself when a second one lands.
#[rstest]
#[case::on_another_target("不满意")]
#[case::on_the_decline_button("暂不评价")]
#[case::on_the_same_target("满意")]
fn a_second_finger_chooses_nothing(#[case] second: &str) {
    let (window, heard) = ask_window();
    let first_at = centre(&element(&window, "满意"));
    let second_at = centre(&element(&window, second));
    touch(&window, 0, first_at, TouchPhase::Started);
    touch(&window, 1, second_at, TouchPhase::Started);
    assert_eq!(heard.borrow().as_slice(), []);
    touch(&window, 0, first_at, TouchPhase::Ended);
    touch(&window, 1, second_at, TouchPhase::Ended);
    assert_eq!(heard.take(), []);
    touch(&window, 0, first_at, TouchPhase::Started);
    touch(&window, 0, first_at, TouchPhase::Ended);
    assert_eq!(
        heard.take(),
        [Intent::Choose(4)],
        "the next single finger counts"
    );
}

#[test]
fn a_second_finger_beside_every_target_chooses_nothing() {
    let (window, heard) = ask_window();
    let target = centre(&element(&window, "满意"));
    let beside = LogicalPosition::new(640.0, 120.0);
    for (first, second) in [(target, beside), (beside, target)] {
        touch(&window, 0, first, TouchPhase::Started);
        touch(&window, 1, second, TouchPhase::Started);
        touch(&window, 0, first, TouchPhase::Ended);
        touch(&window, 1, second, TouchPhase::Ended);
        assert_eq!(heard.take(), []);
    }
    tap(&window, "满意");
    assert_eq!(heard.take(), [Intent::Choose(4)]);
}

#[test]
fn a_palm_of_five_fingers_chooses_nothing() {
    let (window, heard) = ask_window();
    let places: Vec<LogicalPosition> = WORDS
        .iter()
        .map(|(_, word)| centre(&element(&window, word)))
        .collect();
    for (finger, at) in (0..).zip(&places) {
        touch(&window, finger, *at, TouchPhase::Started);
    }
    for (finger, at) in (0..).zip(&places) {
        touch(&window, finger, *at, TouchPhase::Ended);
    }
    assert_eq!(heard.take(), []);
}

/// Known fault of Slint 1.18.1: the runtime turns a cancelled touch into the very events of a
/// lifted finger, so no page can tell them apart. The program must drop the driver's cancel event
/// before Slint sees it. When this test fails, Slint has learnt it and the hook can go.
#[test]
fn a_touch_cancelled_by_the_driver_reaches_the_page_as_a_lift() {
    let (window, heard) = ask_window();
    let at = centre(&element(&window, "满意"));
    touch(&window, 0, at, TouchPhase::Started);
    touch(&window, 0, at, TouchPhase::Cancelled);
    assert_eq!(heard.take(), [Intent::Choose(4)]);
}

#[test]
fn chips_toggle_by_code_and_show_their_state() {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[0], Page::Reasons);
    let heard = listen(&window);
    let tags = Rc::new(VecModel::from(vec![
        Tag {
            code: "213".into(),
            text: "窗口人员业务不熟练".into(),
            chosen: false,
        },
        Tag {
            code: "214".into(),
            text: "服务态度生硬".into(),
            chosen: false,
        },
    ]));
    let reasons = ReasonsAdapter::get(&window);
    reasons.set_tags(ModelRc::from(tags.clone()));
    reasons.on_toggle({
        let (tags, heard) = (tags.clone(), heard.clone());
        move |code| {
            heard.borrow_mut().push(Intent::Toggle(code.to_string()));
            for row in 0..tags.row_count() {
                let mut tag = tags.row_data(row).expect("a row below the count");
                if tag.code == code {
                    tag.chosen = !tag.chosen;
                    tags.set_row_data(row, tag);
                }
            }
        }
    });
    settle();

    tap(&window, "服务态度生硬");
    assert_eq!(heard.take(), [Intent::Toggle("214".into())]);
    assert_eq!(
        element(&window, "服务态度生硬").accessible_checked(),
        Some(true)
    );
    assert_eq!(
        element(&window, "窗口人员业务不熟练").accessible_checked(),
        Some(false)
    );
    tap(&window, "窗口人员业务不熟练");
    tap(&window, "服务态度生硬");
    assert_eq!(
        element(&window, "服务态度生硬").accessible_checked(),
        Some(false)
    );
    heard.take();
    tap(&window, "提交");
    assert_eq!(heard.take(), [Intent::Submit]);
    let chosen: Vec<String> = tags
        .iter()
        .filter(|tag| tag.chosen)
        .map(|tag| tag.code.to_string())
        .collect();
    assert_eq!(chosen, ["213"]);
}

#[test]
fn reasons_can_be_skipped() {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[2], Page::Reasons);
    let heard = listen(&window);
    tap(&window, "跳过");
    assert_eq!(heard.take(), [Intent::Skip]);
}

#[test]
fn pages_without_a_question_have_nothing_to_tap() {
    i_slint_backend_testing::init_no_event_loop();
    for page in [Page::Idle, Page::Thanks, Page::OutOfService] {
        let window = window_at(SIZES[0], page);
        ThanksAdapter::get(&window).set_can_correct(false);
        settle();
        for role in [AccessibleRole::Button, AccessibleRole::Checkbox] {
            let found = ElementQuery::from_root(&window)
                .match_descendants()
                .match_accessible_role(role)
                .find_all();
            assert_eq!(found.len(), 0, "{page:?}");
        }
    }
}

#[test]
fn a_language_is_chosen_with_one_tap_to_open_and_one_to_choose() {
    let (window, heard) = ask_window();
    tap(&window, "语言 Language");
    for language in &LANGUAGES {
        element(&window, language.own_name);
    }
    // The page below is deaf meanwhile.
    tap(&window, "日本語");
    assert_eq!(heard.take(), [Intent::Language("ja".into())]);
    tap(&window, "满意");
    assert_eq!(heard.take(), [Intent::Choose(4)], "the choice is closed");
    tap(&window, "语言 Language");
    tap(&window, "返回");
    tap(&window, "暂不评价");
    assert_eq!(heard.take(), [Intent::Decline]);
}

#[test]
fn levels_under_the_choice_of_languages_are_deaf() {
    let (window, heard) = ask_window();
    let at = centre(&element(&window, "满意"));
    AskAdapter::get(&window).set_languages(ModelRc::new(VecModel::from(vec![
        manyi_ui::Language {
            code: "en".into(),
            name: "English".into(),
        },
        manyi_ui::Language {
            code: "zh-Hans".into(),
            name: "简体中文".into(),
        },
    ])));
    settle();
    tap(&window, "语言 Language");
    element(&window, "满意").invoke_accessible_default_action();
    touch(&window, 0, at, TouchPhase::Started);
    touch(&window, 0, at, TouchPhase::Ended);
    assert!(
        !heard
            .take()
            .iter()
            .any(|intent| matches!(intent, Intent::Choose(_)))
    );
}

#[test]
fn in_portrait_the_languages_stand_on_the_page() {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at((800, 1280), Page::Ask);
    let heard = listen(&window);
    tap(&window, "Français");
    assert_eq!(heard.take(), [Intent::Language("fr".into())]);
}

#[test]
fn with_one_language_there_is_no_switch() {
    i_slint_backend_testing::init_no_event_loop();
    for size in SIZES {
        let window = window_at(size, Page::Ask);
        let only = manyi_ui::Language {
            code: "zh-Hans".into(),
            name: "简体中文".into(),
        };
        AskAdapter::get(&window).set_languages(ModelRc::new(VecModel::from(vec![only])));
        settle();
        let labels = labels(&window);
        assert!(
            !labels
                .iter()
                .any(|label| label.contains("Language") || label == "简体中文")
        );
    }
}

#[test]
fn large_type_is_one_tap_away_and_back() {
    let (window, heard) = ask_window();
    tap(&window, "大字版");
    assert_eq!(heard.take(), [Intent::Elder]);
    GlassAdapter::get(&window).set_elder(true);
    settle();
    tap(&window, "标准字号");
    assert_eq!(heard.take(), [Intent::Elder]);
}

#[test]
fn a_correction_says_so_and_can_be_left_as_it_was() {
    let (window, heard) = ask_window();
    AskAdapter::get(&window).set_correcting(true);
    settle();
    element(&window, "请重新选择您的评价");
    assert!(!labels(&window).iter().any(|label| label == "暂不评价"));
    tap(&window, "不更正");
    tap(&window, "基本满意");
    assert_eq!(heard.take(), [Intent::Decline, Intent::Choose(3)]);
}

#[test]
fn thanks_offers_a_correction_only_while_there_can_be_one() {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[0], Page::Thanks);
    let heard = listen(&window);
    tap(&window, "点错了？更正");
    assert_eq!(heard.take(), [Intent::Correct]);
    window.set_input_enabled(false);
    settle();
    tap(&window, "点错了？更正");
    assert_eq!(heard.take(), []);
}

#[test]
fn where_a_reason_is_required_nothing_can_be_sent_before_one_is_chosen() {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[0], Page::Reasons);
    let heard = listen(&window);
    let reasons = ReasonsAdapter::get(&window);
    reasons.set_required(true);
    let tags = Rc::new(VecModel::from(vec![
        Tag {
            code: "213".into(),
            text: "".into(),
            chosen: false,
        },
        Tag {
            code: "214".into(),
            text: "".into(),
            chosen: false,
        },
    ]));
    reasons.set_tags(ModelRc::from(tags.clone()));
    settle();
    element(&window, "请选择原因");
    assert!(!labels(&window).iter().any(|label| label == "跳过"));
    assert_eq!(element(&window, "提交").accessible_enabled(), Some(false));
    tap(&window, "提交");
    element(&window, "提交").invoke_accessible_default_action();
    assert_eq!(heard.take(), []);

    let mut chosen = tags.row_data(1).expect("a second tag");
    chosen.chosen = true;
    tags.set_row_data(1, chosen);
    settle();
    assert_eq!(element(&window, "提交").accessible_enabled(), Some(true));
    tap(&window, "提交");
    assert_eq!(heard.take(), [Intent::Submit]);
}

#[test]
fn a_telephone_number_can_be_left_where_it_is_offered_and_once() {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[0], Page::Reasons);
    let heard = listen(&window);
    let reasons = ReasonsAdapter::get(&window);
    assert!(!labels(&window).iter().any(|label| label == "留下联系电话"));
    reasons.set_phone(PhoneState::Offered);
    settle();
    tap(&window, "留下联系电话");
    assert_eq!(heard.take(), [Intent::Phone]);
    reasons.set_phone(PhoneState::Kept);
    settle();
    element(&window, "联系电话已加密保存");
    assert!(!labels(&window).iter().any(|label| label == "留下联系电话"));
}

#[test]
fn the_clerk_may_ask_from_the_idle_page_where_the_profile_lets_her() {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[0], Page::Idle);
    let heard = listen(&window);
    IdleAdapter::get(&window).set_clerk_may_ask(true);
    settle();
    tap(&window, "请评价");
    assert_eq!(heard.take(), [Intent::Ask]);
}

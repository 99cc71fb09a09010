//! The technician's page: the PIN, the facts, the tests of the glass.

use i_slint_backend_testing::ElementHandle;
use manyi_ui::{
    Fact, FactLine, KioskWindow, Page, TechnicianAdapter, TechnicianNotice, TechnicianStage,
};
use slint::platform::{PointerEventButton, WindowEvent};
use slint::{ComponentHandle as _, Global as _, LogicalPosition, ModelRc, VecModel};

use crate::glass::{SIZES, assert_large, buttons, element, labels, listen, settle, tap, window_at};

const NOTHING: [&str; 0] = [];

fn at_stage(size: (u32, u32), stage: TechnicianStage) -> KioskWindow {
    let window = window_at(size, Page::Technician);
    TechnicianAdapter::get(&window).set_stage(stage);
    settle();
    window
}

#[test]
fn each_key_of_the_pin_is_told_once() {
    for size in SIZES {
        let window = at_stage(size, TechnicianStage::Pin);
        TechnicianAdapter::get(&window).set_typed(1);
        settle();
        let heard = listen(&window);
        for digit in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"] {
            tap(&window, digit);
            assert_eq!(heard.take(), [format!("digit {digit}")], "{size:?}");
        }
        for (label, told) in [("删除", "erase"), ("确定", "enter"), ("退出", "Leave")] {
            tap(&window, label);
            assert_eq!(heard.take(), [told], "{size:?}");
        }
    }
}

#[test]
fn the_screen_tells_how_many_digits_are_typed_and_an_empty_pin_cannot_be_entered() {
    let window = at_stage(SIZES[0], TechnicianStage::Pin);
    let heard = listen(&window);
    tap(&window, "确定");
    assert_eq!(heard.take(), NOTHING);
    for typed in [0, 4, 12] {
        TechnicianAdapter::get(&window).set_typed(typed);
        settle();
        element(&window, &format!("已输入 {typed} 位"));
    }
}

#[test]
fn a_wrong_pin_is_told_and_can_be_tried_again() {
    let window = at_stage(SIZES[0], TechnicianStage::Pin);
    TechnicianAdapter::get(&window).set_wrong(true);
    settle();
    element(&window, "密码不正确，请重新输入");
    let heard = listen(&window);
    tap(&window, "7");
    assert_eq!(heard.take(), ["digit 7"]);
}

#[test]
fn a_locked_pad_is_deaf_and_says_for_how_long_but_can_be_left() {
    let window = at_stage(SIZES[0], TechnicianStage::Pin);
    let technician = TechnicianAdapter::get(&window);
    technician.set_typed(4);
    technician.set_locked_seconds(240);
    technician.set_wrong(true);
    settle();
    element(&window, "输错次数过多，请在 240 秒后再试");
    let heard = listen(&window);
    for label in buttons(&window) {
        tap(&window, &label);
    }
    assert_eq!(heard.take(), ["Leave"]);
}

#[test]
fn without_a_pin_there_is_no_pad_and_the_page_says_who_sets_one() {
    for size in SIZES {
        let window = at_stage(size, TechnicianStage::Pin);
        TechnicianAdapter::get(&window).set_no_pin(true);
        settle();
        assert_eq!(buttons(&window), ["退出"]);
        let said = labels(&window);
        let told = said
            .iter()
            .any(|label| label.contains("请在管理中心设置密码"));
        assert!(told, "{said:?}");
    }
}

#[test]
fn each_button_below_the_facts_is_told_once() {
    for size in SIZES {
        let window = at_stage(size, TechnicianStage::Facts);
        let heard = listen(&window);
        for (label, told) in [
            ("触摸测试", "TouchTest"),
            ("屏幕测试", "ScreenTest"),
            ("开始自检", "SelfTest"),
            ("导出记录到U盘", "ExportJournal"),
            ("暂停本窗口", "Pause"),
            ("重启程序", "Restart"),
            ("退出", "Leave"),
        ] {
            tap(&window, label);
            assert_eq!(heard.take(), [told], "{size:?}");
        }
        assert_eq!(buttons(&window).len(), 7);
    }
}

#[test]
fn every_key_and_button_is_large_enough_for_a_finger() {
    for size in SIZES {
        for stage in [
            TechnicianStage::Pin,
            TechnicianStage::Facts,
            TechnicianStage::TouchTest,
            TechnicianStage::ScreenTest,
        ] {
            assert_large(&at_stage(size, stage), size, 72.0);
        }
    }
}

#[test]
fn a_paused_window_offers_to_resume() {
    let window = at_stage(SIZES[0], TechnicianStage::Facts);
    TechnicianAdapter::get(&window).set_paused(true);
    settle();
    let heard = listen(&window);
    assert!(!buttons(&window).contains(&"暂停本窗口".to_owned()));
    tap(&window, "恢复服务");
    assert_eq!(heard.take(), ["Pause"]);
    element(&window, "本窗口已暂停服务。");
}

#[test]
fn disabled_input_makes_every_stage_deaf() {
    let window = window_at(SIZES[0], Page::Technician);
    TechnicianAdapter::get(&window).set_typed(4);
    window.set_input_enabled(false);
    let heard = listen(&window);
    for stage in [
        TechnicianStage::Pin,
        TechnicianStage::Facts,
        TechnicianStage::TouchTest,
        TechnicianStage::ScreenTest,
    ] {
        TechnicianAdapter::get(&window).set_stage(stage);
        settle();
        for label in buttons(&window) {
            tap(&window, &label);
        }
        assert_eq!(heard.take(), NOTHING, "{stage:?}");
    }
}

const FACTS: [Fact; 13] = [
    Fact::Terminal,
    Fact::Hall,
    Fact::Window,
    Fact::Software,
    Fact::Profile,
    Fact::Collector,
    Fact::Network,
    Fact::Backlog,
    Fact::OldestUnsent,
    Fact::Clock,
    Fact::Disk,
    Fact::Journal,
    Fact::SelfTest,
];

#[test]
fn every_fact_has_a_name_of_its_own_and_a_bad_one_is_called_so() {
    let window = at_stage(SIZES[0], TechnicianStage::Facts);
    let mut seen: Vec<String> = Vec::new();
    for bad in [false, true] {
        let lines = FACTS.map(|fact| FactLine {
            fact,
            value: "V".into(),
            bad,
        });
        TechnicianAdapter::get(&window).set_facts(ModelRc::new(VecModel::from(lines.to_vec())));
        settle();
        let ending = if bad { "：V（异常）" } else { "：V" };
        let mut said = labels(&window);
        said.retain(|label| label.ends_with(ending));
        assert_eq!(said.len(), FACTS.len(), "{said:?}");
        seen.extend(said);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 2 * FACTS.len());
}

#[test]
fn a_bad_fact_carries_a_mark_and_not_only_a_colour() {
    let window = at_stage(SIZES[0], TechnicianStage::Facts);
    let marks = |window: &KioskWindow| {
        ElementHandle::find_by_element_type_name(window, "WarningMark")
            .filter(|mark| mark.computed_opacity() > 0.0 && mark.size().width > 0.0)
            .count()
    };
    let lines = |bad| {
        ModelRc::new(VecModel::from(vec![FactLine {
            fact: Fact::Clock,
            value: "V".into(),
            bad,
        }]))
    };
    let technician = TechnicianAdapter::get(&window);
    technician.set_facts(lines(false));
    settle();
    assert_eq!(marks(&window), 0);
    technician.set_facts(lines(true));
    settle();
    assert_eq!(marks(&window), 1);
}

#[test]
fn each_notice_has_words_of_its_own_and_keeps_the_detail() {
    let window = at_stage(SIZES[0], TechnicianStage::Facts);
    let technician = TechnicianAdapter::get(&window);
    technician.set_detail("E-17".into());
    let mut seen: Vec<String> = Vec::new();
    for notice in [
        TechnicianNotice::None,
        TechnicianNotice::SelfTestRunning,
        TechnicianNotice::SelfTestGood,
        TechnicianNotice::SelfTestFailed,
        TechnicianNotice::Exporting,
        TechnicianNotice::Exported,
        TechnicianNotice::NoMedium,
        TechnicianNotice::ExportFailed,
        TechnicianNotice::Restarting,
    ] {
        technician.set_notice(notice);
        settle();
        let found: Vec<ElementHandle> =
            ElementHandle::find_by_element_type_name(&window, "NoticeBox").collect();
        assert_eq!(found.len(), 1, "{notice:?}");
        assert_eq!(found[0].accessible_description().as_deref(), Some("E-17"));
        let words = found[0].accessible_label().expect("words").to_string();
        assert!(
            !words.is_empty() && !seen.contains(&words),
            "{notice:?}: {words}"
        );
        seen.push(words);
    }
}

fn press(window: &KioskWindow, x: f32, y: f32) {
    let (position, button) = (LogicalPosition::new(x, y), PointerEventButton::Left);
    for event in [
        WindowEvent::PointerPressed { position, button },
        WindowEvent::PointerReleased { position, button },
    ] {
        window.window().dispatch_event(event);
    }
    settle();
}

#[test]
fn the_touch_test_tells_each_touch_in_percent_of_the_screen() {
    let window = at_stage(SIZES[0], TechnicianStage::TouchTest);
    let heard = listen(&window);
    for (x, y, told) in [
        (320.0, 600.0, "touched 25 75"),
        (2.0, 2.0, "touched 0 0"),
        (1279.0, 799.0, "touched 100 100"),
        (12.8, 400.0, "touched 1 50"),
    ] {
        press(&window, x, y);
        assert_eq!(heard.take(), [told]);
    }
    element(&window, "横向 1%，纵向 50%");
    let portrait = at_stage(SIZES[2], TechnicianStage::TouchTest);
    let heard = listen(&portrait);
    press(&portrait, 80.0, 1024.0);
    assert_eq!(heard.take(), ["touched 10 80"]);
}

#[test]
fn both_tests_are_left_by_their_button_and_by_nothing_else() {
    for size in SIZES {
        for stage in [TechnicianStage::TouchTest, TechnicianStage::ScreenTest] {
            let window = at_stage(size, stage);
            let heard = listen(&window);
            for _ in 0..9 {
                press(&window, 30.0, 300.0);
                assert!(!heard.take().contains(&"Leave".to_owned()));
                tap(&window, "结束测试");
                assert_eq!(heard.take(), ["Leave"], "{stage:?} on {size:?}");
            }
        }
    }
}

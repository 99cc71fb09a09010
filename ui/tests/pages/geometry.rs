//! Sizes that the halls ask for, on every supported screen, in every language and in large type.

use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementQuery};
use manyi_ui::{
    AskAdapter, GlassAdapter, IdleAdapter, KioskWindow, Page, PhoneState, ReasonsAdapter, Tag,
};
use slint::{ComponentHandle as _, Global as _, PhysicalSize};

use crate::glass::{SIZES, element, settle, speak, window_at};

/// Layout arithmetic is in 32-bit floats: half a pixel is not a difference.
const TOLERANCE: f32 = 0.5;

/// One language of each direction: where the words have a place of their own, only the direction
/// moves it.
const DIRECTIONS: [&str; 2] = ["zh-Hans", "ug"];

const PAGES: [Page; 4] = [Page::Idle, Page::Ask, Page::Reasons, Page::Thanks];

/// Where something is that can be touched or read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) label: String,
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
}

fn place(element: &ElementHandle) -> Place {
    let (at, size) = (element.absolute_position(), element.size());
    Place {
        label: element.accessible_label().unwrap_or_default().into(),
        x: at.x,
        y: at.y,
        width: size.width,
        height: size.height,
    }
}

impl Place {
    pub(crate) fn is_inside(&self, width: f32, height: f32) -> bool {
        self.x >= -TOLERANCE
            && self.y >= -TOLERANCE
            && self.x + self.width <= width + TOLERANCE
            && self.y + self.height <= height + TOLERANCE
    }

    fn is_apart_from(&self, other: &Self) -> bool {
        self.x + self.width <= other.x + TOLERANCE
            || other.x + other.width <= self.x + TOLERANCE
            || self.y + self.height <= other.y + TOLERANCE
            || other.y + other.height <= self.y + TOLERANCE
    }
}

/// Everything on the page that takes a tap, each once.
fn targets(window: &KioskWindow) -> Vec<Place> {
    let elements = ElementQuery::from_root(window)
        .match_descendants()
        .match_predicate(|element| {
            matches!(
                element.accessible_role(),
                Some(AccessibleRole::Button | AccessibleRole::Checkbox)
            )
        })
        .find_all();
    let mut found: Vec<Place> = Vec::new();
    for place in elements.iter().map(place) {
        if !found.contains(&place) {
            found.push(place);
        }
    }
    found
}

pub(crate) fn targets_of_class(window: &KioskWindow, class: &str) -> Vec<Place> {
    ElementHandle::find_by_element_type_name(window, class)
        .map(|element| place(&element))
        .collect()
}

/// The fullest form of each page: every button, the code, an announcement, long names.
fn fill(window: &KioskWindow) {
    let ask = AskAdapter::get(window);
    ask.set_item_name("国有建设用地使用权及房屋所有权转移登记（存量房买卖） تسجيل".into());
    ask.set_window_name("不动产登记与个人住房公积金联办综合受理窗口".into());
    ask.set_staff_name("阿依古丽·买买提依明".into());
    let reasons = ReasonsAdapter::get(window);
    reasons.set_has_code(true);
    reasons.set_phone(PhoneState::Offered);
    let idle = IdleAdapter::get(window);
    idle.set_clerk_may_ask(true);
    idle.set_announcement(1);
    idle.set_announcement_text("自 3 月 1 日起，企业开办全程网上办理，半天办结。".into());
    idle.set_hall_name("新疆维吾尔自治区乌鲁木齐市政务服务和公共资源交易中心".into());
}

pub(crate) fn codes_of_level(level: u8) -> Vec<Tag> {
    let first = match level {
        5 => 510,
        4 => 406,
        3 => 307,
        2 => 207,
        _ => 108,
    };
    (first..first + 8)
        .map(|code: i32| Tag {
            code: code.to_string().into(),
            text: "".into(),
            chosen: code % 3 == 0,
        })
        .collect()
}

/// One of the ways a page can stand on the glass.
pub(crate) struct Stand<'a> {
    pub(crate) window: &'a KioskWindow,
    pub(crate) page: Page,
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) elder: bool,
    pub(crate) name: String,
}

impl Stand<'_> {
    /// Pixels of one design unit.
    pub(crate) fn unit(&self) -> f32 {
        let (across, down) = if self.height > self.width {
            (800.0, 1280.0)
        } else {
            (1280.0, 800.0)
        };
        (self.width / across).min(self.height / down)
    }
}

/// Every page on every screen in every language, in normal and in large type.
pub(crate) fn for_each_stand(sizes: &[(u32, u32)], languages: &[&str], check: impl Fn(&Stand<'_>)) {
    for &size in sizes {
        let window = window_at(size, Page::Idle);
        fill(&window);
        window.window().set_size(PhysicalSize::new(size.0, size.1));
        for language in languages {
            speak(&window, language);
            for elder in [false, true] {
                GlassAdapter::get(&window).set_elder(elder);
                for page in PAGES {
                    window.set_page(page);
                    settle();
                    check(&Stand {
                        window: &window,
                        page,
                        #[expect(clippy::cast_precision_loss, reason = "a screen is small")]
                        width: size.0 as f32,
                        #[expect(clippy::cast_precision_loss, reason = "a screen is small")]
                        height: size.1 as f32,
                        elder,
                        name: format!("{page:?} {size:?} {} elder={elder}", language),
                    });
                }
            }
        }
    }
}

#[test]
fn every_target_is_inside_large_enough_and_apart_from_the_others() {
    i_slint_backend_testing::init_no_event_loop();
    for_each_stand(&SIZES, &DIRECTIONS, |stand| {
        let targets = targets(stand.window);
        let least = match stand.page {
            Page::Idle | Page::Thanks => 1,
            Page::Ask => 8,
            _ => 11,
        };
        assert!(targets.len() >= least, "{}: {targets:?}", stand.name);
        for (index, one) in targets.iter().enumerate() {
            assert!(
                one.is_inside(stand.width, stand.height),
                "{}: {one:?}",
                stand.name
            );
            assert!(
                one.width >= 48.0 && one.height >= 48.0,
                "{}: {one:?}",
                stand.name
            );
            for other in targets.iter().skip(index + 1) {
                assert!(
                    one.is_apart_from(other),
                    "{}: {one:?} and {other:?}",
                    stand.name
                );
            }
        }
    });
}

#[test]
fn the_five_targets_are_equal_and_at_least_a_quarter_of_the_screen_high() {
    i_slint_backend_testing::init_no_event_loop();
    for_each_stand(&SIZES, &DIRECTIONS, |stand| {
        if stand.page != Page::Ask {
            return;
        }
        let ask = AskAdapter::get(stand.window);
        for item in [String::new(), "存量房买卖".into(), "存量房买卖".repeat(60)] {
            ask.set_item_name(item.into());
            settle();
            let levels = targets_of_class(stand.window, "LevelTarget");
            assert_eq!(levels.len(), 5, "{}", stand.name);
            for level in &levels {
                assert!(
                    (level.width - levels[0].width).abs() < TOLERANCE,
                    "{}",
                    stand.name
                );
                assert!(
                    (level.height - levels[0].height).abs() < TOLERANCE,
                    "{}",
                    stand.name
                );
                assert!((level.y - levels[0].y).abs() < TOLERANCE, "{}", stand.name);
                assert!(
                    level.height >= stand.height / 4.0,
                    "{}: {level:?}",
                    stand.name
                );
            }
        }
    });
}

/// The one place with this label.
fn labelled(window: &KioskWindow, label: &str) -> Place {
    place(&element(window, label))
}

#[test]
fn arabic_and_uyghur_begin_on_the_right_and_the_others_on_the_left() {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[0], Page::Ask);
    for (code, best, worst, decline, person) in [
        ("zh-Hans", "非常满意", "非常不满意", "暂不评价", "王晓梅"),
        (
            "fr",
            "Très satisfait",
            "Très insatisfait",
            "Pas maintenant",
            "王晓梅",
        ),
        ("ar", "راضٍ جدًا", "غير راضٍ أبدًا", "لا أرغب الآن", "王晓梅"),
        (
            "ug",
            "ناھايىتى رازى",
            "ناھايىتى نارازى",
            "ھازىر باھالىمايمەن",
            "王晓梅",
        ),
    ] {
        speak(&window, code);
        let rtl = manyi_ui::languages::find(code)
            .expect("a known language")
            .right_to_left;
        for mirrored in [false, true] {
            AskAdapter::get(&window).set_mirrored(mirrored);
            settle();
            let best_is_right = labelled(&window, best).x > labelled(&window, worst).x;
            assert_eq!(best_is_right, rtl != mirrored, "{code} mirrored={mirrored}");
        }
        let decline_is_left = labelled(&window, decline).x < 640.0;
        assert_eq!(decline_is_left, rtl, "{code}");
        let photo = targets_of_class(&window, "ClerkPhoto");
        assert_eq!(photo.len(), 1, "{person}");
        assert_eq!(photo[0].x > 640.0, rtl, "{code}");
    }
}

#[test]
fn the_code_stands_at_the_end_of_the_line_and_is_large_enough_to_scan() {
    i_slint_backend_testing::init_no_event_loop();
    for_each_stand(&SIZES, &DIRECTIONS, |stand| {
        if stand.page != Page::Reasons || stand.elder {
            return;
        }
        let codes = targets_of_class(stand.window, "CodePanel");
        assert_eq!(codes.len(), 1, "{}", stand.name);
        let panel = &codes[0];
        assert!(panel.is_inside(stand.width, stand.height), "{}", stand.name);
        let least = 220.0 * stand.unit();
        assert!(
            panel.width >= least && panel.height >= least,
            "{}: {panel:?}",
            stand.name
        );
        for target in targets(stand.window) {
            assert!(panel.is_apart_from(&target), "{}: {target:?}", stand.name);
        }
    });
}

/// The end-to-end tests cannot ask Slint where its targets are: `tests/src/layout.rs` computes these
/// points. Whoever moves a target moves the numbers there and here.
#[test]
fn the_targets_stand_where_the_end_to_end_tests_tap() {
    i_slint_backend_testing::init_no_event_loop();
    let window = window_at(SIZES[0], Page::Ask);
    let centre = |label: &str| {
        let place = labelled(&window, label);
        (place.x + place.width / 2.0, place.y + place.height / 2.0)
    };
    assert_eq!(centre("非常满意"), (153.6, 501.0));
    assert_eq!(centre("非常不满意"), (1126.4, 501.0));
    assert_eq!(centre("暂不评价"), (1110.0, 740.0));
    window.set_page(Page::Reasons);
    settle();
    assert_eq!(centre("提交"), (1130.0, 740.0));
    assert_eq!(centre("跳过"), (886.0, 740.0));
    assert_eq!(centre("没有提供材料样本"), (336.0, 217.25));
    assert_eq!(centre("服务态度生硬"), (944.0, 620.75));
}

//! What the tests share: a window, its elements, and an ear on every callback.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementQuery, mock_elapsed_time};
use manyi_ui::{
    EnrolmentAdapter, KioskWindow, Page, PausedAdapter, PhoneAdapter, TechnicianAdapter,
};
use slint::platform::PointerEventButton;
use slint::{ComponentHandle as _, Global as _, PhysicalSize};

pub(crate) const SIZES: [(u32, u32); 4] = [(1280, 800), (1024, 600), (800, 1280), (1920, 1080)];

/// A window on this thread's testing backend, laid out and showing `page`.
pub(crate) fn window_at((width, height): (u32, u32), page: Page) -> KioskWindow {
    thread_local! {
        static READY: Cell<bool> = const { Cell::new(false) };
    }
    if !READY.replace(true) {
        i_slint_backend_testing::init_no_event_loop();
    }
    let window = KioskWindow::new().expect("the testing backend makes windows");
    window.show().expect("the testing backend shows windows");
    window.window().set_size(PhysicalSize::new(width, height));
    window.set_page(page);
    settle();
    window
}

/// Lets change handlers, conditional elements and repeaters catch up.
pub(crate) fn settle() {
    mock_elapsed_time(Duration::ZERO);
    mock_elapsed_time(Duration::ZERO);
}

/// Pixels of one design pixel, as the theme has it.
fn unit((width, height): (u32, u32)) -> f32 {
    let (across, down) = if height > width {
        (800.0, 1280.0)
    } else {
        (1280.0, 800.0)
    };
    let ratio = (f64::from(width) / across).min(f64::from(height) / down);
    #[expect(clippy::cast_possible_truncation, reason = "a ratio near one")]
    let ratio = ratio as f32;
    ratio
}

/// The one element with this label; the search needs debug information and must never be empty.
pub(crate) fn element(window: &KioskWindow, label: &str) -> ElementHandle {
    let found: Vec<ElementHandle> =
        ElementHandle::find_by_accessible_label(window, label).collect();
    match <[ElementHandle; 1]>::try_from(found) {
        Ok([only]) => only,
        Err(found) => panic!("{} elements are labelled `{label}`", found.len()),
    }
}

pub(crate) fn tap(window: &KioskWindow, label: &str) {
    element(window, label).mock_single_click(PointerEventButton::Left);
    settle();
}

/// Everything that can be tapped.
pub(crate) fn targets(window: &KioskWindow) -> Vec<ElementHandle> {
    ElementQuery::from_root(window)
        .match_accessible_role(AccessibleRole::Button)
        .find_all()
}

/// The labels of everything that can be tapped.
pub(crate) fn buttons(window: &KioskWindow) -> Vec<String> {
    let labels = targets(window).into_iter();
    labels
        .filter_map(|target| target.accessible_label())
        .map(String::from)
        .collect()
}

/// Panics when a target is smaller than `least` design pixels.
pub(crate) fn assert_large(window: &KioskWindow, size: (u32, u32), least: f32) {
    // Half a pixel is not a difference: layout arithmetic is in 32-bit floats.
    let least = least * unit(size) - 0.5;
    for target in targets(window) {
        let (label, place) = (target.accessible_label(), target.size());
        assert!(
            place.width >= least && place.height >= least,
            "{label:?} is {place:?} on {size:?}"
        );
    }
}

/// Everything that is said on the page.
pub(crate) fn labels(window: &KioskWindow) -> Vec<String> {
    ElementQuery::from_root(window)
        .find_all()
        .iter()
        .filter_map(ElementHandle::accessible_label)
        .filter(|label| !label.is_empty())
        .map(String::from)
        .collect()
}

/// What the pages told, in order.
pub(crate) type Heard = Rc<RefCell<Vec<String>>>;

pub(crate) fn listen(window: &KioskWindow) -> Heard {
    let heard = Heard::default();
    let tell = |word: &'static str| {
        let heard = heard.clone();
        move || heard.borrow_mut().push(word.to_owned())
    };
    let tell_text = |word: &'static str| {
        let heard = heard.clone();
        move |text: slint::SharedString| heard.borrow_mut().push(format!("{word} {text}"))
    };
    let phone = PhoneAdapter::get(window);
    phone.on_digit(tell_text("digit"));
    phone.on_erase(tell("erase"));
    phone.on_keep(tell("keep"));
    phone.on_back(tell("back"));
    PausedAdapter::get(window).on_end(tell("end"));
    let enrolment = EnrolmentAdapter::get(window);
    enrolment.on_key(tell_text("key"));
    enrolment.on_erase(tell("erase"));
    enrolment.on_clear(tell("clear"));
    enrolment.on_submit(tell("submit"));
    enrolment.on_choose_field({
        let heard = heard.clone();
        move |field| heard.borrow_mut().push(format!("{field:?}"))
    });
    let technician = TechnicianAdapter::get(window);
    technician.on_digit(tell_text("digit"));
    technician.on_erase(tell("erase"));
    technician.on_enter(tell("enter"));
    technician.on_act({
        let heard = heard.clone();
        move |action| heard.borrow_mut().push(format!("{action:?}"))
    });
    technician.on_touched({
        let heard = heard.clone();
        move |x, y| heard.borrow_mut().push(format!("touched {x} {y}"))
    });
    heard
}

//! What the tests share: a window of a given size and fingers on its glass.

use std::time::Duration;

use i_slint_backend_testing::{ElementHandle, mock_elapsed_time};
use i_slint_core::input::TouchPhase;
use i_slint_core::lengths::LogicalPoint;
use manyi_ui::{KioskWindow, Page};
use slint::platform::{InternalEvent, PointerEventButton, WindowEvent};
use slint::{ComponentHandle as _, LogicalPosition, PhysicalSize};

pub(crate) const SIZES: [(u32, u32); 3] = [(1280, 800), (1024, 600), (800, 1280)];

pub(crate) const WORDS: [(i32, &str); 5] = [
    (5, "非常满意"),
    (4, "满意"),
    (3, "基本满意"),
    (2, "不满意"),
    (1, "非常不满意"),
];

/// A window on the current thread's backend, laid out and showing `page`.
pub(crate) fn window_at((width, height): (u32, u32), page: Page) -> KioskWindow {
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

pub(crate) fn centre(element: &ElementHandle) -> LogicalPosition {
    let (place, size) = (element.absolute_position(), element.size());
    LogicalPosition::new(place.x + size.width / 2.0, place.y + size.height / 2.0)
}

pub(crate) fn touch(window: &KioskWindow, finger: i32, at: LogicalPosition, phase: TouchPhase) {
    window
        .window()
        .dispatch_event(WindowEvent::internal(InternalEvent::Touch {
            id: finger,
            position: LogicalPoint::new(at.x, at.y),
            phase,
        }));
    settle();
}

//! The thank-you: nothing of the answer reaches it.

use manyi_ui::{KioskWindow, Page, ThanksAdapter};
use slint::ComponentHandle;

use super::Shown;

pub(super) fn map(window: &KioskWindow, hall_name: &str) -> Shown {
    window
        .global::<ThanksAdapter<'_>>()
        .set_hall_name(hall_name.into());
    Page::Thanks
}

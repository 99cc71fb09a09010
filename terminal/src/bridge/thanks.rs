//! The thank-you: nothing of the answer reaches it.

use manyi_ui::{KioskWindow, Page, ThanksAdapter};
use slint::ComponentHandle;

use super::{Sender, Shown};
use crate::flow::Target;

pub(super) fn connect(window: &KioskWindow, sender: &Sender) {
    let correct = sender.clone();
    window
        .global::<ThanksAdapter<'_>>()
        .on_correct(move || correct.send(Target::Correct));
}

pub(super) fn map(window: &KioskWindow, hall_name: &str, may_correct: bool) -> Shown {
    let adapter = window.global::<ThanksAdapter<'_>>();
    adapter.set_hall_name(hall_name.into());
    adapter.set_can_correct(may_correct);
    Page::Thanks
}

//! The window is paused.

use manyi_ui::{KioskWindow, Page, PausedAdapter};
use slint::ComponentHandle;

use super::{Sender, Shown};
use crate::flow::Target;
use crate::scene::PausedScene;

pub(super) fn connect(window: &KioskWindow, sender: &Sender) {
    let end = sender.clone();
    window
        .global::<PausedAdapter<'_>>()
        .on_end(move || end.send(Target::Resume));
}

pub(super) fn map(window: &KioskWindow, scene: &PausedScene) -> Shown {
    let adapter = window.global::<PausedAdapter<'_>>();
    adapter.set_window_number(scene.place.number.as_str().into());
    adapter.set_window_name(scene.place.name.as_str().into());
    adapter.set_text(scene.text.as_str().into());
    adapter.set_contact(scene.contact.as_str().into());
    adapter.set_clerk_may_end(scene.by_clerk);
    Page::Paused
}

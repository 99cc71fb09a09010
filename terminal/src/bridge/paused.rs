//! The window is paused by its clerk or by the office.

use std::rc::Rc;

use manyi_ui::{KioskWindow, Page, PausedAdapter};
use slint::ComponentHandle;

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PausedScene {
    /// The window's number.
    pub window_number: String,
    /// The window's name.
    pub window_name: String,
    /// The office's own words; may be empty.
    pub text: String,
    /// Whom to call.
    pub contact: String,
    /// Whether the clerk paused and may end it here.
    pub clerk_may_end: bool,
}

/// From now on the clerk's button goes to `end`.
pub fn connect(window: &KioskWindow, end: &Rc<dyn Fn()>) {
    let end = end.clone();
    window.global::<PausedAdapter<'_>>().on_end(move || end());
}

/// Draws the page.
pub fn map(window: &KioskWindow, scene: &PausedScene) -> Page {
    let adapter = window.global::<PausedAdapter<'_>>();
    adapter.set_window_number(scene.window_number.as_str().into());
    adapter.set_window_name(scene.window_name.as_str().into());
    adapter.set_text(scene.text.as_str().into());
    adapter.set_contact(scene.contact.as_str().into());
    adapter.set_clerk_may_end(scene.clerk_may_end);
    Page::Paused
}

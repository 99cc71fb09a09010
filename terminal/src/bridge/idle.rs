//! Between two prompts.

use manyi_ui::{IdleAdapter, KioskWindow, Page};
use slint::ComponentHandle;

use super::Shown;
use crate::scene::IdleScene;

pub(super) fn map(window: &KioskWindow, scene: &IdleScene) -> Shown {
    let adapter = window.global::<IdleAdapter<'_>>();
    adapter.set_hall_name(scene.hall_name.as_str().into());
    adapter.set_window_number(scene.place.number.as_str().into());
    adapter.set_window_name(scene.place.name.as_str().into());
    adapter.set_staff_name(scene.staff.name.as_str().into());
    adapter.set_staff_number(scene.staff.number.as_str().into());
    adapter.set_staff_post(scene.staff.post.as_str().into());
    adapter.set_clock(scene.clock.as_str().into());
    Page::Idle
}

//! Between two prompts.

use manyi_ui::{IdleAdapter, KioskWindow, Page};
use slint::ComponentHandle;

use super::pictures::Pictures;
use super::{Sender, Shown};
use crate::flow::Target;
use crate::scene::IdleScene;

pub(super) fn connect(window: &KioskWindow, sender: &Sender) {
    let ask = sender.clone();
    window
        .global::<IdleAdapter<'_>>()
        .on_ask(move || ask.send(Target::Ask));
}

pub(super) fn map(window: &KioskWindow, scene: &IdleScene, pictures: &Pictures) -> Shown {
    let adapter = window.global::<IdleAdapter<'_>>();
    adapter.set_hall_name(scene.hall_name.as_str().into());
    adapter.set_window_number(scene.place.number.as_str().into());
    adapter.set_window_name(scene.place.name.as_str().into());
    adapter.set_staff_name(scene.staff.name.as_str().into());
    adapter.set_staff_number(scene.staff.number.as_str().into());
    adapter.set_staff_post(scene.staff.post.as_str().into());
    adapter.set_clock(scene.clock.as_str().into());
    adapter.set_staff_stars(i32::from(scene.staff.stars));
    let photo = pictures.get(scene.staff.photo.as_deref());
    adapter.set_staff_has_photo(photo.is_some());
    adapter.set_staff_photo(photo.unwrap_or_default());
    adapter.set_clerk_may_ask(scene.clerk_may_ask);
    announce(&adapter, scene, pictures);
    Page::Idle
}

/// The words and the picture change before the number does, which the page takes as the turn.
fn announce(adapter: &IdleAdapter<'_>, scene: &IdleScene, pictures: &Pictures) {
    let Some(announcement) = &scene.announcement else {
        adapter.set_announcement(0);
        return;
    };
    let picture = pictures.get(announcement.picture.as_deref());
    adapter.set_announcement_text(announcement.text.as_str().into());
    adapter.set_announcement_has_picture(picture.is_some());
    adapter.set_announcement_picture(picture.unwrap_or_default());
    adapter.set_announcement(i32::try_from(announcement.number).unwrap_or(i32::MAX));
}

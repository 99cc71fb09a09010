//! The question.

use manyi_shared::domain::Level;
use manyi_ui::{AskAdapter, KioskWindow, Page};
use slint::ComponentHandle;

use super::{Sender, Shown};
use crate::flow::Target;
use crate::scene::AskScene;

pub(super) fn connect(window: &KioskWindow, sender: &Sender) {
    let adapter = window.global::<AskAdapter<'_>>();
    let choose = sender.clone();
    adapter.on_choose(move |number| {
        if let Some(level) = map_level(number) {
            choose.send(Target::Level(level));
        }
    });
    let decline = sender.clone();
    adapter.on_decline(move || decline.send(Target::Decline));
}

/// The level of a target; a number that is none is nothing, never the nearest.
fn map_level(number: i32) -> Option<Level> {
    u8::try_from(number)
        .ok()
        .and_then(|n| Level::try_from(n).ok())
}

pub(super) fn map(window: &KioskWindow, scene: &AskScene) -> Shown {
    let adapter = window.global::<AskAdapter<'_>>();
    adapter.set_item_name(scene.item_name.as_str().into());
    adapter.set_staff_name(scene.staff.name.as_str().into());
    adapter.set_staff_number(scene.staff.number.as_str().into());
    adapter.set_window_name(scene.place.name.as_str().into());
    adapter.set_window_number(scene.place.number.as_str().into());
    adapter.set_remaining_fraction(scene.left_fraction);
    adapter.set_remaining_seconds(scene.left_seconds);
    adapter.set_mirrored(scene.mirrored);
    Page::Ask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(5, Some(Level::VerySatisfied))]
    #[case(1, Some(Level::VeryDissatisfied))]
    #[case(0, None)]
    #[case(6, None)]
    #[case(-1, None)]
    #[case(261, None)]
    fn only_the_five_numbers_are_levels(#[case] number: i32, #[case] level: Option<Level>) {
        assert_eq!(map_level(number), level);
    }
}

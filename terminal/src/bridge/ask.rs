//! The question.

use manyi_shared::domain::{Language, Level};
use manyi_ui::{AskAdapter, KioskWindow, Language as Choice, Page, languages};
use slint::{ComponentHandle, Model, ModelRc, VecModel};

use super::pictures::Pictures;
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
    let language = sender.clone();
    adapter.on_choose_language(move |code| {
        if let Some(chosen) = Language::from_code(&code) {
            language.send(Target::Language(chosen));
        }
    });
    let elder = sender.clone();
    adapter.on_toggle_elder(move || elder.send(Target::Elder));
}

/// The level of a target; a number that is none is nothing, never the nearest.
fn map_level(number: i32) -> Option<Level> {
    u8::try_from(number)
        .ok()
        .and_then(|n| Level::try_from(n).ok())
}

fn map_language(language: Language) -> Option<Choice> {
    let known = languages::find(language.code())?;
    Some(Choice {
        code: known.code.into(),
        name: known.own_name.into(),
    })
}

pub(super) fn map(window: &KioskWindow, scene: &AskScene, pictures: &Pictures) -> Shown {
    let adapter = window.global::<AskAdapter<'_>>();
    adapter.set_item_name(scene.item_name.as_str().into());
    adapter.set_staff_name(scene.staff.name.as_str().into());
    adapter.set_staff_number(scene.staff.number.as_str().into());
    adapter.set_window_name(scene.place.name.as_str().into());
    adapter.set_window_number(scene.place.number.as_str().into());
    adapter.set_remaining_fraction(scene.left_fraction);
    adapter.set_remaining_seconds(scene.left_seconds);
    adapter.set_mirrored(scene.mirrored);
    adapter.set_correcting(scene.correcting);
    adapter.set_staff_post(scene.staff.post.as_str().into());
    let photo = pictures.get(scene.staff.photo.as_deref());
    adapter.set_staff_has_photo(photo.is_some());
    adapter.set_staff_photo(photo.unwrap_or_default());
    let offered = scene.languages.iter().copied().filter_map(map_language);
    // A new model would rebuild every button, also the one under the finger.
    if !adapter.get_languages().iter().eq(offered.clone()) {
        adapter.set_languages(ModelRc::new(VecModel::from_iter(offered)));
    }
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

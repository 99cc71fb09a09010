//! The options of the chosen level.

use manyi_shared::domain::TagCode;
use manyi_ui::{KioskWindow, Page, PhoneState, ReasonsAdapter, Tag};
use slint::{ComponentHandle, Model, ModelRc, VecModel};

use super::{Sender, Shown, pictures};
use crate::flow::{PhoneView, Target};
use crate::scene::{Chip, ReasonsScene};

pub(super) fn connect(window: &KioskWindow, sender: &Sender) {
    let adapter = window.global::<ReasonsAdapter<'_>>();
    let toggle = sender.clone();
    adapter.on_toggle(move |code| {
        if let Some(code) = map_code(&code) {
            toggle.send(Target::Tag(code));
        }
    });
    let submit = sender.clone();
    adapter.on_submit(move || submit.send(Target::Submit));
    let skip = sender.clone();
    adapter.on_skip(move || skip.send(Target::Skip));
    let phone = sender.clone();
    adapter.on_open_phone(move || phone.send(Target::OpenPhone));
}

fn map_code(code: &str) -> Option<TagCode> {
    code.parse().ok().and_then(TagCode::new)
}

fn map_chip(chip: &Chip) -> Tag {
    Tag {
        code: chip.code.to_string().into(),
        text: chip.text.as_str().into(),
        chosen: chip.chosen,
    }
}

pub(super) fn map(window: &KioskWindow, scene: &ReasonsScene) -> Shown {
    let adapter = window.global::<ReasonsAdapter<'_>>();
    let chips: Vec<Tag> = scene.chips.iter().map(map_chip).collect();
    let shown = adapter.get_tags();
    // Rows are changed in place where they can be: a new model would rebuild every chip, also the
    // one under the finger.
    let same = shown.row_count() == chips.len()
        && shown
            .iter()
            .zip(&chips)
            .all(|(old, new)| old.code == new.code && old.text == new.text);
    if same {
        for (row, (old, new)) in shown.iter().zip(chips).enumerate() {
            if old != new {
                shown.set_row_data(row, new);
            }
        }
    } else {
        adapter.set_tags(ModelRc::new(VecModel::from(chips)));
    }
    adapter.set_remaining_seconds(scene.left_seconds);
    adapter.set_required(scene.required);
    adapter.set_phone(map_phone(scene.phone));
    map_code_image(&adapter, scene.code.as_deref());
    Page::Reasons
}

const fn map_phone(phone: PhoneView) -> PhoneState {
    match phone {
        PhoneView::NotOffered => PhoneState::NotOffered,
        PhoneView::Offered => PhoneState::Offered,
        PhoneView::Kept => PhoneState::Kept,
    }
}

/// Drawn once for a rating: making a code takes longer than showing a page.
fn map_code_image(adapter: &ReasonsAdapter<'_>, address: Option<&str>) {
    thread_local! {
        static DRAWN: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
    }
    let address = address.unwrap_or_default();
    DRAWN.with_borrow_mut(|drawn| {
        if drawn != address {
            let image = (!address.is_empty())
                .then(|| pictures::code(address))
                .flatten();
            adapter.set_has_code(image.is_some());
            adapter.set_code(image.unwrap_or_default());
            address.clone_into(drawn);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("510", Some(510))]
    #[case("099", None)]
    #[case("", None)]
    #[case("5.1", None)]
    #[case("70000", None)]
    fn only_national_shapes_are_codes(#[case] text: &str, #[case] code: Option<u16>) {
        assert_eq!(map_code(text).map(TagCode::number), code);
    }
}

//! The pad for a call-back number. What was typed is on the adapter only while the page is shown.

use manyi_ui::{KioskWindow, Page, PhoneAdapter};
use slint::ComponentHandle;

use super::{Sender, Shown};
use crate::flow::Target;
use crate::scene::PhoneScene;

pub(super) fn connect(window: &KioskWindow, sender: &Sender) {
    let adapter = window.global::<PhoneAdapter<'_>>();
    // What the preview shows is nobody's number.
    adapter.set_digits(slint::SharedString::new());
    let digit = sender.clone();
    adapter.on_digit(move |text| {
        if let Some(number) = map_digit(&text) {
            digit.send(Target::Digit(number));
        }
    });
    let erase = sender.clone();
    adapter.on_erase(move || erase.send(Target::Erase));
    let keep = sender.clone();
    adapter.on_keep(move || keep.send(Target::KeepPhone));
    let back = sender.clone();
    adapter.on_back(move || back.send(Target::ClosePhone));
}

fn map_digit(text: &str) -> Option<u8> {
    text.parse().ok().filter(|digit| *digit <= 9)
}

pub(super) fn map(window: &KioskWindow, scene: &PhoneScene) -> Shown {
    let adapter = window.global::<PhoneAdapter<'_>>();
    adapter.set_digits(scene.digits.as_str().into());
    adapter.set_can_keep(scene.whole);
    adapter.set_remaining_seconds(scene.left_seconds);
    Page::Phone
}

pub(super) fn forget(window: &KioskWindow) {
    let adapter = window.global::<PhoneAdapter<'_>>();
    if !adapter.get_digits().is_empty() {
        adapter.set_digits(slint::SharedString::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("0", Some(0))]
    #[case("9", Some(9))]
    #[case("10", None)]
    #[case("", None)]
    #[case("-", None)]
    fn a_key_is_one_digit(#[case] text: &str, #[case] digit: Option<u8>) {
        assert_eq!(map_digit(text), digit);
    }
}

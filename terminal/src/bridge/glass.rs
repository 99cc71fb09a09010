//! What every page has in common: light, language, type, and fingers that do no taps.

use std::rc::Rc;

use manyi_shared::domain::{Language, Level};
use manyi_ui::{GlassAdapter, KioskWindow, Light, Oddity as GlassOddity, languages};
use slint::ComponentHandle;

use super::{Input, Sender};
use crate::flow::{Manner, Oddity, Target};
use crate::outputs::LightLevel;

pub(super) fn connect(window: &KioskWindow, sender: &Sender, input: &Rc<dyn Fn(Input)>) {
    let adapter = window.global::<GlassAdapter<'_>>();
    let dark = input.clone();
    adapter.on_wake(move || dark(Input::Wake));
    let keys = sender.clone();
    adapter.on_keypad(move |number| {
        let level = u8::try_from(number)
            .ok()
            .and_then(|n| Level::try_from(n).ok());
        if let Some(level) = level {
            keys.send(Target::Level(level));
        }
    });
    let odd = input.clone();
    adapter.on_odd(move |what| odd(Input::Odd(map_oddity(what))));
}

const fn map_oddity(what: GlassOddity) -> Oddity {
    match what {
        GlassOddity::SeveralFingers => Oddity::SeveralFingers,
        GlassOddity::Held => Oddity::Held,
        GlassOddity::Dragged => Oddity::Dragged,
        GlassOddity::Stray => Oddity::Stray,
    }
}

const fn map_light(light: LightLevel) -> Light {
    match light {
        LightLevel::Awake => Light::Awake,
        LightLevel::Dim => Light::Dim,
        LightLevel::Asleep => Light::Asleep,
    }
}

/// Speaks to the citizen as they want it; the words change only when the language does.
pub(super) fn map(window: &KioskWindow, manner: Manner, light: LightLevel) {
    let adapter = window.global::<GlassAdapter<'_>>();
    adapter.set_light(map_light(light));
    adapter.set_elder(manner.elder);
    if adapter.get_language() != manner.language.code() {
        speak(window, manner.language);
    }
}

/// Puts every word into a language.
pub(super) fn speak(window: &KioskWindow, language: Language) {
    if let Err(error) = languages::select(language.code()) {
        // The pages stay readable in the language they are in.
        tracing::error!("{error}");
    }
    window
        .global::<GlassAdapter<'_>>()
        .set_language(language.code().into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_know_every_language_of_the_profile() {
        for language in Language::ALL {
            assert!(languages::find(language.code()).is_some(), "{language:?}");
        }
        assert_eq!(languages::LANGUAGES.len(), Language::ALL.len());
    }
}

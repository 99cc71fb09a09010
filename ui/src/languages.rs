//! The languages the pages speak.
//!
//! Owns the list of languages and the switch between their catalogues, which are compiled into the
//! program from `translations/<catalogue>/LC_MESSAGES/manyi-ui.po`.
//!
//! **Invariants**
//! 1. The first language is the one the pages are written in, and the default after every prompt.
//! 2. Every other language has a catalogue in which no word is missing; a test holds this.
//!
//! It does not decide which languages a hall offers.

use slint::SelectBundledTranslationError;

/// One language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LanguageInfo {
    /// BCP 47 name, as in profiles, on the wire and in `GlassAdapter.language`.
    pub code: &'static str,
    /// Its name in its own words and script.
    pub own_name: &'static str,
    /// Written from right to left: the pages are mirrored.
    pub right_to_left: bool,
    /// Folder of its catalogue under `translations`; empty for the language of the sources.
    pub catalogue: &'static str,
}

/// Every language, the default first, in the order in which they are offered.
pub const LANGUAGES: [LanguageInfo; 8] = [
    language("zh-Hans", "简体中文", false, ""),
    language("zh-Hant", "繁體中文", false, "zh_Hant"),
    language("en", "English", false, "en"),
    language("ja", "日本語", false, "ja"),
    language("ar", "العربية", true, "ar"),
    language("fr", "Français", false, "fr"),
    language("hi", "हिन्दी", false, "hi"),
    language("ug", "ئۇيغۇرچە", true, "ug"),
];

const fn language(
    code: &'static str,
    own_name: &'static str,
    right_to_left: bool,
    catalogue: &'static str,
) -> LanguageInfo {
    LanguageInfo {
        code,
        own_name,
        right_to_left,
        catalogue,
    }
}

/// Why the pages could not be put into another language.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LanguageError {
    /// No language of [`LANGUAGES`] has this code, for example in a profile of a newer collector.
    #[error("no language is called `{code}`; known are {}", known_codes())]
    Unknown {
        /// What was asked for.
        code: String,
    },
    /// The catalogue is not there yet, because no window has been made on this thread.
    #[error("could not select the words of `{code}` before the first window is made")]
    TooEarly {
        /// What was asked for.
        code: String,
        /// What Slint said.
        #[source]
        source: SelectBundledTranslationError,
    },
}

fn known_codes() -> String {
    LANGUAGES.map(|language| language.code).join(", ")
}

/// The language with this BCP 47 name; none for a name the pages do not know.
pub fn find(code: &str) -> Option<&'static LanguageInfo> {
    LANGUAGES.iter().find(|language| language.code == code)
}

/// Puts the words of every page into another language, at once and for all windows of this thread.
///
/// Direction and glyph forms follow `GlassAdapter.language`, which the caller sets beside this.
/// Call it once right after the first window is made, too: until then the words follow the
/// system's locale, which is nobody's decision.
///
/// # Errors
/// [`LanguageError::Unknown`] for a code that is not in [`LANGUAGES`] and
/// [`LanguageError::TooEarly`] without a window; the words stay as they were.
pub fn select(code: &str) -> Result<(), LanguageError> {
    let language = find(code).ok_or_else(|| LanguageError::Unknown { code: code.into() })?;
    slint::select_bundled_translation(language.catalogue).map_err(|source| {
        LanguageError::TooEarly {
            code: code.into(),
            source,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_catalogues_are_unique_and_only_the_default_has_none() {
        for (index, language) in LANGUAGES.iter().enumerate() {
            assert_eq!(language.catalogue.is_empty(), index == 0, "{language:?}");
            let same = LANGUAGES.iter().filter(|other| {
                other.code == language.code || other.catalogue == language.catalogue
            });
            assert_eq!(same.count(), 1, "{language:?}");
        }
    }

    #[test]
    fn an_unknown_language_is_named_with_the_known_ones() {
        let error = select("tlh").expect_err("not a language of ours");
        let text = error.to_string();
        assert!(
            text.contains("`tlh`") && text.contains("zh-Hans, zh-Hant, en"),
            "{text}"
        );
    }
}

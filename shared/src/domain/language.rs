//! The languages a terminal can speak.

use serde::{Deserialize, Serialize};

/// A language of the screens, by its BCP 47 name.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Language {
    /// 简体中文
    #[default]
    #[serde(rename = "zh-Hans")]
    ZhHans,
    /// 繁體中文
    #[serde(rename = "zh-Hant")]
    ZhHant,
    /// English
    #[serde(rename = "en")]
    En,
    /// 日本語
    #[serde(rename = "ja")]
    Ja,
    /// العربية
    #[serde(rename = "ar")]
    Ar,
    /// Français
    #[serde(rename = "fr")]
    Fr,
    /// हिन्दी
    #[serde(rename = "hi")]
    Hi,
    /// ئۇيغۇرچە
    #[serde(rename = "ug")]
    Ug,
}

impl Language {
    /// All of them in the order of the switch.
    pub const ALL: [Self; 8] = [
        Self::ZhHans,
        Self::ZhHant,
        Self::En,
        Self::Ja,
        Self::Ar,
        Self::Fr,
        Self::Hi,
        Self::Ug,
    ];

    /// The BCP 47 name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ZhHans => "zh-Hans",
            Self::ZhHant => "zh-Hant",
            Self::En => "en",
            Self::Ja => "ja",
            Self::Ar => "ar",
            Self::Fr => "fr",
            Self::Hi => "hi",
            Self::Ug => "ug",
        }
    }

    /// The language with this name, if terminals speak it.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_is_found_by_its_name_and_no_other_is() {
        for language in Language::ALL {
            assert_eq!(Language::from_code(language.code()), Some(language));
            let json = serde_json::to_string(&language).unwrap();
            assert_eq!(json, format!("\"{}\"", language.code()));
        }
        assert_eq!(Language::from_code("zh"), None);
    }
}

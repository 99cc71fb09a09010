//! What a profile may say beyond its first version. Everything is optional: a collector that does
//! not know an option leaves it out, and the terminal does what it did before.

mod check;

use minicbor::{Decode, Encode};

use crate::domain::{Language, TagCode, national_tags};
use crate::wire::asset::AssetDigest;

/// Options of a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ProfileOptions {
    /// Languages to offer, by BCP 47 name; none says all. The default language is always offered.
    #[n(0)]
    pub languages: Option<Vec<String>>,
    /// The language of the pages before anybody chooses; none says zh-Hans.
    #[n(1)]
    pub default_language: Option<String>,
    /// Whether pages start in double type.
    #[n(2)]
    pub elder: Option<bool>,
    /// Levels, 5 to 1, for which at least one reason is wanted.
    #[n(3)]
    pub reasons_required: Option<Vec<u8>>,
    /// The page on the citizen's own phone.
    #[n(4)]
    pub supplement: Option<SupplementOption>,
    /// X25519 public key of the office: what a citizen types is sealed to it.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub office_key: Option<[u8; 32]>,
    /// Whether a telephone number for a call-back may be left; needs `office_key`.
    #[n(6)]
    pub ask_phone: Option<bool>,
    /// Argon2id of the technician's PIN, as a PHC string; none keeps the page closed.
    #[n(7)]
    pub technician_pin: Option<String>,
    /// Present while the office has paused the window; the text may be empty.
    #[n(8)]
    pub paused: Option<String>,
    /// How many minutes before opening the daily self-test runs; none switches it off.
    #[n(9)]
    pub self_test_minutes: Option<u16>,
    /// When the hall is open; none says always.
    #[n(10)]
    pub hours: Option<Vec<OpeningHours>>,
    /// What the idle page shows in turns.
    #[n(11)]
    pub announcements: Option<Vec<Announcement>>,
    /// The voice.
    #[n(12)]
    pub voice: Option<Voice>,
    /// Whether the clerk may call the question from the idle page.
    #[n(13)]
    pub clerk_may_ask: Option<bool>,
    /// The office's own options for the reasons page instead of the national set.
    #[n(14)]
    pub tags: Option<Vec<ProfileTag>>,
    /// Seconds between two signs of life, when the office wants prompts of its own sooner.
    #[n(15)]
    pub heartbeat_seconds: Option<u16>,
}

/// The page for saying more on one's own phone.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SupplementOption {
    /// Where it is, `https://…/s/`; the token follows.
    #[n(0)]
    pub url: String,
    /// For how many hours after the rating.
    #[n(1)]
    pub hours: u16,
}

/// Opening hours of some days of the week, in the hall's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OpeningHours {
    /// Bit 0 is Monday, bit 6 Sunday.
    #[n(0)]
    pub days: u8,
    /// Minutes after midnight.
    #[n(1)]
    pub opens: u16,
    /// Minutes after midnight; later than `opens`.
    #[n(2)]
    pub closes: u16,
}

/// Something for people who wait.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Announcement {
    /// A short text; may be empty when there is a picture.
    #[n(0)]
    pub text: String,
    /// A picture, PNG or JPEG.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub picture: Option<AssetDigest>,
    /// How long it stays, in seconds.
    #[n(2)]
    pub seconds: u16,
}

/// The voice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Voice {
    /// 0 is silent, 100 as loud as the device can.
    #[n(0)]
    pub volume: u8,
    /// Start of the quiet hours, in minutes after midnight in the hall's time zone.
    #[n(1)]
    pub quiet_from: Option<u16>,
    /// Their end; may be the next morning.
    #[n(2)]
    pub quiet_until: Option<u16>,
    /// The office's own recordings.
    #[n(3)]
    pub clips: Option<Vec<VoiceClip>>,
}

/// A recording.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct VoiceClip {
    /// Its language.
    #[n(0)]
    pub language: String,
    /// What is said, one of [`VOICE_CLIPS`].
    #[n(1)]
    pub clip: String,
    /// The WAV file.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub sound: AssetDigest,
}

/// What a terminal says. No clip differs by level, except the words that elder mode reads out.
pub const VOICE_CLIPS: [&str; 9] = [
    "invitation",
    "thanks",
    "not-kept",
    "correct",
    "level-5",
    "level-4",
    "level-3",
    "level-2",
    "level-1",
];

/// An option of the reasons page in the office's own words.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ProfileTag {
    /// The level it belongs to.
    #[n(0)]
    pub level: u8,
    /// Its code; the first digit is the level.
    #[n(1)]
    pub code: u16,
    /// Its words, in every offered language.
    #[n(2)]
    pub names: Vec<Localised>,
}

/// A text in one language.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Localised {
    /// BCP 47 name.
    #[n(0)]
    pub language: String,
    /// The text.
    #[n(1)]
    pub text: String,
}

/// What a file of the profile must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AssetKind {
    /// PNG or JPEG.
    Picture,
    /// WAV.
    Sound,
}

impl ProfileOptions {
    /// The language of the pages before anybody chooses.
    #[must_use]
    pub fn default_language(&self) -> Language {
        self.default_language
            .as_deref()
            .and_then(Language::from_code)
            .unwrap_or_default()
    }

    /// The languages to offer, the default among them, in the order of the switch.
    #[must_use]
    pub fn languages(&self) -> Vec<Language> {
        let default = self.default_language();
        Language::ALL
            .into_iter()
            .filter(|language| {
                let listed = |codes: &Vec<String>| codes.iter().any(|c| c == language.code());
                *language == default || self.languages.as_ref().is_none_or(listed)
            })
            .collect()
    }

    /// When the hall first opens on a day of the week (0 is Monday), in minutes after midnight;
    /// none when it stays closed. A profile without hours is of a hall that says nothing: it counts
    /// as opening at eight every day, which is when the self-test must be through.
    #[must_use]
    pub fn opens_at(&self, weekday: u8) -> Option<u16> {
        match &self.hours {
            None => Some(8 * 60),
            Some(hours) => hours
                .iter()
                .filter(|hours| hours.covers(weekday))
                .map(|hours| hours.opens)
                .min(),
        }
    }

    /// How many minutes the hall is away from being open at a minute of a day of the week; 0 while
    /// it is open, and always for a profile without hours. Looks no further than that day.
    #[must_use]
    pub fn minutes_from_open(&self, weekday: u8, minute: u16) -> u16 {
        let Some(hours) = &self.hours else {
            return 0;
        };
        hours
            .iter()
            .filter(|hours| hours.covers(weekday))
            .map(|hours| {
                let before = hours.opens.saturating_sub(minute);
                let after = (minute + 1).saturating_sub(hours.closes);
                before.max(after)
            })
            .min()
            .unwrap_or(u16::MAX)
    }

    /// Every file that is named, with the field that names it.
    pub fn assets(&self) -> impl Iterator<Item = (String, AssetKind, AssetDigest)> + '_ {
        let pictures = self.announcements.iter().flatten().enumerate();
        let pictures = pictures.filter_map(|(n, announcement)| {
            let field = format!("options.announcements[{n}].picture");
            Some((field, AssetKind::Picture, announcement.picture?))
        });
        let clips = self
            .voice
            .iter()
            .flat_map(|voice| voice.clips.iter().flatten());
        let clips = clips.enumerate().map(|(n, clip)| {
            let field = format!("options.voice.clips[{n}].sound");
            (field, AssetKind::Sound, clip.sound)
        });
        pictures.chain(clips)
    }
}

impl OpeningHours {
    const fn covers(&self, weekday: u8) -> bool {
        weekday < 7 && self.days & (1 << weekday) != 0
    }
}

impl ProfileTag {
    /// Its words in a language, else in the first one it has.
    #[must_use]
    pub fn name(&self, language: Language) -> &str {
        self.names
            .iter()
            .find(|name| name.language == language.code())
            .or(self.names.first())
            .map_or("", |name| name.text.as_str())
    }

    /// Whether the national set has it, so that its words need not be sent.
    #[must_use]
    pub fn is_national(&self) -> bool {
        TagCode::new(self.code).is_some_and(|code| national_tags().get(code).is_some())
    }
}

#[cfg(test)]
mod tests;

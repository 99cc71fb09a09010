//! What a profile may say beyond its first version. Everything is optional: a collector that does
//! not know an option leaves it out, and the terminal does what it did before.

use minicbor::{Decode, Encode};

use crate::domain::{Language, Level, TagCode, national_tags};
use crate::wire::asset::AssetDigest;

use super::ProfileError;

/// The longest text of an announcement or of the paused page, in characters: what a person reads
/// while walking up to the window.
const MAX_SHOWN: usize = 200;

/// Announcements in one round.
const MAX_ANNOUNCEMENTS: usize = 20;

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

    /// Checks everything that can be checked without the files.
    ///
    /// # Errors
    /// [`ProfileError::Field`] for the first field a terminal cannot work with.
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        self.check_languages()?;
        self.check_answers()?;
        self.check_times()?;
        self.check_announcements()?;
        if let Some(voice) = &self.voice {
            voice.check()?;
        }
        self.check_tags()
    }

    fn check_languages(&self) -> Result<(), ProfileError> {
        for (n, code) in self.languages.iter().flatten().enumerate() {
            known_language(&format!("options.languages[{n}]"), code)?;
        }
        if let Some(code) = &self.default_language {
            known_language("options.default_language", code)?;
        }
        Ok(())
    }

    fn check_answers(&self) -> Result<(), ProfileError> {
        for (n, level) in self.reasons_required.iter().flatten().enumerate() {
            if Level::try_from(*level).is_err() {
                let field = format!("options.reasons_required[{n}]");
                return fault(field, format!("{level} is no level (5 to 1)"));
            }
        }
        if let Some(supplement) = &self.supplement {
            let url = &supplement.url;
            let address = url.starts_with("https://") || url.starts_with("http://");
            if !address || url.len() > 200 || url.chars().any(|c| c.is_whitespace()) {
                let problem = "must be an http(s) address of at most 200 characters";
                return fault("options.supplement.url", problem);
            }
            if !(1..=720).contains(&supplement.hours) {
                let problem = format!("{} is outside 1 to 720 hours", supplement.hours);
                return fault("options.supplement.hours", problem);
            }
        }
        if self.ask_phone == Some(true) && self.office_key.is_none() {
            let problem = "a telephone number can only be asked for with options.office_key";
            return fault("options.ask_phone", problem);
        }
        if let Some(pin) = &self.technician_pin
            && !pin.starts_with("$argon2id$")
        {
            let problem = "must be an Argon2id hash in PHC form";
            return fault("options.technician_pin", problem);
        }
        if let Some(text) = &self.paused {
            shown("options.paused", text)?;
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), ProfileError> {
        if let Some(minutes) = self.self_test_minutes
            && !(1..=240).contains(&minutes)
        {
            let problem = format!("{minutes} is outside 1 to 240 minutes");
            return fault("options.self_test_minutes", problem);
        }
        for (n, hours) in self.hours.iter().flatten().enumerate() {
            let field = format!("options.hours[{n}]");
            if hours.days == 0 || hours.days > 0b111_1111 {
                return fault(field, "days must be bits 0 (Monday) to 6 (Sunday)");
            }
            if hours.opens >= hours.closes || hours.closes > 24 * 60 {
                let problem = format!(
                    "opens {} and closes {} must ascend within a day of 1440 minutes",
                    hours.opens, hours.closes
                );
                return fault(field, problem);
            }
        }
        if let Some(seconds) = self.heartbeat_seconds
            && !(2..=3600).contains(&seconds)
        {
            let problem = format!("{seconds} is outside 2 to 3600 seconds");
            return fault("options.heartbeat_seconds", problem);
        }
        Ok(())
    }

    fn check_announcements(&self) -> Result<(), ProfileError> {
        let announcements = self.announcements.as_deref().unwrap_or_default();
        if announcements.len() > MAX_ANNOUNCEMENTS {
            let problem = format!("{}, at most {MAX_ANNOUNCEMENTS}", announcements.len());
            return fault("options.announcements", problem);
        }
        for (n, announcement) in announcements.iter().enumerate() {
            let field = |name: &str| format!("options.announcements[{n}].{name}");
            shown(&field("text"), &announcement.text)?;
            if announcement.text.is_empty() && announcement.picture.is_none() {
                return fault(field("text"), "is empty, and there is no picture");
            }
            if !(3..=600).contains(&announcement.seconds) {
                let problem = format!("{} is outside 3 to 600 seconds", announcement.seconds);
                return fault(field("seconds"), problem);
            }
        }
        Ok(())
    }

    fn check_tags(&self) -> Result<(), ProfileError> {
        let offered = self.languages();
        let mut seen = std::collections::BTreeSet::new();
        for (n, tag) in self.tags.iter().flatten().enumerate() {
            let field = |name: &str| format!("options.tags[{n}].{name}");
            let code = TagCode::new(tag.code)
                .filter(|code| crate::domain::retired_tags().get(*code).is_none());
            let Some(code) = code else {
                return fault(field("code"), format!("{} is no code in use", tag.code));
            };
            if code.level().number() != tag.level {
                let problem = format!("{code} does not belong to level {}", tag.level);
                return fault(field("code"), problem);
            }
            if !seen.insert(code) {
                return fault(field("code"), format!("{code} is there twice"));
            }
            for language in &offered {
                let name = tag
                    .names
                    .iter()
                    .find(|name| name.language == language.code());
                if name.is_none_or(|name| name.text.trim().is_empty()) {
                    let problem = format!("the translation into {} is missing", language.code());
                    return fault(field("names"), problem);
                }
            }
            for name in &tag.names {
                shown(&field("names"), &name.text)?;
            }
        }
        Ok(())
    }
}

impl OpeningHours {
    const fn covers(&self, weekday: u8) -> bool {
        weekday < 7 && self.days & (1 << weekday) != 0
    }
}

impl Voice {
    fn check(&self) -> Result<(), ProfileError> {
        if self.volume > 100 {
            let problem = format!("{} is outside 0 to 100", self.volume);
            return fault("options.voice.volume", problem);
        }
        let minute = |m: Option<u16>| m.is_none_or(|m| m < 24 * 60);
        let both = self.quiet_from.is_some() == self.quiet_until.is_some();
        if !both || !minute(self.quiet_from) || !minute(self.quiet_until) {
            let problem = "quiet_from and quiet_until come together, each 0 to 1439 minutes";
            return fault("options.voice.quiet_from", problem);
        }
        for (n, clip) in self.clips.iter().flatten().enumerate() {
            let field = |name: &str| format!("options.voice.clips[{n}].{name}");
            known_language(&field("language"), &clip.language)?;
            if !VOICE_CLIPS.contains(&clip.clip.as_str()) {
                let problem = format!("`{}` is none of {}", clip.clip, VOICE_CLIPS.join(", "));
                return fault(field("clip"), problem);
            }
        }
        Ok(())
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

fn known_language(field: &str, code: &str) -> Result<(), ProfileError> {
    if Language::from_code(code).is_some() {
        return Ok(());
    }
    let known = Language::ALL.map(Language::code).join(", ");
    fault(field, format!("`{code}` is none of {known}"))
}

fn shown(field: &str, text: &str) -> Result<(), ProfileError> {
    if text.chars().count() > MAX_SHOWN || text.chars().any(|c| c.is_control() && c != '\n') {
        let problem = format!("must be at most {MAX_SHOWN} characters, none of them control");
        return fault(field, problem);
    }
    Ok(())
}

fn fault(field: impl Into<String>, problem: impl Into<String>) -> Result<(), ProfileError> {
    Err(ProfileError::Field {
        field: field.into(),
        problem: problem.into(),
    })
}

#[cfg(test)]
mod tests;

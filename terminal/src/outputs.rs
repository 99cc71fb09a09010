//! What a tablet does besides its screen: lamp, buzzer, voice, brightness. The vocabulary between
//! the conductor, which decides, and the devices, which obey.
//!
//! **Invariant**: nothing here differs by the level that a citizen chose. In elder mode all
//! five words are read in their order, before anything is touched.

use std::collections::HashMap;
use std::path::PathBuf;

use jiff::tz::TimeZone;

/// Where the conductor's wishes go. Every call returns at once.
pub trait Outputs: Send {
    /// How things are now; may be told again without a change.
    fn state(&self, state: OutputState);

    /// Says a clip in a language (`zh-Hans`, `en` …); it takes the place of one that is being said.
    fn speak(&self, clip: Clip, language: &str);

    /// How loud, when, and with which clips of the profile; until it is told, nothing is said.
    fn voice(&self, settings: VoiceSettings) {
        drop(settings);
    }
}

/// Outputs of a terminal that has none, for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoOutputs;

impl Outputs for NoOutputs {
    fn state(&self, _: OutputState) {}
    fn speak(&self, _: Clip, _: &str) {}
}

/// What lamp, buzzer and screen light are to show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutputState {
    /// Somebody is being asked: the lamp is lit.
    pub asking: bool,
    /// A question has appeared: the buzzer sounds once each time this rises.
    pub attention: bool,
    /// How bright the screen is.
    pub light: LightLevel,
}

/// How bright the screen is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LightLevel {
    /// As bright as the terminal found it.
    #[default]
    Awake,
    /// A fifth of that.
    Dim,
    /// Dark.
    Asleep,
}

/// What can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Clip {
    /// Please rate.
    Invitation,
    /// Thank you.
    Thanks,
    /// A level's name, 1 to 5; in elder mode all five are read one after the other.
    Level(u8),
    /// The rating was not kept; please tell the clerk.
    NotKept,
    /// Please choose again: the level is being corrected.
    Correct,
}

impl Clip {
    /// Every clip.
    pub const ALL: [Self; 9] = [
        Self::Invitation,
        Self::Thanks,
        Self::Level(1),
        Self::Level(2),
        Self::Level(3),
        Self::Level(4),
        Self::Level(5),
        Self::NotKept,
        Self::Correct,
    ];

    /// The clip's file name without `.wav`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Invitation => "invitation".to_owned(),
            Self::Thanks => "thanks".to_owned(),
            Self::Level(level) => format!("level-{level}"),
            Self::NotKept => "not-kept".to_owned(),
            Self::Correct => "correct".to_owned(),
        }
    }
}

/// How the voice is to be, by the profile.
#[derive(Debug, Clone, PartialEq)]
pub struct VoiceSettings {
    /// Whether anything is said.
    pub on: bool,
    /// How loud, 0 to 100; more counts as 100.
    pub volume: u8,
    /// From and until which minute of the local day nothing is said; until may be the next day.
    pub quiet: Option<(u16, u16)>,
    /// Whose day that is.
    pub zone: TimeZone,
    /// Clips of the profile by clip and language; they come before the tablet's own.
    pub assets: HashMap<(Clip, String), PathBuf>,
}

impl Default for VoiceSettings {
    fn default() -> Self {
        Self {
            on: false,
            volume: 70,
            quiet: None,
            zone: TimeZone::UTC,
            assets: HashMap::new(),
        }
    }
}

impl VoiceSettings {
    /// Whether something may be heard at this minute of the local day (0 to 1439).
    #[must_use]
    pub fn audible(&self, minute: u16) -> bool {
        let quiet = self.quiet.is_some_and(|(from, until)| {
            if from <= until {
                (from..until).contains(&minute)
            } else {
                minute >= from || minute < until
            }
        });
        self.on && self.volume > 0 && !quiet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::before_noon_rest(12 * 60 - 1, Some((12 * 60, 13 * 60)), true)]
    #[case::noon_rest_begins(12 * 60, Some((12 * 60, 13 * 60)), false)]
    #[case::noon_rest_ends(13 * 60, Some((12 * 60, 13 * 60)), true)]
    #[case::evening(18 * 60, Some((18 * 60, 8 * 60)), false)]
    #[case::last_minute_of_the_day(1439, Some((18 * 60, 8 * 60)), false)]
    #[case::midnight(0, Some((18 * 60, 8 * 60)), false)]
    #[case::before_opening(8 * 60 - 1, Some((18 * 60, 8 * 60)), false)]
    #[case::opening(8 * 60, Some((18 * 60, 8 * 60)), true)]
    #[case::an_empty_span_is_never(600, Some((600, 600)), true)]
    #[case::no_quiet_hours(0, None, true)]
    fn nothing_is_said_in_quiet_hours(
        #[case] minute: u16,
        #[case] quiet: Option<(u16, u16)>,
        #[case] heard: bool,
    ) {
        let settings = VoiceSettings {
            on: true,
            quiet,
            ..VoiceSettings::default()
        };
        assert_eq!(settings.audible(minute), heard);
    }

    #[rstest::rstest]
    #[case::off(false, 70)]
    #[case::no_volume(true, 0)]
    fn a_voice_that_is_off_says_nothing(#[case] on: bool, #[case] volume: u8) {
        let settings = VoiceSettings {
            on,
            volume,
            ..VoiceSettings::default()
        };
        assert!(!settings.audible(600));
    }

    #[test]
    fn every_clip_has_its_own_file() {
        let names: std::collections::BTreeSet<_> = Clip::ALL.map(Clip::name).into();
        assert_eq!(names.len(), Clip::ALL.len());
    }
}

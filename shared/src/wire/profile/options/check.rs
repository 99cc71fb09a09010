//! Whether a terminal can work with the options.

use crate::domain::{Language, Level, TagCode};

use super::super::ProfileError;
use super::{ProfileOptions, VOICE_CLIPS, Voice};

/// The longest text of an announcement or of the paused page, in characters: what a person reads
/// while walking up to the window.
const MAX_SHOWN: usize = 200;

/// Announcements in one round.
const MAX_ANNOUNCEMENTS: usize = 20;

impl ProfileOptions {
    /// Checks everything that can be checked without the files.
    ///
    /// # Errors
    /// [`ProfileError::Field`] for the first field a terminal cannot work with.
    pub(in super::super) fn check(&self) -> Result<(), ProfileError> {
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

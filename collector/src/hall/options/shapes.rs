//! The shapes of `profile.toml`, and what they come to.

use std::collections::BTreeMap;

use manyi_shared::wire::{
    Announcement, AssetKind, Localised, OpeningHours, ProfileOptions, ProfileTag, SupplementOption,
    Voice, VoiceClip,
};
use serde::Deserialize;

use super::WindowOptions;
use crate::hall::files::Files;

/// The file's top level, and each of its windows.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Section {
    languages: Option<Vec<String>>,
    default_language: Option<String>,
    elder: Option<bool>,
    reasons_required: Option<Vec<u8>>,
    supplement: Option<SupplementShape>,
    ask_phone: Option<bool>,
    paused: Option<String>,
    /// 0 switches it off where the hall has it on.
    self_test_minutes: Option<u16>,
    hours: Option<Vec<HoursShape>>,
    announcements: Option<Vec<AnnouncementShape>>,
    voice: Option<VoiceShape>,
    clerk_may_ask: Option<bool>,
    tags: Option<Vec<TagShape>>,
    heartbeat_seconds: Option<u16>,
    ask_seconds: Option<u16>,
    reasons_seconds: Option<u16>,
    thanks_seconds: Option<u16>,
    guard_ms: Option<u16>,
    mirrored: Option<bool>,
    ask_reasons: Option<bool>,
    keep_records: Option<u32>,
    /// Of the top level only.
    pub(super) windows: BTreeMap<String, Self>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SupplementShape {
    url: String,
    hours: u16,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoursShape {
    days: String,
    opens: String,
    closes: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnnouncementShape {
    #[serde(default)]
    text: String,
    picture: Option<String>,
    seconds: u16,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct VoiceShape {
    volume: u8,
    quiet: Option<String>,
    clips: Option<Vec<ClipShape>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClipShape {
    language: String,
    clip: String,
    sound: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct TagShape {
    level: u8,
    code: u16,
    names: BTreeMap<String, String>,
}

/// Told a field and what is wrong with it.
type Tell<'t> = &'t mut dyn FnMut(String, String);

impl Section {
    /// This window's word, and where it says nothing, the hall's.
    pub(super) fn over(self, hall: &Self) -> Self {
        let hall = hall.clone();
        Self {
            languages: self.languages.or(hall.languages),
            default_language: self.default_language.or(hall.default_language),
            elder: self.elder.or(hall.elder),
            reasons_required: self.reasons_required.or(hall.reasons_required),
            supplement: self.supplement.or(hall.supplement),
            ask_phone: self.ask_phone.or(hall.ask_phone),
            paused: self.paused.or(hall.paused),
            self_test_minutes: self.self_test_minutes.or(hall.self_test_minutes),
            hours: self.hours.or(hall.hours),
            announcements: self.announcements.or(hall.announcements),
            voice: self.voice.or(hall.voice),
            clerk_may_ask: self.clerk_may_ask.or(hall.clerk_may_ask),
            tags: self.tags.or(hall.tags),
            heartbeat_seconds: self.heartbeat_seconds.or(hall.heartbeat_seconds),
            ask_seconds: self.ask_seconds.or(hall.ask_seconds),
            reasons_seconds: self.reasons_seconds.or(hall.reasons_seconds),
            thanks_seconds: self.thanks_seconds.or(hall.thanks_seconds),
            guard_ms: self.guard_ms.or(hall.guard_ms),
            mirrored: self.mirrored.or(hall.mirrored),
            ask_reasons: self.ask_reasons.or(hall.ask_reasons),
            keep_records: self.keep_records.or(hall.keep_records),
            windows: BTreeMap::new(),
        }
    }

    /// What the section comes to; an empty list is as if nothing were said.
    pub(super) fn options(&self, files: &mut Files<'_>, tell: Tell<'_>) -> WindowOptions {
        let options = ProfileOptions {
            languages: self.languages.clone().filter(|list| !list.is_empty()),
            default_language: self.default_language.clone(),
            elder: self.elder,
            reasons_required: self.reasons_required.clone().filter(|l| !l.is_empty()),
            supplement: self.supplement.as_ref().map(|supplement| SupplementOption {
                url: supplement.url.clone(),
                hours: supplement.hours,
            }),
            office_key: None,
            ask_phone: self.ask_phone,
            technician_pin: None,
            paused: self.paused.clone(),
            self_test_minutes: self.self_test_minutes.filter(|minutes| *minutes > 0),
            hours: self.hours(tell),
            announcements: self.announcements(files, tell),
            voice: self.voice.as_ref().map(|voice| voice.voice(files, tell)),
            clerk_may_ask: self.clerk_may_ask,
            tags: self.tags(),
            heartbeat_seconds: self.heartbeat_seconds,
        };
        WindowOptions {
            options,
            ask_seconds: self.ask_seconds,
            reasons_seconds: self.reasons_seconds,
            thanks_seconds: self.thanks_seconds,
            guard_ms: self.guard_ms,
            mirrored: self.mirrored,
            ask_reasons: self.ask_reasons,
            keep_records: self.keep_records,
        }
    }

    fn hours(&self, tell: Tell<'_>) -> Option<Vec<OpeningHours>> {
        let mut list = Vec::new();
        for (n, shape) in self.hours.iter().flatten().enumerate() {
            let mut minute = |name: &str, text: &str| {
                let minute = minute_of(text);
                if minute.is_none() {
                    tell(
                        format!("hours[{n}].{name}"),
                        format!("`{text}` must be a time of day such as \"09:00\""),
                    );
                }
                minute
            };
            let (opens, closes) = (
                minute("opens", &shape.opens),
                minute("closes", &shape.closes),
            );
            let days = days_of(&shape.days);
            if days.is_none() {
                tell(
                    format!("hours[{n}].days"),
                    format!(
                        "`{}` must be days such as \"mon-fri\" or \"sat,sun\"",
                        shape.days
                    ),
                );
            }
            if let (Some(days), Some(opens), Some(closes)) = (days, opens, closes) {
                list.push(OpeningHours {
                    days,
                    opens,
                    closes,
                });
            }
        }
        (!list.is_empty()).then_some(list)
    }

    fn announcements(&self, files: &mut Files<'_>, tell: Tell<'_>) -> Option<Vec<Announcement>> {
        let mut list = Vec::new();
        for (n, shape) in self.announcements.iter().flatten().enumerate() {
            let picture = shape.picture.as_deref().and_then(|path| {
                files
                    .take(path, AssetKind::Picture)
                    .map_err(|problem| tell(format!("announcements[{n}].picture"), problem))
                    .ok()
            });
            list.push(Announcement {
                text: shape.text.clone(),
                picture,
                seconds: shape.seconds,
            });
        }
        (!list.is_empty()).then_some(list)
    }

    fn tags(&self) -> Option<Vec<ProfileTag>> {
        let tag = |shape: &TagShape| ProfileTag {
            level: shape.level,
            code: shape.code,
            names: shape
                .names
                .iter()
                .map(|(language, text)| Localised {
                    language: language.clone(),
                    text: text.clone(),
                })
                .collect(),
        };
        let list: Vec<_> = self.tags.iter().flatten().map(tag).collect();
        (!list.is_empty()).then_some(list)
    }
}

impl VoiceShape {
    fn voice(&self, files: &mut Files<'_>, tell: Tell<'_>) -> Voice {
        let quiet = self.quiet.as_deref().and_then(|text| {
            let span = text.split_once('-').and_then(|(from, until)| {
                Some((minute_of(from.trim())?, minute_of(until.trim())?))
            });
            if span.is_none() {
                tell(
                    "voice.quiet".to_owned(),
                    format!("`{text}` must be a span such as \"12:00-13:30\""),
                );
            }
            span
        });
        let mut clips = Vec::new();
        for (n, shape) in self.clips.iter().flatten().enumerate() {
            match files.take(&shape.sound, AssetKind::Sound) {
                Ok(sound) => clips.push(VoiceClip {
                    language: shape.language.clone(),
                    clip: shape.clip.clone(),
                    sound,
                }),
                Err(problem) => tell(format!("voice.clips[{n}].sound"), problem),
            }
        }
        Voice {
            volume: self.volume,
            quiet_from: quiet.map(|(from, _)| from),
            quiet_until: quiet.map(|(_, until)| until),
            clips: (!clips.is_empty()).then_some(clips),
        }
    }
}

/// Minutes after midnight of `09:00`; `24:00` is the end of the day.
fn minute_of(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| {
        let plain = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= 24 * 60).then_some(minute)
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The bits of `mon-fri` or `sat,sun`; Monday is bit 0.
fn days_of(text: &str) -> Option<u8> {
    let day = |name: &str| DAYS.iter().position(|day| *day == name.trim());
    let mut bits = 0;
    for part in text.split(',') {
        let (first, last) = match part.split_once('-') {
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(part)?, day(part)?),
        };
        if first > last {
            return None;
        }
        bits |= (first..=last).fold(0, |bits, day| bits | 1 << day);
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("mon-fri", Some(0b001_1111))]
    #[case("sat,sun", Some(0b110_0000))]
    #[case("mon-wed, fri", Some(0b001_0111))]
    #[case("sun", Some(0b100_0000))]
    #[case("fri-mon", None)]
    #[case("Monday", None)]
    #[case("", None)]
    fn days_are_read(#[case] text: &str, #[case] bits: Option<u8>) {
        assert_eq!(days_of(text), bits);
    }

    #[rstest::rstest]
    #[case("00:00", Some(0))]
    #[case("09:30", Some(570))]
    #[case("24:00", Some(1440))]
    #[case("24:01", None)]
    #[case("9:00", None)]
    #[case("09:60", None)]
    #[case("09.00", None)]
    #[case("+9:00", None)]
    fn a_time_of_day_is_read(#[case] text: &str, #[case] minute: Option<u16>) {
        assert_eq!(minute_of(text), minute);
    }
}

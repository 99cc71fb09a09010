//! Whom to tell of alerts, and when: `[alerts]` in the configuration. Pure.
//!
//! Secrets are in files of their own, so that a configuration can be shown to anybody.

use std::path::PathBuf;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;

use super::Kind;
use super::words::Tongue;

/// The `[alerts]` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertSettings {
    /// From when on nobody is told, unless it is urgent: `22:00`, in the hall's zone.
    pub quiet_from: Option<String>,
    /// Until when.
    pub quiet_until: Option<String>,
    /// The kinds that are told at once, also in quiet hours; none for the usual three.
    pub urgent: Option<Vec<String>>,
    /// Programs that are told.
    pub webhooks: Vec<Webhook>,
    /// People who are told.
    pub mail: Vec<MailList>,
    /// The mail relay.
    pub smtp: Option<Smtp>,
}

/// A program that is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// By what the office knows it; what was told to one name is not told to it again.
    pub name: String,
    /// Where it listens.
    pub url: String,
    /// The file with the secret that signs what it is told.
    pub secret_file: PathBuf,
    /// The halls it is told of; empty for all.
    #[serde(default)]
    pub halls: Vec<String>,
}

/// People who are told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailList {
    /// By what the office knows it.
    pub name: String,
    /// Their addresses.
    pub to: Vec<String>,
    /// In which language.
    #[serde(default)]
    pub language: Tongue,
    /// The halls they are told of; empty for all.
    #[serde(default)]
    pub halls: Vec<String>,
}

/// The mail relay.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Its name.
    pub host: String,
    /// Its port; none for the usual one of `security`.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: Security,
    /// The account, where one is needed.
    pub user: Option<String>,
    /// The file with its password.
    pub password_file: Option<PathBuf>,
    /// From whom mails come.
    pub from: String,
}

/// How a connection to the mail relay is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS from the first byte; usually port 465.
    #[default]
    Tls,
    /// TLS after `STARTTLS`, refused without; usually port 587.
    Starttls,
    /// None: for a relay on this machine.
    None,
}

/// Kinds that are told at night: what may be lost, or may be an attack, by the morning.
const URGENT: [Kind; 3] = [Kind::Incident, Kind::Journal, Kind::RevokedCalls];

/// A program or list that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'s> {
    /// A program.
    Webhook(&'s Webhook),
    /// People.
    Mail(&'s MailList),
}

impl Target<'_> {
    /// By what the database knows it.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Webhook(webhook) => format!("webhook:{}", webhook.name),
            Self::Mail(list) => format!("mail:{}", list.name),
        }
    }

    fn hears_of(&self, hall: &str) -> bool {
        let halls = match self {
            Self::Webhook(webhook) => &webhook.halls,
            Self::Mail(list) => &list.halls,
        };
        halls.is_empty() || halls.iter().any(|of| of == hall)
    }
}

impl AlertSettings {
    /// Everybody who is told.
    pub fn targets(&self) -> impl Iterator<Item = Target<'_>> {
        let mail = self.mail.iter().map(Target::Mail);
        self.webhooks.iter().map(Target::Webhook).chain(mail)
    }

    /// Everybody who is told of a hall.
    pub fn targets_of(&self, hall: &str) -> impl Iterator<Item = Target<'_>> {
        self.targets().filter(move |target| target.hears_of(hall))
    }

    /// Whether a kind is told in quiet hours, too.
    #[must_use]
    pub fn is_urgent(&self, kind: Kind) -> bool {
        match &self.urgent {
            None => URGENT.contains(&kind),
            Some(names) => names.iter().any(|name| name == kind.name()),
        }
    }

    /// When something that is known now may be told, in milliseconds since 1970: now, or when the
    /// quiet hours end.
    #[must_use]
    pub fn due_ms(&self, urgent: bool, now_ms: i64, zone: &TimeZone) -> i64 {
        let quiet = self.quiet_from.as_deref().and_then(minute);
        let until = self.quiet_until.as_deref().and_then(minute);
        let (Some(from), Some(until), false) = (quiet, until, urgent) else {
            return now_ms;
        };
        end_of_quiet(from, until, now_ms, zone).unwrap_or(now_ms)
    }

    /// The first thing that cannot be: a key, its value, and what is allowed.
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let times = [
            ("alerts.quiet_from", &self.quiet_from),
            ("alerts.quiet_until", &self.quiet_until),
        ];
        for (key, value) in times {
            if let Some(text) = value.as_ref().filter(|text| minute(text).is_none()) {
                return Some((key, text.clone(), "a time such as `22:00`"));
            }
        }
        if self.quiet_from.is_some() != self.quiet_until.is_some() {
            let allowed = "set together with the other end of the quiet hours";
            return Some(("alerts.quiet_until", String::new(), allowed));
        }
        let unknown = self.urgent.iter().flatten();
        if let Some(name) = unknown.into_iter().find(|n| Kind::named(n).is_none()) {
            let allowed = "names of kinds, see `manyi-collector.example.toml`";
            return Some(("alerts.urgent", name.clone(), allowed));
        }
        self.fault_of_targets()
    }

    fn fault_of_targets(&self) -> Option<(&'static str, String, &'static str)> {
        let mut keys: Vec<_> = self.targets().map(|target| target.key()).collect();
        keys.sort();
        let twice = keys.windows(2).find(|pair| pair.first() == pair.get(1));
        if let Some(name) = twice.and_then(|pair| pair.first()) {
            return Some(("alerts", name.clone(), "a name of its own for each target"));
        }
        let url = self.webhooks.iter().map(|webhook| &webhook.url);
        let good = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        if let Some(url) = url.into_iter().find(|url| !good(url)) {
            return Some(("alerts.webhooks.url", url.clone(), "an http(s) address"));
        }
        if let Some(list) = self.mail.first().filter(|_| self.smtp.is_none()) {
            let allowed = "given only with a relay: `[alerts.smtp]`";
            return Some(("alerts.mail", list.name.clone(), allowed));
        }
        None
    }
}

/// `22:00` as minutes of the day.
fn minute(text: &str) -> Option<i16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, max| {
        let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i16>().ok().filter(|n| digits && *n < max)
    };
    Some(number(hour, 24)? * 60 + number(minute, 60)?)
}

/// The end of the quiet hours that a moment lies in; none outside of them.
fn end_of_quiet(from: i16, until: i16, now_ms: i64, zone: &TimeZone) -> Option<i64> {
    let there = Timestamp::from_millisecond(now_ms)
        .ok()?
        .to_zoned(zone.clone());
    let now = i16::from(there.hour()) * 60 + i16::from(there.minute());
    let is_quiet = if from <= until {
        (from..until).contains(&now)
    } else {
        now >= from || now < until
    };
    if !is_quiet {
        return None;
    }
    let days = i64::from(from > until && now >= from);
    let midnight = there.date().to_datetime(Time::midnight());
    let end = midnight
        .checked_add(days.days())
        .ok()?
        .checked_add(i64::from(until).minutes())
        .ok()?;
    Some(
        end.to_zoned(zone.clone())
            .ok()?
            .timestamp()
            .as_millisecond(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(from: &str, until: &str) -> AlertSettings {
        AlertSettings {
            quiet_from: Some(from.to_owned()),
            quiet_until: Some(until.to_owned()),
            ..AlertSettings::default()
        }
    }

    // Shanghai is eight hours ahead of UTC.
    #[rstest::rstest]
    #[case::in_the_day("22:00", "07:00", "2026-03-24T06:00:00Z", "2026-03-24T06:00:00Z")]
    #[case::in_the_evening("22:00", "07:00", "2026-03-24T14:00:00Z", "2026-03-24T23:00:00Z")]
    #[case::after_midnight("22:00", "07:00", "2026-03-24T16:30:00Z", "2026-03-24T23:00:00Z")]
    #[case::a_minute_before_it_ends(
        "22:00",
        "07:00",
        "2026-03-24T22:59:00Z",
        "2026-03-24T23:00:00Z"
    )]
    #[case::at_its_end("22:00", "07:00", "2026-03-24T23:00:00Z", "2026-03-24T23:00:00Z")]
    #[case::at_noon("12:00", "14:00", "2026-03-24T04:00:00Z", "2026-03-24T06:00:00Z")]
    #[case::never("07:00", "07:00", "2026-03-24T23:00:00Z", "2026-03-24T23:00:00Z")]
    fn what_is_not_urgent_waits_for_the_halls_morning(
        #[case] from: &str,
        #[case] until: &str,
        #[case] now: &str,
        #[case] due: &str,
    ) {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let settings = quiet(from, until);
        assert_eq!(settings.due_ms(false, at(now), &zone), at(due));
        assert_eq!(settings.due_ms(true, at(now), &zone), at(now), "urgent");
    }

    #[test]
    fn the_usual_urgent_kinds_can_be_replaced() {
        let usual = AlertSettings::default();
        assert!(usual.is_urgent(Kind::Incident) && !usual.is_urgent(Kind::Silent));
        let own = AlertSettings {
            urgent: Some(vec!["silent".to_owned()]),
            ..AlertSettings::default()
        };
        assert!(own.is_urgent(Kind::Silent) && !own.is_urgent(Kind::Incident));
    }

    fn webhook(name: &str, url: &str) -> Webhook {
        Webhook {
            name: name.to_owned(),
            url: url.to_owned(),
            secret_file: PathBuf::from("/secret"),
            halls: Vec::new(),
        }
    }

    #[rstest::rstest]
    #[case::time(quiet("22", "07:00"), "alerts.quiet_from")]
    #[case::past_midnight(quiet("22:00", "24:00"), "alerts.quiet_until")]
    #[case::one_end(AlertSettings { quiet_from: Some("22:00".into()), ..AlertSettings::default() }, "alerts.quiet_until")]
    #[case::kind(AlertSettings { urgent: Some(vec!["slow".into()]), ..AlertSettings::default() }, "alerts.urgent")]
    #[case::twice(AlertSettings { webhooks: vec![webhook("a", "https://x"), webhook("a", "https://y")], ..AlertSettings::default() }, "alerts")]
    #[case::address(AlertSettings { webhooks: vec![webhook("a", "ftp://x")], ..AlertSettings::default() }, "alerts.webhooks.url")]
    #[case::mail_without_a_relay(AlertSettings { mail: vec![MailList { name: "a".into(), to: Vec::new(), language: Tongue::Chinese, halls: Vec::new() }], ..AlertSettings::default() }, "alerts.mail")]
    fn a_wrong_section_is_named(#[case] settings: AlertSettings, #[case] key: &str) {
        assert_eq!(settings.fault().map(|(key, ..)| key), Some(key));
        assert_eq!(quiet("22:00", "07:00").fault(), None);
    }

    #[test]
    fn a_target_hears_of_its_halls_only() {
        let mut one = webhook("a", "https://x");
        one.halls = vec!["371581-01".to_owned()];
        let settings = AlertSettings {
            webhooks: vec![one, webhook("b", "https://y")],
            ..AlertSettings::default()
        };
        let keys = |hall| {
            let targets = settings.targets_of(hall);
            targets.map(|target| target.key()).collect::<Vec<_>>()
        };
        assert_eq!(keys("371581-01"), ["webhook:a", "webhook:b"]);
        assert_eq!(keys("350100-01"), ["webhook:b"]);
    }
}

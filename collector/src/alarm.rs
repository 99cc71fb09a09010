//! What the office should look at: self-tests that did not come through, profiles that are not
//! obeyed, journals that cannot be kept, and incidents that nobody has cleared.
//!
//! [`of()`] is a pure function of what is known of a terminal and of the time. The self-test runs
//! some minutes before the hall opens; from the opening on, a level that has not arrived is an
//! alarm until the day ends. A hall without opening hours is always open: there is no time by which
//! a test must have come, and so none is missed.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use manyi_shared::domain::{HallId, Level, TerminalId, WindowId};

use crate::day;
use crate::ingest::incident::Kind;
use crate::store::faults::OpenIncident;
use crate::store::{FaultStore, OfficeStore, StoreError, WatchedTerminal};

/// Something the office should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The hall.
    pub hall: HallId,
    /// The window.
    pub window: WindowId,
    /// The terminal.
    pub terminal: TerminalId,
    /// What is wrong.
    pub cause: Cause,
}

/// What is wrong with a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Levels of today's self-test that have not arrived, 非常满意 first; all five when none has.
    SelfTest(Vec<Level>),
    /// It does not obey its profile.
    Profile(String),
    /// It cannot keep or read its records.
    Journal(String),
    /// Something happened that nobody has dealt with yet.
    Incident(OpenIncident),
}

impl Cause {
    /// The names of what a terminal tells itself or is missed for.
    const OWN: [&'static str; 3] = ["self_test", "profile", "journal"];

    /// Every cause's name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::OWN.into_iter().chain(Kind::ALL.map(Kind::name))
    }

    /// The name in JSON and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        let [self_test, profile, journal] = Self::OWN;
        match self {
            Self::SelfTest(_) => self_test,
            Self::Profile(_) => profile,
            Self::Journal(_) => journal,
            Self::Incident(incident) => incident.kind.name(),
        }
    }

    /// What is wrong, in English.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::SelfTest(missing) if missing.len() == Level::ALL.len() => {
                "no self-test came today".to_owned()
            }
            Self::SelfTest(missing) => format!("missing {}", numbers(missing)),
            Self::Profile(problem) => format!("does not obey its profile: {problem}"),
            Self::Journal(problem) => format!("cannot keep its records: {problem}"),
            Self::Incident(incident) => incident.detail.clone(),
        }
    }
}

/// `2, 1`
#[must_use]
pub fn numbers(levels: &[Level]) -> String {
    let numbers: Vec<_> = levels.iter().map(|l| l.number().to_string()).collect();
    numbers.join(", ")
}

/// What is wrong with a terminal now. The gravest first: what a citizen said could be lost.
#[must_use]
pub fn of(terminal: &WatchedTerminal, now: Timestamp) -> Vec<Alarm> {
    let missing = missing_levels(terminal, now);
    let causes = [
        terminal.journal_problem.clone().map(Cause::Journal),
        (!missing.is_empty()).then_some(Cause::SelfTest(missing)),
        terminal.profile_problem.clone().map(Cause::Profile),
    ];
    let alarm = |cause| Alarm {
        hall: terminal.hall.clone(),
        window: terminal.window.clone(),
        terminal: terminal.terminal,
        cause,
    };
    causes.into_iter().flatten().map(alarm).collect()
}

/// Levels that should have come through by now and have not.
#[must_use]
pub fn missing_levels(terminal: &WatchedTerminal, now: Timestamp) -> Vec<Level> {
    let Some(minutes) = terminal.self_test_minutes else {
        return Vec::new();
    };
    let Ok(zone) = TimeZone::get(&terminal.time_zone) else {
        return Vec::new();
    };
    let today = now.to_zoned(zone.clone()).date();
    let Some(opening) = opening(terminal, today, &zone) else {
        return Vec::new();
    };
    let before = SignedDuration::from_mins(i64::from(minutes));
    let due_ms = (opening - before).as_millisecond();
    // Whoever was not there when the test ran, runs it tomorrow.
    if now < opening || terminal.enrolled_ms > due_ms {
        return Vec::new();
    }
    let number = day::number(today);
    let came = |level: &Level| terminal.tests.contains(&(number, *level));
    Level::ALL
        .into_iter()
        .filter(|level| !came(level))
        .collect()
}

/// When the hall opens on a day; none when it stays closed, or has no opening hours.
fn opening(terminal: &WatchedTerminal, day: Date, zone: &TimeZone) -> Option<Timestamp> {
    let bit = 1_u8 << day.weekday().to_monday_zero_offset();
    let open = terminal.hours.iter().filter(|hours| hours.days & bit != 0);
    let minute = open.map(|hours| hours.opens).min()?;
    let midnight = day.to_datetime(jiff::civil::Time::midnight());
    let opens = midnight.checked_add(i64::from(minute).minutes()).ok()?;
    Some(opens.to_zoned(zone.clone()).ok()?.timestamp())
}

/// The alarms of all terminals, by hall and window; incidents after what a terminal tells itself.
///
/// # Errors
/// When the database cannot be read.
pub async fn current(
    store: &(impl OfficeStore + FaultStore + ?Sized),
    now_ms: i64,
) -> Result<Vec<Alarm>, StoreError> {
    let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    // Today somewhere on earth.
    let around = |days: i64| {
        let there = now.checked_add(SignedDuration::from_hours(24 * days));
        day::number(there.unwrap_or(now).to_zoned(TimeZone::UTC).date())
    };
    let terminals = store.watched((around(-1), around(1))).await?;
    let mut alarms: Vec<_> = terminals.iter().flat_map(|t| of(t, now)).collect();
    let incident = |incident: OpenIncident| Alarm {
        hall: incident.hall.clone(),
        window: incident.window.clone(),
        terminal: incident.terminal,
        cause: Cause::Incident(incident),
    };
    alarms.extend(store.incidents().await?.into_iter().map(incident));
    alarms.sort_by(|a, b| (&a.hall, &a.window).cmp(&(&b.hall, &b.window)));
    Ok(alarms)
}

#[cfg(test)]
mod tests {
    use manyi_shared::wire::OpeningHours;

    use super::*;

    /// A terminal of a hall that opens at nine from Monday to Friday and at ten on Saturday.
    fn terminal() -> WatchedTerminal {
        let hours = |days, opens| OpeningHours {
            days,
            opens,
            closes: 1020,
        };
        WatchedTerminal {
            terminal: TerminalId::from_bytes([1; 16]),
            hall: "H1".parse().unwrap(),
            time_zone: "Asia/Shanghai".to_owned(),
            window: "A01".parse().unwrap(),
            enrolled_ms: 0,
            self_test_minutes: Some(15),
            hours: vec![hours(0b001_1111, 540), hours(0b010_0000, 600)],
            tests: Vec::new(),
            profile_problem: None,
            journal_problem: None,
        }
    }

    fn missing(terminal: &WatchedTerminal, now: &str) -> String {
        numbers(&missing_levels(terminal, now.parse().unwrap()))
    }

    // 2026-03-24 is a Tuesday.
    #[rstest::rstest]
    #[case::before_opening("2026-03-24T08:59:59+08", "")]
    #[case::at_opening("2026-03-24T09:00:00+08", "2, 1")]
    #[case::in_the_evening("2026-03-24T23:59:59+08", "2, 1")]
    #[case::the_next_morning("2026-03-25T08:00:00+08", "")]
    #[case::the_next_day("2026-03-25T09:00:00+08", "5, 4, 3, 2, 1")]
    #[case::saturday_before_ten("2026-03-28T09:30:00+08", "")]
    #[case::saturday("2026-03-28T10:00:00+08", "5, 4, 3, 2, 1")]
    #[case::sunday_it_is_closed("2026-03-29T12:00:00+08", "")]
    fn levels_that_did_not_come_by_opening_are_missing(#[case] now: &str, #[case] levels: &str) {
        let mut terminal = terminal();
        terminal.tests = [
            Level::VerySatisfied,
            Level::Satisfied,
            Level::BasicallySatisfied,
        ]
        .map(|level| (20_260_324, level))
        .into();
        assert_eq!(missing(&terminal, now), levels);
    }

    #[test]
    fn a_whole_test_is_no_alarm_and_yesterdays_does_not_help() {
        let mut terminal = terminal();
        terminal.tests = Level::ALL.map(|level| (20_260_324, level)).into();
        assert_eq!(missing(&terminal, "2026-03-24T12:00:00+08"), "");
        assert_eq!(
            missing(&terminal, "2026-03-25T12:00:00+08"),
            "5, 4, 3, 2, 1"
        );
    }

    #[test]
    fn nothing_is_missed_where_no_test_is_due() {
        let now = "2026-03-24T12:00:00+08";
        let off = WatchedTerminal {
            self_test_minutes: None,
            ..terminal()
        };
        assert_eq!(missing(&off, now), "");
        let always_open = WatchedTerminal {
            hours: Vec::new(),
            ..terminal()
        };
        assert_eq!(missing(&always_open, now), "");
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let mut enrolled = terminal();
        enrolled.enrolled_ms = at("2026-03-24T08:50:00+08");
        assert_eq!(missing(&enrolled, now), "", "it was not there at 8:45");
        enrolled.enrolled_ms = at("2026-03-24T08:40:00+08");
        assert_eq!(missing(&enrolled, now), "5, 4, 3, 2, 1");
    }

    #[test]
    fn the_day_is_the_halls_own() {
        let mut terminal = terminal();
        terminal.time_zone = "America/New_York".to_owned();
        // Monday evening in New York, Tuesday in Shanghai and London.
        terminal.tests = vec![(20_260_323, Level::VerySatisfied)];
        assert_eq!(missing(&terminal, "2026-03-24T01:00:00Z"), "4, 3, 2, 1");
    }

    #[test]
    fn everything_that_is_wrong_is_told_the_gravest_first() {
        let terminal = WatchedTerminal {
            profile_problem: Some("version 7, options.hours[0]".to_owned()),
            journal_problem: Some("disk is full".to_owned()),
            ..terminal()
        };
        let alarms = of(&terminal, "2026-03-24T12:00:00+08".parse().unwrap());
        let texts: Vec<_> = alarms.iter().map(|alarm| alarm.cause.text()).collect();
        assert_eq!(
            texts,
            [
                "cannot keep its records: disk is full",
                "no self-test came today",
                "does not obey its profile: version 7, options.hours[0]",
            ]
        );
    }
}

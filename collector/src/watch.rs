//! What the store knows of a terminal, as [`crate::fleet`] and [`crate::alert`] want it. Pure.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use manyi_shared::wire::OpeningHours;

use crate::alarm;
use crate::alert::Watched;
use crate::day;
use crate::fleet::{self, Known, Shown, Standing};
use crate::store::TerminalState;
use crate::store::fleet::FleetTerminal;

/// Days that are today somewhere on earth, `yyyymmdd`, the first and the last.
#[must_use]
pub fn days_around(now_ms: i64) -> (u32, u32) {
    let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let around = |hours: i64| {
        let there = now.checked_add(jiff::SignedDuration::from_hours(hours));
        day::number(there.unwrap_or(now).to_zoned(TimeZone::UTC).date())
    };
    (around(-24), around(24))
}

impl FleetTerminal {
    /// What its state follows from.
    #[must_use]
    pub fn known(&self, now_ms: i64) -> Known {
        Known {
            standing: match self.state {
                TerminalState::Active => Standing::Active,
                TerminalState::Replaced => Standing::Replaced,
                TerminalState::Revoked => Standing::Revoked,
            },
            heartbeat_ms: self
                .heartbeat_seconds
                .map_or(fleet::USUAL_HEARTBEAT_MS, |s| i64::from(s) * 1000),
            seen: self.seen.clone(),
            tests_missing: self.missing(now_ms).len(),
            incidents: self.incidents.len() as u64,
        }
    }

    /// Its state now.
    #[must_use]
    pub fn shown(&self, now_ms: i64) -> Shown {
        fleet::state(&self.known(now_ms), now_ms)
    }

    /// What its alerts follow from.
    #[must_use]
    pub fn watched(&self, now_ms: i64) -> Watched {
        Watched {
            terminal: self.watched.terminal,
            window: self.watched.window.clone(),
            known: self.known(now_ms),
            open_since_ms: open_since(&self.watched.hours, &self.watched.time_zone, now_ms),
            missing: self.missing(now_ms),
            incidents: self.incidents.clone(),
            refused: self.refused_ms.map(|at| (at, self.refused_calls)),
        }
    }

    fn missing(&self, now_ms: i64) -> Vec<manyi_shared::domain::Level> {
        if self.state != TerminalState::Active {
            return Vec::new();
        }
        let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
        alarm::missing_levels(&self.watched, now)
    }
}

/// Since when a hall is open, in milliseconds since 1970; none while it is closed.
fn open_since(hours: &[OpeningHours], zone: &str, now_ms: i64) -> Option<i64> {
    if hours.is_empty() {
        return Some(i64::MIN);
    }
    let zone = TimeZone::get(zone).ok()?;
    let there = Timestamp::from_millisecond(now_ms)
        .ok()?
        .to_zoned(zone.clone());
    let bit = 1_u8 << there.weekday().to_monday_zero_offset();
    let minute = u16::try_from(there.hour()).ok()? * 60 + u16::try_from(there.minute()).ok()?;
    let open = hours
        .iter()
        .find(|at| at.days & bit != 0 && (at.opens..at.closes).contains(&minute))?;
    let midnight = there.date().to_datetime(Time::midnight());
    let since = midnight.checked_add(i64::from(open.opens).minutes()).ok()?;
    Some(since.to_zoned(zone).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    // 2026-03-24 is a Tuesday.
    #[rstest::rstest]
    #[case::early("2026-03-24T08:59:59+08", None)]
    #[case::at_opening("2026-03-24T09:00:00+08", Some("2026-03-24T09:00:00+08"))]
    #[case::at_lunch("2026-03-24T12:30:00+08", None)]
    #[case::after_lunch("2026-03-24T15:00:00+08", Some("2026-03-24T14:00:00+08"))]
    #[case::closed("2026-03-24T17:00:00+08", None)]
    #[case::on_saturday("2026-03-28T10:00:00+08", None)]
    fn a_hall_is_open_within_its_hours(#[case] now: &str, #[case] since: Option<&str>) {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let hours = [(540, 720), (840, 1020)].map(|(opens, closes)| OpeningHours {
            days: 0b001_1111,
            opens,
            closes,
        });
        assert_eq!(open_since(&hours, "Asia/Shanghai", at(now)), since.map(at));
        assert_eq!(open_since(&[], "Asia/Shanghai", at(now)), Some(i64::MIN));
    }
}

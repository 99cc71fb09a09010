//! Ranges of time as whole tally slots, and their days and hours in a time zone. Pure: `now` is an
//! argument.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use crate::store::scores::SLOT_SECONDS;

/// From an instant up to, not including, another, seen in a time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    zone: TimeZone,
    from: Timestamp,
    to: Timestamp,
}

/// Why a range cannot be used; says which parameter, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault(pub(super) String);

/// How a range is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Into civil days.
    Day,
    /// Into hours of the wall clock; when the clock is set back, the repeated hour is one of its
    /// own.
    Hour,
}

/// One piece of a cut range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bucket {
    /// Its first slot.
    pub(super) slot: i64,
    /// `2026-01-05`, or `2026-01-05T09:00:00+08:00`.
    pub(super) label: String,
}

impl Range {
    /// The day of `now` in the zone, from midnight to midnight.
    ///
    /// # Errors
    /// When the day cannot be cut into slots, which no zone in use today does.
    pub(super) fn today(now: Timestamp, zone: TimeZone) -> Result<Self, Fault> {
        let today = now.to_zoned(zone.clone()).date();
        Self::new(
            start_of(today, &zone)?,
            start_of(day_after(today)?, &zone)?,
            zone,
        )
    }

    /// The range of the parameters `from` and `to`, each a date or an instant. A date as `to` is
    /// inclusive, an instant is not. Without `to` the range ends with today.
    pub(super) fn parse(
        from: Option<&str>,
        to: Option<&str>,
        now: Timestamp,
        zone: TimeZone,
    ) -> Result<Self, Fault> {
        let from = match (from, to) {
            (None, None) => return Self::today(now, zone),
            (None, Some(_)) => {
                return Err(Fault("`from` is missing; `to` alone gives no range".into()));
            }
            (Some(from), _) => match bound("from", from)? {
                Bound::Date(date) => start_of(date, &zone)?,
                Bound::Instant(instant) => instant,
            },
        };
        let to = match to.map(|to| bound("to", to)).transpose()? {
            None => start_of(day_after(now.to_zoned(zone.clone()).date())?, &zone)?,
            Some(Bound::Date(date)) => start_of(day_after(date)?, &zone)?,
            Some(Bound::Instant(instant)) => instant,
        };
        Self::new(from, to, zone)
    }

    fn new(from: Timestamp, to: Timestamp, zone: TimeZone) -> Result<Self, Fault> {
        if from >= to {
            let (from, to) = (from.to_zoned(zone.clone()), to.to_zoned(zone));
            return Err(Fault(format!(
                "`from` ({}) must be before `to` ({})",
                label(&from),
                label(&to)
            )));
        }
        for (name, end) in [("from", from), ("to", to)] {
            if end.as_second().rem_euclid(SLOT_SECONDS) != 0 || end.subsec_nanosecond() != 0 {
                return Err(Fault(format!(
                    "`{name}` ({end}) must fall on a quarter of an hour (…:00, :15, :30 or :45): counts are \
                     kept in slots of 15 minutes"
                )));
            }
        }
        Ok(Self { zone, from, to })
    }

    /// The slots of the range.
    #[must_use]
    pub fn slots(&self) -> std::ops::Range<i64> {
        self.from.as_second().div_euclid(SLOT_SECONDS)..self.to.as_second().div_euclid(SLOT_SECONDS)
    }

    /// The first instant, in the zone.
    #[must_use]
    pub fn from(&self) -> Zoned {
        self.from.to_zoned(self.zone.clone())
    }

    /// The instant after the last, in the zone.
    #[must_use]
    pub fn to(&self) -> Zoned {
        self.to.to_zoned(self.zone.clone())
    }

    /// The zone's IANA name.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Cuts the range; `None` when there would be more than `max` pieces.
    pub(super) fn cut(&self, step: Step, max: usize) -> Option<Vec<Bucket>> {
        let mut buckets: Vec<Bucket> = Vec::new();
        for slot in self.slots() {
            let start = Timestamp::from_second(slot * SLOT_SECONDS)
                .ok()?
                .to_zoned(self.zone.clone());
            let label = match step {
                Step::Day => start.date().to_string(),
                Step::Hour => format!(
                    "{}T{:02}:00:00{}",
                    start.date(),
                    start.hour(),
                    offset(&start)
                ),
            };
            if buckets.last().is_none_or(|last| last.label != label) {
                if buckets.len() == max {
                    return None;
                }
                buckets.push(Bucket { slot, label });
            }
        }
        Some(buckets)
    }
}

enum Bound {
    Date(Date),
    Instant(Timestamp),
}

fn bound(name: &str, text: &str) -> Result<Bound, Fault> {
    if text.len() == 10
        && let Ok(date) = text.parse::<Date>()
    {
        return Ok(Bound::Date(date));
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(Bound::Instant(instant));
    }
    let shown: String = text.chars().take(40).collect();
    let hint = if text.contains(' ') {
        "; in a URL a `+` is written `%2B`"
    } else {
        ""
    };
    Err(Fault(format!(
        "`{name}` is `{shown}`, but must be a date such as 2026-01-05 or an instant such as \
         2026-01-05T09:00:00+08:00{hint}"
    )))
}

fn start_of(date: Date, zone: &TimeZone) -> Result<Timestamp, Fault> {
    let midnight = date
        .to_zoned(zone.clone())
        .and_then(|noon| noon.start_of_day());
    midnight
        .map(|start| start.timestamp())
        .map_err(|_| Fault(format!("the day {date} is out of range")))
}

fn day_after(date: Date) -> Result<Date, Fault> {
    date.checked_add(1.day())
        .map_err(|_| Fault(format!("the day after {date} is out of range")))
}

/// `2026-01-05T09:00:00+08:00`.
pub(super) fn label(zoned: &Zoned) -> String {
    format!("{}{}", zoned.strftime("%Y-%m-%dT%H:%M:%S"), offset(zoned))
}

fn offset(zoned: &Zoned) -> String {
    zoned.strftime("%:z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn parse(from: Option<&str>, to: Option<&str>, name: &str) -> Result<(String, String), String> {
        let now: Timestamp = "2026-03-08T20:00:00Z".parse().unwrap();
        let range = Range::parse(from, to, now, zone(name)).map_err(|fault| fault.0)?;
        Ok((label(&range.from()), label(&range.to())))
    }

    #[rstest::rstest]
    #[case::today(
        None,
        None,
        "Asia/Shanghai",
        "2026-03-09T00:00:00+08:00",
        "2026-03-10T00:00:00+08:00"
    )]
    #[case::one_day(
        Some("2026-01-05"),
        Some("2026-01-05"),
        "Asia/Shanghai",
        "2026-01-05T00:00:00+08:00",
        "2026-01-06T00:00:00+08:00"
    )]
    #[case::until_today(
        Some("2026-01-05"),
        None,
        "Asia/Kathmandu",
        "2026-01-05T00:00:00+05:45",
        "2026-03-10T00:00:00+05:45"
    )]
    #[case::instants(
        Some("2026-01-05T09:00:00+08:00"),
        Some("2026-01-05T02:15:00Z"),
        "Asia/Shanghai",
        "2026-01-05T09:00:00+08:00",
        "2026-01-05T10:15:00+08:00"
    )]
    #[case::short_day(
        Some("2026-03-08"),
        Some("2026-03-08"),
        "America/New_York",
        "2026-03-08T00:00:00-05:00",
        "2026-03-09T00:00:00-04:00"
    )]
    fn a_range_reads_as(
        #[case] from: Option<&str>,
        #[case] to: Option<&str>,
        #[case] zone: &str,
        #[case] start: &str,
        #[case] end: &str,
    ) {
        assert_eq!(
            parse(from, to, zone),
            Ok((start.to_owned(), end.to_owned()))
        );
    }

    #[rstest::rstest]
    #[case::no_date(Some("yesterday"), None, "`from` is `yesterday`, but must be a date")]
    #[case::plus_lost(Some("2026-01-05T09:00:00 08:00"), None, "a `+` is written `%2B`")]
    #[case::to_alone(None, Some("2026-01-05"), "`from` is missing")]
    #[case::backwards(
        Some("2026-01-06"),
        Some("2026-01-05T00:00:00Z"),
        "must be before `to`"
    )]
    #[case::odd_minute(
        Some("2026-01-05T09:10:00Z"),
        None,
        "`from` (2026-01-05T09:10:00Z) must fall on a quarter of an hour"
    )]
    fn a_range_is_refused(
        #[case] from: Option<&str>,
        #[case] to: Option<&str>,
        #[case] message: &str,
    ) {
        let error = parse(from, to, "Asia/Shanghai").unwrap_err();
        assert!(error.contains(message), "{error}");
    }

    #[rstest::rstest]
    #[case::ordinary("2026-01-05", "Asia/Shanghai", 24, 96)]
    #[case::quarter_offset("2026-01-05", "Asia/Kathmandu", 24, 96)]
    #[case::spring("2026-03-08", "America/New_York", 23, 92)]
    #[case::autumn("2026-11-01", "America/New_York", 25, 100)]
    fn a_day_has_this_many_hours_and_slots(
        #[case] date: &str,
        #[case] name: &str,
        #[case] hours: usize,
        #[case] slots: usize,
    ) {
        let range =
            Range::parse(Some(date), Some(date), Timestamp::UNIX_EPOCH, zone(name)).unwrap();
        assert_eq!(range.cut(Step::Hour, 100).unwrap().len(), hours);
        assert_eq!(range.cut(Step::Day, 100).unwrap().len(), 1);
        assert_eq!(range.slots().count(), slots);
    }

    #[test]
    fn the_hour_that_a_clock_repeats_is_two_hours() {
        let range = Range::parse(
            Some("2026-11-01"),
            Some("2026-11-01"),
            Timestamp::UNIX_EPOCH,
            zone("America/New_York"),
        );
        let labels: Vec<String> = range
            .unwrap()
            .cut(Step::Hour, 100)
            .unwrap()
            .into_iter()
            .map(|b| b.label)
            .collect();
        assert_eq!(
            labels[1..3],
            ["2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00"]
        );
    }

    #[test]
    fn more_pieces_than_allowed_are_refused() {
        let range = Range::parse(
            Some("2026-01-01"),
            Some("2026-01-31"),
            Timestamp::UNIX_EPOCH,
            zone("UTC"),
        )
        .unwrap();
        assert_eq!(range.cut(Step::Day, 30), None);
        assert!(range.cut(Step::Day, 31).is_some());
    }
}

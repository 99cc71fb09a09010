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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into hours of the wall clock; when the clock is set back, the repeated hour is one of its
    /// own.
    Hour,
    /// Into civil days.
    Day,
    /// Into weeks of ISO 8601, which begin on Monday.
    Week,
    /// Into months of the calendar.
    Month,
    /// Into quarters of the calendar year.
    Quarter,
    /// Into calendar years.
    Year,
}

/// One piece of a cut range. The first and the last may be shorter than the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bucket {
    /// Its first slot.
    pub(super) slot: i64,
    /// `2026-01-05T09:00:00+08:00`, `2026-01-05`, `2026-W02`, `2026-01`, `2026-Q1` or `2026`.
    pub(super) label: String,
}

impl Step {
    /// Every step, the shortest first.
    pub const ALL: [Self; 6] = [
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];

    /// The name in queries and keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The first day of the piece that a day is in, and the first day after it. An hour is in its
    /// day.
    pub(super) fn around(self, day: Date) -> Result<(Date, Date), Fault> {
        let first_of = |month: i8| day.with().month(month).day(1).build();
        let (first, length) = match self {
            Self::Hour | Self::Day => (Ok(day), 1.day()),
            Self::Week => {
                let back = i64::from(day.weekday().to_monday_zero_offset());
                (day.checked_sub(back.days()), 1.week())
            }
            Self::Month => (first_of(day.month()), 1.month()),
            Self::Quarter => (first_of((day.month() - 1) / 3 * 3 + 1), 3.months()),
            Self::Year => (first_of(1), 1.year()),
        };
        let bounds = first.and_then(|first| Ok((first, first.checked_add(length)?)));
        bounds.map_err(|_| Fault(format!("the {} of {day} is out of range", self.name())))
    }

    /// What the piece that begins on this day is called.
    fn label(self, first: Date) -> String {
        match self {
            Self::Hour | Self::Day => first.to_string(),
            Self::Week => {
                let week = first.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Self::Month => format!("{:04}-{:02}", first.year(), first.month()),
            Self::Quarter => format!("{:04}-Q{}", first.year(), (first.month() - 1) / 3 + 1),
            Self::Year => format!("{:04}", first.year()),
        }
    }
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

    /// From an instant up to another, both on a quarter of an hour.
    pub(super) fn new(from: Timestamp, to: Timestamp, zone: TimeZone) -> Result<Self, Fault> {
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
        match step {
            Step::Hour => self.hours(max),
            _ => self.pieces(step, max),
        }
    }

    fn hours(&self, max: usize) -> Option<Vec<Bucket>> {
        let mut buckets: Vec<Bucket> = Vec::new();
        for slot in self.slots() {
            let start = Timestamp::from_second(slot * SLOT_SECONDS)
                .ok()?
                .to_zoned(self.zone.clone());
            let label = format!(
                "{}T{:02}:00:00{}",
                start.date(),
                start.hour(),
                offset(&start)
            );
            if buckets.last().is_none_or(|last| last.label != label) {
                if buckets.len() == max {
                    return None;
                }
                buckets.push(Bucket { slot, label });
            }
        }
        Some(buckets)
    }

    /// Pieces that are whole days, as far as the range reaches.
    fn pieces(&self, step: Step, max: usize) -> Option<Vec<Bucket>> {
        let mut buckets = Vec::new();
        let mut slot = self.slots().start;
        let (mut first, mut next) = step.around(self.from().date()).ok()?;
        while slot < self.slots().end {
            if buckets.len() == max {
                return None;
            }
            let label = step.label(first);
            buckets.push(Bucket { slot, label });
            let until = start_of(next, &self.zone).ok()?;
            slot = first_slot_from(until);
            (first, next) = step.around(next).ok()?;
        }
        Some(buckets)
    }

    /// The time zone that days and hours are of.
    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The first day and the last, when the range is of whole days.
    #[must_use]
    pub fn days(&self) -> Option<(Date, Date)> {
        let (first, after) = (self.from().date(), self.to().date());
        let whole = start_of(first, &self.zone) == Ok(self.from)
            && start_of(after, &self.zone) == Ok(self.to);
        whole.then(|| Some((first, after.yesterday().ok()?)))?
    }
}

/// The first slot that does not begin before an instant.
fn first_slot_from(instant: Timestamp) -> i64 {
    -(-instant.as_second()).div_euclid(SLOT_SECONDS)
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

pub(super) fn start_of(date: Date, zone: &TimeZone) -> Result<Timestamp, Fault> {
    let midnight = date
        .to_zoned(zone.clone())
        .and_then(|noon| noon.start_of_day());
    midnight
        .map(|start| start.timestamp())
        .map_err(|_| Fault(format!("the day {date} is out of range")))
}

pub(super) fn day_after(date: Date) -> Result<Date, Fault> {
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

    #[rstest::rstest]
    #[case::weeks(Step::Week, &["2026-W01:2025-12-31", "2026-W02:2026-01-05"])]
    #[case::months(Step::Month, &["2025-12:2025-12-31", "2026-01:2026-01-01", "2026-02", "2026-03"])]
    #[case::quarters(Step::Quarter, &["2025-Q4", "2026-Q1:2026-01-01"])]
    #[case::years(Step::Year, &["2025", "2026"])]
    fn longer_pieces_begin_where_the_calendar_says(#[case] step: Step, #[case] pieces: &[&str]) {
        let shanghai = zone("Asia/Shanghai");
        let (from, to) = (Some("2025-12-31"), Some("2026-03-30"));
        let range = Range::parse(from, to, Timestamp::UNIX_EPOCH, shanghai.clone()).unwrap();
        let cut = range.cut(step, 100).unwrap();
        for (bucket, piece) in cut.iter().zip(pieces) {
            let (label, first) = piece.split_once(':').unwrap_or((piece, ""));
            let start = Timestamp::from_second(bucket.slot * SLOT_SECONDS).unwrap();
            let date = start.to_zoned(shanghai.clone()).date().to_string();
            assert_eq!(
                (bucket.label.as_str(), first.is_empty() || date == first),
                (label, true),
                "{date}"
            );
        }
        if step != Step::Week {
            assert_eq!(cut.len(), pieces.len());
        }
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

//! How a period is cut for a chart: its pieces with their keys, names and days. Pure.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};

use crate::office::language::Language;
use crate::office::scope::{Period, Scope, Unit};

/// A length of pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::office) enum Step {
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// One piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::office) struct Piece {
    /// The key of its group in the counts.
    pub(super) key: String,
    /// Under the axis.
    pub(super) short: String,
    /// In full.
    pub(super) long: String,
    /// The days it is of; an hour is of its day.
    pub(super) days: Period,
}

impl Step {
    pub(super) const ALL: [Self; 6] = [
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
    ];

    /// The name in addresses and queries.
    pub(in crate::office) const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The step that an address asks for.
    pub(super) fn asked(scope: &Scope) -> Option<Self> {
        let name = scope.rest.get("by")?;
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    /// The step that draws a period with some ten to sixty pieces.
    pub(in crate::office) fn best(period: &Period) -> Self {
        match period.days() {
            ..=1 => Self::Hour,
            2..=62 => Self::Day,
            63..=300 => Self::Week,
            301..=1_500 => Self::Month,
            1_501..=5_000 => Self::Quarter,
            _ => Self::Year,
        }
    }

    /// About how many pieces so many days have.
    pub(super) fn about(self, days: i32) -> usize {
        let pieces = match self {
            Self::Hour => days.saturating_mul(24),
            Self::Day => days,
            Self::Week => days / 7,
            Self::Month => days / 30,
            Self::Quarter => days / 90,
            Self::Year => days / 365,
        };
        usize::try_from(pieces).unwrap_or(0)
    }

    /// All pieces of a period, in order.
    pub(super) fn pieces(self, period: &Period, zone: &TimeZone, language: Language) -> Vec<Piece> {
        match self {
            Self::Hour => hours(period, zone, language),
            _ => self.spans(period, language),
        }
    }

    fn spans(self, period: &Period, language: Language) -> Vec<Piece> {
        let unit = match self {
            Self::Hour | Self::Day => Unit::Day,
            Self::Week => Unit::Week,
            Self::Month => Unit::Month,
            Self::Quarter => Unit::Quarter,
            Self::Year => Unit::Year,
        };
        let mut pieces = Vec::new();
        let mut day = period.first;
        while let Some(whole) = unit.around(day).filter(|_| day <= period.last) {
            let (first, last) = (whole.0.max(period.first), whole.1.min(period.last));
            let days = Period {
                first,
                last,
                preset: None,
            };
            pieces.push(Piece {
                key: self.key(whole.0),
                short: self.short(whole.0, language),
                long: days.text(language),
                days,
            });
            match whole.1.tomorrow() {
                Ok(next) => day = next,
                Err(_) => break,
            }
        }
        pieces
    }

    /// As the counts name the piece that begins on this day.
    fn key(self, first: Date) -> String {
        match self {
            Self::Hour | Self::Day => first.to_string(),
            Self::Week => {
                let week = first.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Self::Month => first.strftime("%Y-%m").to_string(),
            Self::Quarter => format!("{:04}-Q{}", first.year(), (first.month() - 1) / 3 + 1),
            Self::Year => format!("{:04}", first.year()),
        }
    }

    fn short(self, first: Date, language: Language) -> String {
        match (self, language) {
            (Self::Month, Language::Chinese) => first.strftime("%y/%-m").to_string(),
            (Self::Month, Language::English) => first.strftime("%b %y").to_string(),
            (Self::Quarter, _) => {
                format!("{} Q{}", first.year(), (first.month() - 1) / 3 + 1)
            }
            (Self::Year, _) => first.year().to_string(),
            (_, Language::Chinese) => first.strftime("%-m/%-d").to_string(),
            (_, Language::English) => first.strftime("%-d %b").to_string(),
        }
    }
}

/// Hours of the wall clock; a repeated hour is one of its own.
fn hours(period: &Period, zone: &TimeZone, language: Language) -> Vec<Piece> {
    let start = |day: Date| -> Option<Zoned> {
        day.to_zoned(zone.clone())
            .and_then(|day| day.start_of_day())
            .ok()
    };
    let end = period.last.tomorrow().ok().and_then(start);
    let (Some(mut hour), Some(end)) = (start(period.first), end) else {
        return Vec::new();
    };
    let mut pieces = Vec::new();
    while hour < end {
        let day = hour.date();
        let days = Period {
            first: day,
            last: day,
            preset: None,
        };
        pieces.push(Piece {
            key: hour.strftime("%Y-%m-%dT%H:00:00%:z").to_string(),
            short: hour.strftime("%-H:00").to_string(),
            long: format!("{} {}", days.text(language), hour.strftime("%H:00")),
            days,
        });
        match hour.checked_add(1.hour()) {
            Ok(next) => hour = next,
            Err(_) => break,
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(step: Step, first: &str, last: &str, zone: &str) -> Vec<Piece> {
        let period = Period {
            first: first.parse().unwrap(),
            last: last.parse().unwrap(),
            preset: None,
        };
        step.pieces(&period, &TimeZone::get(zone).unwrap(), Language::Chinese)
    }

    #[rstest::rstest]
    #[case(Step::Day, "2026-02-27", "2026-03-01", &["2026-02-27", "2026-02-28", "2026-03-01"])]
    #[case(Step::Week, "2025-12-30", "2026-01-06", &["2026-W01", "2026-W02"])]
    #[case(Step::Month, "2026-01-15", "2026-03-01", &["2026-01", "2026-02", "2026-03"])]
    #[case(Step::Quarter, "2025-11-01", "2026-04-01", &["2025-Q4", "2026-Q1", "2026-Q2"])]
    #[case(Step::Year, "2025-11-01", "2026-04-01", &["2025", "2026"])]
    fn a_period_is_cut_into(
        #[case] step: Step,
        #[case] first: &str,
        #[case] last: &str,
        #[case] keys: &[&str],
    ) {
        let pieces = pieces(step, first, last, "Asia/Shanghai");
        let cut: Vec<_> = pieces.iter().map(|piece| piece.key.as_str()).collect();
        assert_eq!(cut, keys);
        let [begin, .., end] = pieces.as_slice() else {
            panic!("{pieces:?}")
        };
        assert_eq!(
            (begin.days.first.to_string(), end.days.last.to_string()),
            (first.to_owned(), last.to_owned())
        );
    }

    #[test]
    fn the_hour_that_a_clock_repeats_is_two_pieces() {
        let day = pieces(Step::Hour, "2026-11-01", "2026-11-01", "America/New_York");
        assert_eq!(day.len(), 25);
        let keys: Vec<_> = day.iter().map(|piece| piece.key.as_str()).collect();
        assert_eq!(
            keys[1..3],
            ["2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00"]
        );
    }
}

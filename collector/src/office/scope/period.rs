//! Which days a page is about: a name such as "last month", or two dates. Pure: today is an argument.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use crate::office::language::Language;
use crate::office::query::Pairs;

/// A range of days by name. It moves on with the calendar, so a saved view of "last month" is each
/// time the month before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::office) enum Preset {
    Today,
    Yesterday,
    Week,
    LastWeek,
    Month,
    LastMonth,
    Quarter,
    LastQuarter,
    Year,
    LastYear,
}

/// How long a range is in the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::office) enum Unit {
    Day,
    /// From Monday to Sunday.
    Week,
    Month,
    Quarter,
    Year,
    /// Any other number of days.
    Days(i32),
}

/// From a day to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::office) struct Period {
    pub(in crate::office) first: Date,
    pub(in crate::office) last: Date,
    /// The name it was asked for by.
    pub(in crate::office) preset: Option<Preset>,
}

/// Why a period cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::office) enum PeriodFault {
    /// A name or a date that is none.
    Unreadable,
    /// The first day is after the last.
    Backwards,
}

/// The longest period: a century holds every rating there will be, and sums cannot run away.
const MAX_DAYS: i32 = 36_600;

impl Preset {
    pub(in crate::office) const ALL: [Self; 10] = [
        Self::Today,
        Self::Yesterday,
        Self::Week,
        Self::LastWeek,
        Self::Month,
        Self::LastMonth,
        Self::Quarter,
        Self::LastQuarter,
        Self::Year,
        Self::LastYear,
    ];

    /// The name in addresses.
    pub(in crate::office) const fn name(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Yesterday => "yesterday",
            Self::Week => "week",
            Self::LastWeek => "last_week",
            Self::Month => "month",
            Self::LastMonth => "last_month",
            Self::Quarter => "quarter",
            Self::LastQuarter => "last_quarter",
            Self::Year => "year",
            Self::LastYear => "last_year",
        }
    }

    const fn unit(self) -> Unit {
        match self {
            Self::Today | Self::Yesterday => Unit::Day,
            Self::Week | Self::LastWeek => Unit::Week,
            Self::Month | Self::LastMonth => Unit::Month,
            Self::Quarter | Self::LastQuarter => Unit::Quarter,
            Self::Year | Self::LastYear => Unit::Year,
        }
    }

    const fn is_last(self) -> bool {
        matches!(
            self,
            Self::Yesterday | Self::LastWeek | Self::LastMonth | Self::LastQuarter | Self::LastYear
        )
    }
}

impl Unit {
    /// The piece of the calendar that a day is in; none at the end of the calendar.
    pub(in crate::office) fn around(self, day: Date) -> Option<(Date, Date)> {
        let first_of = |month: i8| day.with().month(month).day(1).build().ok();
        let first = match self {
            Self::Day | Self::Days(_) => day,
            Self::Week => {
                let back = day.weekday().since(Weekday::Monday);
                day.checked_sub(i64::from(back).days()).ok()?
            }
            Self::Month => first_of(day.month())?,
            Self::Quarter => first_of((day.month() - 1) / 3 * 3 + 1)?,
            Self::Year => first_of(1)?,
        };
        let after = first.checked_add(match self {
            Self::Day => 1.day(),
            Self::Days(days) => i64::from(days).days(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
            Self::Quarter => 3.months(),
            Self::Year => 1.year(),
        });
        Some((first, after.ok()?.yesterday().ok()?))
    }
}

impl Period {
    /// The named period as seen from this day.
    pub(in crate::office) fn named(preset: Preset, today: Date) -> Option<Self> {
        let this = preset.unit().around(today)?;
        let (first, last) = if preset.is_last() {
            preset.unit().around(this.0.yesterday().ok()?)?
        } else {
            this
        };
        Some(Self {
            first,
            last,
            preset: Some(preset),
        })
    }

    /// What `range`, or `from` and `to`, say; else the default. Dates win over a name, so that the
    /// two date fields of a form need no script.
    pub(in crate::office) fn read(
        pairs: &Pairs,
        today: Date,
        default: Preset,
    ) -> Result<Self, PeriodFault> {
        let date = |name| {
            let text: Option<&str> = pairs.get(name);
            text.map(|text| text.parse::<Date>().map_err(|_| PeriodFault::Unreadable))
                .transpose()
        };
        let (first, last) = match (date("from")?, date("to")?) {
            (Some(first), Some(last)) => (first, last),
            (Some(first), None) => (first, today.max(first)),
            (None, Some(last)) => (last, last),
            (None, None) => {
                let preset = match pairs.get("range") {
                    None => default,
                    Some(name) => Preset::ALL
                        .into_iter()
                        .find(|preset| preset.name() == name)
                        .ok_or(PeriodFault::Unreadable)?,
                };
                return Self::named(preset, today).ok_or(PeriodFault::Unreadable);
            }
        };
        Self::between(first, last)
    }

    fn between(first: Date, last: Date) -> Result<Self, PeriodFault> {
        if first > last {
            return Err(PeriodFault::Backwards);
        }
        let period = Self {
            first,
            last,
            preset: None,
        };
        if period.days() > MAX_DAYS {
            return Err(PeriodFault::Unreadable);
        }
        Ok(period)
    }

    /// How many days it has.
    pub(in crate::office) fn days(&self) -> i32 {
        self.last
            .since(self.first)
            .map_or(i32::MAX, |span| span.get_days().saturating_add(1))
    }

    /// The piece of the calendar it is.
    pub(in crate::office) fn unit(&self) -> Unit {
        let whole = [
            Unit::Day,
            Unit::Week,
            Unit::Month,
            Unit::Quarter,
            Unit::Year,
        ];
        whole
            .into_iter()
            .find(|unit| unit.around(self.first) == Some((self.first, self.last)))
            .unwrap_or_else(|| Unit::Days(self.days()))
    }

    /// The same length right before.
    pub(in crate::office) fn before(&self) -> Option<Self> {
        let unit = self.unit();
        let day = self.first.yesterday().ok()?;
        let (first, last) = match unit {
            Unit::Days(days) => {
                let first = self.first.checked_sub(i64::from(days).days()).ok()?;
                (first, day)
            }
            _ => unit.around(day)?,
        };
        Self::between(first, last).ok()
    }

    /// The same length right after.
    pub(in crate::office) fn after(&self) -> Option<Self> {
        let (first, last) = self.unit().around(self.last.tomorrow().ok()?)?;
        Self::between(first, last).ok()
    }

    /// The pages' address with this period.
    pub(in crate::office) fn put(&self, pairs: Pairs) -> Pairs {
        let bare = pairs.without("range").without("from").without("to");
        match self.preset {
            Some(preset) => bare.with("range", preset.name()),
            None => bare
                .with("from", self.first.to_string())
                .with("to", self.last.to_string()),
        }
    }

    /// In words, such as `2026 年 3 月` or `9 March 2026`.
    pub(in crate::office) fn text(&self, language: Language) -> String {
        let (first, last) = (self.first, self.last);
        let quarter = (first.month() - 1) / 3 + 1;
        match (self.unit(), language) {
            (Unit::Day, Language::Chinese) => first.strftime("%Y 年 %-m 月 %-d 日").to_string(),
            (Unit::Day, Language::English) => first.strftime("%-d %B %Y").to_string(),
            (Unit::Month, Language::Chinese) => first.strftime("%Y 年 %-m 月").to_string(),
            (Unit::Month, Language::English) => first.strftime("%B %Y").to_string(),
            (Unit::Quarter, Language::Chinese) => format!("{} 年第 {quarter} 季度", first.year()),
            (Unit::Quarter, Language::English) => format!("Q{quarter} {}", first.year()),
            (Unit::Year, Language::Chinese) => format!("{} 年", first.year()),
            (Unit::Year, Language::English) => first.year().to_string(),
            (Unit::Week | Unit::Days(_), Language::Chinese) => format!(
                "{} 至 {}",
                first.strftime("%Y 年 %-m 月 %-d 日"),
                last.strftime("%Y 年 %-m 月 %-d 日")
            ),
            (Unit::Week | Unit::Days(_), Language::English) => format!(
                "{} to {}",
                first.strftime("%-d %B %Y"),
                last.strftime("%-d %B %Y")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(query: &str) -> Result<(String, String), PeriodFault> {
        // A Monday.
        let today = "2026-03-09".parse().unwrap();
        let period = Period::read(&Pairs::parse(query), today, Preset::Today)?;
        Ok((period.first.to_string(), period.last.to_string()))
    }

    #[rstest::rstest]
    #[case("", "2026-03-09", "2026-03-09")]
    #[case("range=yesterday", "2026-03-08", "2026-03-08")]
    #[case("range=week", "2026-03-09", "2026-03-15")]
    #[case("range=last_week", "2026-03-02", "2026-03-08")]
    #[case("range=month", "2026-03-01", "2026-03-31")]
    #[case("range=last_month", "2026-02-01", "2026-02-28")]
    #[case("range=quarter", "2026-01-01", "2026-03-31")]
    #[case("range=last_quarter", "2025-10-01", "2025-12-31")]
    #[case("range=year", "2026-01-01", "2026-12-31")]
    #[case("range=last_year", "2025-01-01", "2025-12-31")]
    #[case(
        "range=month&from=2026-01-05&to=2026-01-06",
        "2026-01-05",
        "2026-01-06"
    )]
    #[case("from=2026-01-05", "2026-01-05", "2026-03-09")]
    #[case("to=2026-01-05", "2026-01-05", "2026-01-05")]
    fn a_query_names_these_days(#[case] query: &str, #[case] first: &str, #[case] last: &str) {
        assert_eq!(read(query), Ok((first.to_owned(), last.to_owned())));
    }

    #[rstest::rstest]
    #[case("range=fortnight", PeriodFault::Unreadable)]
    #[case("from=yesterday", PeriodFault::Unreadable)]
    #[case("from=2026-02-30", PeriodFault::Unreadable)]
    #[case("from=0001-01-01&to=2026-01-01", PeriodFault::Unreadable)]
    #[case("from=2026-01-06&to=2026-01-05", PeriodFault::Backwards)]
    fn a_query_is_refused(#[case] query: &str, #[case] fault: PeriodFault) {
        assert_eq!(read(query), Err(fault));
    }

    #[rstest::rstest]
    #[case("2026-03-09", "2026-03-09", "2026 年 3 月 9 日", "9 March 2026")]
    #[case("2026-03-01", "2026-03-31", "2026 年 3 月", "March 2026")]
    #[case("2026-01-01", "2026-03-31", "2026 年第 1 季度", "Q1 2026")]
    #[case("2025-01-01", "2025-12-31", "2025 年", "2025")]
    #[case(
        "2026-03-09",
        "2026-03-11",
        "2026 年 3 月 9 日 至 2026 年 3 月 11 日",
        "9 March 2026 to 11 March 2026"
    )]
    fn a_period_is_written(
        #[case] first: &str,
        #[case] last: &str,
        #[case] zh: &str,
        #[case] en: &str,
    ) {
        let period = Period::between(first.parse().unwrap(), last.parse().unwrap()).unwrap();
        assert_eq!(period.text(Language::Chinese), zh);
        assert_eq!(period.text(Language::English), en);
    }

    proptest! {
        #[test]
        fn the_period_before_the_one_after_is_the_same(start in 0i32..40_000, days in 1i32..800) {
            let epoch: Date = "1980-01-01".parse().unwrap();
            let first = epoch.checked_add(i64::from(start).days()).unwrap();
            let last = first.checked_add(i64::from(days - 1).days()).unwrap();
            let period = Period::between(first, last).unwrap();
            prop_assert_eq!(period.days(), days);
            let next = period.after().unwrap();
            prop_assert_eq!(next.first, period.last.tomorrow().unwrap());
            let before = period.before().unwrap();
            prop_assert_eq!(before.last, period.first.yesterday().unwrap());
            // A month after January is February, so lengths differ; the days still touch.
            if let Unit::Days(_) = period.unit() {
                prop_assert_eq!((next.days(), before.days()), (days, days));
            }
        }
    }
}

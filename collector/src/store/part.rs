//! In which part of the record table a record is: the month of its stream's first reception.
//!
//! Months of UTC, as `yyyymm`. SQLite keeps the number too, so that a row is the same everywhere;
//! only PostgreSQL keeps each part in a table of its own.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The part of what is first received at this moment, in milliseconds since 1970.
#[must_use]
pub(crate) fn part_of(received_ms: i64) -> i64 {
    let moment = Timestamp::from_millisecond(received_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let date = moment.to_zoned(TimeZone::UTC).date();
    i64::from(date.year()) * 100 + i64::from(date.month())
}

/// The month after.
#[must_use]
pub(crate) const fn following(part: i64) -> i64 {
    if part % 100 == 12 {
        part + 89
    } else {
        part + 1
    }
}

/// The first moment of a part; none for 0, in which nothing has a month.
#[must_use]
pub(crate) fn beginning_of(part: i64) -> Option<i64> {
    let (year, month) = (
        i16::try_from(part / 100).ok()?,
        i8::try_from(part % 100).ok()?,
    );
    let date = jiff::civil::Date::new(year, month, 1).ok()?;
    let moment = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    (part > 0).then(|| moment.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::first_moment_of_a_month(1_772_323_200_000, 202_603)]
    #[case::last_moment_of_the_month_before(1_772_323_199_999, 202_602)]
    #[case::a_clock_that_was_never_set(0, 197_001)]
    #[case::beyond_all_time(i64::MAX, 197_001)]
    fn a_part_is_the_month_of_utc(#[case] received_ms: i64, #[case] part: i64) {
        assert_eq!(part_of(received_ms), part);
    }

    #[rstest::rstest]
    #[case::a_month(202_603, Some(1_772_323_200_000))]
    #[case::before_there_were_parts(0, None)]
    #[case::no_month(202_613, None)]
    fn a_part_begins_with_its_month(#[case] part: i64, #[case] begins: Option<i64>) {
        assert_eq!(beginning_of(part), begins);
        if let Some(begins) = begins {
            assert_eq!(part_of(begins), part);
        }
    }

    #[test]
    fn december_is_followed_by_january() {
        assert_eq!(following(202_612), 202_701);
        assert_eq!(following(202_611), 202_612);
    }
}

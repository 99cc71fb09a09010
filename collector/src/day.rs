//! Days of a hall, as the number `yyyymmdd`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The number of a day.
#[must_use]
pub fn number(day: Date) -> u32 {
    let year = u32::from(day.year().unsigned_abs());
    let (month, day) = (day.month().unsigned_abs(), day.day().unsigned_abs());
    year * 10_000 + u32::from(month) * 100 + u32::from(day)
}

/// The day with this number; none when there is no such day.
#[must_use]
pub fn date(number: u32) -> Option<Date> {
    let part = |divisor: u32, modulus: u32| i8::try_from(number / divisor % modulus).ok();
    let year = i16::try_from(number / 10_000).ok()?;
    Date::new(year, part(100, 100)?, part(1, 100)?).ok()
}

/// `2026-03-24`, for people; the bare number when there is no such day.
#[must_use]
pub fn name(number: u32) -> String {
    date(number).map_or_else(|| number.to_string(), |date| date.to_string())
}

/// The day of a moment in a zone; none when the zone is not known here.
#[must_use]
pub fn day_of(at_ms: i64, time_zone: &str) -> Option<u32> {
    let zone = TimeZone::get(time_zone).ok()?;
    let at = Timestamp::from_millisecond(at_ms).ok()?;
    Some(number(at.to_zoned(zone).date()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_reads_back_from_its_number() {
        let day = date(20_260_324).expect("a day");
        assert_eq!(
            (number(day), name(20_260_324)),
            (20_260_324, "2026-03-24".to_owned())
        );
        assert_eq!(date(20_260_231), None);
    }

    #[rstest::rstest]
    #[case("2026-03-24T01:00:00Z", "Asia/Shanghai", Some(20_260_324))]
    #[case("2026-03-24T17:00:00Z", "Asia/Shanghai", Some(20_260_325))]
    #[case("2026-03-24T17:00:00Z", "Asia/Nowhere", None)]
    fn the_day_is_the_halls(#[case] at: &str, #[case] zone: &str, #[case] day: Option<u32>) {
        let at: Timestamp = at.parse().unwrap();
        assert_eq!(day_of(at.as_millisecond(), zone), day);
    }
}

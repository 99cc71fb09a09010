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

    #[rstest::rstest]
    #[case("2026-03-24T01:00:00Z", "Asia/Shanghai", Some(20_260_324))]
    #[case("2026-03-24T17:00:00Z", "Asia/Shanghai", Some(20_260_325))]
    #[case("2026-03-24T17:00:00Z", "Asia/Nowhere", None)]
    fn the_day_is_the_halls(#[case] at: &str, #[case] zone: &str, #[case] day: Option<u32>) {
        let at: Timestamp = at.parse().unwrap();
        assert_eq!(day_of(at.as_millisecond(), zone), day);
    }
}

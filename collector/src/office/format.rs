//! How numbers and times are written on a page.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::language::Language;

/// `2,120,294`.
pub(super) fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The time of day in a zone, `14:03`.
pub(super) fn time_of_day(ms: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(ms).map_or_else(
        |_| String::new(),
        |at| at.to_zoned(zone.clone()).strftime("%H:%M").to_string(),
    )
}

/// A moment in this machine's zone, `2026-03-09 12:00 +08:00`.
pub(super) fn moment(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(
        |_| String::new(),
        |at| {
            let local = at.to_zoned(TimeZone::system());
            local.strftime("%Y-%m-%d %H:%M %:z").to_string()
        },
    )
}

/// How long ago, in one unit.
pub(super) fn ago(ms: i64, language: Language) -> String {
    let seconds = ms.max(0) / 1000;
    let (number, zh, en) = match seconds {
        0..60 => (seconds, "秒前", "s ago"),
        60..3_600 => (seconds / 60, "分钟前", "min ago"),
        3_600..172_800 => (seconds / 3_600, "小时前", "h ago"),
        _ => (seconds / 86_400, "天前", "days ago"),
    };
    match language {
        Language::Chinese => format!("{number} {zh}"),
        Language::English => format!("{number} {en}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(0, "0")]
    #[case(999, "999")]
    #[case(1_000, "1,000")]
    #[case(2_120_294, "2,120,294")]
    fn a_count_is_written(#[case] number: u128, #[case] text: &str) {
        assert_eq!(grouped(number), text);
    }

    #[rstest::rstest]
    #[case(-5, "0 s ago")]
    #[case(59_999, "59 s ago")]
    #[case(60_000, "1 min ago")]
    #[case(7_200_000, "2 h ago")]
    #[case(259_200_000, "3 days ago")]
    fn a_span_is_written(#[case] ms: i64, #[case] text: &str) {
        assert_eq!(ago(ms, Language::English), text);
    }
}

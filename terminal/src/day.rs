//! The hall's day: is it open, how bright is the screen, is the self-test due, which announcement
//! is on. Pure; the caller brings the time.

use jiff::Timestamp;
use manyi_shared::domain::ClockReading;
use manyi_shared::wire::{Announcement, ProfileOptions};

use crate::flow::Millis;
use crate::outputs::LightLevel;

/// Up to this many minutes around the opening hours the screen is dim, further away dark: clerks
/// come before the public and leave after it.
const DIM_MINUTES: u16 = 45;

/// How long a touch or a prompt keeps the screen awake outside opening hours.
pub const AWAKE_MS: Millis = 60_000;

/// The time in the hall, while the tablet's clock is known to be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// The day as `yyyymmdd`.
    pub day: u32,
    /// 0 is Monday.
    pub weekday: u8,
    /// Minutes after midnight.
    pub minute: u16,
}

impl LocalTime {
    /// The time of a reading in a time zone; none while the clock is not synchronised.
    #[must_use]
    pub fn of(now: &ClockReading, zone: &str) -> Option<Self> {
        let at = now
            .synchronised
            .then(|| Timestamp::from_millisecond(now.wall_ms).ok())
            .flatten()?;
        let at = at.in_tz(zone).ok()?;
        let [year, month, day] = [
            i32::from(at.year()),
            i32::from(at.month()),
            i32::from(at.day()),
        ];
        let weekday = at.weekday().to_monday_zero_offset();
        let minute = i32::from(at.hour()) * 60 + i32::from(at.minute());
        Some(Self {
            day: u32::try_from(year * 10_000 + month * 100 + day).ok()?,
            weekday: u8::try_from(weekday).ok()?,
            minute: u16::try_from(minute).ok()?,
        })
    }

    /// Hours and minutes for the idle page.
    #[must_use]
    pub fn clock(&self) -> String {
        format!("{:02}:{:02}", self.minute / 60, self.minute % 60)
    }
}

/// How bright a screen is to be that nobody is being asked on.
#[must_use]
pub fn light(
    options: &ProfileOptions,
    local: Option<LocalTime>,
    awake_until: Millis,
    now: Millis,
) -> LightLevel {
    // A tablet that does not know the time must not be found dark at noon.
    let away = local.map_or(0, |at| options.minutes_from_open(at.weekday, at.minute));
    match away {
        _ if now < awake_until => LightLevel::Awake,
        0 => LightLevel::Awake,
        1..=DIM_MINUTES => LightLevel::Dim,
        _ => LightLevel::Asleep,
    }
}

/// The day that the self-test is due for, when it is and was not made for that day yet.
#[must_use]
pub fn self_test_due(
    options: &ProfileOptions,
    local: Option<LocalTime>,
    last: Option<u32>,
) -> Option<u32> {
    let (before, at) = (options.self_test_minutes?, local?);
    let opens = options.opens_at(at.weekday)?;
    let due = at.minute >= opens.saturating_sub(before) && last != Some(at.day);
    due.then_some(at.day)
}

/// Which announcement is on after `elapsed` milliseconds of a round that goes on for ever, and for
/// how long yet. None when there are none.
#[must_use]
pub fn announcement(list: &[Announcement], elapsed: Millis) -> Option<(usize, Millis)> {
    let length = |a: &Announcement| Millis::from(a.seconds).max(1) * 1000;
    let round: Millis = list.iter().map(length).sum();
    let mut rest = elapsed.checked_rem(round)?;
    for (n, one) in list.iter().enumerate() {
        let whole = length(one);
        if rest < whole {
            // One alone never changes, so nobody has to wake for it.
            let left = if list.len() == 1 {
                Millis::MAX
            } else {
                whole - rest
            };
            return Some((n, left));
        }
        rest -= whole;
    }
    None
}

#[cfg(test)]
mod tests {
    use manyi_shared::domain::BootId;
    use manyi_shared::wire::OpeningHours;

    use super::*;

    fn weekdays() -> ProfileOptions {
        ProfileOptions {
            hours: Some(vec![OpeningHours {
                days: 0b001_1111,
                opens: 9 * 60,
                closes: 17 * 60,
            }]),
            self_test_minutes: Some(15),
            ..ProfileOptions::default()
        }
    }

    fn at(weekday: u8, minute: u16) -> LocalTime {
        LocalTime {
            day: 20_261_123,
            weekday,
            minute,
        }
    }

    #[rstest::rstest]
    #[case::open(0, 600, LightLevel::Awake)]
    #[case::clerks_come(0, 9 * 60 - 45, LightLevel::Dim)]
    #[case::early(0, 9 * 60 - 46, LightLevel::Asleep)]
    #[case::just_closed(4, 17 * 60, LightLevel::Dim)]
    #[case::night(4, 23 * 60, LightLevel::Asleep)]
    #[case::sunday(6, 600, LightLevel::Asleep)]
    fn the_screen_follows_the_opening_hours(
        #[case] weekday: u8,
        #[case] minute: u16,
        #[case] level: LightLevel,
    ) {
        assert_eq!(light(&weekdays(), Some(at(weekday, minute)), 0, 1), level);
        let touched = light(&weekdays(), Some(at(weekday, minute)), 60_000, 59_999);
        assert_eq!(touched, LightLevel::Awake);
    }

    #[test]
    fn without_hours_or_without_a_clock_the_screen_stays_awake() {
        let always = ProfileOptions::default();
        assert_eq!(light(&always, Some(at(6, 0)), 0, 1), LightLevel::Awake);
        assert_eq!(light(&weekdays(), None, 0, 1), LightLevel::Awake);
    }

    #[rstest::rstest]
    #[case::too_early(0, 9 * 60 - 16, None, None)]
    #[case::due(0, 9 * 60 - 15, None, Some(20_261_123))]
    #[case::started_late(0, 16 * 60, None, Some(20_261_123))]
    #[case::made(0, 600, Some(20_261_123), None)]
    #[case::made_yesterday(0, 600, Some(20_261_122), Some(20_261_123))]
    #[case::closed_day(6, 600, None, None)]
    fn the_self_test_is_due_once_a_day_before_opening(
        #[case] weekday: u8,
        #[case] minute: u16,
        #[case] last: Option<u32>,
        #[case] due: Option<u32>,
    ) {
        assert_eq!(
            self_test_due(&weekdays(), Some(at(weekday, minute)), last),
            due
        );
    }

    #[test]
    fn announcements_take_turns_for_their_own_time() {
        let of = |seconds| Announcement {
            text: "x".to_owned(),
            picture: None,
            seconds,
        };
        let list = [of(5), of(10)];
        let shown = [0, 4_999, 5_000, 14_999, 15_000].map(|ms| announcement(&list, ms));
        let wanted = [(0, 5_000), (0, 1), (1, 10_000), (1, 1), (0, 5_000)].map(Some);
        assert_eq!(shown, wanted);
        assert_eq!(announcement(&list[..1], 77), Some((0, Millis::MAX)));
        assert_eq!(announcement(&[], 77), None);
    }

    #[test]
    fn the_hall_has_its_own_day_and_a_wrong_clock_has_none() {
        let mut reading = ClockReading {
            // 2026-11-22T16:30:00Z: half past midnight on Monday in China.
            wall_ms: 1_795_365_000_000,
            uptime_ms: 0,
            boot: BootId::from_bytes([0; 16]),
            synchronised: true,
        };
        let local = LocalTime::of(&reading, "Asia/Shanghai");
        assert_eq!(local, Some(at(0, 30)));
        assert_eq!(local.map(|at| at.clock()), Some("00:30".to_owned()));
        reading.synchronised = false;
        assert_eq!(LocalTime::of(&reading, "Asia/Shanghai"), None);
    }
}

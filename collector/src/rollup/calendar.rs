//! The days of a hall as quarter-hours.

use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::day;
use crate::store::scores::SLOT_SECONDS;

/// The civil calendar of a time zone, told in slots.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
}

impl Calendar {
    /// The calendar of a time zone; none when the zone is not known here.
    #[must_use]
    pub fn named(time_zone: &str) -> Option<Self> {
        let zone = TimeZone::get(time_zone).ok()?;
        Some(Self { zone })
    }

    /// The day (`yyyymmdd`) that a slot begins in, and the slots of that day; none outside of the
    /// years that a calendar knows.
    #[must_use]
    pub fn day_of(&self, slot: i64) -> Option<(i64, Range<i64>)> {
        let date = self.date_of(slot)?;
        let next = date.checked_add(1.day()).ok()?;
        let slots = self.first_slot(date)?..self.first_slot(next)?;
        Some((i64::from(day::number(date)), slots))
    }

    /// The days of a range with the first slot of each, and of the day after the last.
    pub(super) fn days(&self, slots: &Range<i64>) -> Vec<(i64, i64)> {
        let mut days = Vec::new();
        let mut date = self.date_of(slots.start);
        while let Some(day) = date {
            let Some(first) = self.first_slot(day) else {
                break;
            };
            days.push((i64::from(day::number(day)), first));
            if first >= slots.end {
                break;
            }
            date = day.checked_add(1.day()).ok();
        }
        days
    }

    fn date_of(&self, slot: i64) -> Option<Date> {
        let start = Timestamp::from_second(slot.checked_mul(SLOT_SECONDS)?).ok()?;
        Some(start.to_zoned(self.zone.clone()).date())
    }

    /// The first slot that begins on this day or later.
    fn first_slot(&self, date: Date) -> Option<i64> {
        let noon = date.to_zoned(self.zone.clone()).ok()?;
        let start = noon.start_of_day().ok()?.timestamp().as_second();
        Some(-(-start).div_euclid(SLOT_SECONDS))
    }
}

//! When a record was sealed, as far as the centre can know.

use manyi_shared::domain::{BootId, ClockReading};
use manyi_shared::wire::RecordTime;

/// 2024-01-01T00:00:00Z: before this program existed. An earlier wall clock is wrong.
pub const FLOOR_MS: i64 = 1_704_067_200_000;

/// A synchronised clock is trusted to a second: time services on a hall's network keep far below.
const SYNCHRONISED_MS: i64 = 1000;

/// How long a signed exchange may have been on its way: the time-out of one attempt, after which
/// the daemon signs anew.
const TRANSIT_MS: i64 = 60_000;

/// Free-running clocks drift by up to 100 parts in a million, so an age is known to 1 in 10 000.
const DRIFT: i64 = 10_000;

/// What the opening of a stream says about its clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The wall clock at the opening.
    pub wall_ms: i64,
    /// Milliseconds since boot at the opening.
    pub uptime_ms: u64,
    /// The boot.
    pub boot: BootId,
}

/// A moment and how surely it is known: `earliest <= at <= latest <= received`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The best estimate.
    pub at_ms: i64,
    /// It was not before.
    pub earliest_ms: i64,
    /// It was not after.
    pub latest_ms: i64,
}

/// When a record was sealed. In order of trust:
///
/// 1. The wall clock was synchronised: the wall clock, to a second.
/// 2. The exchange comes from the same boot: the reception minus the record's age by uptime. The
///    exchange may have been `TRANSIT_MS` on its way, and uptime drifts.
/// 3. Another boot: somewhere before the reception; the wall clock is the estimate when it is not
///    absurd, else the reception itself.
///
/// Nothing is placed after its reception or before [`FLOOR_MS`].
#[must_use]
pub fn place_in_time(
    opening: Option<Opening>,
    time: RecordTime,
    exchange: &ClockReading,
    received_ms: i64,
) -> Placed {
    let unknown = Placed {
        at_ms: received_ms,
        earliest_ms: FLOOR_MS.min(received_ms),
        latest_ms: received_ms,
    };
    let Some(opening) = opening else {
        return unknown;
    };
    let within = |ms: i64| ms.min(received_ms).max(unknown.earliest_ms);
    let wall_ms = opening
        .wall_ms
        .saturating_add_unsigned(time.elapsed_ms)
        .saturating_add(time.wall_step_ms);
    if time.synchronised && wall_ms >= FLOOR_MS {
        return Placed {
            at_ms: within(wall_ms),
            earliest_ms: within(wall_ms.saturating_sub(SYNCHRONISED_MS)),
            latest_ms: within(wall_ms.saturating_add(SYNCHRONISED_MS)),
        };
    }
    let uptime_ms = opening.uptime_ms.saturating_add(time.elapsed_ms);
    if opening.boot == exchange.boot
        && let Some(age) = exchange.uptime_ms.checked_sub(uptime_ms)
    {
        let age = i64::try_from(age).unwrap_or(i64::MAX);
        let at_ms = received_ms.saturating_sub(age);
        let drift = age / DRIFT;
        return Placed {
            at_ms: within(at_ms),
            earliest_ms: within(at_ms.saturating_sub(TRANSIT_MS + drift)),
            latest_ms: within(at_ms.saturating_add(drift)),
        };
    }
    Placed {
        at_ms: if wall_ms >= FLOOR_MS {
            within(wall_ms)
        } else {
            received_ms
        },
        ..unknown
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOOT: BootId = BootId::from_bytes([1; 16]);
    const OTHER: BootId = BootId::from_bytes([2; 16]);
    /// 2026-03-24T01:00:00Z
    const RECEIVED: i64 = 1_774_314_000_000;
    const DAY: i64 = 86_400_000;

    fn place(wall_ms: i64, time: RecordTime, boot: BootId, uptime_ms: u64) -> (i64, i64, i64) {
        let opening = Opening {
            wall_ms,
            uptime_ms: 1000,
            boot: BOOT,
        };
        let exchange = ClockReading {
            wall_ms: 0,
            uptime_ms,
            boot,
            synchronised: false,
        };
        let placed = place_in_time(Some(opening), time, &exchange, RECEIVED);
        (
            placed.at_ms - RECEIVED,
            placed.earliest_ms - RECEIVED,
            placed.latest_ms - RECEIVED,
        )
    }

    fn after(elapsed_ms: u64, wall_step_ms: i64, synchronised: bool) -> RecordTime {
        RecordTime {
            elapsed_ms,
            wall_step_ms,
            synchronised,
        }
    }

    const FLOOR: i64 = FLOOR_MS - RECEIVED;

    #[rstest::rstest]
    #[case::synchronised(RECEIVED - DAY, after(5000, 0, true), OTHER, 0,
        (5000 - DAY, 4000 - DAY, 6000 - DAY))]
    #[case::synchronised_after_a_step(0, after(5000, RECEIVED - DAY, true), OTHER, 0,
        (5000 - DAY, 4000 - DAY, 6000 - DAY))]
    #[case::synchronised_to_the_future(RECEIVED + DAY, after(0, 0, true), OTHER, 0, (0, 0, 0))]
    #[case::synchronised_to_1970_is_not_believed(0, after(5000, 0, true), BOOT, 16_000,
        (-10_000, -70_001, -9_999))]
    #[case::same_boot(0, after(5000, 0, false), BOOT, 16_000, (-10_000, -70_001, -9_999))]
    #[case::same_boot_just_now(0, after(5000, 0, false), BOOT, 6000, (0, -60_000, 0))]
    #[case::same_boot_but_uptime_runs_backwards(0, after(5000, 0, false), BOOT, 5999,
        (0, FLOOR, 0))]
    #[case::other_boot_wall_plausible(RECEIVED - DAY, after(0, 0, false), OTHER, 9,
        (-DAY, FLOOR, 0))]
    #[case::other_boot_wall_in_the_future(RECEIVED + DAY, after(0, 0, false), OTHER, 9,
        (0, FLOOR, 0))]
    #[case::other_boot_wall_in_1970(7000, after(0, 0, false), OTHER, 9, (0, FLOOR, 0))]
    fn a_record_is_placed(
        #[case] wall_ms: i64,
        #[case] time: RecordTime,
        #[case] boot: BootId,
        #[case] uptime_ms: u64,
        #[case] expected: (i64, i64, i64),
    ) {
        assert_eq!(place(wall_ms, time, boot, uptime_ms), expected);
    }

    #[test]
    fn without_an_opening_only_the_reception_is_known() {
        let exchange = ClockReading {
            wall_ms: RECEIVED,
            uptime_ms: 1,
            boot: BOOT,
            synchronised: true,
        };
        let placed = place_in_time(None, after(5, 0, true), &exchange, RECEIVED);
        assert_eq!((placed.at_ms, placed.latest_ms), (RECEIVED, RECEIVED));
        assert_eq!(placed.earliest_ms, FLOOR_MS);
    }

    proptest! {
        #[test]
        fn every_placement_is_ordered_and_bounded(
            wall in any::<i64>(), up in any::<u64>(), elapsed in any::<u64>(), step in any::<i64>(),
            synchronised in any::<bool>(), same in any::<bool>(), now in any::<u64>(),
        ) {
            let opening = Opening { wall_ms: wall, uptime_ms: up, boot: BOOT };
            let exchange = ClockReading {
                wall_ms: wall, uptime_ms: now, boot: if same { BOOT } else { OTHER }, synchronised,
            };
            let p = place_in_time(
                Some(opening), after(elapsed, step, synchronised), &exchange, RECEIVED);
            prop_assert!(FLOOR_MS <= p.earliest_ms);
            prop_assert!(p.earliest_ms <= p.at_ms && p.at_ms <= p.latest_ms);
            prop_assert!(p.latest_ms <= RECEIVED);
        }
    }
}

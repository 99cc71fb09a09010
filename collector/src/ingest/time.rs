//! When a record was sealed, as far as the centre can know.

mod anchors;

pub use anchors::{Anchor, Anchors};

use std::collections::BTreeMap;

use manyi_shared::domain::{BootId, ClockReading};
use manyi_shared::wire::RecordTime;

/// 2024-01-01T00:00:00Z: before this program existed. An earlier wall clock is wrong.
pub const FLOOR_MS: i64 = 1_704_067_200_000;

/// A synchronised clock is trusted to a second: time services on a hall's network keep far below.
const SYNCHRONISED_MS: i64 = 1000;

/// As wide as a place in time may be when a clock was right: a second to either side.
pub const SURE_MS: i64 = 2 * SYNCHRONISED_MS;

/// A synchronised clock further ahead of the centre's than this is not believed: it would have been
/// sealed after it came. The centre's own clock may be wrong by minutes.
const AHEAD_MS: i64 = 300_000;

/// How long a signed exchange may have been on its way: the time-out of one attempt, after which
/// the daemon signs anew.
const TRANSIT_MS: i64 = 60_000;

/// Free-running clocks drift by up to 100 parts in a million, so an age is known to 1 in 10 000.
const DRIFT: u64 = 10_000;

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

impl Opening {
    /// The uptime of a record of the stream.
    #[must_use]
    pub const fn uptime_of(&self, time: &RecordTime) -> u64 {
        self.uptime_ms.saturating_add(time.elapsed_ms)
    }

    /// What the wall clock showed then.
    #[must_use]
    pub const fn wall_of(&self, time: &RecordTime) -> i64 {
        let expected = self.wall_ms.saturating_add_unsigned(time.elapsed_ms);
        expected.saturating_add(time.wall_step_ms)
    }

    /// What a record tells about the clock of its boot; none when the clock was not known to be
    /// right, or shows what cannot be.
    #[must_use]
    pub fn anchor(&self, time: &RecordTime, received_ms: i64) -> Option<Anchor> {
        let wall_ms = self.wall_of(time);
        (time.synchronised && possible(wall_ms, received_ms)).then_some(Anchor {
            uptime_ms: self.uptime_of(time),
            wall_ms,
        })
    }
}

/// Whether a synchronised clock could have shown this.
const fn possible(wall_ms: i64, received_ms: i64) -> bool {
    FLOOR_MS <= wall_ms && wall_ms <= received_ms.saturating_add(AHEAD_MS)
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

impl Placed {
    /// Milliseconds from the earliest to the latest.
    #[must_use]
    pub const fn width(&self) -> i64 {
        self.latest_ms.saturating_sub(self.earliest_ms)
    }

    /// The part that both leave open, when there is one; the estimate is that of the narrower.
    fn and(self, other: Self) -> Option<Self> {
        let earliest_ms = self.earliest_ms.max(other.earliest_ms);
        let latest_ms = self.latest_ms.min(other.latest_ms);
        let narrower = if other.width() < self.width() {
            other
        } else {
            self
        };
        (earliest_ms <= latest_ms).then(|| Self {
            at_ms: narrower.at_ms.clamp(earliest_ms, latest_ms),
            earliest_ms,
            latest_ms,
        })
    }

    /// Nothing is placed after its reception or before [`FLOOR_MS`].
    fn within(self, received_ms: i64) -> Self {
        let within = |ms: i64| ms.min(received_ms).max(FLOOR_MS.min(received_ms));
        Self {
            at_ms: within(self.at_ms),
            earliest_ms: within(self.earliest_ms),
            latest_ms: within(self.latest_ms),
        }
    }
}

/// What is known of clocks where a record is placed.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The terminal's clocks when it signed the exchange that brought the record.
    pub exchange: Option<ClockReading>,
    /// When the clocks of its boots were right.
    pub boots: BTreeMap<BootId, Anchors>,
}

impl Evidence {
    /// Takes what an exchange says: a synchronised clock is an anchor of its boot, unless it is far
    /// from the centre's.
    pub fn exchanged(&mut self, clock: ClockReading, received_ms: i64) {
        let sent_ms = received_ms.saturating_sub(TRANSIT_MS + AHEAD_MS);
        if clock.synchronised && possible(clock.wall_ms, received_ms) && sent_ms <= clock.wall_ms {
            self.boots.entry(clock.boot).or_default().add(Anchor {
                uptime_ms: clock.uptime_ms,
                wall_ms: clock.wall_ms,
            });
        }
        self.exchange = Some(clock);
    }

    /// The place by the anchors of the boot.
    fn anchored(&self, boot: BootId, uptime_ms: u64) -> Option<Placed> {
        self.boots.get(&boot)?.place(uptime_ms)
    }

    /// The place by the age at the reception: the exchange may have been `TRANSIT_MS` on its way,
    /// and uptime drifts.
    fn aged(&self, boot: BootId, uptime_ms: u64, received_ms: i64) -> Option<Placed> {
        let exchange = self.exchange.filter(|exchange| exchange.boot == boot)?;
        let age = exchange.uptime_ms.checked_sub(uptime_ms)?;
        let drift = i64::try_from(age / DRIFT).unwrap_or(i64::MAX);
        let at_ms = received_ms.saturating_sub_unsigned(age);
        Some(Placed {
            at_ms,
            earliest_ms: at_ms.saturating_sub(TRANSIT_MS.saturating_add(drift)),
            latest_ms: at_ms.saturating_add(drift),
        })
    }
}

/// When a record was sealed. In order of trust:
///
/// 1. The wall clock was synchronised: the wall clock, to a second.
/// 2. The clock was right at some time of the same boot: the wall clock then and the uptime
///    between, to half a second and the drift.
/// 3. The exchange comes from the same boot: the reception minus the record's age by uptime.
/// 4. Another boot: somewhere before the reception; the wall clock is the estimate when it is not
///    absurd, else the reception itself.
///
/// Nothing is placed after its reception or before [`FLOOR_MS`].
#[must_use]
pub fn place_in_time(
    opening: Option<Opening>,
    time: RecordTime,
    evidence: &Evidence,
    received_ms: i64,
) -> Placed {
    let unknown = Placed {
        at_ms: received_ms,
        earliest_ms: FLOOR_MS,
        latest_ms: received_ms,
    };
    let Some(opening) = opening else {
        return unknown.within(received_ms);
    };
    let (wall_ms, uptime_ms) = (opening.wall_of(&time), opening.uptime_of(&time));
    let placed = if time.synchronised && possible(wall_ms, received_ms) {
        Placed {
            at_ms: wall_ms,
            earliest_ms: wall_ms.saturating_sub(SYNCHRONISED_MS),
            latest_ms: wall_ms.saturating_add(SYNCHRONISED_MS),
        }
    } else {
        let anchored = evidence.anchored(opening.boot, uptime_ms);
        let aged = evidence.aged(opening.boot, uptime_ms, received_ms);
        match (anchored, aged) {
            (Some(anchored), Some(aged)) => anchored.and(aged).unwrap_or(anchored),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) if (FLOOR_MS..=received_ms).contains(&wall_ms) => Placed {
                at_ms: wall_ms,
                ..unknown
            },
            (None, None) => unknown,
        }
    };
    placed.within(received_ms)
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
        let mut evidence = Evidence::default();
        evidence.exchanged(
            ClockReading {
                wall_ms: 0,
                uptime_ms,
                boot,
                synchronised: false,
            },
            RECEIVED,
        );
        let placed = place_in_time(Some(opening), time, &evidence, RECEIVED);
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
    #[case::synchronised_and_a_little_ahead(RECEIVED + 700, after(0, 0, true), OTHER, 0,
        (0, -300, 0))]
    #[case::synchronised_to_the_future_is_not_believed(RECEIVED + DAY, after(0, 0, true), OTHER, 0,
        (0, FLOOR, 0))]
    #[case::ten_years_ahead_and_the_same_boot(RECEIVED + 3653 * DAY, after(5000, 0, true), BOOT,
        16_000, (-10_000, -70_001, -9_999))]
    #[case::ten_years_back_and_the_same_boot(RECEIVED - 3653 * DAY, after(5000, 0, true), BOOT,
        16_000, (-10_000, -70_001, -9_999))]
    #[case::set_by_the_hour_of_summer_time(RECEIVED - DAY, after(5000, 3_600_000, false), BOOT,
        16_000, (-10_000, -70_001, -9_999))]
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
        let mut evidence = Evidence::default();
        evidence.exchanged(
            ClockReading {
                wall_ms: RECEIVED,
                uptime_ms: 1,
                boot: BOOT,
                synchronised: true,
            },
            RECEIVED,
        );
        let placed = place_in_time(None, after(5, 0, true), &evidence, RECEIVED);
        assert_eq!((placed.at_ms, placed.latest_ms), (RECEIVED, RECEIVED));
        assert_eq!(placed.earliest_ms, FLOOR_MS);
    }

    proptest! {
        #[test]
        fn every_placement_is_ordered_and_bounded(
            wall in any::<i64>(), up in any::<u64>(), elapsed in any::<u64>(), step in any::<i64>(),
            synchronised in any::<bool>(), same in any::<bool>(), now in any::<u64>(),
            shown in any::<i64>(), anchors in prop::collection::vec((any::<u64>(), any::<i64>()), 0..3),
        ) {
            let opening = Opening { wall_ms: wall, uptime_ms: up, boot: BOOT };
            let mut evidence = Evidence::default();
            for (uptime_ms, wall_ms) in anchors {
                let boot = evidence.boots.entry(BOOT).or_default();
                boot.add(Anchor { uptime_ms, wall_ms });
            }
            let clock = ClockReading {
                wall_ms: shown, uptime_ms: now, boot: if same { BOOT } else { OTHER }, synchronised,
            };
            evidence.exchanged(clock, RECEIVED);
            let p = place_in_time(
                Some(opening), after(elapsed, step, synchronised), &evidence, RECEIVED);
            prop_assert!(FLOOR_MS <= p.earliest_ms);
            prop_assert!(p.earliest_ms <= p.at_ms && p.at_ms <= p.latest_ms);
            prop_assert!(p.latest_ms <= RECEIVED);
        }
    }
}

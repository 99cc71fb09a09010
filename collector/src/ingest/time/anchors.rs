//! When the clock of a boot was known to be right.

use std::collections::BTreeMap;

use super::{DRIFT, Placed};

/// At an anchor the wall clock is trusted to half a second, which leaves the other half of a second
/// to the drift of 83 minutes.
const RIGHT_MS: u64 = 500;

/// A moment at which the clock of a boot was known to be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Milliseconds since boot.
    pub uptime_ms: u64,
    /// The wall clock then.
    pub wall_ms: i64,
}

impl Anchor {
    fn place(self, uptime_ms: u64) -> Placed {
        let way = uptime_ms.abs_diff(self.uptime_ms);
        let at_ms = if uptime_ms < self.uptime_ms {
            self.wall_ms.saturating_sub_unsigned(way)
        } else {
            self.wall_ms.saturating_add_unsigned(way)
        };
        let off = RIGHT_MS.saturating_add(way / DRIFT);
        Placed {
            at_ms,
            earliest_ms: at_ms.saturating_sub_unsigned(off),
            latest_ms: at_ms.saturating_add_unsigned(off),
        }
    }
}

/// The anchors of one boot, by uptime.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchors(BTreeMap<u64, i64>);

impl Anchors {
    /// Adds one.
    pub fn add(&mut self, anchor: Anchor) {
        self.0.insert(anchor.uptime_ms, anchor.wall_ms);
    }

    /// The one of the lowest uptime.
    #[must_use]
    pub fn first(&self) -> Option<Anchor> {
        self.0.first_key_value().map(anchor)
    }

    /// The one of the highest uptime.
    #[must_use]
    pub fn last(&self) -> Option<Anchor> {
        self.0.last_key_value().map(anchor)
    }

    /// What the nearest anchors on both sides say about a moment; none without any. Two that
    /// cannot both be right leave everything open between what each of them says.
    #[must_use]
    pub fn place(&self, uptime_ms: u64) -> Option<Placed> {
        let before = self.0.range(..=uptime_ms).next_back().map(anchor);
        let after = self.0.range(uptime_ms..).next().map(anchor);
        let place = |anchor: Anchor| anchor.place(uptime_ms);
        match (before.map(place), after.map(place)) {
            (Some(one), Some(other)) => Some(one.and(other).unwrap_or(Placed {
                at_ms: one.at_ms,
                earliest_ms: one.earliest_ms.min(other.earliest_ms),
                latest_ms: one.latest_ms.max(other.latest_ms),
            })),
            (Some(one), None) | (None, Some(one)) => Some(one),
            (None, None) => None,
        }
    }
}

fn anchor((&uptime_ms, &wall_ms): (&u64, &i64)) -> Anchor {
    Anchor { uptime_ms, wall_ms }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: u64 = 3_600_000;
    const NOON: i64 = 1_774_324_800_000;

    fn anchors(pairs: &[(u64, i64)]) -> Anchors {
        let mut anchors = Anchors::default();
        for &(uptime_ms, wall_ms) in pairs {
            anchors.add(Anchor { uptime_ms, wall_ms });
        }
        anchors
    }

    #[rstest::rstest]
    #[case::at_the_anchor(&[(HOUR, NOON)], HOUR, (0, -500, 500))]
    #[case::an_hour_before(&[(HOUR, NOON)], 0, (-3_600_000, -3_600_860, -3_599_140))]
    #[case::eight_hours_before(&[(8 * HOUR, NOON)], 0, (-28_800_000, -28_803_380, -28_796_620))]
    #[case::between_two(&[(0, NOON), (8 * HOUR, NOON + 28_801_000)], 4 * HOUR,
        (14_400_000, 14_399_060, 14_401_940))]
    #[case::between_two_that_contradict(&[(0, NOON), (HOUR, NOON)], 0, (0, -500, 500))]
    #[case::halfway_between_two_that_contradict(&[(0, NOON), (HOUR, NOON)], HOUR / 2,
        (1_800_000, -1_800_680, 1_800_680))]
    fn a_moment_is_placed_by_the_nearest_anchors(
        #[case] pairs: &[(u64, i64)],
        #[case] uptime_ms: u64,
        #[case] expected: (i64, i64, i64),
    ) {
        let placed = anchors(pairs).place(uptime_ms).expect("anchored");
        let from_noon = |ms: i64| ms - NOON;
        assert_eq!(
            (
                from_noon(placed.at_ms),
                from_noon(placed.earliest_ms),
                from_noon(placed.latest_ms)
            ),
            expected
        );
    }

    /// A clock that drifts by at most 100 parts in a million, differently before and after each
    /// anchor, and that is set right to at most 400 ms at each.
    fn drifting() -> impl Strategy<Value = Vec<(u64, i64, i64)>> {
        prop::collection::vec((1_u64..12 * HOUR, -100_i64..=100, -400_i64..=400), 2..8)
    }

    proptest! {
        #[test]
        fn the_truth_is_inside_and_two_seconds_are_enough_near_an_anchor(
            stretches in drifting(), pick in 0_usize..8, part in 0_u64..=100,
        ) {
            let (mut uptime, mut truth) = (0_u64, NOON);
            let mut ends = vec![(uptime, truth)];
            let mut known = Anchors::default();
            for (length, ppm, off) in &stretches {
                let fast = i64::try_from(*length).expect("small") * ppm / 1_000_000;
                uptime += length;
                truth += i64::try_from(*length).expect("small") - fast;
                ends.push((uptime, truth));
                known.add(Anchor { uptime_ms: uptime, wall_ms: truth + off });
            }
            let n = pick % stretches.len();
            let ((up0, true0), (up1, true1)) = (ends[n], ends[n + 1]);
            let at = up0 + (up1 - up0) * part / 100;
            let really = true0 + i64::try_from(
                i128::from(true1 - true0) * i128::from(at - up0) / i128::from(up1 - up0)
            ).expect("small");
            let placed = known.place(at).expect("anchored");
            prop_assert!(placed.earliest_ms <= really + 1 && really <= placed.latest_ms + 1,
                "{placed:?} {really}");
            let nearest = known.0.keys().map(|k| k.abs_diff(at)).min().expect("some");
            let off = i64::try_from(RIGHT_MS + nearest / DRIFT).expect("small");
            prop_assert!(placed.width() <= 2 * off);
            if nearest <= 5_000_000 {
                prop_assert!(placed.width() <= super::super::SURE_MS);
            }
        }
    }
}

//! Laws of plans and deltas.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::ingest::TallyKey;

const ZONES: [&str; 6] = [
    "Asia/Shanghai",
    "Asia/Kathmandu",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "UTC",
];

/// 2025-10-01 in slots; the clocks of most zones above change within the year after it.
const START: i64 = 1_759_276_800 / 900;

/// The slot after a period that begins at `slot`, as the calendar has it.
fn end_of(calendar: &Calendar, source: Source, period: i64, slot: i64) -> i64 {
    let day = |slot| calendar.day_of(slot).unwrap();
    match source {
        Source::Slots => {
            assert_eq!(period, slot);
            slot + 1
        }
        Source::Rollup(Grain::Hour) => {
            assert_eq!(period * 4, slot);
            slot + 4
        }
        Source::Rollup(Grain::Day) => {
            assert_eq!((period, slot), (day(slot).0, day(slot).1.start));
            day(slot).1.end
        }
        Source::Rollup(Grain::Month) => {
            assert_eq!(day(slot - 1).1.end, slot);
            assert_ne!(day(slot - 1).0 / 100, period);
            let mut end = slot;
            while day(end).0 / 100 == period {
                end = day(end).1.end;
            }
            assert!(end > slot);
            end
        }
    }
}

fn period_at(calendar: &Calendar, source: Source, slot: i64) -> i64 {
    match source {
        Source::Slots => slot,
        Source::Rollup(Grain::Hour) => slot.div_euclid(4),
        Source::Rollup(Grain::Day) => calendar.day_of(slot).unwrap().0,
        Source::Rollup(Grain::Month) => calendar.day_of(slot).unwrap().0 / 100,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_covers_every_slot_of_its_buckets_once(
        zone in prop::sample::select(&ZONES[..]),
        from in 0..6_000_i64,
        length in 1..9_000_i64,
        cuts in proptest::collection::btree_set(1..9_000_i64, 0..4),
        hours: bool,
    ) {
        let calendar = Calendar::named(zone).unwrap();
        let slots = START + from..START + from + length;
        let mut buckets = vec![slots.start];
        buckets.extend(cuts.iter().map(|cut| slots.start + cut).filter(|slot| *slot < slots.end));
        let bucket = |slot: i64| buckets.partition_point(|start| *start <= slot) - 1;
        let mut slot = slots.start;
        for run in plan(&slots, &buckets, Some(&calendar), hours) {
            let mut period = run.first;
            while period <= run.last && slot < slots.end {
                let end = end_of(&calendar, run.source, period, slot);
                prop_assert_eq!(run.bucket_of(period), bucket(slot));
                prop_assert_eq!(run.bucket_of(period), bucket(end - 1));
                slot = end;
                period = period_at(&calendar, run.source, slot);
            }
        }
        prop_assert_eq!(slot, slots.end);
    }

    #[test]
    fn counting_in_parts_is_counting_at_once(
        rows in proptest::collection::vec((0..20_000_i64, 0..3_usize, 0..2_usize, 0..9_usize, -2..5_i64), 1..60),
        zone in prop::sample::select(&ZONES[..]),
    ) {
        let calendar = Calendar::named(zone).unwrap();
        let kinds = [(1, 5), (1, 4), (1, 3), (1, 2), (1, 1), (2, 0), (3, 0), (4, 0), (5, 0)];
        let keyed: Vec<(TallyKey<'_>, i64)> = rows.iter().map(|(slot, window, staff, kind, n)| {
            let (outcome, level) = kinds[*kind];
            let key = TallyKey {
                slot: START + slot,
                window: ["A01", "A02", "B01"][*window],
                department: "D1",
                staff: ["", "S1"][*staff],
                item: "",
                channel: 4,
                outcome,
                level,
            };
            (key, *n)
        }).collect();
        let mut sum: BTreeMap<RollupKey<'_>, Parts> = BTreeMap::new();
        for one in &keyed {
            for (key, parts) in deltas([*one], [], &calendar) {
                for (sum, part) in sum.entry(key).or_default().iter_mut().zip(parts) {
                    *sum += part;
                }
            }
        }
        sum.retain(|_, parts| *parts != Parts::default());
        let at_once = deltas(keyed.iter().copied(), [], &calendar);
        prop_assert_eq!(&sum, &at_once);
        // Every cube of a grain holds all that was counted.
        let counted: i64 = rows.iter().map(|row| row.4).sum();
        for cube in Cube::ALL.into_iter().filter(|cube| !cube.by_tag()) {
            for grain in [Grain::Day, Grain::Month] {
                let of = at_once.iter().filter(|(key, _)| key.cube == cube && key.grain == grain);
                prop_assert_eq!(of.map(|(_, parts)| parts.iter().sum::<i64>()).sum::<i64>(), counted);
            }
        }
    }
}

#[test]
fn whole_months_are_read_as_months_and_the_rest_as_days() {
    let calendar = Calendar::named("Asia/Shanghai").unwrap();
    let at = |day: &str| {
        let start: jiff::Timestamp = format!("{day}T00:00:00+08:00").parse().unwrap();
        start.as_second() / 900
    };
    let runs = plan(
        &(at("2025-10-30")..at("2026-02-02")),
        &[],
        Some(&calendar),
        true,
    );
    let told: Vec<_> = runs
        .iter()
        .map(|run| (run.source, run.first, run.last))
        .collect();
    assert_eq!(
        told,
        [
            (Source::Rollup(Grain::Day), 20_251_030, 20_251_031),
            (Source::Rollup(Grain::Month), 202_511, 202_601),
            (Source::Rollup(Grain::Day), 20_260_201, 20_260_201),
        ]
    );
}

#[test]
fn days_of_another_zone_are_read_by_the_hour_in_one_run() {
    let calendar = Calendar::named("Asia/Shanghai").unwrap();
    let days: Vec<i64> = (0..30).map(|day| START + day * 96).collect();
    let runs = plan(&(START..START + 30 * 96), &days, Some(&calendar), true);
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!(runs[0].source, Source::Rollup(Grain::Hour));
    assert_eq!(runs[0].buckets.len(), 30);
}

#[test]
fn the_smallest_cube_that_keeps_what_is_asked_for_is_taken() {
    use crate::store::scores::Column;
    for (columns, cube) in [
        (&[][..], Some(Cube::Total)),
        (&[Column::Channel, Column::Hall], Some(Cube::Total)),
        (&[Column::Department, Column::Level], Some(Cube::Department)),
        (&[Column::Window, Column::Department], Some(Cube::Window)),
        (&[Column::Item, Column::Window], Some(Cube::WindowItem)),
        (&[Column::Staff, Column::Item], Some(Cube::StaffItem)),
        (&[Column::Tag, Column::Staff], Some(Cube::TagStaff)),
        (&[Column::Tag, Column::Department], Some(Cube::Tag)),
        (&[Column::Window, Column::Staff, Column::Item], None),
        (&[Column::Tag, Column::Staff, Column::Item], None),
    ] {
        assert_eq!(Cube::of(columns), cube, "{columns:?}");
    }
}

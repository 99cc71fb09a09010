//! A score from roll-ups is the score from quarter-hours, whatever is asked for.

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::ingest::{Deltas, TallyKey};
use crate::store::sql::{rollup, tally};

const HALLS: [(&str, &str); 3] = [
    ("H1", "Asia/Shanghai"),
    ("H2", "Australia/Lord_Howe"),
    ("H3", "America/New_York"),
];

/// 2026-03-01 in slots: clocks change in two of the zones within the month after it.
const START: i64 = 1_772_323_200 / 900;

/// One count: hall, slot, window, clerk, item, kind, tags, how many.
type Counted1 = (usize, i64, usize, usize, usize, usize, Vec<u16>, i64);

fn counts() -> impl Strategy<Value = Vec<Counted1>> {
    let tags = proptest::collection::btree_set(prop::sample::select(vec![213_u16, 214, 115]), 0..3);
    let one = (
        0..3_usize,
        0..7_000_i64,
        0..3_usize,
        0..2_usize,
        0..3_usize,
        0..9_usize,
        tags,
        1..4_i64,
    );
    let one = one.prop_map(|(hall, slot, window, staff, item, kind, tags, n)| {
        let tags = if kind < 5 { tags } else { Default::default() };
        (
            hall,
            slot,
            window,
            staff,
            item,
            kind,
            tags.into_iter().collect(),
            n,
        )
    });
    proptest::collection::vec(one, 0..60)
}

fn key<'d>(one: &Counted1) -> TallyKey<'d> {
    let (_, slot, window, staff, item, kind, _, _) = one;
    let (outcome, level) = [
        (1, 5),
        (1, 4),
        (1, 3),
        (1, 2),
        (1, 1),
        (2, 0),
        (3, 0),
        (4, 0),
        (5, 0),
    ][*kind];
    TallyKey {
        slot: START + slot,
        window: ["A01", "A02", "B01"][*window],
        department: ["D1", "D1", "D2"][*window],
        staff: ["", "S1"][*staff],
        item: ["", "I1", "I2"][*item],
        channel: if slot % 5 == 0 { 3 } else { 4 },
        outcome,
        level,
    }
}

const SPLITS: [&[Column]; 12] = [
    &[],
    &[Column::Hall],
    &[Column::Window],
    &[Column::Staff, Column::Level],
    &[Column::Item, Column::Window],
    &[Column::Outcome, Column::Department],
    &[Column::Hall, Column::Staff, Column::Item],
    &[Column::Window, Column::Staff, Column::Item],
    &[Column::Tag],
    &[Column::Tag, Column::Window],
    &[Column::Tag, Column::Staff, Column::Level],
    &[Column::Channel, Column::Department],
];

fn filters() -> impl Strategy<Value = Vec<(Column, Value)>> {
    let text = |column, ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        prop::sample::subsequence(ids, 1..=2).prop_map(move |ids| {
            ids.into_iter()
                .map(|id| (column, Value::Text(id)))
                .collect()
        })
    };
    prop_oneof![
        3 => Just(Vec::new()),
        1 => text(Column::Hall, &["H1", "H2", "H3"]),
        1 => text(Column::Window, &["A01", "A02", "B01"]),
        1 => text(Column::Staff, &["", "S1"]),
        1 => text(Column::Item, &["", "I1", "I2"]),
        1 => text(Column::Department, &["D1", "D2"]),
        1 => Just(vec![(Column::Channel, Value::Number(3))]),
        1 => Just(vec![(Column::Tag, Value::Number(213))]),
        1 => Just(vec![
            (Column::Hall, Value::Text("H1".to_owned())),
            (Column::Window, Value::Text("A02".to_owned())),
        ]),
    ]
}

fn database() -> Connection {
    let connection = crate::store::sqlite::in_memory().expect("tables");
    for (hall, zone) in HALLS {
        connection
            .execute(
                "INSERT INTO hall VALUES (?1, '', '371581', ?2, '', 1)",
                [hall, zone],
            )
            .expect("a hall");
    }
    connection
}

fn store(db: &Db<'_>, counts: &[Counted1], by: i64) {
    for (index, (hall, _)) in HALLS.iter().enumerate() {
        let mut deltas = Deltas::default();
        for one in counts.iter().filter(|one| one.0 == index) {
            deltas.count(key(one), one.6.iter().copied(), by * one.7);
        }
        tally::apply(db, hall, &deltas).expect("counted");
    }
}

fn answer(db: &Db<'_>, query: &TallyQuery) -> Tally {
    counted(db, query).expect("counted")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn roll_ups_give_what_quarter_hours_give(
        first in counts(),
        taken_back in 0..20_usize,
        more in counts(),
        from in 0..6_500_i64,
        length in 1..4_000_i64,
        cuts in proptest::collection::btree_set(1..4_000_i64, 0..5),
        split in prop::sample::select(&SPLITS[..]),
        filters in filters(),
        whole_days: bool,
    ) {
        let connection = database();
        let db = Db::new(&connection);
        store(&db, &first, 1);
        store(&db, &first[..taken_back.min(first.len())], -1);
        store(&db, &more, 1);
        // On the hour and on midnights of the first hall, too.
        let step = if whole_days { 96 } else { 1 };
        let at = |slot: i64| START - 32 + slot / step * step;
        let (start, end) = (at(from), at(from + length).max(at(from) + 1));
        let mut buckets = vec![start];
        buckets.extend(cuts.iter().map(|cut| at(from + cut)).filter(|slot| *slot > start && *slot < end));
        buckets.dedup();
        let query = TallyQuery {
            slots: start..end,
            filters,
            split: split.to_vec(),
            buckets: if buckets.len() > 1 { buckets } else { Vec::new() },
            max_groups: 5_000,
        };
        let rolled = answer(&db, &query);
        prop_assert_eq!(rollup::differences(&db).expect("read"), 0);
        rollup::forget(&db).expect("forgotten");
        let slowly = answer(&db, &query);
        prop_assert_eq!(&rolled, &slowly);
        // Half way through making them anew, counting goes on; in the end all is the same.
        rollup::step(&db).expect("a step");
        rollup::step(&db).expect("a step");
        store(&db, &more, 1);
        prop_assert_eq!(rollup::differences(&db).expect("read"), 0);
        while rollup::step(&db).expect("a step") {}
        prop_assert_eq!(rollup::differences(&db).expect("read"), 0);
        store(&db, &more, -1);
        prop_assert_eq!(rollup::differences(&db).expect("read"), 0);
        prop_assert_eq!(&answer(&db, &query), &slowly);
    }
}

#[test]
fn a_hall_whose_zone_changed_is_counted_by_its_new_days() {
    let connection = database();
    let db = Db::new(&connection);
    let one = (0, 50, 0, 0, 0, 0, vec![], 2);
    store(&db, std::slice::from_ref(&one), 1);
    db.execute(
        "UPDATE hall SET time_zone = 'UTC' WHERE hall_id = 'H1'",
        &[],
    )
    .expect("moved");
    // What is counted meanwhile is in no roll-up, also when the hall moves back.
    store(&db, std::slice::from_ref(&one), 1);
    db.execute(
        "UPDATE hall SET time_zone = 'Asia/Shanghai' WHERE hall_id = 'H1'",
        &[],
    )
    .expect("moved back");
    let query = TallyQuery {
        slots: START - 9_600..START + 9_600,
        filters: Vec::new(),
        split: Vec::new(),
        buckets: Vec::new(),
        max_groups: 10,
    };
    let rated = |tally: Tally| match tally {
        Tally::Groups(groups) => groups.values().map(Counts::rated).sum::<u128>(),
        Tally::TooMany => 0,
    };
    assert_eq!(rated(answer(&db, &query)), 4);
    while rollup::step(&db).expect("a step") {}
    assert_eq!(rated(answer(&db, &query)), 4);
    assert_eq!(rollup::differences(&db).expect("read"), 0);
}

//! How many requests a bad record costs, for every place in a run of every length.

use super::world::{Held, Mood, Step, Weakness, World};
use super::*;

/// A world with `records` besides the opening, bad at these places (0 is the first after it).
fn world(records: u64, bad: &[u64], weakness: Weakness) -> World {
    let mut world = World::new(0);
    world.centre.weakness = weakness;
    // The opening and a place in the stream where the run begins.
    world.exchange(Mood::Good);
    world.exchanges = 0;
    for at in 0..records {
        let step = if bad.contains(&at) {
            Step::SealBad
        } else {
            Step::Seal {
                records: 1,
                woken: true,
            }
        };
        world.apply(&step);
    }
    world.uplink.woken(world.now);
    world
}

/// Exchanges until the last of so many bad records is kept unread.
fn exchanges_until_kept(mut world: World, bad: usize) -> u64 {
    let stream = world.journal.streams[0].id;
    let kept = |world: &World| {
        let held = world.centre.held(stream).iter();
        held.filter(|held| matches!(held, Held::Unread(_))).count()
    };
    while kept(&world) < bad {
        world.exchange(Mood::Good);
        assert!(world.exchanges < 1000, "{:?}", world.uplink);
    }
    let exchanges = world.exchanges;
    while !world.is_drained() {
        world.exchange(Mood::Good);
    }
    assert_eq!(kept(&world), bad, "no good record is given up");
    assert!(world.is_complete());
    exchanges
}

/// The largest whole number of requests in 2 + 2·log2(n): the largest b with 2^(b - 2) <= n².
fn bound(records: u64) -> u64 {
    2 + u64::from((records * records).ilog2())
}

#[test]
fn a_refused_record_is_isolated_in_two_and_twice_the_logarithm_requests() {
    let lengths = (1..=40).chain([63, 64, 65, 127, 128, 129, 255, 256, 257, 499, 500]);
    for records in lengths {
        let step = if records > 100 { 7 } else { 1 };
        for at in (0..records).step_by(step).chain([records - 1]) {
            let exchanges = exchanges_until_kept(world(records, &[at], Weakness::Refuses), 1);
            assert!(
                exchanges <= bound(records),
                "{exchanges} requests for record {at} of {records}"
            );
        }
    }
}

#[test]
fn a_record_that_breaks_the_server_takes_twice_the_strikes_more() {
    for records in [1, 2, 3, 7, 32, 100, 500] {
        for at in [0, records / 3, records / 2, records - 1] {
            let exchanges = exchanges_until_kept(world(records, &[at], Weakness::Breaks), 1);
            let bound = bound(records) + u64::from(2 * hunt::STRIKES);
            assert!(
                exchanges <= bound,
                "{exchanges} requests for record {at} of {records}"
            );
        }
    }
}

#[rstest::rstest]
#[case::neighbours(&[250, 251])]
#[case::both_ends(&[0, 499])]
#[case::scattered(&[3, 77, 78, 300, 421])]
fn several_bad_records_cost_as_much_each(#[case] bad: &[u64]) {
    let exchanges = exchanges_until_kept(world(500, bad, Weakness::Refuses), bad.len());
    assert!(exchanges <= bad.len() as u64 * bound(500), "{exchanges}");
}

//! Laws over any interleaving of sealing, loss, duplication, refusal, restart and restored backup.
//!
//! A failure prints the shrunk steps; the seed goes to `proptest-regressions`.

use std::time::Duration;

use manyi_shared::domain::{Seq, StreamId};
use manyi_shared::wire::{ChainHash, Run};
use proptest::prelude::*;

use super::world::{Mood, Step, World};
use super::*;

fn moods() -> impl Strategy<Value = Mood> {
    prop_oneof![
        4 => Just(Mood::Good),
        1 => Just(Mood::RequestLost),
        1 => Just(Mood::ReplyLost),
        1 => Just(Mood::Doubled),
        1 => Just(Mood::Portal),
        1 => Just(Mood::ServerError),
        1 => (0_u64..90).prop_map(Mood::Busy),
        1 => (1_u32..20).prop_map(Mood::Narrow),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1_usize..40, any::<bool>()).prop_map(|(records, woken)| Step::Seal { records, woken }),
        1 => Just(Step::NewStream),
        6 => moods().prop_map(Step::Exchange),
        1 => (0_u64..30).prop_map(|forgotten| Step::Restart { forgotten }),
        1 => (0_usize..30).prop_map(|lost| Step::Restore { lost }),
        1 => Just(Step::NumbersLost),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_interleaving_ends_with_everything_at_the_centre(steps in steps(), random: u64) {
        let mut world = World::new(random);
        for step in &steps {
            world.apply(step);
        }
        // The centre may have lost what was acknowledged; the journal learns of it when it next
        // sends a record of that stream. One more record each is what a living hall has.
        for stream in &mut world.streams {
            stream.records.push(b"the last".to_vec());
        }
        let mut exchanges = 0;
        while !world.is_drained() {
            world.exchange(Mood::Good);
            exchanges += 1;
            prop_assert!(exchanges < 2000, "does not end: {:?}", world.uplink);
        }
        for stream in &world.streams {
            prop_assert_eq!(&world.centre.streams[&stream.id], &stream.records);
        }
    }

    #[test]
    fn whatever_fails_the_next_attempt_comes_within_the_longest_pause(steps in steps(), random: u64) {
        let mut world = World::new(random);
        for step in &steps {
            let before = world.now;
            world.apply(step);
            if let Step::Exchange(_) = step {
                prop_assert!(world.now <= before + Duration::from_secs(331), "{before:?} to {:?}", world.now);
            }
        }
    }

    #[test]
    fn attempts_without_a_pause_are_bounded(limit in 1_u32..3, random: u64) {
        let mut world = World::new(random);
        world.apply(&Step::Seal { records: 600, woken: true });
        world.exchange(Mood::Narrow(limit));
        let (start, mut in_a_row) = (world.now, 0);
        // A centre that always finds the number stale is as broken as one that always rewinds.
        while world.now == start {
            world.number = 0;
            world.exchange(Mood::Doubled);
            in_a_row += 1;
            prop_assert!(in_a_row <= HURRIES + 1);
        }
    }
}

#[test]
fn a_lone_record_whose_wake_was_lost_leaves_within_one_poll() {
    let mut world = World::new(0);
    world.exchange(Mood::Good);
    assert!(world.is_drained());
    assert!(
        matches!(world.uplink.next(world.now), Next::Look(_)),
        "the last run is followed by a look"
    );
    world.uplink.found_nothing(world.now);
    let before = world.now;
    world.apply(&Step::Seal {
        records: 1,
        woken: false,
    });
    world.exchange(Mood::Good);
    assert!(world.is_drained());
    assert!(
        world.now <= before + Pace::default().poll,
        "{:?}",
        world.now
    );
}

#[test]
fn with_nothing_to_send_there_is_a_heartbeat_every_half_minute() {
    let mut world = World::new(0);
    world.exchange(Mood::Good);
    for beat in 1..5 {
        world.exchange(Mood::Good);
        assert_eq!(world.now, Pace::default().heartbeat * beat);
    }
}

#[test]
fn positions_of_a_run_are_counted_from_its_first() {
    let hash = ChainHash::from_bytes([0; 32]);
    let stream = StreamId::from_bytes([1; 16]);
    let first = Seq::new(5).unwrap();
    let run = Run {
        stream,
        first,
        count: 3,
        base: hash,
        head: hash,
    };
    assert_eq!(last_of(&run), Seq::new(7).unwrap());
}

//! Laws over any interleaving of sealing, loss, duplication, refusal, restart, restored backup,
//! full card, cloned card and bad records.
//!
//! An interleaving is made from a seed; a failure prints it. `MANYI_SEED` replays one,
//! `MANYI_INTERLEAVINGS` says how many.

use std::time::Duration;

use manyi_shared::domain::{Seq, StreamId};
use manyi_shared::wire::{ChainHash, Run};

use super::world::{Mood, Random, Step, World};
use super::*;

/// In the suite: a second or two.
const INTERLEAVINGS: u64 = 10_000;

/// Exchanges after which what is there must have arrived: a stream may be set aside for an hour, and
/// a lost one is noticed within an hour; there are two heartbeats a minute.
const ENOUGH: u64 = 2_000;

fn mood(random: &mut Random) -> Mood {
    match random.below(20) {
        0 => Mood::RequestLost,
        1 => Mood::ReplyLost,
        2 => Mood::HalfOpen,
        3 => Mood::Doubled,
        4 => Mood::Replayed,
        5 => Mood::Portal,
        6 => Mood::ServerError,
        7 => Mood::GatewayError,
        8 => Mood::Busy(random.below(90)),
        9 => Mood::Unavailable,
        10 => Mood::Narrow(u32::try_from(1 + random.below(20)).unwrap()),
        11 => Mood::Partly(usize::try_from(1 + random.below(20)).unwrap()),
        _ => Mood::Good,
    }
}

/// A card is cloned or the centre is restored, not both: then a second history may be lost that
/// nobody can tell from the first any more.
fn step(random: &mut Random, cloned: bool) -> Step {
    match random.below(24) {
        0..=5 => Step::Seal {
            records: 1 + random.below(12),
            woken: random.below(2) == 0,
        },
        6 => Step::NewStream,
        7 => Step::Restart {
            forgotten: random.below(12),
        },
        8 if cloned => Step::Clone {
            records: usize::try_from(1 + random.below(10)).unwrap(),
        },
        8 => Step::Restore {
            lost: usize::try_from(random.below(20)).unwrap(),
        },
        9 => Step::NumbersLost,
        10 if !cloned => Step::Prune {
            keep: random.below(20),
        },
        11 if !cloned => Step::Fold {
            count: 1 + random.below(20),
        },
        12 => Step::Revoke(random.below(3) == 0),
        13 => Step::SealBad,
        _ => Step::Exchange(mood(random)),
    }
}

/// Says which interleaving it was when one fails.
struct Tell(u64);

impl Drop for Tell {
    #[expect(clippy::print_stderr, reason = "a failure prints its seed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was MANYI_SEED={}", self.0);
        }
    }
}

fn each_seed(mut law: impl FnMut(u64)) {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().unwrap())
    };
    let seeds = number("MANYI_SEED").map_or_else(
        || 0..number("MANYI_INTERLEAVINGS").unwrap_or(INTERLEAVINGS),
        |seed| seed..seed + 1,
    );
    for seed in seeds {
        let tell = Tell(seed);
        law(seed);
        drop(tell);
    }
}

#[test]
fn any_interleaving_ends_with_everything_at_the_centre() {
    each_seed(|seed| {
        let mut random = Random(!seed);
        let mut world = World::new(seed);
        let cloned = random.below(3) == 0;
        for _ in 0..5 + random.below(60) {
            let step = step(&mut random, cloned);
            let before = world.now;
            world.apply(&step);
            if let Step::Exchange(_) = step {
                let longest = Duration::from_secs(331 + 30);
                assert!(
                    world.now <= before + longest,
                    "{before:?} to {:?}",
                    world.now
                );
            }
        }
        world.apply(&Step::Revoke(false));
        let begun = world.exchanges;
        let mut complete = world.is_complete();
        while world.revoked || !world.is_drained() || !complete {
            world.exchange(Mood::Good);
            // Looked at only when something was carried: most of an hour is heartbeats.
            if world.has_carried() {
                complete = world.is_complete();
            }
            assert!(
                world.exchanges < begun + ENOUGH,
                "does not end: {:?}\n{}",
                world.uplink,
                world.differences(),
            );
        }
    });
}

#[test]
fn attempts_without_a_pause_are_bounded() {
    each_seed(|seed| {
        if seed % 50 != 0 {
            return;
        }
        let mut world = World::new(seed);
        world.apply(&Step::Seal {
            records: 600,
            woken: true,
        });
        let limit = u32::try_from(1 + seed % 2).unwrap();
        world.exchange(Mood::Narrow(limit));
        let (start, mut in_a_row) = (world.now, 0);
        // A centre that always finds the number stale is as broken as one that always rewinds.
        while world.now == start {
            world.number = 0;
            world.exchange(Mood::Doubled);
            in_a_row += 1;
            assert!(in_a_row <= HURRIES + 1);
        }
    });
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
    let first = world.now;
    for beat in 1..5 {
        world.exchange(Mood::Good);
        assert_eq!(world.now, first + Pace::default().heartbeat * beat);
    }
}

#[test]
fn a_restored_centre_is_filled_again_although_nothing_new_is_sealed() {
    let mut world = World::new(0);
    for _ in 0..200 {
        world.apply(&Step::Seal {
            records: 3,
            woken: true,
        });
        world.apply(&Step::NewStream);
    }
    while !world.is_drained() {
        world.exchange(Mood::Good);
    }
    // The round that begins with the daemon is over.
    let mut at = world.now;
    while world.now < at + Duration::from_secs(600) {
        world.exchange(Mood::Good);
    }
    world.apply(&Step::Restore { lost: 2 });
    at = world.now;
    while !world.is_complete() {
        world.exchange(Mood::Good);
        // The first claims show it within the hour; then all streams are looked at.
        assert!(world.now < at + Duration::from_secs(3600 + 600));
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

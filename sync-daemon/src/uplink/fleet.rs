//! Many tablets that fail together do not come back together.

use std::time::Duration;

use manyi_shared::domain::Retry;

use super::world::Random;
use super::*;

const TABLETS: usize = 3_000;

fn heartbeat() -> Sent {
    Sent {
        run: None,
        cargo: Cargo::Records,
        own: true,
        claims: None,
    }
}

/// When this tablet first tries after `back`; until then nothing answers.
fn first_try_after(back: Duration, seed: u64) -> Duration {
    let mut random = Random(seed);
    let mut uplink = Uplink::new(Pace::default(), random.draw());
    let failure = Outcome::Failed(Retry::Backoff { at_least: None });
    let mut now = Duration::ZERO;
    loop {
        match uplink.next(now) {
            Next::Wait(until) => now = until,
            Next::Look(_) if now >= back => return now,
            Next::Look(_) => {
                uplink.exchanged(&heartbeat(), &failure, now, random.draw());
            }
        }
    }
}

/// How many of these times fall into the fullest of equal parts of `span` after `from`.
fn fullest(times: &[Duration], from: Duration, span: Duration, parts: usize) -> usize {
    let mut counts = vec![0; parts];
    for time in times {
        let share = (*time - from).as_secs_f64() / span.as_secs_f64();
        let part = (0..parts)
            .rev()
            .find(|part| share * parts as f64 >= *part as f64);
        counts[part.unwrap()] += 1;
    }
    counts.into_iter().max().unwrap()
}

#[test]
fn a_fleet_whose_network_is_back_is_spread_over_the_longest_pause() {
    // All fail from the same second on, for an hour, long past the cap.
    let back = Duration::from_secs(3600);
    let tries: Vec<_> = (0..TABLETS as u64)
        .map(|seed| first_try_after(back, seed))
        .collect();
    let cap = Pace::default().backoff.cap;
    assert!(
        tries.iter().all(|time| *time < back + cap),
        "nobody is starved"
    );
    // Evenly drawn pauses give twice the mean in the first moment and nothing in the last.
    let mean = TABLETS / 30;
    let most = fullest(&tries, back, cap, 30);
    assert!(
        most < 2 * mean + mean / 2,
        "{most} at once, {mean} on average"
    );
}

#[test]
fn tablets_that_get_their_power_back_together_do_not_look_together() {
    let tries: Vec<_> = (0..TABLETS as u64)
        .map(|seed| first_try_after(Duration::ZERO, seed))
        .collect();
    let poll = Pace::default().poll;
    let most = fullest(&tries, Duration::ZERO, poll, 20);
    let mean = TABLETS / 20;
    assert!(most < mean + mean / 2, "{most} at once, {mean} on average");
}

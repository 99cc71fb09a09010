//! Whatever a clock does: one alert at a time, none for a moment's trouble, none closed by a
//! moment's calm.

use manyi_shared::wire::{Board, Health, Screen, ShownPage};
use proptest::prelude::*;

use super::*;

const STEP_MS: i64 = 15_000;

/// A terminal whose clock is off by so much.
fn off_by(clock_off_ms: i64, now_ms: i64) -> Watched {
    let uptime_ms = 86_400_000;
    let seen = Seen {
        at_ms: now_ms,
        uptime_ms,
        synchronised: true,
        clock_off_ms,
        progress_ms: now_ms,
        health: Health {
            screen: Some(Screen {
                uptime_ms,
                page: ShownPage::Idle.number(),
                drawn_uptime_ms: Some(uptime_ms),
                ..Screen::default()
            }),
            board: Some(Board::default()),
            ..Health::default()
        },
        ..Seen::default()
    };
    Watched {
        terminal: TerminalId::from_bytes([7; 16]),
        window: "A01".parse().expect("a window"),
        known: Known {
            seen: Some(seen),
            ..Known::default()
        },
        open_since_ms: None,
        missing: Vec::new(),
        incidents: Vec::new(),
        refused: None,
    }
}

/// Figures and for how many rounds each holds.
fn story() -> impl Strategy<Value = Vec<(i64, usize)>> {
    let offset = prop_oneof![Just(0_i64), Just(40_000), Just(-3_600_000)];
    prop::collection::vec((offset, 1_usize..60), 1..20)
}

proptest! {
    #[test]
    fn trouble_opens_one_alert_when_it_lasts_and_closes_it_when_it_is_over(story in story()) {
        let (mut pending, mut standing) = (Pending::new(), Vec::<OpenAlert>::new());
        let (mut bad_for, mut good_for, mut now) = (0_i64, 0_i64, 1_795_000_000_000_i64);
        for (offset, rounds) in story {
            for _ in 0..rounds {
                let bad = offset.abs() > fleet::CLOCK_OFF_MS;
                let good = offset.abs() <= CLOCK_GOOD_MS;
                bad_for = if bad { bad_for + STEP_MS } else { 0 };
                good_for = if good { good_for + STEP_MS } else { 0 };
                for change in decide(&standing, &[off_by(offset, now)], &mut pending, now) {
                    match change {
                        Change::Open { about, .. } => {
                            prop_assert!(standing.is_empty(), "a second one of {about:?}");
                            prop_assert!(bad_for > Kind::Clock.opens_after_ms());
                            standing.push(OpenAlert { id: [1; 16], about, calm_ms: None });
                        }
                        Change::Calm { since_ms, .. } => {
                            prop_assert_eq!(since_ms.is_some(), good);
                            standing[0].calm_ms = since_ms;
                        }
                        Change::Close { .. } => {
                            prop_assert!(good_for > Kind::Clock.closes_after_ms());
                            standing.clear();
                        }
                    }
                }
                // And what must be open is open, what must be closed is closed.
                prop_assert!(bad_for <= Kind::Clock.opens_after_ms() || !standing.is_empty());
                prop_assert!(good_for <= Kind::Clock.closes_after_ms() || standing.is_empty());
                now += STEP_MS;
            }
        }
    }
}

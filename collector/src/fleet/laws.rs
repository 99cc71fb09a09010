//! "Wrong for at most two minutes": tablets that live, hang, die and come back as they like, second by
//! second, and what the office is shown of them.

use manyi_shared::wire::{Board, Health, SCREEN_TOLD_EVERY_MS, Screen, ShownPage};
use proptest::prelude::*;

use super::*;

/// How a tablet really is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    Off,
    Ready,
    Paused,
    OutOfService,
    /// The event loop hangs; the program speaks on.
    Hung,
    /// The terminal program is gone; the daemon lives.
    NoTerminal,
}

impl Truth {
    fn fits(self, shown: &Shown) -> bool {
        let because = |reason| shown.reasons == [reason];
        match self {
            Self::Off => matches!(shown.state, State::Offline | State::NeverSeen),
            Self::Ready => shown.state == State::Ready,
            Self::Paused => shown.state == State::Paused,
            Self::OutOfService => because(Reason::OutOfService),
            Self::Hung => because(Reason::NotPainting),
            Self::NoTerminal => because(Reason::TerminalSilent),
        }
    }

    const fn page(self) -> Option<ShownPage> {
        match self {
            Self::Ready => Some(ShownPage::Idle),
            Self::Paused => Some(ShownPage::Paused),
            Self::OutOfService => Some(ShownPage::OutOfService),
            Self::Off | Self::Hung | Self::NoTerminal => None,
        }
    }
}

/// A tablet, as terminal and daemon work together: all times in seconds since its world began.
#[derive(Debug, Default)]
struct Tablet {
    booted: Option<i64>,
    drawn: Option<i64>,
    page: Option<ShownPage>,
    told: Option<Screen>,
    next_beat: i64,
    next_telling: i64,
    next_heartbeat: i64,
}

impl Tablet {
    /// One second of it; what it says to the centre, if it calls.
    fn second(&mut self, truth: Truth, t: i64, delay: i64) -> Option<Seen> {
        if truth == Truth::Off {
            *self = Self::default();
            return None;
        }
        if self.booted.is_none() {
            self.booted = Some(t);
            // A power cut spreads the first calls over one heartbeat.
            self.next_heartbeat = t + delay * 10;
        }
        let every = i64::try_from(SCREEN_TOLD_EVERY_MS / 1000).expect("seconds");
        if truth.page().is_some() && t >= self.next_beat {
            self.drawn = Some(t);
            self.next_beat = t + every;
        }
        let turned = truth.page().is_some() && self.page != truth.page();
        self.page = truth.page().or(self.page);
        if truth != Truth::NoTerminal && (turned || t >= self.next_telling) {
            self.told = Some(self.screen(t));
            self.next_telling = t + every;
        }
        if t < self.next_heartbeat {
            return None;
        }
        self.next_heartbeat = t + 30 + delay;
        Some(self.seen(t))
    }

    fn uptime_ms(&self, t: i64) -> u64 {
        let booted = self.booted.unwrap_or(t);
        u64::try_from((t - booted) * 1000).expect("after the start")
    }

    fn screen(&self, t: i64) -> Screen {
        Screen {
            uptime_ms: self.uptime_ms(t),
            page: self.page.map_or(0, ShownPage::number),
            drawn_uptime_ms: self.drawn.map(|at| self.uptime_ms(at)),
            ..Screen::default()
        }
    }

    fn seen(&self, t: i64) -> Seen {
        Seen {
            at_ms: t * 1000,
            uptime_ms: self.uptime_ms(t),
            synchronised: true,
            progress_ms: t * 1000,
            health: Health {
                screen: self.told.clone(),
                board: Some(Board::default()),
                ..Health::default()
            },
            ..Seen::default()
        }
    }
}

fn life() -> impl Strategy<Value = Vec<(Truth, i64, i64)>> {
    let truth = prop_oneof![
        Just(Truth::Off),
        Just(Truth::Ready),
        Just(Truth::Paused),
        Just(Truth::OutOfService),
        Just(Truth::Hung),
        Just(Truth::NoTerminal),
    ];
    // How, for how many seconds, and by how much its heartbeats are late.
    prop::collection::vec((truth, 1_i64..400, 0_i64..=3), 1..12)
}

proptest! {
    #[test]
    fn two_minutes_after_any_change_the_truth_is_shown(life in life()) {
        let (mut tablet, mut known, mut t) = (Tablet::default(), Known::default(), 0);
        let (mut before, mut since) = (Truth::Off, 0);
        for (truth, seconds, delay) in life {
            if truth != before {
                (before, since) = (truth, t);
            }
            for _ in 0..seconds {
                if let Some(seen) = tablet.second(truth, t, delay) {
                    known.seen = Some(seen);
                }
                let shown = state(&known, t * 1000);
                let may_be_wrong = (t - since) * 1000 <= WRONG_AT_MOST_MS;
                prop_assert!(
                    may_be_wrong || truth.fits(&shown),
                    "{truth:?} for {} s, but shown as {shown:?}", t - since
                );
                t += 1;
            }
        }
    }

    /// Terminals that beat as usual are never called silent in between.
    #[test]
    fn a_tablet_that_goes_on_is_never_offline(delays in prop::collection::vec(0_i64..=3, 1..20)) {
        let (mut tablet, mut known, mut t) = (Tablet::default(), Known::default(), 0);
        for delay in delays {
            for _ in 0..60 {
                if let Some(seen) = tablet.second(Truth::Ready, t, delay) {
                    known.seen = Some(seen);
                }
                let shown = state(&known, t * 1000).state;
                prop_assert!(known.seen.is_none() || shown == State::Ready, "{shown:?} at {t}");
                t += 1;
            }
        }
    }
}

/// The story that matters most: the page is still there, the program still answers, and nobody can
/// rate.
#[test]
fn a_hung_event_loop_is_degraded_within_two_minutes() {
    let (mut tablet, mut known) = (Tablet::default(), Known::default());
    let mut shown_after = None;
    for t in 0..600 {
        let truth = if t < 300 { Truth::Ready } else { Truth::Hung };
        if let Some(seen) = tablet.second(truth, t, 3) {
            known.seen = Some(seen);
        }
        let shown = state(&known, t * 1000);
        if t < 300 && t > 40 {
            assert_eq!(shown.state, State::Ready, "at {t} s");
        }
        if shown.reasons == [Reason::NotPainting] {
            shown_after.get_or_insert(t - 300);
        }
    }
    let after = shown_after.expect("it is noticed");
    assert!((1..=120).contains(&after), "after {after} s");
}

//! Proof that the screen paints.
//!
//! A page that nobody touches changes nothing for hours, so "no frame for an hour" says nothing, and
//! a program that answers says nothing about its screen. Every ten seconds the event loop turns the
//! pulse: one pixel in the corner changes between two colours that no eye can tell apart. Its
//! colour is a function of this module, and Slint computes a colour only when its renderer comes
//! to paint it. So:
//!
//! - *turns* say that the event loop runs;
//! - *frames* say that the renderer painted a change of the same turn.
//!
//! A hung event loop stops both; a renderer that is never called, or a window that is not mapped,
//! stops the second. What neither proves: that the panel shows what was painted. A dead
//! backlight, a torn cable and a display server that hangs behind its socket look the same from in
//! here; the screen test of the technician's page and a person's eyes are for those.
//!
//! **Invariants**
//! 1. A turn is one frame at the most, whatever else is painted meanwhile.
//! 2. Nothing here is written to the card.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use manyi_shared::domain::Clock;
use manyi_shared::wire::SCREEN_TOLD_EVERY_MS;
use manyi_ui::{GlassAdapter, KioskWindow};
use slint::{ComponentHandle, Timer, TimerMode};

/// What the event loop and the renderer have done; read by the conductor's thread.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    turns: AtomicU64,
    frames: AtomicU64,
    /// The turn that was painted last.
    painted: AtomicU64,
    /// Uptimes and one; 0: never.
    turned: AtomicU64,
    drawn: AtomicU64,
}

/// The pulse at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Beats {
    /// Turns of the event loop since the program's start.
    pub turns: u64,
    /// How many of them were painted.
    pub frames: u64,
    /// Uptime of the last turn, in milliseconds.
    pub turned_ms: Option<u64>,
    /// Uptime of the last frame, in milliseconds.
    pub drawn_ms: Option<u64>,
}

impl Pulse {
    /// The pulse now.
    #[must_use]
    pub fn beats(&self) -> Beats {
        let at = |cell: &AtomicU64| cell.load(Ordering::Relaxed).checked_sub(1);
        Beats {
            turns: self.0.turns.load(Ordering::Relaxed),
            frames: self.0.frames.load(Ordering::Relaxed),
            turned_ms: at(&self.0.turned),
            drawn_ms: at(&self.0.drawn),
        }
    }

    /// Begins to beat in a window; it stops when the timer is dropped. On the event loop's thread.
    #[must_use]
    pub fn start(&self, window: &KioskWindow, clock: Arc<dyn Clock>) -> Timer {
        let clock: Rc<dyn Fn() -> u64> = Rc::new(move || clock.read().uptime_ms);
        let (painter, now) = (self.clone(), clock.clone());
        window
            .global::<GlassAdapter<'_>>()
            .on_painting(move |beat| painter.painted(beat, now()));
        let (pulse, weak) = (self.clone(), window.as_weak());
        let turn = move || {
            if let Some(window) = weak.upgrade() {
                let beat = pulse.turn(clock());
                window.global::<GlassAdapter<'_>>().set_beat(beat);
            }
        };
        turn();
        let timer = Timer::default();
        let every = Duration::from_millis(SCREEN_TOLD_EVERY_MS);
        timer.start(TimerMode::Repeated, every, turn);
        timer
    }

    /// The event loop has come round: the number of the beat, which the corner's colour depends on.
    fn turn(&self, now_ms: u64) -> i32 {
        let turns = self.0.turns.fetch_add(1, Ordering::Relaxed) + 1;
        self.0
            .turned
            .store(now_ms.saturating_add(1), Ordering::Relaxed);
        number(turns)
    }

    /// The renderer wants the colour of this beat: whether it is the one of the two.
    fn painted(&self, beat: i32, now_ms: u64) -> bool {
        let turns = self.0.turns.load(Ordering::Relaxed);
        let fresh = self.0.painted.swap(turns, Ordering::Relaxed) != turns;
        if fresh && beat == number(turns) {
            self.0.frames.fetch_add(1, Ordering::Relaxed);
            self.0
                .drawn
                .store(now_ms.saturating_add(1), Ordering::Relaxed);
        }
        beat % 2 == 0
    }
}

/// Slint counts in 32 bits: after 680 years of beats it begins anew.
fn number(turns: u64) -> i32 {
    i32::try_from(turns & 0x7fff_ffff).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_is_painted_twice_is_one_frame_and_one_that_is_not_is_none() {
        let pulse = Pulse::default();
        assert_eq!(pulse.beats(), Beats::default());
        let beat = pulse.turn(1_000);
        pulse.painted(beat, 1_010);
        pulse.painted(beat, 1_020);
        pulse.turn(11_000);
        let beat = pulse.turn(21_000);
        pulse.painted(beat, 21_030);
        let expected = Beats {
            turns: 3,
            frames: 2,
            turned_ms: Some(21_000),
            drawn_ms: Some(21_030),
        };
        assert_eq!(pulse.beats(), expected);
    }

    #[test]
    fn the_colour_changes_with_every_beat() {
        let pulse = Pulse::default();
        let (one, two) = (pulse.turn(0), pulse.turn(1));
        assert_ne!(pulse.painted(one, 2), pulse.painted(two, 3));
    }
}

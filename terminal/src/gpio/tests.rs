use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use manyi_shared::domain::{BootId, ClockReading};

use super::*;

/// A board that tells what is done with it.
struct Fake {
    closed: Arc<AtomicBool>,
    done: Sender<(&'static str, bool)>,
}

impl Board for Fake {
    fn closed(&mut self) -> bool {
        let closed = self.closed.load(Ordering::SeqCst);
        self.done.send(("closed", closed)).unwrap();
        closed
    }

    fn lamp(&mut self, on: bool) {
        self.done.send(("lamp", on)).unwrap();
    }

    fn buzzer(&mut self, on: bool) {
        self.done.send(("buzzer", on)).unwrap();
    }
}

/// A clock that leaps, so that nothing has to be waited for.
#[derive(Default)]
struct Leaping(AtomicU64);

impl Clock for Leaping {
    fn read(&self) -> ClockReading {
        ClockReading {
            wall_ms: 0,
            uptime_ms: self.0.fetch_add(1000, Ordering::SeqCst),
            boot: BootId::from_bytes([0; 16]),
            synchronised: false,
        }
    }
}

#[test]
fn a_question_lights_and_sounds_and_the_end_puts_everything_out() {
    let (done, seen) = channel();
    let (ear, inbox) = channel();
    let board = Fake {
        closed: Arc::default(),
        done,
    };
    let pins = start(board, 50, Arc::new(Leaping::default()), (ear, inbox), || ()).unwrap();
    pins.state(OutputState {
        asking: true,
        attention: true,
        ..OutputState::default()
    });
    let first: Vec<_> = seen.iter().take(4).collect();
    assert_eq!(
        first,
        [
            ("closed", false),
            ("lamp", true),
            ("buzzer", true),
            ("buzzer", false)
        ]
    );
    drop(pins);
    let last: Vec<_> = seen.iter().collect();
    assert_eq!(last, [("lamp", false), ("buzzer", false)]);
}

#[test]
fn a_press_is_told_once() {
    let (done, seen) = channel();
    let (ear, inbox) = channel();
    let closed = Arc::<AtomicBool>::default();
    let board = Fake {
        closed: closed.clone(),
        done,
    };
    let (press, presses) = channel();
    let pressed = move || press.send(()).unwrap();
    let clock = Arc::new(Leaping::default());
    let edges = ear.clone();
    let pins = start(board, 50, clock, (ear, inbox), pressed).unwrap();
    // The button is open at the start.
    assert_eq!(seen.recv(), Ok(("closed", false)));
    for state in [true, false, true] {
        closed.store(state, Ordering::SeqCst);
        for _ in 0..3 {
            edges.send(Heard::Edge).unwrap();
        }
        // Until the thread has seen it.
        assert!(seen.iter().any(|read| read == ("closed", state)));
    }
    drop(edges);
    drop(pins);
    assert_eq!(presses.iter().count(), 2);
}

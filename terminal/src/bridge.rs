//! Between the Slint window and the conductor. One file a page: `connect` turns callbacks into
//! touches, `map` turns a scene into properties.
//!
//! **Invariants**
//! 1. Callbacks send and return at once; they decide nothing.
//! 2. A touch carries the serial of the scene that was on the screen when it was made.
//! 3. While the glass is muted (a touch that the driver cancelled is being delivered) nothing is sent.

mod ask;
pub mod enrolment;
mod idle;
mod out_of_service;
pub mod paused;
mod reasons;
pub mod technician;
mod thanks;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use manyi_ui::{KioskWindow, Page};
use slint::{ComponentHandle, Weak};

use crate::conductor::Screen;
use crate::flow::{Target, Touch};
use crate::scene::{Scene, ScenePage};

/// Drops touches while it is set. The input hooks of the back ends hold it too.
#[derive(Debug, Clone, Default)]
pub struct Mute(Arc<AtomicBool>);

impl Mute {
    /// Drops every touch while `muted`.
    pub fn set(&self, muted: bool) {
        self.0.store(muted, Ordering::Relaxed);
    }
}

/// A window joined to the conductor.
#[derive(Clone)]
pub struct Bridge {
    window: Weak<KioskWindow>,
    /// The scene on the screen.
    serial: Arc<AtomicU64>,
}

/// Sends touches; cloned into every callback.
#[derive(Clone)]
pub(crate) struct Sender {
    serial: Arc<AtomicU64>,
    mute: Mute,
    send: Rc<dyn Fn(Touch)>,
}

impl Sender {
    pub(crate) fn send(&self, target: Target) {
        if !self.mute.0.load(Ordering::Relaxed) {
            let serial = self.serial.load(Ordering::Relaxed);
            (self.send)(Touch { serial, target });
        }
    }
}

impl Bridge {
    /// Joins a window: from now on its callbacks go to `send`.
    #[must_use]
    pub fn connect(window: &KioskWindow, mute: Mute, send: impl Fn(Touch) + 'static) -> Self {
        let serial = Arc::<AtomicU64>::default();
        let sender = Sender {
            serial: serial.clone(),
            mute,
            send: Rc::new(send),
        };
        ask::connect(window, &sender);
        reasons::connect(window, &sender);
        Self {
            window: window.as_weak(),
            serial,
        }
    }

    /// Draws a scene. On the event loop's thread.
    pub fn apply(&self, window: &KioskWindow, scene: &Scene) {
        self.serial.store(scene.serial, Ordering::Relaxed);
        let page = match &scene.page {
            ScenePage::Idle(idle) => idle::map(window, idle),
            ScenePage::Ask(ask) => ask::map(window, ask),
            ScenePage::Reasons(reasons) => reasons::map(window, reasons),
            ScenePage::Thanks { hall_name } => thanks::map(window, hall_name),
            ScenePage::OutOfService(out) => out_of_service::map(window, out),
        };
        if window.get_page() != page {
            window.set_page(page);
        }
        window.set_input_enabled(scene.input);
    }
}

impl std::fmt::Debug for Bridge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bridge")
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

impl Screen for Bridge {
    fn show(&self, scene: Scene) {
        let bridge = self.clone();
        let sent = self
            .window
            .upgrade_in_event_loop(move |window| bridge.apply(&window, &scene));
        if let Err(error) = sent {
            // The window is closed; the program is about to end.
            tracing::debug!("nothing to draw on: {error}");
        }
    }
}

/// The page of the window type, for each page file's answer.
type Shown = Page;

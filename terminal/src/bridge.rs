//! Between the Slint window and the conductor. One file a page: `connect` turns callbacks into
//! touches, `map` turns a scene into properties.
//!
//! **Invariants**
//! 1. Callbacks send and return at once; they decide nothing.
//! 2. A touch carries the serial of the scene that was on the screen when it was made.
//! 3. While the glass is muted (a touch that the driver cancelled is being delivered) nothing is sent.

mod ask;
pub mod enrolment;
mod glass;
mod idle;
mod out_of_service;
mod paused;
mod phone;
mod pictures;
mod reasons;
pub mod technician;
mod thanks;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use manyi_shared::domain::Language;
use manyi_ui::{KioskWindow, Page};
use slint::{ComponentHandle, Weak};

use crate::conductor::Screen;
use crate::desk::{DeskEvent, DeskView};
use crate::flow::{Oddity, Target, Touch};
use crate::scene::{Scene, ScenePage};
use pictures::Pictures;

/// Drops touches while it is set. The input hooks of the back ends hold it too.
#[derive(Debug, Clone, Default)]
pub struct Mute(Arc<AtomicBool>);

impl Mute {
    /// Drops every touch while `muted`.
    pub fn set(&self, muted: bool) {
        self.0.store(muted, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What comes from the glass.
#[derive(Debug, Clone)]
pub enum Input {
    /// A finger on a target.
    Touch(Touch),
    /// A finger that did something else.
    Odd(Oddity),
    /// A touch in the dark.
    Wake,
    /// The technician's gesture, or a touch on the staff's pages.
    Desk(DeskEvent),
}

/// A window joined to the conductor.
#[derive(Clone)]
pub struct Bridge {
    window: Weak<KioskWindow>,
    /// The scene on the screen.
    serial: Arc<AtomicU64>,
}

thread_local! {
    /// The pictures of the one window; Slint's images stay on its thread.
    static PICTURES: Pictures = Pictures::default();
}

/// Sends touches; cloned into every callback.
#[derive(Clone)]
pub(crate) struct Sender {
    serial: Arc<AtomicU64>,
    mute: Mute,
    send: Rc<dyn Fn(Input)>,
}

impl Sender {
    pub(crate) fn send(&self, target: Target) {
        if !self.mute.is_set() {
            let serial = self.serial.load(Ordering::Relaxed);
            (self.send)(Input::Touch(Touch { serial, target }));
        }
    }
}

impl Bridge {
    /// Joins a window: from now on its callbacks go to `send`.
    #[must_use]
    pub fn connect(window: &KioskWindow, mute: Mute, send: impl Fn(Input) + 'static) -> Self {
        let serial = Arc::<AtomicU64>::default();
        let send: Rc<dyn Fn(Input)> = Rc::new(send);
        let sender = Sender {
            serial: serial.clone(),
            mute,
            send: send.clone(),
        };
        glass::connect(window, &sender, &send);
        idle::connect(window, &sender);
        ask::connect(window, &sender);
        reasons::connect(window, &sender);
        phone::connect(window, &sender);
        thanks::connect(window, &sender);
        paused::connect(window, &sender);
        let staff: Rc<dyn Fn(DeskEvent)> = Rc::new(move |event| send(Input::Desk(event)));
        enrolment::connect(window, &staff);
        technician::connect(window, &staff);
        // Until the first scene the words would follow the system's locale.
        glass::speak(window, Language::default());
        Self {
            window: window.as_weak(),
            serial,
        }
    }

    /// Draws a scene. On the event loop's thread.
    pub fn apply(&self, window: &KioskWindow, scene: &Scene) {
        self.serial.store(scene.serial, Ordering::Relaxed);
        glass::map(window, scene.manner, scene.light);
        let page = PICTURES.with(|pictures| match &scene.page {
            ScenePage::Idle(idle) => idle::map(window, idle, pictures),
            ScenePage::Ask(ask) => ask::map(window, ask, pictures),
            ScenePage::Reasons(reasons) => reasons::map(window, reasons),
            ScenePage::Phone(phone) => phone::map(window, phone),
            ScenePage::Thanks {
                hall_name,
                may_correct,
            } => thanks::map(window, hall_name, *may_correct),
            ScenePage::Paused(paused) => paused::map(window, paused),
            ScenePage::OutOfService(out) => out_of_service::map(window, out),
            ScenePage::Desk(DeskView::Enrolment(enrolment)) => enrolment::map(window, enrolment),
            ScenePage::Desk(DeskView::Technician(desk)) => technician::map(window, desk),
        });
        if page != Page::Phone {
            phone::forget(window);
        }
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

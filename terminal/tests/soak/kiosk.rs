//! A terminal in one process: conductor, recorder, journal and bridge as in the program, a window of
//! the testing backend with real glyphs and pixels, and a clock that stands still until it is moved.
//!
//! Only the way from conductor to window is another: scenes come by a channel instead of Slint's
//! event loop, because the test itself is the loop.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use i_slint_backend_testing::{
    ElementHandle, TestingBackend, TestingBackendOptions, mock_elapsed_time,
};
use manyi_shared::domain::{Call, Clock, ClockReading, Language, PromptId, ServiceEvent};
use manyi_shared::journal::Limits;
use manyi_shared::tablet::{DataDir, SystemClock};
use manyi_terminal::bridge::{Bridge, Input, Mute};
use manyi_terminal::conductor::{Conductor, Message, PromptRequest, Screen};
use manyi_terminal::flow::Names;
use manyi_terminal::outputs::NoOutputs;
use manyi_terminal::recorder;
use manyi_terminal::registry::{Registry, Status};
use manyi_terminal::scene::{Scene, ScenePage};
use manyi_ui::{KioskWindow, Page, PhoneAdapter};
use slint::platform::PointerEventButton;
use slint::{ComponentHandle as _, Global as _, PhysicalSize};

use crate::profile::GUARD_MS;

/// Long for a commit on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The machine's clock as it was at the start, moved by the test alone.
struct StepClock {
    start: ClockReading,
    ahead_ms: AtomicU64,
}

impl Clock for StepClock {
    fn read(&self) -> ClockReading {
        let ahead = self.ahead_ms.load(Ordering::SeqCst);
        ClockReading {
            uptime_ms: self.start.uptime_ms + ahead,
            wall_ms: self.start.wall_ms.saturating_add_unsigned(ahead),
            ..self.start
        }
    }
}

/// Hands every scene to the test's loop.
struct Glass(Mutex<Sender<Scene>>);

impl Screen for Glass {
    fn show(&self, scene: Scene) {
        self.0.lock().unwrap().send(scene).unwrap_or_default();
    }
}

/// A running terminal with its window.
pub(crate) struct Kiosk {
    window: KioskWindow,
    bridge: Bridge,
    clock: Arc<StepClock>,
    ear: Sender<Message>,
    scenes: Receiver<Scene>,
    scene: Scene,
    /// Each page is drawn once in so many.
    draw_every: u64,
    reached: u64,
    /// Pictures that were drawn.
    pub(crate) drawn: u64,
    conductor: JoinHandle<usize>,
    recorder: JoinHandle<()>,
}

impl Kiosk {
    /// Starts with what is in the folder, and waits until nobody is at the screen.
    pub(crate) fn start(folder: &Path, draw_every: u64) -> Self {
        slint::platform::set_platform(Box::new(TestingBackend::new(TestingBackendOptions {
            mock_time: true,
            threading: false,
            renderer_name: Some("software".into()),
        })))
        .unwrap();
        let data = DataDir::new(folder);
        let clock = Arc::new(StepClock {
            start: SystemClock::new().read(),
            ahead_ms: AtomicU64::default(),
        });
        let (ear, inbox) = channel();
        let answers = ear.clone();
        let answer = move |answer| answers.send(Message::Recorder(answer)).unwrap_or_default();
        let (jobs, recorder) =
            recorder::start(data.clone(), Limits::default(), clock.clone(), answer).unwrap();
        let registry = Arc::<Registry>::default();
        let outputs = Box::new(NoOutputs);
        let health = registry.clone();
        let conductor = Conductor::new(data, clock.clone(), jobs, registry, outputs, ear.clone());
        let window = KioskWindow::new().unwrap();
        window.show().unwrap();
        window.window().set_size(PhysicalSize::new(1280, 800));
        let touches = ear.clone();
        let bridge = Bridge::connect(&window, Mute::default(), move |input| {
            let message = match input {
                Input::Touch(touch) => Message::Touch(touch),
                Input::Odd(oddity) => Message::Odd(oddity),
                Input::Wake => Message::Wake,
                Input::Desk(event) => Message::Desk(event),
            };
            touches.send(message).unwrap_or_default();
        });
        let scene = conductor.scene();
        let (shown, scenes) = channel();
        let glass = Glass(Mutex::new(shown));
        let conductor = std::thread::spawn(move || conductor.run(&inbox, &glass));
        let mut kiosk = Self {
            window,
            bridge,
            clock,
            ear,
            scenes,
            scene,
            draw_every,
            reached: 0,
            drawn: 0,
            conductor,
            recorder,
        };
        // The idle page is there before the journal is.
        while health.health().status != Status::Ready {
            kiosk.follow("a journal");
        }
        kiosk.reach(Page::Idle);
        kiosk
    }

    /// Moves the clock and wakes the conductor.
    pub(crate) fn jump(&self, ms: u64) {
        self.clock.ahead_ms.fetch_add(ms, Ordering::SeqCst);
        self.ear.send(Message::Wake).unwrap();
    }

    /// Asks for a rating of a case; answers when the prompt is taken.
    pub(crate) fn ask(&self, event: ServiceEvent) -> PromptId {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let request = PromptRequest {
            key: None,
            event,
            names: Names::default(),
            trigger: Call::default().trigger,
        };
        self.ear.send(Message::Prompt { request, reply }).unwrap();
        answer.blocking_recv().unwrap().unwrap().id
    }

    /// The business system takes a prompt back.
    pub(crate) fn cancel(&self, id: PromptId) {
        let (reply, done) = tokio::sync::oneshot::channel();
        self.ear.send(Message::Cancel { id, reply }).unwrap();
        done.blocking_recv().unwrap();
    }

    /// Waits until a page is on the glass and takes touches; lets its guard time pass.
    pub(crate) fn reach(&mut self, page: Page) {
        self.reach_after(page, None);
    }

    /// The same for a showing after the present one.
    pub(crate) fn reach_next(&mut self, page: Page) {
        self.reach_after(page, Some(self.scene.serial));
    }

    fn reach_after(&mut self, page: Page, before: Option<u64>) {
        let mut guarded = None;
        loop {
            let here = self.window.get_page() == page && before != Some(self.scene.serial);
            if here && (self.scene.input || page == Page::Idle) {
                self.draw();
                return;
            }
            if here && guarded != Some(self.scene.serial) {
                guarded = Some(self.scene.serial);
                self.jump(GUARD_MS);
            }
            self.follow(&format!("{page:?}"));
        }
    }

    /// Waits until the question is asked in this manner.
    pub(crate) fn reach_manner(&mut self, language: Language, elder: bool) {
        let asked = |scene: &Scene| (scene.manner.language, scene.manner.elder);
        while asked(&self.scene) != (language, elder) {
            self.follow("the manner");
        }
        self.reach(Page::Ask);
    }

    /// Waits until the pad shows a number, whole.
    pub(crate) fn wait_for_digits(&mut self, number: &str) {
        while PhoneAdapter::get(&self.window).get_digits() != number {
            self.follow("the digits");
        }
    }

    /// Waits until so many chips are chosen. A jump of the clock before that would come before the
    /// touches.
    pub(crate) fn wait_for_chips(&mut self, count: usize) {
        let chosen = |scene: &Scene| match &scene.page {
            ScenePage::Reasons(page) => page.chips.iter().filter(|chip| chip.chosen).count(),
            _ => 0,
        };
        while chosen(&self.scene) != count {
            self.follow("the chips");
        }
    }

    /// Draws the next scene.
    fn follow(&mut self, what: &str) {
        match self.scenes.recv_timeout(PATIENCE) {
            Ok(scene) => {
                self.bridge.apply(&self.window, &scene);
                self.scene = scene;
                settle();
            }
            Err(error) => panic!("no {what}: {error}; there is {:?}", self.scene),
        }
    }

    /// Draws the window as the software renderer does on a tablet.
    fn draw(&mut self) {
        self.reached += 1;
        if !self.reached.is_multiple_of(self.draw_every) {
            return;
        }
        let picture = self.window.window().take_snapshot().unwrap();
        assert_eq!((picture.width(), picture.height()), (1280, 800));
        self.drawn += 1;
    }

    /// All elements of a component on the page, in the order of its source.
    pub(crate) fn all(&self, component: &str) -> Vec<ElementHandle> {
        ElementHandle::find_by_element_type_name(&self.window, component).collect()
    }

    /// A finger on the middle of an element.
    pub(crate) fn tap(&self, element: &ElementHandle) {
        element.mock_single_click(PointerEventButton::Left);
    }

    /// An orderly stop; answers how many prompts were left unsealed.
    pub(crate) fn stop(self) -> usize {
        self.ear.send(Message::Stop).unwrap();
        let unsealed = self.conductor.join().unwrap();
        self.recorder.join().unwrap();
        unsealed
    }
}

/// Lets Slint make what the properties ask for.
fn settle() {
    mock_elapsed_time(Duration::ZERO);
    mock_elapsed_time(Duration::ZERO);
}

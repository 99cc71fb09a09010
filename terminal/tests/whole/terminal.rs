//! A whole terminal without a window: conductor, recorder, journal and API, on a clock that jumps.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use manyi_shared::domain::{Clock, ClockReading, Outcome, TagCode};
use manyi_shared::journal::{Limits, Reader};
use manyi_shared::tablet::{DataDir, SystemClock};
use manyi_shared::wire::{OutcomeRecord, RecordBody};
use manyi_terminal::api::{Api, router};
use manyi_terminal::conductor::{Conductor, Message, Screen};
use manyi_terminal::flow::{Target, Touch};
use manyi_terminal::outputs::NoOutputs;
use manyi_terminal::recorder;
use manyi_terminal::registry::Registry;
use manyi_terminal::scene::{Scene, ScenePage};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::{office, profile};

/// Long for a commit on a busy machine, short for a person who waits for a failing test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The machine's clock, which tests move forward.
#[derive(Debug)]
struct JumpClock {
    real: SystemClock,
    ahead_ms: AtomicU64,
}

impl Clock for JumpClock {
    fn read(&self) -> ClockReading {
        let mut reading = self.real.read();
        let ahead = self.ahead_ms.load(Ordering::SeqCst);
        reading.uptime_ms += ahead;
        reading.wall_ms = reading.wall_ms.saturating_add_unsigned(ahead);
        reading
    }
}

/// Hands every scene to the test.
struct Glass(Mutex<Sender<Scene>>);

impl Screen for Glass {
    fn show(&self, scene: Scene) {
        // A test that has seen enough no longer listens.
        self.0.lock().unwrap().send(scene).unwrap_or_default();
    }
}

/// A running terminal.
pub(crate) struct Terminal {
    pub(crate) data: DataDir,
    clock: Arc<JumpClock>,
    ear: Sender<Message>,
    router: Router,
    scenes: Receiver<Scene>,
    /// Every scene shown so far.
    pub(crate) seen: Vec<Scene>,
    conductor: JoinHandle<usize>,
    recorder: JoinHandle<()>,
}

impl Terminal {
    pub(crate) fn start(folder: &Path) -> Self {
        let data = DataDir::new(folder);
        let clock = Arc::new(JumpClock {
            real: SystemClock::new(),
            ahead_ms: AtomicU64::default(),
        });
        let (ear, inbox) = channel();
        let registry = Arc::<Registry>::default();
        let answers = ear.clone();
        let answer = move |answer| answers.send(Message::Recorder(answer)).unwrap_or_default();
        let (jobs, recorder) =
            recorder::start(data.clone(), Limits::default(), clock.clone(), answer).unwrap();
        let conductor = Conductor::new(
            data.clone(),
            clock.clone(),
            jobs,
            registry.clone(),
            Box::new(NoOutputs),
            ear.clone(),
        );
        let (shown, scenes) = channel();
        let glass = Glass(Mutex::new(shown));
        let conductor = std::thread::spawn(move || conductor.run(&inbox, &glass));
        let router = router(Api::new(ear.clone(), registry));
        Self {
            data,
            clock,
            ear,
            router,
            scenes,
            seen: Vec::new(),
            conductor,
            recorder,
        }
    }

    pub(crate) fn jump(&self, ms: u64) {
        self.clock.ahead_ms.fetch_add(ms, Ordering::SeqCst);
        // Wakes the conductor; a touch of a page that never was is nothing.
        self.ear
            .send(Message::Touch(Touch {
                serial: u64::MAX,
                target: Target::Skip,
            }))
            .unwrap();
    }

    /// Waits for a scene.
    pub(crate) fn wait(&mut self, what: &str, wanted: impl Fn(&Scene) -> bool) -> Scene {
        loop {
            match self.scenes.recv_timeout(PATIENCE) {
                Ok(scene) => {
                    self.seen.push(scene.clone());
                    if wanted(&scene) {
                        return scene;
                    }
                }
                Err(error) => panic!("no {what}: {error}; last {:?}", self.seen.last()),
            }
        }
    }

    pub(crate) fn wait_page(&mut self, page: &str) -> Scene {
        self.wait(page, |scene| name(scene) == page)
    }

    /// Waits until the page takes touches and makes one.
    pub(crate) fn touch(&mut self, page: &str, target: Target) {
        let scene = self.wait(page, |scene| name(scene) == page && scene.input);
        self.ear
            .send(Message::Touch(Touch {
                serial: scene.serial,
                target,
            }))
            .unwrap();
    }

    /// A touch on the page that is on the screen.
    pub(crate) fn touch_again(&self, target: Target) {
        let serial = self.seen.last().map_or(0, |scene| scene.serial);
        self.ear
            .send(Message::Touch(Touch { serial, target }))
            .unwrap();
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        self.send(Request::builder().method(method).uri(path), body)
    }

    /// Posts a prompt with an idempotency key.
    pub(crate) fn post_with_key(&self, key: &str, body: &str) -> (u16, Value) {
        let request = Request::post("/v1/prompts").header("idempotency-key", key);
        self.send(request, body)
    }

    fn send(&self, request: Builder, body: &str) -> (u16, Value) {
        let request = request
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let body = axum::body::to_bytes(response.into_body(), 1 << 20)
                .await
                .unwrap();
            (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
        })
    }

    /// Posts a prompt and answers its id.
    pub(crate) fn prompt(&self, body: &str) -> String {
        let (status, answer) = self.call("POST", "/v1/prompts", body);
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn state(&self, id: &str) -> Value {
        self.call("GET", &format!("/v1/prompts/{id}"), "").1["state"].clone()
    }

    pub(crate) fn health(&self) -> Value {
        self.call("GET", "/v1/health", "").1
    }

    /// Everything in the journal but the openings of streams, oldest first.
    pub(crate) fn records(&self) -> Vec<RecordBody> {
        records(&self.data).into_iter().flatten().collect()
    }

    /// An orderly stop; answers how many prompts were left unsealed.
    pub(crate) fn stop(self) -> usize {
        self.ear.send(Message::Stop).unwrap();
        let unsealed = self.conductor.join().unwrap();
        self.recorder.join().unwrap();
        unsealed
    }
}

/// The records of every stream but their openings.
pub(crate) fn records(data: &DataDir) -> Vec<Vec<RecordBody>> {
    let reader = Reader::open(&data.journal()).unwrap();
    let streams = reader.streams().unwrap();
    let read = |stream| {
        let mut records = Vec::new();
        reader
            .for_each_record(stream, |record| records.push(record.decode().unwrap().body))
            .unwrap();
        records.retain(|body| !matches!(body, RecordBody::StreamOpened(_)));
        records
    };
    streams.iter().map(read).collect()
}

pub(crate) fn name(scene: &Scene) -> &'static str {
    match &scene.page {
        ScenePage::Idle(_) => "idle",
        ScenePage::Ask(_) => "ask",
        ScenePage::Reasons(_) => "reasons",
        ScenePage::Phone(_) => "phone",
        ScenePage::Desk(_) => "desk",
        ScenePage::Paused(_) => "paused",
        ScenePage::Thanks { .. } => "thanks",
        ScenePage::OutOfService(out) if out.reason.is_none() => "not kept",
        ScenePage::OutOfService(_) => "out",
    }
}

pub(crate) fn enrolled() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    office::enrol(&DataDir::new(folder.path()), &profile::profile());
    folder
}

pub(crate) fn ready(folder: &TempDir) -> Terminal {
    let mut terminal = Terminal::start(folder.path());
    terminal.wait_page("idle");
    wait_ready(&terminal);
    terminal
}

/// The idle page is shown while the journal is still being opened.
pub(crate) fn wait_ready(terminal: &Terminal) {
    let start = std::time::Instant::now();
    while terminal.health()["status"] != "ready" {
        assert!(
            start.elapsed() < PATIENCE,
            "not ready: {}",
            terminal.health()
        );
        std::thread::yield_now();
    }
}

pub(crate) fn outcomes(bodies: &[RecordBody]) -> Vec<&OutcomeRecord> {
    let mut outcomes = Vec::new();
    for body in bodies {
        if let RecordBody::Outcome(record) = body {
            outcomes.push(record);
        }
    }
    outcomes
}

pub(crate) fn kinds(bodies: &[RecordBody]) -> Vec<&Outcome> {
    outcomes(bodies)
        .into_iter()
        .map(|record| &record.outcome)
        .collect()
}

pub(crate) fn code(n: u16) -> TagCode {
    TagCode::new(n).unwrap()
}

//! The conductor: one thread that owns the flow, hears everybody and does what the flow wants.
//!
//! Events come in over one channel, so they have one order. Effects go to the recorder, the screen
//! and the registry that the API reads.
//!
//! **Invariants**
//! 1. The screen shows a flow's view after every step: what is not in the flow is not shown.
//! 2. A prompt is told as ended only on [`Effect::Ended`].
//! 3. The profile is read again only while the flow is idle.
//!
//! It writes no file itself.

mod around;
mod calls;
mod message;
mod staff;
mod telling;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use manyi_shared::domain::{Clock, PromptId, Seq};
use manyi_shared::journal::is_suspect;
use manyi_shared::tablet::DataDir;
use manyi_shared::wire::{MessageKind, OfficeKey};

use crate::desk::{Desk, DeskEvent, DoneNotice};
use crate::flow::{Effect, Event, Flow, Millis, Names, Rules, Trigger};
use crate::keys::Keys;
use crate::outputs::Outputs;
use crate::pulse::Pulse;
use crate::recorder::{Answer, Job};
use crate::registry::{Health, PromptState, Registry, Status};
use crate::scene::Scene;
use crate::station::{self, Station, Watch};
use around::Around;
use telling::Telling;

pub use message::{Message, PromptRequest, Refusal, Taken};

/// Where scenes go.
pub trait Screen: Send {
    /// Shows a scene; returns at once.
    fn show(&self, scene: Scene);
}

/// How often files of a terminal that cannot ask yet are looked at.
const POLL_UNFIT_MS: Millis = 1_000;
/// How often the profile of a working terminal is looked at.
const POLL_MS: Millis = 2_000;
/// How long an orderly stop may take: a commit waits at most five seconds for the daemon.
const STOP_MS: Millis = 6_000;

/// The thread's state.
pub struct Conductor {
    data: DataDir,
    clock: Arc<dyn Clock>,
    recorder: Sender<Job>,
    registry: Arc<Registry>,
    /// Taken out only inside [`Self::step`].
    flow: Flow,
    station: Option<Station>,
    watch: Watch,
    poll_at: Millis,
    stop_at: Option<Millis>,
    shown: Option<Scene>,
    demo_count: usize,
    keys: Keys,
    around: Around,
    telling: Telling,
    desk: Desk,
    /// The last sealed position of the open stream.
    tip: Option<Seq>,
    /// For what runs aside.
    ear: Sender<Message>,
    outputs: Box<dyn Outputs>,
    done: bool,
}

impl std::fmt::Debug for Conductor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conductor")
            .field("flow", &self.flow)
            .finish_non_exhaustive()
    }
}

impl Conductor {
    /// A conductor that has looked at identity and profile once and asked the recorder to open the
    /// journal if it can.
    #[must_use]
    pub fn new(
        data: DataDir,
        clock: Arc<dyn Clock>,
        recorder: Sender<Job>,
        registry: Arc<Registry>,
        outputs: Box<dyn Outputs>,
        ear: Sender<Message>,
    ) -> Self {
        let now = clock.read().uptime_ms;
        let mut watch = Watch::default();
        watch.changed(&data);
        let loaded = Station::load(&data);
        let why = loaded
            .as_ref()
            .err()
            .cloned()
            .unwrap_or_else(|| crate::flow::Why {
                reason: crate::flow::Reason::Other,
                detail: String::new(),
            });
        let mut conductor = Self {
            data,
            clock,
            recorder,
            registry,
            flow: Flow::new(why, now),
            station: None,
            watch,
            poll_at: now.saturating_add(POLL_UNFIT_MS),
            stop_at: None,
            shown: None,
            demo_count: 0,
            keys: Keys::default(),
            around: Around::default(),
            telling: Telling::default(),
            desk: Desk::new(now),
            tip: None,
            ear,
            outputs,
            done: false,
        };
        conductor.settle_in(loaded, now);
        conductor.ask_standing();
        conductor
    }

    /// Tells the daemon of this pulse; until it is called, of a screen that never paints.
    #[must_use]
    pub fn watching(mut self, pulse: Pulse) -> Self {
        self.telling.watch(pulse);
        self
    }

    /// What is to be on the screen before the thread runs.
    #[must_use]
    pub fn scene(&self) -> Scene {
        let now = self.clock.read();
        let view = self.flow.view(now.uptime_ms);
        self.with_desk(self.around.scene(&view, self.station.as_ref(), &now))
    }

    /// Runs until the flow is done after [`Message::Stop`], or all senders are gone. Answers how
    /// many prompts are left without a sealed outcome; the next start seals what it can find.
    pub fn run(mut self, inbox: &Receiver<Message>, screen: &dyn Screen) -> usize {
        while !self.done {
            self.refresh(screen);
            let now = self.now();
            let due = [
                self.flow.next_look(now),
                self.around.next_look(),
                self.desk_due(),
                Some(self.poll_at),
                self.stop_at,
                self.telling.due(now),
            ];
            let due = due.into_iter().flatten().min().unwrap_or(now);
            match inbox.recv_timeout(Duration::from_millis(due.saturating_sub(now))) {
                Ok(message) => self.hear(message),
                Err(RecvTimeoutError::Timeout) => self.time_passed(),
                Err(RecvTimeoutError::Disconnected) => self.done = true,
            }
        }
        self.flow.owed()
    }

    fn now(&self) -> Millis {
        self.clock.read().uptime_ms
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Touch(touch) => {
                self.around.wake(self.now());
                self.step(Event::Touch(touch));
            }
            Message::Odd(oddity) => {
                self.step(Event::Odd(oddity));
            }
            Message::Wake => self.around.wake(self.now()),
            Message::Desk(event) => self.desk(event),
            Message::Prompt { request, reply } => {
                let answer = self.prompt(request);
                // The asker may have gone; the prompt stands.
                reply.send(answer).unwrap_or_default();
            }
            Message::Pause { paused, reply } => {
                self.step(Event::Pause(paused));
                reply.send(()).unwrap_or_default();
            }
            Message::Button => self.call(Trigger::Button),
            Message::Cancel { id, reply } => {
                self.step(Event::Cancel(id));
                reply.send(()).unwrap_or_default();
            }
            Message::Recorder(Answer::Event(event)) => {
                self.step(event);
            }
            Message::Recorder(Answer::Keys(keys)) => self.know(keys),
            Message::DemoPrompt => {
                if let Some(station) = &self.station {
                    let event = crate::demo::next_citizen(&station.profile, self.demo_count);
                    self.demo_count = self.demo_count.wrapping_add(1);
                    let request = PromptRequest {
                        key: None,
                        event,
                        names: Names::default(),
                        trigger: Trigger::Demo,
                    };
                    if let Err(refusal) = self.prompt(request) {
                        tracing::info!(?refusal, "the demo's prompt is not taken");
                    }
                }
            }
            Message::Stop => {
                tracing::info!("stopping");
                self.stop_at = Some(self.now().saturating_add(STOP_MS));
                self.step(Event::Stop);
            }
        }
        // A flood of messages must not keep deadlines waiting.
        self.time_passed();
    }

    fn time_passed(&mut self) {
        let now = self.now();
        if self.flow.next_look(now).is_some_and(|due| now >= due) {
            self.step(Event::Tick);
        }
        if self.desk_due().is_some_and(|due| now >= due) {
            self.desk(DeskEvent::Tick);
        }
        if now >= self.poll_at {
            self.poll(now);
            self.self_test();
        }
        if self.stop_at.is_some_and(|at| now >= at) {
            tracing::error!("the journal did not answer in time");
            self.done = true;
        }
    }

    /// Looks whether the daemon has replaced identity or profile.
    fn poll(&mut self, now: Millis) {
        let fit = self.station.is_some();
        self.poll_at = now.saturating_add(if fit { POLL_MS } else { POLL_UNFIT_MS });
        self.ask_standing();
        if fit && !self.flow.is_idle() {
            return;
        }
        if self.watch.changed(&self.data) || is_suspect(&self.data.journal()) {
            self.settle_in(Station::load(&self.data), now);
        }
    }

    /// Looks whether the office took the terminal's identity back, as the daemon heard it.
    fn ask_standing(&mut self) {
        let revoked = station::revoked(&self.data);
        if self.flow.revoked() != revoked.as_ref() {
            match &revoked {
                Some(why) => tracing::error!("out of service: {}", why.detail),
                None => tracing::info!("no longer revoked"),
            }
            self.step(Event::Revoked(revoked));
        }
    }

    /// Starts the self-test when it is due and nobody is at the screen.
    fn self_test(&mut self) {
        let reading = self.clock.read();
        if let Some(station) = self.station.as_ref().filter(|_| self.flow.is_idle())
            && let Some(day) = self.around.self_test_due(station, &reading)
        {
            tracing::info!(day, "self-test");
            self.step(Event::SelfTest(day));
        }
    }

    fn settle_in(&mut self, loaded: Result<Station, crate::flow::Why>, now: Millis) {
        match loaded {
            Ok(station) => {
                let rules = Rules::of(&station.profile);
                // A journal in which the daemon has found damage is opened anew, which sets it aside.
                let moved = self.station.as_ref().is_some_and(|old| old.moved(&station))
                    || is_suspect(&self.data.journal());
                tracing::info!(
                    terminal = %station.terminal,
                    window = %station.window,
                    profile = station.profile.version,
                    "profile taken"
                );
                self.outputs.voice(around::voice(&station));
                self.around.settle_in(now);
                self.station = Some(station);
                self.poll_at = now.saturating_add(POLL_MS);
                self.step(Event::Configured { rules, moved });
            }
            Err(why) => {
                tracing::warn!(reason = why.reason.name(), "cannot obey: {}", why.detail);
                self.step(Event::Unfit(why));
            }
        }
    }

    /// One step of the flow; answers the id when a prompt was accepted.
    fn step(&mut self, event: Event) -> Option<PromptId> {
        let (mut accepted, mut calls, mut asks, mut tested) = (None, false, false, None);
        match &event {
            Event::Sealed(seq) => {
                self.tip = Some(*seq);
                self.telling.sealed();
            }
            Event::SealFailed(_) => self.telling.not_sealed(),
            Event::Opened { .. } => self.tip = Some(Seq::FIRST),
            _ => {}
        }
        let now = self.now();
        let (flow, effects) = self.flow.clone().step(event, now);
        self.flow = flow;
        for effect in effects {
            match effect {
                Effect::OpenJournal => self.open_journal(),
                Effect::Seal(body) => {
                    self.telling.sealing(&body, &self.clock.read());
                    self.to_recorder(Job::Seal(body));
                }
                Effect::SealText { target, what, text } => self.seal_text(target, what, text),
                Effect::Accepted(id) => {
                    self.registry.note(id, PromptState::Waiting);
                    tracing::info!(prompt = %id, "prompt taken");
                    accepted = Some(id);
                }
                Effect::Refused => {}
                Effect::Asking(prompt) => {
                    self.registry.note(prompt.id, PromptState::Asking);
                    asks = true;
                    self.to_recorder(Job::Note(prompt));
                }
                Effect::Ended(id) => {
                    self.registry.note(id, PromptState::Ended);
                    tracing::info!(prompt = %id, "prompt ended");
                }
                Effect::ClerkAsks => calls = true,
                Effect::SelfTested(good) => {
                    if good {
                        tracing::info!("self-test: all five levels are on the card");
                    } else {
                        tracing::error!("self-test: a level could not be kept");
                    }
                    let reading = self.clock.read();
                    self.around.self_tested(good, &reading);
                    let station = self.station.as_ref();
                    let day = station.map_or(0, |station| Around::day(station, &reading));
                    self.telling.tested(day, good);
                    tested = Some(good);
                }
                Effect::Exit => self.done = true,
            }
        }
        self.registry.set_health(self.health());
        if let Some(good) = tested {
            let notice = if good {
                DoneNotice::SelfTestGood(String::new())
            } else {
                DoneNotice::SelfTestFailed(String::new())
            };
            self.desk(DeskEvent::Done(notice));
        }
        if asks {
            self.desk(DeskEvent::Leave);
        }
        if calls {
            self.call(Trigger::Clerk);
        }
        accepted
    }

    /// Hands a text to be encrypted. The rules offer it only where the profile has the key.
    fn seal_text(&self, target: Seq, what: MessageKind, text: String) {
        let options = self.station.as_ref().map(|s| s.profile.options());
        let key = options.and_then(|options| options.office_key);
        let key = OfficeKey::from_bytes(key.unwrap_or_default());
        self.to_recorder(Job::SealText {
            key,
            target,
            what,
            text,
        });
    }

    fn open_journal(&self) {
        if let Some(station) = &self.station {
            self.to_recorder(Job::Open(station.opening()));
        }
    }

    fn to_recorder(&self, job: Job) {
        if self.recorder.send(job).is_err() {
            // It ends only when we do or when it panicked, which the program's exit reports.
            tracing::error!("the recorder is gone");
        }
    }

    fn health(&self) -> Health {
        let status = match self.flow.out_of_service() {
            Some(why) => Status::OutOfService(why.reason),
            None if self.flow.stream().is_none() => Status::Starting,
            None if self.flow.is_idle() => Status::Ready,
            None => Status::Asking,
        };
        Health {
            status,
            terminal: self.station.as_ref().map(|s| s.terminal),
            window: self.station.as_ref().map(|s| s.window.clone()),
            stream: self.flow.stream(),
            paused: self.flow.paused(),
        }
    }

    fn refresh(&mut self, screen: &dyn Screen) {
        let now = self.clock.read();
        let view = self.flow.view(now.uptime_ms);
        self.around
            .follow(&view, self.station.as_ref(), &now, self.flow.stream());
        let scene = self.with_desk(self.around.scene(&view, self.station.as_ref(), &now));
        self.outputs.state(around::outputs(&view, scene.light));
        if let Some((clip, language)) = self.around.line(&view, now.uptime_ms) {
            self.outputs.speak(clip, language.code());
        }
        self.telling.shows(&scene.page);
        if self.shown.as_ref() != Some(&scene) {
            screen.show(scene.clone());
            self.shown = Some(scene);
        }
        self.telling.tell(&self.data, now.uptime_ms);
    }
}

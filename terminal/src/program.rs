//! The running program: brings up the threads and takes them down in order.
//!
//! | thread | does |
//! |---|---|
//! | main | the window and its event loop |
//! | conductor | the flow |
//! | recorder | the journal |
//! | api | the prompt API, both doors, and the signals |
//! | gpio | button, lamp, buzzer; only where configured |
//! | voice | what is said |
//! | clips | making missing clips at the first start, then it ends |
//!
//! **Invariants**
//! 1. The port is taken before anything is shown: two terminals never both ask.
//! 2. However the event loop ends, the flow is told to stop and is waited for, so an open prompt is
//!    sealed as withdrawn.
//! 3. When conductor or recorder die, the program ends with an error and is started again by its
//!    service manager: a screen that nobody conducts must not stay.

mod devices;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::thread::JoinHandle;

use manyi_shared::domain::Clock;
use manyi_shared::journal::Limits;
use manyi_shared::tablet::{DataDir, FileError, SystemClock};

use self::devices::Devices;
use crate::api::lan::{self, Door};
use crate::api::{Api, ListenError, listen, router};
use crate::bridge::{Bridge, Input, Mute};
use crate::conductor::{Conductor, Message};
use crate::config::Config;
use crate::pulse::Pulse;
use crate::recorder;
use crate::registry::Registry;
use crate::screen::{self, Hooks, ScreenError};

/// Why the program ended.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The data folder cannot be made.
    #[error("the data folder cannot be used")]
    Data(#[from] FileError),
    /// The API has no port.
    #[error("the prompt API cannot be served")]
    Listen(#[from] ListenError),
    /// Nothing can be shown.
    #[error("the terminal cannot show its pages")]
    Screen(#[from] ScreenError),
    /// The system has no more threads, or none for the API.
    #[error("could not start the {thread} thread")]
    Start {
        /// Which thread.
        thread: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A thread panicked; the log has the place.
    #[error("the {thread} thread died")]
    Died {
        /// Which thread.
        thread: &'static str,
    },
}

/// Runs the terminal until it is stopped.
///
/// # Errors
/// [`ProgramError`]; an orderly stop is `Ok`.
pub fn run(config: &Config) -> Result<(), ProgramError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let listener = listen(config.listen)?;
    let mute = Mute::default();
    let kiosk = screen::open(config, &mute)?;

    let (ear, inbox) = std::sync::mpsc::channel();
    let registry = Arc::<Registry>::default();
    let data = DataDir::new(&config.data_dir);
    let answers = ear.clone();
    let (jobs, recorder) = recorder::start(
        data.clone(),
        Limits::of_mib(config.journal_cap_mib),
        clock.clone(),
        move |event| {
            // The conductor is gone only when the program is ending.
            answers.send(Message::Recorder(event)).unwrap_or_default();
        },
    )
    .map_err(|source| ProgramError::Start {
        thread: "recorder",
        source,
    })?;
    let devices = Devices::open(config, &data, &clock, &ear);
    let conductor = Conductor::new(
        data.clone(),
        clock.clone(),
        jobs,
        registry.clone(),
        Box::new(devices),
        ear.clone(),
    );
    let pulse = Pulse::default();
    let conductor = conductor.watching(pulse.clone());

    let touches = ear.clone();
    let bridge = Bridge::connect(&kiosk.window, mute.clone(), move |input| {
        touches.send(heard(input)).unwrap_or_default();
    });
    bridge.apply(&kiosk.window, &conductor.scene());
    let conductor = start_conductor(conductor, inbox, bridge)?;
    let api = Api::new(ear.clone(), registry);
    let door = config.lan_door().map(|door| (door, data));
    start_api(listener, api, door, ear.clone())?;
    tracing::info!(listen = %config.listen, data = %config.data_dir.display(), "terminal started");

    let beating = pulse.start(&kiosk.window, clock.clone());
    let ran = screen::run(&kiosk, hooks(config, &clock, &ear, mute));
    drop(beating);
    ear.send(Message::Stop).unwrap_or_default();
    drop(ear);
    let unsealed = conductor.join().map_err(|_| ProgramError::Died {
        thread: "conductor",
    })?;
    recorder
        .join()
        .map_err(|_| ProgramError::Died { thread: "recorder" })?;
    if unsealed > 0 {
        tracing::error!(unsealed, "prompts ended without a sealed outcome");
    }
    tracing::info!("terminal stopped");
    Ok(ran?)
}

/// What comes from the glass, for the conductor.
fn heard(input: Input) -> Message {
    match input {
        Input::Touch(touch) => Message::Touch(touch),
        Input::Odd(oddity) => Message::Odd(oddity),
        Input::Wake => Message::Wake,
        Input::Desk(event) => Message::Desk(event),
    }
}

fn hooks(config: &Config, clock: &Arc<dyn Clock>, ear: &Sender<Message>, mute: Mute) -> Hooks {
    let clock = clock.clone();
    let next_citizen = config.demo_key.then(|| {
        let ear = ear.clone();
        let press = move || ear.send(Message::DemoPrompt).unwrap_or_default();
        Box::new(press) as Box<dyn Fn()>
    });
    Hooks {
        first_frame: Box::new(move || {
            let ms = screen::since_process_start(&clock);
            tracing::info!(since_process_start_ms = ms, "first frame");
        }),
        next_citizen,
        mute,
    }
}

fn start_conductor(
    conductor: Conductor,
    inbox: Receiver<Message>,
    bridge: Bridge,
) -> Result<JoinHandle<usize>, ProgramError> {
    /// Ends the event loop however the thread ends.
    struct Quit;
    impl Drop for Quit {
        fn drop(&mut self) {
            if let Err(error) = slint::quit_event_loop() {
                tracing::debug!("no event loop to end: {error}");
            }
        }
    }
    std::thread::Builder::new()
        .name("conductor".to_owned())
        .spawn(move || {
            let _quit = Quit;
            conductor.run(&inbox, &bridge)
        })
        .map_err(|source| ProgramError::Start {
            thread: "conductor",
            source,
        })
}

fn start_api(
    listener: TcpListener,
    api: Api,
    door: Option<(Door, DataDir)>,
    ear: Sender<Message>,
) -> Result<(), ProgramError> {
    let fault = |source| ProgramError::Start {
        thread: "api",
        source,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(fault)?;
    // Detached: it holds nothing that has to be closed.
    std::thread::Builder::new()
        .name("api".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                tokio::spawn(stop_on_signal(ear));
                if let Some((door, data)) = door {
                    tokio::spawn(lan::keep_open(door, api.clone(), data));
                }
                match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => {
                        if let Err(error) = axum::serve(listener, router(api)).await {
                            tracing::error!("the prompt API stopped: {error}");
                        }
                    }
                    Err(error) => tracing::error!("the prompt API cannot be served: {error}"),
                }
            });
        })
        .map(drop)
        .map_err(fault)
}

async fn stop_on_signal(ear: Sender<Message>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (term, int) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    let (Ok(mut term), Ok(mut int)) = (term, int) else {
        tracing::error!("signals cannot be heard; the program can only be killed");
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    ear.send(Message::Stop).unwrap_or_default();
}

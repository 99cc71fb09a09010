//! A tablet: a data folder, the terminal's writer that seals into its journal, the real daemon.

use std::path::{Path, PathBuf};
use std::time::Duration;

use manyi_e2e::dice::Dice;
use manyi_e2e::wait::pause;
use manyi_shared::domain::{Call, Clock as _, Level, Outcome, Seq, ServiceEvent, Withdrawal};
use manyi_shared::journal::{Backlog, Opening, Writer};
use manyi_shared::tablet::{DataDir, Identity, SystemClock, wake};
use manyi_shared::wire::{Amendment, EnrolmentCode, OutcomeRecord, RecordBody};
use manyi_sync::daemon::{Options, serve};
use manyi_sync::enrol::{Enrolment, enrol};
use manyi_sync::link::LinkOptions;
use manyi_sync::settings::ProxyChoice;
use manyi_sync::uplink::{Backoff, Pace};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A tablet in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Tablet {
    pub(crate) data: DataDir,
    ca_file: PathBuf,
    pace: Pace,
    timeout: Duration,
}

/// A running daemon.
#[derive(Debug)]
pub(crate) struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

/// The daemon's pace for a test of `tablets` tablets on one machine: the real proportions, as fast as
/// the machine can carry so many.
pub(crate) fn pace(tablets: usize) -> Pace {
    let crowd = u32::try_from(tablets.div_ceil(12)).unwrap();
    Pace {
        poll: Duration::from_millis(40) * crowd,
        heartbeat: Duration::from_millis(600) * crowd,
        backoff: Backoff {
            base: Duration::from_millis(10),
            cap: Duration::from_millis(200) * crowd,
        },
        operator: Duration::from_millis(300) * crowd,
        aside: Duration::from_millis(600) * crowd,
    }
}

impl Tablet {
    pub(crate) fn new(folder: &Path, ca_file: &Path, pace: Pace) -> Self {
        Self {
            data: DataDir::new(folder),
            ca_file: ca_file.to_owned(),
            pace,
            timeout: Duration::from_millis(1500),
        }
    }

    fn link(&self, timeout: Duration) -> LinkOptions {
        LinkOptions {
            proxy: ProxyChoice::None,
            ca_file: Some(self.ca_file.clone()),
            connect_timeout: timeout,
            timeout,
            ..LinkOptions::default()
        }
    }

    pub(crate) async fn enrol(&self, url: &str, code: EnrolmentCode) {
        let enrolled = enrol(Enrolment {
            data: self.data.clone(),
            collector_url: url.to_owned(),
            code,
            again: false,
            link: self.link(Duration::from_secs(30)),
        });
        enrolled.await.unwrap();
    }

    /// Starts the daemon as the program does.
    pub(crate) fn daemon(&self) -> Running {
        let options = Options {
            data: self.data.clone(),
            collector_url: None,
            link: self.link(self.timeout),
            pace: self.pace,
            enrol_file: None,
            // Nothing listens there; the office asks for nothing either.
            prompt_api: "http://127.0.0.1:9/v1/prompts".to_owned(),
        };
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async {
            serve(options, async { drop(stopped.await) }).await.unwrap();
        });
        Running { stop, task }
    }

    /// Seals so many ratings and what else citizens leave, in a stream of its own. Blocks while the
    /// file system syncs.
    pub(crate) fn seal(&self, ratings: u64, mut dice: Dice, sealed: impl Fn()) {
        let identity = Identity::read(&self.data.identity()).unwrap();
        let opening = Opening {
            suite: identity.collector.suite(),
            terminal: identity.terminal,
            hall: identity.hall,
            window: identity.window,
            software: "network test".to_owned(),
        };
        let clock = SystemClock::new();
        let mut writer = Writer::open(&self.data.journal(), &opening, clock.read()).unwrap();
        for ordinal in 1..=ratings {
            let outcome = outcome(&mut dice);
            let rated = outcome.level().is_some();
            let record = OutcomeRecord {
                ordinal: u32::try_from(ordinal).unwrap(),
                outcome,
                tag_set: None,
                response_ms: Some(1200),
                event: ServiceEvent::default(),
                call: Call::default(),
            };
            let at = writer.append(RecordBody::Outcome(record), &clock.read());
            let target = at.unwrap().seq;
            if rated && dice.per_mille(80) {
                let correction = amendment(target, &mut dice);
                writer.append(correction, &clock.read()).unwrap();
            }
            sealed();
            // A few citizens, then nobody for a while. Some wakes are lost, as datagrams are.
            if dice.per_mille(200) {
                if dice.per_mille(700) {
                    drop(wake(&self.data.wake_socket()));
                }
                pause(dice.time(self.pace.backoff.cap));
            }
        }
    }

    /// How many records the daemon has not yet seen acknowledged.
    pub(crate) fn unacknowledged(&self) -> u64 {
        let backlog = Backlog::open(&self.data.journal()).unwrap();
        backlog.unacknowledged().unwrap()
    }
}

fn outcome(dice: &mut Dice) -> Outcome {
    match dice.below(20) {
        0 => Outcome::Declined,
        1 => Outcome::TimedOut,
        2 => Outcome::Withdrawn(Withdrawal::Replaced),
        _ => Outcome::Rated {
            level: *dice.pick(&Level::ALL).unwrap(),
            tags: Vec::new(),
        },
    }
}

fn amendment(target: Seq, dice: &mut Dice) -> RecordBody {
    RecordBody::Amendment(Amendment {
        target,
        level: *dice.pick(&Level::ALL).unwrap(),
        tags: Vec::new(),
        tag_set: None,
    })
}

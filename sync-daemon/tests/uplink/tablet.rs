//! A tablet in a temporary folder: identity, journal, a terminal that seals, the daemon.

use std::net::SocketAddr;
use std::time::Duration;

use manyi_shared::domain::{Call, Clock, Level, Outcome, ServiceEvent, StreamId};
use manyi_shared::journal::{Backlog, Opening, Reader, Writer};
use manyi_shared::tablet::{DataDir, Identity, wake};
use manyi_shared::wire::{OutcomeRecord, RecordBody};
use manyi_sync::daemon::{Daemon, Options, serve};
use manyi_sync::enrol::{EnrolError, Enrolment, enrol};
use manyi_sync::link::{LinkOptions, Time};
use manyi_sync::uplink::{Backoff, Pace};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::clock::Hands;
use crate::collector::{CODE, Collector};
use crate::relay::Relay;

/// Everything a test needs, wired together: tablet, relay, collector.
#[derive(Debug)]
pub(crate) struct Hall {
    pub(crate) collector: Collector,
    pub(crate) relay: Relay,
    pub(crate) tablet: Tablet,
}

impl Hall {
    /// An enrolled tablet whose terminal has not started yet.
    pub(crate) async fn new() -> Self {
        let collector = Collector::start().await;
        let relay = Relay::start(collector.address).await;
        let tablet = Tablet::new();
        tablet.enrol(relay.address, CODE).await.unwrap();
        Self {
            collector,
            relay,
            tablet,
        }
    }

    /// Whether the centre holds exactly what the journal has sealed, and the journal knows it.
    pub(crate) fn is_even(&self) -> bool {
        let backlog = Backlog::open(&self.tablet.data.journal()).unwrap();
        if backlog.unacknowledged().unwrap() > 0 {
            return false;
        }
        let centre = self.collector.centre();
        let sealed = self.tablet.sealed();
        assert_eq!(sealed.len(), centre.streams.len());
        sealed
            .iter()
            .all(|(stream, records)| centre.held(*stream) == records.as_slice())
    }
}

#[derive(Debug)]
pub(crate) struct Tablet {
    _folder: tempfile::TempDir,
    pub(crate) data: DataDir,
    pub(crate) clock: Hands,
}

/// A terminal: one stream.
#[derive(Debug)]
pub(crate) struct Terminal {
    writer: Writer,
    ordinal: u32,
    data: DataDir,
    clock: Hands,
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

/// The real pace, a hundred times as fast.
pub(crate) fn pace() -> Pace {
    Pace {
        poll: Duration::from_millis(20),
        heartbeat: Duration::from_millis(300),
        backoff: Backoff {
            base: Duration::from_millis(10),
            cap: Duration::from_millis(100),
        },
        operator: Duration::from_millis(200),
        aside: Duration::from_millis(400),
    }
}

impl Tablet {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path().join("data"));
        Self {
            _folder: folder,
            data,
            clock: Hands::default(),
        }
    }

    pub(crate) async fn enrol(&self, at: SocketAddr, code: &str) -> Result<Identity, EnrolError> {
        self.enrol_with(at, code, false).await
    }

    pub(crate) async fn enrol_with(
        &self,
        at: SocketAddr,
        code: &str,
        again: bool,
    ) -> Result<Identity, EnrolError> {
        enrol(Enrolment {
            data: self.data.clone(),
            collector_url: format!("http://{at}"),
            code: code.parse().unwrap(),
            again,
            link: self.link(),
        })
        .await
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity::read(&self.data.identity()).unwrap()
    }

    pub(crate) fn terminal(&self) -> Terminal {
        let identity = self.identity();
        let opening = Opening {
            suite: identity.collector.suite(),
            terminal: identity.terminal,
            hall: identity.hall,
            window: identity.window,
            software: "test".to_owned(),
        };
        let now = self.clock.read();
        Terminal {
            writer: Writer::open(&self.data.journal(), &opening, now).unwrap(),
            ordinal: 0,
            data: self.data.clone(),
            clock: self.clock.clone(),
        }
    }

    /// The way to the collector, by this tablet's clock.
    pub(crate) fn link(&self) -> LinkOptions {
        LinkOptions {
            timeout: Duration::from_secs(5),
            time: Time::by(std::sync::Arc::new(self.clock.clone())),
            ..LinkOptions::default()
        }
    }

    pub(crate) fn options(&self, pace: Pace) -> Options {
        Options {
            data: self.data.clone(),
            collector_url: None,
            link: self.link(),
            pace,
            enrol_file: None,
            // Nothing listens there.
            prompt_api: "http://127.0.0.1:9/v1/prompts".to_owned(),
        }
    }

    pub(crate) fn daemon(&self) -> Running {
        self.daemon_at(pace())
    }

    /// The daemon as the program runs it: it may have to wait for an identity.
    pub(crate) fn serve(&self, options: Options) -> Running {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async {
            let stopped = async { drop(stopped.await) };
            serve(options, stopped).await.unwrap();
        });
        Running { stop, task }
    }

    pub(crate) fn daemon_at(&self, pace: Pace) -> Running {
        self.daemon_with(self.options(pace))
    }

    pub(crate) fn daemon_with(&self, options: Options) -> Running {
        let daemon = Daemon::start(options).unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(daemon.run(async {
            // A test that ends without stopping its daemon ends it all the same.
            drop(stopped.await);
        }));
        Running { stop, task }
    }

    /// Every stream of the journal with its records.
    pub(crate) fn sealed(&self) -> Vec<(StreamId, Vec<Vec<u8>>)> {
        let reader = Reader::open(&self.data.journal()).unwrap();
        let streams = reader.streams().unwrap();
        let records = |stream| {
            let mut records = Vec::new();
            reader
                .for_each_record(stream, |record| records.push(record.bytes))
                .unwrap();
            records
        };
        streams
            .iter()
            .map(|stream| (stream.id, records(stream)))
            .collect()
    }

    pub(crate) fn acknowledged(&self) -> Vec<u64> {
        let reader = Reader::open(&self.data.journal()).unwrap();
        reader
            .streams()
            .unwrap()
            .iter()
            .map(|stream| stream.acknowledged)
            .collect()
    }
}

impl Terminal {
    /// Seals one rating without waking the daemon.
    pub(crate) fn seal(&mut self) {
        self.ordinal += 1;
        let outcome = OutcomeRecord {
            ordinal: self.ordinal,
            outcome: Outcome::Rated {
                level: Level::Satisfied,
                tags: Vec::new(),
            },
            tag_set: None,
            response_ms: Some(self.ordinal),
            event: ServiceEvent::default(),
            call: Call::default(),
        };
        self.writer
            .append(RecordBody::Outcome(outcome), &self.clock.read())
            .unwrap();
    }

    /// Seals ratings and wakes the daemon, if there is one.
    pub(crate) fn rate(&mut self, ratings: usize) {
        for _ in 0..ratings {
            self.seal();
        }
        drop(wake(&self.data.wake_socket()));
    }

    pub(crate) fn stream(&self) -> StreamId {
        self.writer.stream()
    }
}

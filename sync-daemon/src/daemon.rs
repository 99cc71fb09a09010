//! The loop: waits for wakes and the timer, sends what the uplink wants sent, does what it decides.
//!
//! One task on one thread. **Crash** at any step: what was sent and not noted is sent again and
//! recognised by the centre; exchange numbers come from a reserve that was synced before.

mod shipment;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use manyi_shared::domain::{Clock, Retry};
use manyi_shared::tablet::{DataDir, Identity, IdentityError, SystemClock, read_key};
use manyi_shared::wire::{Reply, SecretKey};
use tokio::time::Instant;

use crate::exchange::{self, ExchangeError};
use crate::journal::Journal;
use crate::link::{Link, LinkError, LinkOptions};
use crate::lock::{Lock, LockError};
use crate::numbers::Numbers;
use crate::profile::{self, Facts};
use crate::uplink::{Effect, Mark, Next, NotNoted, Outcome, Pace, Report, Uplink, last_of};
use crate::wakes::Wakes;
use shipment::{Health, Shipment};

/// How long a stop waits for the exchange under way: most are answered within a second, and one
/// that is abandoned is only sent again.
const GRACE: Duration = Duration::from_secs(3);

/// Between two prunings: each rewrites pages on the card.
const PRUNE: Duration = Duration::from_secs(60);

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The terminal has no identity, or a damaged one.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Another daemon is at work.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The collector's address or the certificates are not usable.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The system has no randomness to give.
    #[error("could not draw a random number")]
    Random(#[from] getrandom::Error),
}

/// What the daemon is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The tablet's data folder.
    pub data: DataDir,
    /// The collector's address, when it is not the one given at enrolment.
    pub collector_url: Option<String>,
    /// How to reach it.
    pub link: LinkOptions,
    /// How often to look and to report.
    pub pace: Pace,
}

/// The running daemon.
#[derive(Debug)]
pub struct Daemon {
    _lock: Lock,
    data: DataDir,
    identity: Identity,
    key: SecretKey,
    link: Link,
    clock: SystemClock,
    start: Instant,
    uplink: Uplink,
    journal: Journal,
    numbers: Numbers,
    health: Health,
    profile: Facts,
    wakes: Wakes,
    prune_due: Option<Duration>,
    pruned: Option<Duration>,
}

impl Daemon {
    /// Takes the data folder and listens for wakes; nothing is sent yet. Must be called inside a
    /// tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing was changed.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let data = options.data;
        let identity = Identity::read(&data.identity())?;
        let key = read_key(&data.key())?;
        let lock = Lock::take(&data)?;
        let url = options
            .collector_url
            .as_ref()
            .unwrap_or(&identity.collector_url);
        let link = Link::new(url, &options.link)?;
        tracing::info!(
            terminal = %identity.terminal, hall = %identity.hall, window = %identity.window,
            collector = url, fingerprint = identity.collector.fingerprint(), "daemon started"
        );
        Ok(Self {
            _lock: lock,
            journal: Journal::at(data.journal()),
            profile: profile::on_card(&data, &identity),
            wakes: Wakes::listen(&data),
            clock: SystemClock::new(),
            start: Instant::now(),
            uplink: Uplink::new(options.pace, getrandom::u64()?),
            numbers: Numbers::default(),
            health: Health::default(),
            prune_due: None,
            pruned: None,
            data,
            identity,
            key,
            link,
        })
    }

    /// Carries records until `stop` is ready.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            self.prune();
            match self.uplink.next(self.now()) {
                Next::Wait(until) => {
                    let until = self.start + until;
                    tokio::select! {
                        () = &mut stop => break,
                        () = self.wakes.woken() => self.uplink.woken(self.start.elapsed()),
                        () = tokio::time::sleep_until(until) => {}
                    }
                }
                Next::Look(order) => {
                    let Some(shipment) = self.load(&order) else {
                        self.uplink.found_nothing(self.now());
                        continue;
                    };
                    let sent_at = self.now();
                    let exchange = exchange::carry(
                        &self.link,
                        &shipment.head,
                        &shipment.records,
                        &self.key,
                        &self.identity.collector,
                    );
                    let (result, stopping) = unless_stopped(exchange, stop.as_mut()).await;
                    if let Some(result) = result {
                        self.finish(&shipment, result, sent_at);
                    }
                    if stopping {
                        break;
                    }
                }
            }
        }
        tracing::info!("daemon stopped");
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// A number for jitter. Without randomness every tablet pauses half of the bound, which is
    /// worse for the centre than for us.
    fn random() -> u64 {
        getrandom::u64().unwrap_or(u64::MAX / 2)
    }

    /// Reads the next run and packs it, or a heartbeat when one is due.
    fn load(&mut self, order: &crate::uplink::Order) -> Option<Shipment> {
        let now = self.now();
        let run = self.journal.next_run(order, now);
        if run.is_none() && !order.heartbeat {
            return None;
        }
        let clock = self.clock.read();
        let health = self
            .health
            .now(run.as_ref(), &clock, &mut self.journal, &self.data, now);
        let number = self.numbers.take(&mut self.journal);
        Some(Shipment::new(
            &self.identity,
            run,
            number,
            clock,
            health,
            self.profile.version,
        ))
    }

    fn finish(
        &mut self,
        shipment: &Shipment,
        result: Result<Reply, ExchangeError>,
        sent_at: Duration,
    ) {
        let now = self.now();
        let ms = now.saturating_sub(sent_at).as_millis();
        shipment::log(shipment, &result, ms);
        let outcome = match result {
            Ok(reply) => Outcome::Replied(reply),
            Err(error) => error.outcome(),
        };
        let random = Self::random();
        for effect in self.uplink.exchanged(&shipment.sent, &outcome, now, random) {
            match effect {
                Effect::Acknowledge(mark) => {
                    let noted = self.journal.acknowledge(&mark, now);
                    self.noted(&mark, noted, now);
                }
                Effect::Rewind(mark) => {
                    let noted = self.journal.rewind(&mark, now);
                    self.noted(&mark, noted, now);
                }
                Effect::Renumber(next) => self.numbers.start_anew(next),
                Effect::KeepProfile(bytes) => self.keep_profile(&bytes),
                Effect::Report(report) => tell(&report, &outcome),
            }
        }
    }

    fn noted(&mut self, mark: &Mark, noted: Result<(), NotNoted>, now: Duration) {
        match noted {
            Ok(()) => {
                let earliest = self.pruned.map_or(now, |last| last.saturating_add(PRUNE));
                self.prune_due.get_or_insert(earliest);
            }
            Err(why) => {
                if why == NotNoted::OtherHistory {
                    tracing::error!(
                        stream = %mark.stream, watermark = mark.watermark.get(),
                        "the centre's chain of this stream is not this journal's: it is set aside \
                         until the next start, its records are kept"
                    );
                }
                self.uplink.not_noted(mark.stream, why, now, Self::random());
            }
        }
    }

    fn keep_profile(&mut self, bytes: &[u8]) {
        match profile::keep(&self.data, &self.identity, bytes) {
            Ok(facts) => {
                tracing::info!(version = facts.version, "new profile");
                self.profile = facts;
            }
            Err(error) => {
                tracing::warn!(
                    error = crate::chain(&error),
                    "profile from the centre not kept; the old one stays"
                );
            }
        }
    }

    fn prune(&mut self) {
        let now = self.now();
        let (Some(due), Some(keep)) = (self.prune_due, self.profile.keep_records) else {
            return;
        };
        if now >= due {
            self.journal.prune(keep, now);
            self.prune_due = None;
            self.pruned = Some(now);
        }
    }
}

/// The result of an exchange, and whether the daemon is to stop after it. A stop gives the exchange
/// a little time and then abandons it: there is no result then.
async fn unless_stopped<T>(
    exchange: impl Future<Output = T>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> (Option<T>, bool) {
    tokio::pin!(exchange);
    tokio::select! {
        result = &mut exchange => (Some(result), false),
        () = &mut stop => (tokio::time::timeout(GRACE, exchange).await.ok(), true),
    }
}

/// Tells people. The exchange itself has been logged; this is what they must act upon.
fn tell(report: &Report, outcome: &Outcome) {
    match report {
        Report::Conflict { run, kept } => tracing::error!(
            stream = %run.stream, first = run.first.get(), last = last_of(run).get(),
            kept_at_centre = kept.map(manyi_shared::domain::Watermark::get),
            "the centre holds another history of this stream: the card was cloned or put back in \
             time. Both histories are kept; the stream is set aside until the next start"
        ),
        Report::DeadLetters { stream, rejected } => {
            for rejection in rejected {
                tracing::error!(
                    %stream, seq = rejection.seq.get(), reason = rejection.reason.name(),
                    "the centre keeps this record as a dead letter and does not count it"
                );
            }
        }
        Report::SetAside { run } => tracing::error!(
            stream = %run.stream, first = run.first.get(), last = last_of(run).get(),
            "the centre refuses these records; the stream is set aside for an hour, its records are kept"
        ),
        Report::OneRecordTooLarge { at } => tracing::error!(
            stream = at.map(|(stream, _)| stream.to_string()),
            seq = at.map(|(_, seq)| seq.get()),
            "even one record (at most 4 KiB) is too large for the way to the centre: a proxy in \
             between allows smaller bodies; nothing is sent until that is changed"
        ),
        Report::OperatorNeeded => {
            let when = match outcome {
                Outcome::Failed(Retry::Never) => "the centre does not understand this terminal",
                _ => "the centre does not take exchanges of this terminal",
            };
            tracing::error!(
                "{when}; somebody must act at the office. Ratings are kept; asking again slowly"
            );
        }
        Report::Senseless(why) => tracing::warn!(why, "a signed reply does not fit its exchange"),
    }
}

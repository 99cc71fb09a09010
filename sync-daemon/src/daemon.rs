//! The loop: waits for wakes and the timer, sends what the uplink wants sent, does what it decides.
//!
//! One task on one thread; files of a profile are fetched and prompts of the office handed over
//! beside it, so neither holds up ratings. **Crash** at any step: what was sent and not noted is
//! sent again and recognised by the centre; exchange numbers come from a reserve that was synced
//! before.

mod board;
mod rotate;
mod say;
mod shipment;
mod start;
mod tell;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use manyi_shared::domain::Clock;
use manyi_shared::tablet::{DataDir, Identity, KeySource, UplinkStatus};
use manyi_shared::wire::{Reply, ReplyStatus, SecretKey};
use tokio::time::Instant;

use crate::assets::Trouble;
use crate::enrol::waiting::tidy;
use crate::exchange::{self, ExchangeError};
use crate::job::Job;
use crate::journal::Journal;
use crate::link::{Link, Time};
use crate::lock::Lock;
use crate::numbers::Numbers;
use crate::profile::{Keeper, Place};
use crate::prompt_api;
use crate::prompts::{self, Answer, Prompts};
use crate::uplink::{Backoff, Effect, Mark, Next, NotNoted, Order, Outcome, Pace, Uplink};
use crate::wakes::{Wakes, Woken};

use rotate::Rotating;
use shipment::{Health, Shipment, State};
pub use start::{Options, StartError, serve};
use tell::tell;

/// How long a stop waits for the exchange under way: most are answered within a second, and one
/// that is abandoned is only sent again.
const GRACE: Duration = Duration::from_secs(3);

/// The longest text about a failed exchange on the technician's page, in characters.
const MAX_PROBLEM: usize = 300;

/// The longest pause between two tries to hand over a prompt: the terminal is on this machine, and
/// somebody stands at its window.
const TERMINAL_AGAIN: Duration = Duration::from_secs(10);

/// A daemon that starts within this time of the machine's own start was started by it: the power
/// came back. Slow cards take a minute to get there.
const JUST_SWITCHED_ON_MS: u64 = 120_000;

/// Acknowledgements are written down so many polls after they came: each note costs the card a page, and
/// one that is lost only means sending again.
const NOTE: u32 = 30;

/// Between two prunings: each rewrites pages on the card.
const PRUNE: Duration = Duration::from_secs(60);

/// The running daemon.
#[derive(Debug)]
pub struct Daemon {
    _lock: Lock,
    data: DataDir,
    identity: Identity,
    key: SecretKey,
    link: Link,
    terminal: Link,
    collector_url: String,
    clock: Time,
    start: Instant,
    uplink: Uplink,
    journal: Journal,
    numbers: Numbers,
    health: Health,
    status: UplinkStatus,
    profile: Keeper,
    prompts: Prompts,
    asking: Job<([u8; 16], Answer)>,
    rotating: Rotating,
    pace: Pace,
    wakes: Wakes,
    note_after: Duration,
    told: Option<(Duration, UplinkStatus)>,
    prune_due: Option<Duration>,
    pruned: Option<Duration>,
}

impl Daemon {
    /// Takes the data folder of an enrolled terminal and listens for wakes; nothing is sent yet.
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing was changed.
    pub fn start(options: Options) -> Result<Self, StartError> {
        // Asked first, so that a terminal without an identity is told so.
        Identity::read(&options.data.identity())?;
        let lock = Lock::take(&options.data)?;
        let wakes = Wakes::listen(&options.data);
        Self::new(options, lock, wakes)
    }

    fn new(options: Options, lock: Lock, wakes: Wakes) -> Result<Self, StartError> {
        let data = options.data;
        let pace = options.pace;
        let identity = Identity::read(&data.identity())?;
        let key = start::key(&KeySource::of_service(&data))?;
        let collector_url = options
            .collector_url
            .unwrap_or_else(|| identity.collector_url.clone());
        options.link.time.recall(&data);
        let link = Link::new(&collector_url, &options.link)?;
        let terminal = prompt_api::link(&options.prompt_api, &options.link)?;
        tidy(&data, options.enrol_file.as_deref());
        tracing::info!(
            terminal = %identity.terminal, hall = %identity.hall, window = %identity.window,
            collector = collector_url, fingerprint = identity.collector.fingerprint(),
            "daemon started"
        );
        // Also after a restart without a network: the last that the office said holds.
        let before = UplinkStatus::read(&data.uplink_status());
        let before = before.filter(|status| status.revoked);
        let profile = Keeper::on_card(&data, &identity, pace.backoff);
        let random = getrandom::u64()?;
        let mut uplink = if options.link.time.read().uptime_ms < JUST_SWITCHED_ON_MS {
            Uplink::after_power_cut(pace, random)
        } else {
            Uplink::new(pace, random)
        };
        uplink.beat(profile.facts().heartbeat, Duration::ZERO);
        Ok(Self {
            _lock: lock,
            journal: Journal::at(data.journal()),
            clock: options.link.time,
            start: Instant::now(),
            numbers: Numbers::default(),
            health: Health::default(),
            status: UplinkStatus {
                revoked: before.is_some(),
                revoked_since_ms: before.and_then(|status| status.revoked_since_ms),
                ..UplinkStatus::default()
            },
            prompts: Prompts::new(Backoff {
                cap: pace.backoff.cap.min(TERMINAL_AGAIN),
                ..pace.backoff
            }),
            asking: Job::default(),
            rotating: Rotating::on_card(&data),
            pace,
            prune_due: None,
            note_after: pace.poll * NOTE,
            told: None,
            pruned: None,
            collector_url,
            profile,
            uplink,
            wakes,
            data,
            identity,
            key,
            link,
            terminal,
        })
    }

    /// Carries records until `stop` is ready.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            self.prune();
            let now = self.now();
            self.journal.write_notes(self.note_after, false, now);
            let due = self.beside().await;
            match self.uplink.next(self.now()) {
                Next::Wait(until) => {
                    let until = self.start + due.map_or(until, |due| due.min(until));
                    tokio::select! {
                        () = &mut stop => break,
                        woken = self.wakes.woken() => self.woken(woken),
                        provided = self.profile.provided() => self.provided(provided),
                        answer = self.asking.ended() => self.answered(answer),
                        result = self.rotating.ended() => self.key_rotated(result),
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
        let now = self.now();
        self.journal.write_notes(Duration::ZERO, true, now);
        self.tell_status();
        tracing::info!("daemon stopped");
    }

    fn woken(&mut self, woken: Woken) {
        let now = self.now();
        if woken.sealed {
            self.uplink.woken(now);
        }
        if woken.looked_at {
            self.journal.write_notes(Duration::ZERO, true, now);
        }
        if let Some(screen) = woken.screen {
            self.health.screen_told(screen);
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// A number for jitter. Without randomness every tablet pauses half of the bound, which is
    /// worse for the centre than for us.
    fn random() -> u64 {
        getrandom::u64().unwrap_or(u64::MAX / 2)
    }

    /// What goes on beside the exchanges: takes what has ended, begins what is due. Says when it
    /// is to be called again; never waits.
    async fn beside(&mut self) -> Option<Duration> {
        if self.profile.has_ended() {
            let provided = self.profile.provided().await;
            self.provided(provided);
        }
        if self.asking.has_ended() {
            let answer = self.asking.ended().await;
            self.answered(answer);
        }
        let rotation = self.rotation().await;
        let now = self.now();
        let place = Place {
            data: &self.data,
            identity: &self.identity,
            key: &self.key,
            link: &self.link,
        };
        let files = self.profile.step(place, now);
        let prompt = match self.prompts.next(now) {
            prompts::Next::Ask(prompt) => {
                self.asking
                    .start(prompt_api::ask(self.terminal.clone(), prompt));
                None
            }
            prompts::Next::Wait(until) => Some(until),
            prompts::Next::Idle => None,
        };
        if self.prompts.has_news() {
            self.uplink.has_news(now);
        }
        [files, prompt, rotation].into_iter().flatten().min()
    }

    fn provided(&mut self, provided: Option<Result<(), Trouble>>) {
        let now = self.now();
        let place = Place {
            data: &self.data,
            identity: &self.identity,
            key: &self.key,
            link: &self.link,
        };
        if self.profile.settle(provided, place, now, Self::random()) {
            self.uplink.beat(self.profile.facts().heartbeat, now);
            // It may keep fewer records.
            self.prune_due = Some(now);
        }
    }

    fn answered(&mut self, answer: Option<([u8; 16], Answer)>) {
        if let Some((id, answer)) = answer {
            let now = self.now();
            self.prompts.answered(id, answer, now, Self::random());
        }
    }

    /// Reads what comes next and packs it, or a heartbeat when one is due.
    fn load(&mut self, order: &Order) -> Option<Shipment> {
        let now = self.now();
        let pending = self.journal.next(order, now);
        if pending.is_none() && !order.heartbeat {
            return None;
        }
        let clock = self.clock.read();
        let mut health =
            self.health
                .now(pending.as_ref(), &clock, &mut self.journal, &self.data, now);
        health.profile_problem = self.profile.problem();
        let number = self.numbers.take(&mut self.journal);
        let state = State {
            clock,
            health,
            profile_version: self.profile.facts().version,
            receipts: self.prompts.receipts(),
            claims: order.claims.and_then(|turn| self.journal.claims(turn, now)),
        };
        Some(Shipment::new(&self.identity, order, pending, number, state))
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
        let problem = match &result {
            Err(error) => Some(crate::chain(error)),
            Ok(reply) if reply.status == ReplyStatus::Revoked && shipment.sent.own => {
                Some("the office took this tablet's identity back".to_owned())
            }
            Ok(_) => None,
        };
        let outcome = match result {
            Ok(reply) => {
                self.clock.heard(reply.server_ms, &self.data);
                Outcome::Replied(Box::new(reply))
            }
            Err(error) => {
                if error.is_about_the_key() && shipment.sent.own {
                    self.key_unknown();
                }
                error.outcome()
            }
        };
        self.heard_of_prompts(shipment, &outcome, now);
        let random = Self::random();
        let mut acknowledged = 0;
        for effect in self.uplink.exchanged(&shipment.sent, &outcome, now, random) {
            match effect {
                Effect::Acknowledge(mark) => {
                    let held = shipment.held_by(mark.watermark);
                    let noted = self.journal.acknowledge(&mark, held, now);
                    if noted.is_ok() {
                        acknowledged = held;
                    }
                    self.noted(&mark, noted, now);
                }
                Effect::Rewind(mark) => {
                    let noted = self.journal.rewind(&mark, now);
                    self.noted(&mark, noted, now);
                }
                Effect::Refill(mark) => match self.journal.rewind(&mark, now) {
                    Err(NotNoted::OtherHistory) => tracing::warn!(
                        stream = %mark.stream, watermark = mark.watermark.get(),
                        "the centre holds another history of this stream, and this one beside it"
                    ),
                    noted => self.noted(&mark, noted, now),
                },
                Effect::Renumber(next) => self.numbers.start_anew(next),
                // What is offered to an earlier identity of this tablet may be another window's.
                Effect::KeepProfile(bytes) if shipment.sent.own => {
                    self.profile.offered(bytes, &self.identity);
                }
                Effect::KeepProfile(_) => {}
                Effect::Standing { revoked } => self.stands(revoked, &outcome),
                Effect::RotateKey => self.rotate_key(),
                Effect::Report(report) => tell(&report, &outcome),
            }
        }
        self.say(shipment, problem, acknowledged, now);
    }

    fn stands(&mut self, revoked: bool, outcome: &Outcome) {
        self.status.revoked = revoked;
        let since = self.status.revoked_since_ms.take();
        self.status.revoked_since_ms = match outcome {
            Outcome::Replied(reply) if revoked => since.or(Some(reply.server_ms)),
            _ => None,
        };
    }

    /// A reply says what the centre wants asked and which receipts it has. One to a stale number
    /// says neither: the centre looked no further.
    fn heard_of_prompts(&mut self, shipment: &Shipment, outcome: &Outcome, now: Duration) {
        if let Outcome::Replied(reply) = outcome
            && shipment.sent.own
            && reply.status != ReplyStatus::StaleNumber
        {
            self.prompts
                .replied(&shipment.head.prompts, &reply.prompts, now);
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

    fn prune(&mut self) {
        let now = self.now();
        let (Some(due), Some(keep)) = (self.prune_due, self.profile.facts().keep_records) else {
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
pub(crate) async fn unless_stopped<T>(
    exchange: impl Future<Output = T>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> (Option<T>, bool) {
    tokio::pin!(exchange);
    tokio::select! {
        result = &mut exchange => (Some(result), false),
        () = &mut stop => (tokio::time::timeout(GRACE, exchange).await.ok(), true),
    }
}

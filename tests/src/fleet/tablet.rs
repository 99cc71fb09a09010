//! One simulated tablet.

use std::net::SocketAddr;
use std::time::Duration;

use manyi_shared::domain::{
    BootId, Call, Channel, ClockReading, Level, Outcome as Ending, Retry, Seq, ServiceEvent,
    StreamId, TerminalId, Watermark,
};
use manyi_shared::wire::{
    ChainHash, ExchangeHead, Health, OutcomeRecord, Record, RecordBody, RecordError, RecordTime,
    Run, StreamOpened, Suite,
};
use manyi_sync::uplink::{Cargo, Effect, Next, Order, Outcome, Pace, Sent, Uplink};
use tokio::sync::watch;
use tokio::time::Instant;

use super::connection::Connection;
use super::{Member, Plan, Return};
use crate::dice::Dice;
use crate::office::HALL;

/// How much of an outage is lived through before the return. The pauses are at their cap within the
/// first minutes; from then on, one hour is like any other.
const OUTAGE: Duration = Duration::from_secs(3600);

/// A terminal that starts seals its stream's opening, and wakes the daemon, within this time.
const TERMINAL_START: Duration = Duration::from_secs(5);

/// One request and what came of it. Times are counted from the return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// When it was sent.
    pub sent: Duration,
    /// When its answer was there.
    pub answered: Duration,
    /// The HTTP status; 0 for none.
    pub status: u16,
    /// How long the collector wanted the tablet to wait.
    pub retry_after: Option<Duration>,
    /// Records that were acknowledged by it.
    pub records: usize,
    /// Whether it carried records.
    pub carried: bool,
}

/// A tablet's whole run.
#[derive(Debug)]
pub struct Ended {
    /// Who.
    pub terminal: TerminalId,
    /// Its stream.
    pub stream: StreamId,
    /// How many records it had sealed, and the chain after the last.
    pub sealed: (u64, ChainHash),
    /// When everything was acknowledged.
    pub drained: Option<Duration>,
    /// All requests, in order.
    pub attempts: Vec<Attempt>,
}

/// A simulated tablet: a stream in memory and the daemon's decisions.
#[derive(Debug)]
pub struct Tablet {
    member: Member,
    pace: Pace,
    comes_back: Return,
    stream: StreamId,
    boot: BootId,
    records: Vec<Vec<u8>>,
    /// The chain before the first record, and after each.
    chain: Vec<ChainHash>,
    acknowledged: usize,
    number: u64,
    dice: Dice,
    wall_ms: i64,
    away: Duration,
}

impl Tablet {
    /// A tablet that was enrolled before it went away, and what it has sealed since. `wall_ms` is
    /// the wall clock at the return.
    ///
    /// # Errors
    /// When a record cannot be written down.
    pub fn new(member: Member, plan: &Plan, n: usize, wall_ms: i64) -> Result<Self, RecordError> {
        let stream = StreamId::random();
        let mut tablet = Self {
            chain: vec![ChainHash::genesis(member.terminal, stream)],
            member,
            pace: plan.pace(),
            comes_back: plan.comes_back,
            stream,
            boot: BootId::random(),
            records: Vec::with_capacity(plan.ratings + 1),
            acknowledged: 0,
            number: 1,
            dice: Dice::of(plan.seed, n as u64),
            wall_ms,
            away: plan.away,
        };
        tablet.seal(plan.ratings)?;
        Ok(tablet)
    }

    fn seal(&mut self, ratings: usize) -> Result<(), RecordError> {
        let away_ms = u64::try_from(self.away.as_millis()).unwrap_or(u64::MAX);
        let opened = StreamOpened {
            terminal: self.member.terminal,
            stream: self.stream,
            previous: None,
            wall_ms: self.wall_ms.saturating_sub_unsigned(away_ms),
            uptime_ms: 60_000,
            boot: self.boot,
            software: "manyi-fleet".to_owned(),
            hall: HALL.parse().map_err(shape)?,
            window: self.member.window.parse().map_err(shape)?,
            channel: Channel::Tablet,
            suite: Suite::Ed25519Sha256,
        };
        self.add(0, RecordBody::StreamOpened(opened))?;
        for n in 1..=ratings as u64 {
            let level = self.dice.pick(&Level::ALL).copied();
            let outcome = OutcomeRecord {
                ordinal: u32::try_from(n).unwrap_or(u32::MAX),
                outcome: Ending::Rated {
                    level: level.unwrap_or(Level::Satisfied),
                    tags: Vec::new(),
                },
                tag_set: None,
                response_ms: Some(2000 + self.dice.below(8000)),
                event: ServiceEvent::default(),
                call: Call::default(),
            };
            let elapsed_ms = away_ms / (ratings as u64 + 1) * n;
            self.add(elapsed_ms, RecordBody::Outcome(outcome))?;
        }
        Ok(())
    }

    fn add(&mut self, elapsed_ms: u64, body: RecordBody) -> Result<(), RecordError> {
        let at = RecordTime {
            elapsed_ms,
            wall_step_ms: 0,
            synchronised: true,
        };
        let bytes = Record { at, body }.encode()?;
        self.chain
            .push(self.chain_at(self.records.len()).extend(&bytes));
        self.records.push(bytes);
        Ok(())
    }

    fn chain_at(&self, position: usize) -> ChainHash {
        let genesis = || ChainHash::genesis(self.member.terminal, self.stream);
        self.chain.get(position).copied().unwrap_or_else(genesis)
    }

    /// Comes back now and lives until `stop` turns true. `drained` is called once, when everything
    /// is acknowledged.
    pub async fn come_home(
        mut self,
        collector: SocketAddr,
        begin: Instant,
        mut stop: watch::Receiver<bool>,
        drained: impl Fn(),
    ) -> Ended {
        let (mut uplink, before) = self.uplink();
        let wake = self.dice.time(TERMINAL_START);
        let mut woken = self.comes_back != Return::Power;
        let mut connection = Connection::to(collector);
        let mut ended = Ended {
            terminal: self.member.terminal,
            stream: self.stream,
            sealed: (self.records.len() as u64, self.chain_at(self.records.len())),
            drained: None,
            attempts: Vec::new(),
        };
        loop {
            if !woken && begin.elapsed() >= wake {
                uplink.woken(before + begin.elapsed());
                woken = true;
            }
            match uplink.next(before + begin.elapsed()) {
                Next::Wait(until) => {
                    let mut until = begin + until.saturating_sub(before);
                    if !woken {
                        until = until.min(begin + wake);
                    }
                    tokio::select! {
                        () = tokio::time::sleep_until(until) => {}
                        stopped = stop.wait_for(|stop| *stop) => {
                            drop(stopped);
                            return ended;
                        }
                    }
                }
                Next::Look(order) => {
                    let run = self.run(&order);
                    if run.is_none() && !order.heartbeat {
                        uplink.found_nothing(before + begin.elapsed());
                        continue;
                    }
                    let attempt = self
                        .attempt(
                            &mut uplink,
                            (run, order.claims.is_some()),
                            &mut connection,
                            begin,
                            before,
                        )
                        .await;
                    ended.attempts.push(attempt);
                    if ended.drained.is_none() && self.acknowledged == self.records.len() {
                        ended.drained = Some(attempt.answered);
                        drained();
                    }
                }
            }
        }
    }

    /// The uplink as it is at the return, and how long it has run by then.
    fn uplink(&mut self) -> (Uplink, Duration) {
        match self.comes_back {
            Return::Network => {
                let mut uplink = Uplink::new(self.pace, self.dice.word());
                self.try_in_vain(&mut uplink);
                (uplink, OUTAGE)
            }
            Return::Power => {
                let uplink = Uplink::after_power_cut(self.pace, self.dice.word());
                (uplink, Duration::ZERO)
            }
            Return::AtOnce => (Uplink::new(self.pace, 0), Duration::ZERO),
        }
    }

    /// Lives through the outage: every attempt finds nobody.
    fn try_in_vain(&mut self, uplink: &mut Uplink) {
        let mut now = Duration::ZERO;
        while now < OUTAGE {
            match uplink.next(now) {
                Next::Wait(until) => now = until,
                Next::Look(order) => {
                    let sent = Sent {
                        run: self.run(&order),
                        cargo: Cargo::Records,
                        own: true,
                        claims: order.claims.map(|_| Vec::new()),
                    };
                    let nobody = Outcome::Failed(Retry::Backoff { at_least: None });
                    let random = self.dice.word();
                    drop(uplink.exchanged(&sent, &nobody, now, random));
                }
            }
        }
    }

    /// The next run, as a journal gives it.
    fn run(&self, order: &Order) -> Option<Run> {
        let left = self.records.len() - self.acknowledged;
        let count = left.min(order.max_records);
        if count == 0 || order.bare || order.skip.contains(&self.stream) {
            return None;
        }
        Some(Run {
            stream: self.stream,
            first: Seq::FIRST.plus(self.acknowledged as u64),
            count: u32::try_from(count).ok()?,
            base: self.chain_at(self.acknowledged),
            head: self.chain_at(self.acknowledged + count),
        })
    }

    async fn attempt(
        &mut self,
        uplink: &mut Uplink,
        (run, claims): (Option<Run>, bool),
        connection: &mut Connection,
        begin: Instant,
        before: Duration,
    ) -> Attempt {
        let request = self.pack(run, begin);
        let sent = begin.elapsed();
        let (terminal, key) = (self.member.terminal, self.member.collector);
        let answer = connection.carry(request, terminal, &key).await;
        let answered = begin.elapsed();
        let random = self.dice.word();
        let acknowledged = self.acknowledged;
        let now = before + answered;
        let what = Sent {
            run,
            cargo: Cargo::Records,
            own: true,
            // It was never acknowledged anything before.
            claims: claims.then(Vec::new),
        };
        for effect in uplink.exchanged(&what, &answer.outcome, now, random) {
            match effect {
                Effect::Acknowledge(mark) | Effect::Rewind(mark) => self.note(mark.watermark),
                Effect::Renumber(next) => self.number = next,
                _ => {}
            }
        }
        Attempt {
            sent,
            answered,
            status: answer.status,
            retry_after: answer.retry_after,
            records: self.acknowledged.saturating_sub(acknowledged),
            carried: run.is_some(),
        }
    }

    fn note(&mut self, watermark: Watermark) {
        let held = usize::try_from(watermark.get()).unwrap_or(usize::MAX);
        self.acknowledged = held.min(self.records.len());
    }

    fn pack(&mut self, run: Option<Run>, begin: Instant) -> Vec<u8> {
        let number = self.number;
        self.number += 1;
        let elapsed = self.away + begin.elapsed();
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let head = ExchangeHead {
            terminal: self.member.terminal,
            number,
            clock: ClockReading {
                wall_ms: self.wall_ms.saturating_add_unsigned(ms(begin.elapsed())),
                uptime_ms: 60_000 + ms(elapsed),
                boot: self.boot,
                synchronised: true,
            },
            health: Health {
                software: "manyi-fleet".to_owned(),
                backlog: (self.records.len() - self.acknowledged) as u64,
                oldest_unsent_ms: None,
                disk_free_bytes: None,
                profile_problem: None,
                journal_problem: None,
                ..Health::default()
            },
            profile_version: self.member.profile.version,
            run,
            prompts: Vec::new(),
            fold: None,
            claims: Vec::new(),
            unread: false,
        };
        let count = run.map_or(0, |run| run.count as usize);
        let records = self.records.iter().skip(self.acknowledged).take(count);
        let records: Vec<Vec<u8>> = records.cloned().collect();
        // It is a run of small records: nothing in it is above a limit.
        head.seal(&records, &self.member.key).unwrap_or_default()
    }
}

fn shape(error: impl std::fmt::Display) -> RecordError {
    RecordError::Shape(error.to_string())
}

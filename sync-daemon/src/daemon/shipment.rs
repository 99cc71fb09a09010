//! What goes into one exchange: head, health and records; and the line that logs it.

use std::time::Duration;

use manyi_shared::domain::{BootId, ClockReading, StreamId, Watermark};
use manyi_shared::journal::{Pending, PendingRun};
use manyi_shared::tablet::{DataDir, Identity};
use manyi_shared::wire::{
    self, Claim, ExchangeHead, Fold, PromptReceipt, Record, RecordBody, Reply, ReplyStatus, Run,
};

use crate::SOFTWARE;
use crate::exchange::ExchangeError;
use crate::journal::Journal;
use crate::uplink::{Cargo, Order, Sent};

use super::board;

/// Counting the backlog reads all of it, so a long drain does not count before every exchange.
const RECOUNT: Duration = Duration::from_secs(30);

/// Looks at the oldest record alone.
const ONE: Order = Order {
    max_records: 1,
    skip: Vec::new(),
    heartbeat: false,
    bare: false,
    unread: None,
    claims: None,
};

/// One exchange, ready to be signed.
#[derive(Debug)]
pub(super) struct Shipment {
    pub(super) head: ExchangeHead,
    pub(super) records: Vec<Vec<u8>>,
    pub(super) sent: Sent,
}

/// How the tablet is when an exchange is signed.
#[derive(Debug)]
pub(super) struct State {
    pub(super) clock: ClockReading,
    pub(super) health: wire::Health,
    pub(super) profile_version: u32,
    pub(super) receipts: Vec<PromptReceipt>,
    pub(super) claims: Option<Vec<Claim>>,
}

impl Shipment {
    /// Packs what the journal gave for an order. Receipts and claims go only with what is sent as
    /// the present terminal: the centre asked it, not an earlier one.
    pub(super) fn new(
        identity: &Identity,
        order: &Order,
        pending: Option<Pending>,
        number: u64,
        state: State,
    ) -> Self {
        // A stream of an earlier identity of this tablet is sent as that terminal: the chain is
        // bound to it.
        let terminal = pending
            .as_ref()
            .map_or(identity.terminal, Pending::terminal);
        let own = terminal == identity.terminal;
        let (run, cargo) = match &pending {
            None => (None, Cargo::Records),
            Some(Pending::Run(run)) => (Some(signed_run(run)), cargo(run, order)),
            Some(Pending::Fold(pending)) => (Some(positions(&pending.fold)), Cargo::Fold),
        };
        let sent = Sent {
            run,
            cargo,
            own,
            claims: state.claims.filter(|_| own),
        };
        let (records, fold) = match pending {
            None => (Vec::new(), None),
            Some(Pending::Run(run)) => (run.records, None),
            Some(Pending::Fold(pending)) => (Vec::new(), Some(pending.fold)),
        };
        Self {
            head: ExchangeHead {
                terminal,
                number,
                clock: state.clock,
                health: state.health,
                profile_version: state.profile_version,
                run: sent.run.filter(|_| fold.is_none()),
                prompts: if own { state.receipts } else { Vec::new() },
                fold,
                claims: sent.claims.clone().unwrap_or_default(),
                unread: sent.cargo == Cargo::Unread,
            },
            records,
            sent,
        }
    }
}

impl Shipment {
    /// How many of the records it carried the centre holds, when it holds everything up to here.
    pub(super) fn held_by(&self, watermark: Watermark) -> u64 {
        let held = |run: Run| watermark.get().saturating_sub(run.first.get() - 1);
        let carried = self.records.len() as u64;
        self.sent.run.map_or(0, held).min(carried)
    }
}

/// Whether the run is the one record that is to be kept unread.
fn cargo(run: &PendingRun, order: &Order) -> Cargo {
    match order.unread {
        Some(at) if at == (run.stream, run.first) && run.records.len() == 1 => Cargo::Unread,
        _ => Cargo::Records,
    }
}

/// The positions that a fold stands for, as if they were sent.
fn positions(fold: &Fold) -> Run {
    Run {
        stream: fold.stream,
        first: fold.first,
        // Four thousand million ratings are more than a card holds.
        count: u32::try_from(fold.positions()).unwrap_or(u32::MAX),
        base: fold.base,
        head: fold.head,
    }
}

fn signed_run(run: &PendingRun) -> Run {
    Run {
        stream: run.stream,
        first: run.first,
        // A run has at most the limit's records, far below what the field holds.
        count: u32::try_from(run.records.len()).unwrap_or(u32::MAX),
        base: run.base,
        head: run.head(),
    }
}

/// How the tablet is, as far as it must be remembered between two exchanges.
#[derive(Debug, Default)]
pub(super) struct Health {
    counted: Option<(Duration, u64)>,
    opening: Option<Opening>,
    /// What the terminal said last of its screen. Never older than this start of the daemon.
    screen: Option<wire::Screen>,
}

/// When a stream was opened; its records say how much later they were sealed.
#[derive(Debug, Clone, Copy)]
struct Opening {
    stream: StreamId,
    boot: BootId,
    uptime_ms: u64,
}

impl Health {
    /// The health to report with what is sent.
    pub(super) fn now(
        &mut self,
        pending: Option<&Pending>,
        clock: &ClockReading,
        journal: &mut Journal,
        data: &DataDir,
        now: Duration,
    ) -> wire::Health {
        wire::Health {
            software: SOFTWARE.to_owned(),
            backlog: self.backlog(pending, journal, now),
            oldest_unsent_ms: pending.and_then(|pending| self.age(pending, clock)),
            disk_free_bytes: board::disk_free(data),
            profile_problem: None,
            journal_problem: journal.problem(),
            screen: self.screen.clone(),
            board: Some(board::read(data)),
        }
    }

    /// The terminal has said how its screen is.
    pub(super) fn screen_told(&mut self, screen: wire::Screen) {
        self.screen = Some(screen);
    }

    /// What the terminal said last of its screen.
    pub(super) const fn screen(&self) -> Option<&wire::Screen> {
        self.screen.as_ref()
    }

    /// Backlog and age of the oldest record after an exchange by which so many records were
    /// acknowledged.
    pub(super) fn after(
        &mut self,
        acknowledged: u64,
        before: &wire::Health,
        clock: &ClockReading,
        journal: &mut Journal,
        now: Duration,
    ) -> (u64, Option<u64>) {
        if acknowledged == 0 {
            return (before.backlog, before.oldest_unsent_ms);
        }
        if let Some((_, count)) = &mut self.counted {
            *count = count.saturating_sub(acknowledged);
        }
        let next = journal.next(&ONE, now);
        let backlog = self.backlog(next.as_ref(), journal, now);
        (backlog, next.and_then(|pending| self.age(&pending, clock)))
    }

    /// The count; while a long backlog drains, the last count of the past half minute. What cannot
    /// be counted now is reported as it was last known.
    fn backlog(&mut self, pending: Option<&Pending>, journal: &mut Journal, now: Duration) -> u64 {
        let (carried, draining) = match pending {
            None => (0, false),
            Some(Pending::Run(run)) => (run.records.len() as u64, run.more),
            Some(Pending::Fold(fold)) => (0, fold.more),
        };
        let fresh = self
            .counted
            .is_some_and(|(at, _)| now < at.saturating_add(RECOUNT));
        if !(draining && fresh)
            && let Some(count) = journal.unacknowledged(now)
        {
            self.counted = Some((now, count));
        }
        self.counted.map_or(0, |(_, count)| count).max(carried)
    }

    /// How long ago the first record of the run was sealed, when that was in this boot and the
    /// stream's opening was seen by this daemon.
    fn age(&mut self, pending: &Pending, clock: &ClockReading) -> Option<u64> {
        let Pending::Run(run) = pending else {
            return None;
        };
        let record = Record::decode(run.records.first()?).ok()?;
        if let RecordBody::StreamOpened(opened) = &record.body {
            self.opening = Some(Opening {
                stream: run.stream,
                boot: opened.boot,
                uptime_ms: opened.uptime_ms,
            });
        }
        let opening = self
            .opening
            .filter(|opening| opening.stream == run.stream)?;
        let sealed = opening.uptime_ms.saturating_add(record.at.elapsed_ms);
        (opening.boot == clock.boot).then(|| clock.uptime_ms.saturating_sub(sealed))
    }
}

const fn name(status: ReplyStatus) -> &'static str {
    match status {
        ReplyStatus::Taken => "taken",
        ReplyStatus::Gap => "gap",
        ReplyStatus::StaleNumber => "stale_number",
        ReplyStatus::Conflict => "conflict",
        ReplyStatus::Revoked => "revoked",
    }
}

/// One line for every exchange.
pub(super) fn log(shipment: &Shipment, result: &Result<Reply, ExchangeError>, ms: u128) {
    let run = shipment.sent.run;
    let stream = run.map(|run| run.stream.to_string());
    let first = run.map(|run| run.first.get());
    let count = shipment.records.len();
    let number = shipment.head.number;
    match result {
        Ok(reply) => tracing::info!(
            number,
            stream,
            first,
            count,
            status = name(reply.status),
            watermark = reply
                .acknowledgement
                .as_ref()
                .map(|ack| ack.watermark.get()),
            ms,
            "exchange"
        ),
        Err(error) => tracing::warn!(
            number,
            stream,
            first,
            count,
            error = crate::chain(error),
            ms,
            "exchange failed"
        ),
    }
}

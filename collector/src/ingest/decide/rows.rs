//! New records become rows, counts and dead letters.

mod beside;

use manyi_shared::domain::{Channel, Outcome, OutcomeKind};
use manyi_shared::wire::{
    Amendment, ChainHash, OutcomeRecord, Record, RecordBody, RecordTime, RejectReason, StreamOpened,
};

use super::fold::goes_on;
use super::{boots, past};
use crate::ingest::incident::Kind;
use crate::ingest::whole::{no_target, second_outcome};
use crate::ingest::{
    Amended, DeadLetter, Delivery, Held, HeldRating, Incident, NotRead, Opening, Placed, Plan,
    Rescue, Row, RowOutcome, SURE_MS, Sealed, Span, StreamState, TallyKey, codes, place_in_time,
    slot_of,
};

/// The first record of the run from which on it is another history: its position holds other bytes,
/// or the chain is another where it is known. The chain is known at the watermark and at the ends
/// of folds only, which a run of old records may not reach.
pub(super) fn difference(
    held: &Held,
    delivery: &Delivery,
    span: &Span,
    (watermark, hash): (u64, ChainHash),
) -> Option<u64> {
    if span.base.suite() != hash.suite() {
        return Some(0);
    }
    let first = span.first.get();
    let known = watermark.saturating_add(1).saturating_sub(first);
    let numbered = || (first..).zip(&delivery.records);
    let differs = |seq: &u64, bytes: &[u8]| {
        let stored = held.overlap.get(seq);
        stored.is_some_and(|stored| stored != bytes)
    };
    if let Some((seq, _)) = numbered().find(|(seq, sealed)| differs(seq, &sealed.bytes)) {
        // What is new before it has no other place to be kept.
        return Some((seq - first).min(known));
    }
    let after = |position: u64| {
        if position.checked_add(1) == Some(first) {
            return Some(span.base);
        }
        let index = usize::try_from(position.checked_sub(first)?).ok()?;
        Some(delivery.records.get(index)?.hash)
    };
    let folds = held.folds.iter();
    let suite = span.base.suite();
    let ends = folds.flat_map(|(first, fold)| {
        let (base, head) = (fold.base.in_suite(suite), fold.head.in_suite(suite));
        [(first - 1, base), (fold.last, head)]
    });
    let mut milestones = ends.chain([(watermark, hash)]);
    milestones
        .any(|(position, hash)| after(position).is_some_and(|after| !goes_on(after, hash)))
        .then_some(if known < span.count { known } else { 0 })
}

/// Works on one run.
struct Extension<'p, 'd> {
    plan: &'p mut Plan<'d>,
    held: &'d Held,
    delivery: &'d Delivery,
    span: &'p Span,
    stream: StreamState<'d>,
    department: &'d str,
    first_new: u64,
    /// The highest uptime of a record that a later anchor of the boot could place better.
    unsure: Option<u64>,
}

/// The stream as it stands before anything is added.
pub(super) fn stream_before<'d>(
    held: &'d Held,
    watermark: u64,
    head: ChainHash,
) -> StreamState<'d> {
    let stream = held.stream.as_ref();
    let enrolled = held.terminal.window.as_str();
    StreamState {
        new: stream.is_none(),
        watermark,
        hash: head,
        window: stream.map_or(enrolled, |s| s.window.as_str()),
        channel: stream.map_or(Channel::Tablet.number(), |s| s.channel),
        opening: stream.and_then(|s| s.opening),
        opened: false,
        previous: None,
        software: "",
        last_ordinal: stream.map_or(0, |s| s.last_ordinal),
    }
}

/// Plans the rows of the run's records after the first `known`.
pub(super) fn extend<'d>(
    plan: &mut Plan<'d>,
    held: &'d Held,
    delivery: &'d Delivery,
    span: &Span,
    known: u64,
) {
    let first_new = span.first.plus(known).get();
    let known = usize::try_from(known).unwrap_or(usize::MAX);
    plan.rows
        .reserve(delivery.records.len().saturating_sub(known));
    let stream = stream_before(held, first_new.saturating_sub(1), span.head);
    let mut extension = Extension {
        held,
        delivery,
        span,
        department: department_of(held, stream.window).unwrap_or_default(),
        stream,
        first_new,
        unsure: None,
        plan,
    };
    for sealed in delivery.records.iter().skip(known) {
        extension.take(sealed);
    }
    let Extension { stream, unsure, .. } = extension;
    if let (Some(opening), Some(uptime_ms)) = (stream.opening, unsure) {
        boots::unsure(plan, opening.boot, uptime_ms);
    }
    plan.stream = Some(stream);
    if held.ahead {
        out_of_turn(plan, held);
    }
}

/// Some records of the stream came before their turn: what counts follows from all of them, and
/// those that are here already are no new rows.
fn out_of_turn(plan: &mut Plan<'_>, held: &Held) {
    plan.whole = true;
    let there = |row: &&Row<'_>| held.overlap.contains_key(&row.seq);
    plan.in_turn = plan
        .rows
        .iter()
        .filter(there)
        .map(|row| (row.seq, row.chain))
        .collect();
    plan.rows.retain(|row| !held.overlap.contains_key(&row.seq));
    for row in &mut plan.rows {
        row.outcome = None;
    }
    plan.amended.clear();
    plan.misused.clear();
    plan.left.clear();
    plan.deltas.clear();
    plan.dead_letters.retain(|letter| {
        let (second, nothing) = (RejectReason::SecondOutcome, RejectReason::NoTarget);
        letter.reason != second && letter.reason != nothing
    });
}

pub(super) fn department_of<'d>(held: &'d Held, window: &str) -> Option<&'d str> {
    held.departments.get(window).map(String::as_str)
}

impl<'d> Extension<'_, 'd> {
    fn take(&mut self, sealed: &'d Sealed) {
        self.stream.watermark += 1;
        let seq = self.stream.watermark;
        let mut row = Row {
            seq,
            bytes: &sealed.bytes,
            chain: sealed.hash,
            kind: 0,
            placed: None,
            outcome: None,
        };
        match &sealed.record {
            Err(error) => {
                if *error == NotRead::Refused {
                    let incident = Incident::at(Kind::Unread, self.span.stream, seq, seq);
                    self.plan.incidents.push(incident);
                }
                self.reject(seq, error.reason(), error.to_string());
            }
            Ok(Record { at, body }) => {
                row.kind = kind_of(body);
                if seq == 1 && !matches!(body, RecordBody::StreamOpened(_)) {
                    let detail = "the first record does not open the stream".to_owned();
                    self.reject(seq, RejectReason::Opening, detail);
                    row.placed = tells_time(seq, body).then(|| self.place(*at, body));
                } else {
                    self.body(&mut row, *at, body);
                }
            }
        }
        self.plan.rows.push(row);
    }

    fn body(&mut self, row: &mut Row<'d>, at: RecordTime, body: &'d RecordBody) {
        if let RecordBody::StreamOpened(opened) = body {
            self.opened(row.seq, opened);
        }
        // Placed after the opening, which has its own time in it.
        if tells_time(row.seq, body) {
            row.placed = Some(self.place(at, body));
        }
        match body {
            RecordBody::Outcome(outcome) => {
                row.outcome = self.outcome(row.seq, outcome);
                if let (Some(placed), Some(outcome)) = (row.placed, &row.outcome) {
                    let key = key(slot_of(placed.at_ms), outcome);
                    self.plan.deltas.count(key, codes(outcome.tags), 1);
                }
            }
            RecordBody::Amendment(amendment) => self.amend(row.seq, amendment),
            RecordBody::SelfTest(test) => self.tested(row.seq, row.placed, *test),
            RecordBody::Misuse(misuse) => self.misused(row.seq, *misuse),
            RecordBody::Message(message) => self.left(row.seq, row.placed, message),
            RecordBody::Loss(loss) => {
                let incident = Incident::loss(loss, (self.span.stream, row.seq));
                self.plan.incidents.push(incident);
            }
            RecordBody::Rescued(rescued) if rescued.stream == self.span.stream => {
                let detail = "a record is not rescued into its own stream".to_owned();
                self.reject(row.seq, RejectReason::Malformed, detail);
            }
            RecordBody::Rescued(rescued) => {
                let carrier = row.seq;
                self.plan.rescues.push(Rescue { carrier, rescued });
            }
            RecordBody::StreamOpened(_) | RecordBody::ClockSet | RecordBody::Unknown { .. } => {}
        }
    }

    fn reject(&mut self, seq: u64, reason: RejectReason, detail: String) {
        self.plan.dead_letters.push(DeadLetter {
            seq,
            reason,
            detail,
        });
    }

    fn place(&mut self, at: RecordTime, body: &RecordBody) -> Placed {
        let (opening, received_ms) = (self.stream.opening, self.delivery.received_ms);
        let placed = place_in_time(opening, at, &self.plan.evidence, received_ms);
        // The day of a self-test is the one it was counted on.
        let movable = !matches!(body, RecordBody::SelfTest(_));
        if let Some(opening) = opening.filter(|_| movable && placed.width() > SURE_MS) {
            self.unsure = self.unsure.max(Some(opening.uptime_of(&at)));
        }
        placed
    }

    fn opened(&mut self, seq: u64, opened: &'d StreamOpened) {
        let head = &self.delivery.head;
        let problem = if seq != 1 {
            Some("the stream is already open")
        } else if opened.terminal != head.terminal {
            Some("the opening names another terminal")
        } else if opened.stream != self.span.stream {
            Some("the opening names another stream")
        } else if opened.suite != self.span.base.suite() {
            Some("the opening names another suite than its chain has")
        } else {
            None
        };
        if let Some(problem) = problem {
            return self.reject(seq, RejectReason::Opening, problem.to_owned());
        }
        self.stream.opening = Some(Opening {
            wall_ms: opened.wall_ms,
            uptime_ms: opened.uptime_ms,
            boot: opened.boot,
        });
        self.stream.opened = true;
        self.stream.previous = opened.previous;
        self.stream.software = &opened.software;
        let past = past::opening(self.held, self.delivery, opened);
        self.plan.incidents.extend(past);
        self.stream.channel = opened.channel.number();
        let department = department_of(self.held, opened.window.as_str());
        match department.filter(|_| opened.hall == self.delivery.hall) {
            Some(department) => {
                self.stream.window = opened.window.as_str();
                self.department = department;
            }
            None => {
                let detail = format!(
                    "hall {} has no window {}; the stream counts at window {}",
                    opened.hall, opened.window, self.stream.window
                );
                self.reject(seq, RejectReason::UnknownWindow, detail);
            }
        }
    }

    fn outcome(&mut self, seq: u64, record: &'d OutcomeRecord) -> Option<RowOutcome<'d>> {
        if record.ordinal <= self.stream.last_ordinal {
            let detail = second_outcome(record.ordinal, self.stream.last_ordinal);
            self.reject(seq, RejectReason::SecondOutcome, detail);
            return None;
        }
        self.stream.last_ordinal = record.ordinal;
        let tags = match &record.outcome {
            Outcome::Rated { tags, .. } => tags.as_slice(),
            _ => &[],
        };
        Some(RowOutcome {
            ordinal: record.ordinal,
            kind: record.outcome.kind(),
            level: record.outcome.level(),
            tags,
            amended_by: None,
            response_ms: record.response_ms,
            event: &record.event,
            call: record.call,
            misuse: None,
            window: self.stream.window,
            department: self.department,
            channel: self.stream.channel,
        })
    }

    fn amend(&mut self, seq: u64, amendment: &'d Amendment) {
        let target = amendment.target.get();
        let done = match self.index_of(target) {
            Some(index) => self.amend_new(seq, index, amendment),
            None => self.amend_stored(seq, target, amendment),
        };
        if !done {
            self.reject(seq, RejectReason::NoTarget, no_target(target, "rating"));
        }
    }

    /// Where the target of a record is among the plan's rows; none when it is stored already.
    fn index_of(&self, target: u64) -> Option<usize> {
        let index = target.checked_sub(self.first_new)?;
        Some(usize::try_from(index).unwrap_or(usize::MAX))
    }

    fn amend_new(&mut self, seq: u64, index: usize, amendment: &'d Amendment) -> bool {
        let Some(Row {
            placed: Some(placed),
            outcome: Some(outcome),
            ..
        }) = self.plan.rows.get_mut(index)
        else {
            return false;
        };
        if outcome.kind != OutcomeKind::Rated {
            return false;
        }
        let slot = slot_of(placed.at_ms);
        let before = (key(slot, outcome), outcome.tags);
        outcome.level = Some(amendment.level);
        outcome.tags = &amendment.tags;
        outcome.amended_by = Some(seq);
        let after = key(slot, outcome);
        let deltas = &mut self.plan.deltas;
        deltas.count(before.0, codes(before.1), -1);
        deltas.count(after, codes(&amendment.tags), 1);
        true
    }

    fn amend_stored(&mut self, seq: u64, target: u64, amendment: &'d Amendment) -> bool {
        let Some(rating) = self.held.targets.get(&target) else {
            return false;
        };
        let amended = self.plan.amended.get(&target);
        let stored = (rating.level, rating.tags.as_slice());
        let (level, tags) = amended.map_or(stored, |a| (a.level, a.tags));
        let deltas = &mut self.plan.deltas;
        deltas.count(stored_key(rating, level.number()), codes(tags), -1);
        let now = stored_key(rating, amendment.level.number());
        deltas.count(now, codes(&amendment.tags), 1);
        let amended = Amended {
            level: amendment.level,
            tags: &amendment.tags,
            by: seq,
        };
        self.plan.amended.insert(target, amended);
        true
    }
}

/// The number of a record's kind, as in its bytes.
pub const fn kind_of(body: &RecordBody) -> u64 {
    match body {
        RecordBody::StreamOpened(_) => 1,
        RecordBody::Outcome(_) => 2,
        RecordBody::Amendment(_) => 3,
        RecordBody::SelfTest(_) => 4,
        RecordBody::Misuse(_) => 5,
        RecordBody::Message(_) => 6,
        RecordBody::Loss(_) => 7,
        RecordBody::Rescued(_) => 8,
        RecordBody::ClockSet => 9,
        RecordBody::Unknown { kind } => *kind,
    }
}

/// Whether the record's time is relative to the stream's opening: a kind we do not know may keep
/// its time elsewhere, a second opening begins its own.
pub const fn tells_time(seq: u64, body: &RecordBody) -> bool {
    match body {
        RecordBody::Unknown { .. } => false,
        RecordBody::StreamOpened(_) => seq == 1,
        RecordBody::Outcome(_)
        | RecordBody::Amendment(_)
        | RecordBody::SelfTest(_)
        | RecordBody::Misuse(_)
        | RecordBody::Message(_)
        | RecordBody::Loss(_)
        | RecordBody::Rescued(_)
        | RecordBody::ClockSet => true,
    }
}

fn key<'d>(slot: i64, outcome: &RowOutcome<'d>) -> TallyKey<'d> {
    TallyKey {
        slot,
        window: outcome.window,
        department: outcome.department,
        staff: outcome.event.staff.as_ref().map_or("", |s| s.as_str()),
        item: outcome.event.item.as_ref().map_or("", |i| i.as_str()),
        channel: outcome.channel,
        outcome: outcome.kind.number(),
        level: outcome.level.map_or(0, |level| level.number()),
    }
}

fn stored_key(rating: &HeldRating, level: u8) -> TallyKey<'_> {
    TallyKey {
        slot: rating.slot,
        window: &rating.window,
        department: &rating.department,
        staff: &rating.staff,
        item: &rating.item,
        channel: rating.channel,
        outcome: OutcomeKind::Rated.number(),
        level,
    }
}

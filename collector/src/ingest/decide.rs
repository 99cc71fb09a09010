//! The decision itself.

mod boots;
mod claims;
mod fold;
mod past;
mod rows;

pub use fold::{SURE_HOUR_MS, end_of, place_hour};
pub use rows::{kind_of, tells_time};

use std::borrow::Cow;
use std::collections::BTreeMap;

use manyi_shared::domain::{Placement, Seq, Watermark};
use manyi_shared::wire::{Acknowledgement, ChainHash, Rejection, ReplyStatus};

use super::incident::Kind;
use super::{Delivery, Deltas, Evidence, Held, Incident, Plan, Second, Span, Verdicts};

/// Decides what becomes of a delivery.
#[must_use]
pub fn decide<'d>(held: &'d Held, delivery: &'d Delivery) -> Plan<'d> {
    let head = &delivery.head;
    let span = Span::of(head);
    let mut plan = untouched(head.number);
    plan.acknowledgement = span.map(|span| acknowledge(held, delivery, &span));
    plan.behind = claims::behind(head, &held.tips);
    if head.number <= held.terminal.last_number {
        plan.status = ReplyStatus::StaleNumber;
        plan.next_number = held.terminal.last_number.saturating_add(1);
        plan.touch_terminal = false;
        plan.verdicts.refused = count(delivery);
        plan.incidents.extend(past::numbers(held, delivery));
        return plan;
    }
    plan.evidence = boots::evidence(held, delivery);
    if let Some(span) = span {
        place(&mut plan, held, delivery, &span);
    }
    boots::settle(&mut plan, held, delivery);
    replaced(&mut plan, held);
    plan
}

/// A terminal that was replaced may deliver what it sealed before, and should not go on.
fn replaced(plan: &mut Plan<'_>, held: &Held) {
    let (Some(since), Some(stream)) = (held.terminal.replaced_ms, &plan.acknowledgement) else {
        return;
    };
    let opened = plan.rows.first().filter(|row| row.seq == 1);
    let placed = opened.and_then(|row| row.placed);
    if let Some(placed) = placed.filter(|placed| placed.at_ms > since) {
        let incident = Incident::of_stream(Kind::ReplacedInUse, stream.stream);
        let incident = incident.between(placed.earliest_ms, placed.latest_ms);
        plan.incidents.push(incident);
    }
}

/// The plan that changes nothing.
fn untouched<'d>(number: u64) -> Plan<'d> {
    Plan {
        status: ReplyStatus::Taken,
        acknowledgement: None,
        next_number: number.saturating_add(1),
        touch_terminal: true,
        stream: None,
        rows: Vec::new(),
        in_turn: Vec::new(),
        amended: BTreeMap::new(),
        misused: BTreeMap::new(),
        tested: Vec::new(),
        left: Vec::new(),
        dead_letters: Vec::new(),
        second: Vec::new(),
        deltas: Deltas::default(),
        fold: None,
        rescues: Vec::new(),
        whole: false,
        behind: Vec::new(),
        incidents: Vec::new(),
        evidence: Evidence::default(),
        boots: BTreeMap::new(),
        verdicts: Verdicts::default(),
    }
}

fn count(delivery: &Delivery) -> u64 {
    delivery.records.len() as u64
}

/// What the centre holds of the stream before anything changes.
fn acknowledge(held: &Held, delivery: &Delivery, span: &Span) -> Acknowledgement {
    let (watermark, hash) = tip(held, delivery, span);
    Acknowledgement {
        stream: span.stream,
        watermark,
        hash,
        rejected: Vec::new(),
        conflict_kept: None,
    }
}

/// Watermark and chain of the stream. Before its first record a stream stands at its genesis: an
/// unknown one, and one of which only saved records are here.
fn tip(held: &Held, delivery: &Delivery, span: &Span) -> (Watermark, ChainHash) {
    let begun = held.stream.as_ref().filter(|stream| stream.watermark > 0);
    begun.map_or_else(
        || {
            let suite = span.base.suite();
            let genesis = suite.genesis(delivery.head.terminal, span.stream);
            (Watermark::default(), genesis)
        },
        |stream| (Watermark::new(stream.watermark), stream.hash),
    )
}

fn place<'d>(plan: &mut Plan<'d>, held: &'d Held, delivery: &'d Delivery, span: &Span) {
    let (watermark, hash) = tip(held, delivery, span);
    let known = match watermark.place(span.first, span.count) {
        // A terminal that goes on telling its second history continues above our watermark.
        Placement::Gap { .. } if span.first.get() <= held.conflict_through.saturating_add(1) => {
            return conflict(plan, delivery, span, 0);
        }
        Placement::Gap { .. } => {
            plan.status = ReplyStatus::Gap;
            plan.verdicts.refused = count(delivery);
            return;
        }
        Placement::Known => span.count,
        Placement::Extends { duplicates } => duplicates,
    };
    let different = match &delivery.head.fold {
        Some(fold) => fold::difference(held, fold, (watermark.get(), hash)),
        None => rows::difference(held, delivery, span, (watermark.get(), hash)),
    };
    if let Some(different) = different {
        return conflict(plan, delivery, span, different);
    }
    plan.verdicts.duplicate = known.min(count(delivery));
    if let Some(acknowledgement) = &mut plan.acknowledgement {
        acknowledgement.rejected.clone_from(&held.overlap_rejected);
    }
    if known < span.count {
        match &delivery.head.fold {
            Some(fold) => fold::extend(plan, held, delivery, fold),
            None => rows::extend(plan, held, delivery, span, known),
        }
        finish(plan, span);
    }
}

/// Keeps the run from its record `from` on, or the fold, as another history.
fn conflict<'d>(plan: &mut Plan<'d>, delivery: &'d Delivery, span: &Span, from: u64) {
    plan.second = match &delivery.head.fold {
        Some(fold) => vec![Second {
            seq: span.first.get(),
            bytes: Cow::Owned(fold.to_bytes()),
        }],
        None => (span.first.get()..)
            .zip(&delivery.records)
            .skip(usize::try_from(from).unwrap_or(usize::MAX))
            .map(|(seq, sealed)| Second {
                seq,
                bytes: Cow::Borrowed(&sealed.bytes),
            })
            .collect(),
    };
    plan.status = ReplyStatus::Conflict;
    plan.verdicts.duplicate = from;
    plan.verdicts.conflict = plan.second.len() as u64;
    let first = span.first.plus(from).get();
    plan.incidents.push(
        Incident::of_stream(Kind::SecondHistory, span.stream).reaching(first, Some(span.last())),
    );
    if let Some(acknowledgement) = &mut plan.acknowledgement {
        acknowledgement.conflict_kept = Some(Watermark::new(span.last()));
    }
}

/// Sums up what the new positions came to.
fn finish(plan: &mut Plan<'_>, span: &Span) {
    plan.deltas.settle();
    plan.verdicts.accepted = plan.rows.len() as u64;
    plan.verdicts.rejected = plan.dead_letters.len() as u64;
    let new = plan.dead_letters.iter().filter_map(|letter| {
        Some(Rejection {
            seq: Seq::new(letter.seq)?,
            reason: letter.reason,
        })
    });
    if let Some(acknowledgement) = &mut plan.acknowledgement {
        acknowledgement.rejected.extend(new);
        acknowledgement.watermark = acknowledgement.watermark.advance(span.first, span.count);
        acknowledgement.hash = span.head;
    }
}

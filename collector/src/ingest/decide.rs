//! The decision itself.

mod rows;

use std::collections::BTreeMap;

use manyi_shared::domain::{Placement, Seq, Watermark};
use manyi_shared::wire::{Acknowledgement, ChainHash, Rejection, ReplyStatus, Run};

use super::{Delivery, Held, Plan, Second, Verdicts};

/// Decides what becomes of a delivery.
#[must_use]
pub fn decide<'d>(held: &'d Held, delivery: &'d Delivery) -> Plan<'d> {
    let head = &delivery.head;
    let mut plan = Plan {
        status: ReplyStatus::Taken,
        acknowledgement: None,
        next_number: head.number.saturating_add(1),
        touch_terminal: true,
        stream: None,
        rows: Vec::new(),
        amended: BTreeMap::new(),
        misused: BTreeMap::new(),
        tested: Vec::new(),
        left: Vec::new(),
        dead_letters: Vec::new(),
        second: Vec::new(),
        deltas: BTreeMap::new(),
        verdicts: Verdicts::default(),
    };
    let run = head.run.as_ref();
    plan.acknowledgement = run.map(|run| acknowledge(held, delivery, run));
    if head.number <= held.terminal.last_number {
        plan.status = ReplyStatus::StaleNumber;
        plan.next_number = held.terminal.last_number.saturating_add(1);
        plan.touch_terminal = false;
        plan.verdicts.refused = count(delivery);
        return plan;
    }
    if let Some(run) = run {
        place(&mut plan, held, delivery, run);
    }
    plan
}

fn count(delivery: &Delivery) -> u64 {
    delivery.records.len() as u64
}

/// What the centre holds of the stream before anything changes.
fn acknowledge(held: &Held, delivery: &Delivery, run: &Run) -> Acknowledgement {
    let (watermark, hash) = tip(held, delivery, run);
    Acknowledgement {
        stream: run.stream,
        watermark,
        hash,
        rejected: Vec::new(),
        conflict_kept: None,
    }
}

/// Watermark and chain of the run's stream; an unknown stream stands at its genesis.
fn tip(held: &Held, delivery: &Delivery, run: &Run) -> (Watermark, ChainHash) {
    held.stream.as_ref().map_or_else(
        || {
            (
                Watermark::default(),
                run.base.suite().genesis(delivery.head.terminal, run.stream),
            )
        },
        |stream| (Watermark::new(stream.watermark), stream.hash),
    )
}

fn place<'d>(plan: &mut Plan<'d>, held: &'d Held, delivery: &'d Delivery, run: &Run) {
    let (watermark, hash) = tip(held, delivery, run);
    let known = match watermark.place(run.first, count(delivery)) {
        // A terminal that goes on telling its second history continues above our watermark.
        Placement::Gap { .. } if run.first.get() <= held.conflict_through.saturating_add(1) => {
            return conflict(plan, delivery, run, 0);
        }
        Placement::Gap { .. } => {
            plan.status = ReplyStatus::Gap;
            plan.verdicts.refused = count(delivery);
            return;
        }
        Placement::Known => delivery.records.len(),
        Placement::Extends { duplicates } => usize::try_from(duplicates).unwrap_or(usize::MAX),
    };
    if let Some(different) = first_difference(held, delivery) {
        return conflict(plan, delivery, run, different);
    }
    // The bytes are equal; the chain tells whether everything before them is, too. It is known at
    // the watermark only, which a run of old records may not reach.
    let here = known
        .checked_sub(1)
        .map_or(Some(run.base), |i| Some(delivery.records.get(i)?.hash));
    let reaches = run.first.plus(known as u64) == watermark.next();
    let goes_on = here.is_some_and(|here| here == hash && here.suite() == hash.suite());
    if reaches && !goes_on {
        let fresh = if known < delivery.records.len() {
            known
        } else {
            0
        };
        return conflict(plan, delivery, run, fresh);
    }
    plan.verdicts.duplicate = known as u64;
    if let Some(acknowledgement) = &mut plan.acknowledgement {
        acknowledgement.rejected.clone_from(&held.overlap_rejected);
    }
    if known < delivery.records.len() {
        rows::extend(plan, held, delivery, run, known);
        finish(plan, delivery, run);
    }
}

/// The first record of the run whose position holds other bytes.
fn first_difference(held: &Held, delivery: &Delivery) -> Option<usize> {
    let pairs = held.overlap.iter().zip(&delivery.records);
    pairs
        .into_iter()
        .position(|(stored, sealed)| *stored != sealed.bytes)
}

fn conflict<'d>(plan: &mut Plan<'d>, delivery: &'d Delivery, run: &Run, from: usize) {
    let numbered = (run.first.get()..).zip(&delivery.records);
    plan.second = numbered
        .skip(from)
        .map(|(seq, sealed)| Second { seq, sealed })
        .collect();
    plan.status = ReplyStatus::Conflict;
    plan.verdicts.duplicate = from as u64;
    plan.verdicts.conflict = plan.second.len() as u64;
    if let Some(acknowledgement) = &mut plan.acknowledgement {
        let last = run
            .first
            .get()
            .saturating_add(count(delivery))
            .saturating_sub(1);
        acknowledgement.conflict_kept = Some(Watermark::new(last));
    }
}

/// Sums up what the new rows came to.
fn finish(plan: &mut Plan<'_>, delivery: &Delivery, run: &Run) {
    plan.deltas.retain(|_, n| *n != 0);
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
        acknowledgement.watermark = acknowledgement
            .watermark
            .advance(run.first, count(delivery));
        acknowledgement.hash = run.head;
    }
}

//! When the clocks of the terminal's boots were right, with what a delivery says about it.

use manyi_shared::domain::BootId;

use crate::ingest::{BootState, Delivery, Evidence, Held, Opening, Plan};

/// What is held, what the exchange says, and what synchronised records of the run say.
pub(super) fn evidence(held: &Held, delivery: &Delivery) -> Evidence {
    let mut evidence = Evidence::default();
    for (boot, known) in &held.boots {
        let anchors = evidence.boots.entry(*boot).or_default();
        for anchor in [known.first, known.last].into_iter().flatten() {
            anchors.add(anchor);
        }
    }
    let received_ms = delivery.received_ms;
    evidence.exchanged(delivery.head.clock, received_ms);
    if let Some(opening) = opening(held, delivery) {
        let records = delivery.records.iter();
        let times = records.filter_map(|sealed| Some(&sealed.record.as_ref().ok()?.at));
        let anchors = times.filter_map(|at| opening.anchor(at, received_ms));
        let boot = evidence.boots.entry(opening.boot).or_default();
        anchors.for_each(|anchor| boot.add(anchor));
    }
    evidence
}

/// The clocks at the opening of the run's stream.
fn opening(held: &Held, delivery: &Delivery) -> Option<Opening> {
    let told = delivery.opening().map(|opened| Opening {
        wall_ms: opened.wall_ms,
        uptime_ms: opened.uptime_ms,
        boot: opened.boot,
    });
    told.or_else(|| held.stream.as_ref()?.opening)
}

/// A record at this uptime could be placed better once the clock was right after it.
pub(super) fn unsure(plan: &mut Plan<'_>, boot: BootId, uptime_ms: u64) {
    let last = plan.evidence.boots.get(&boot).and_then(|a| a.last());
    if last.is_none_or(|last| last.uptime_ms < uptime_ms) {
        plan.boots.entry(boot).or_default().unsure = true;
    }
}

/// What is known of the boots from now on, and which of them have records to be placed anew.
pub(super) fn settle(plan: &mut Plan<'_>, held: &Held, delivery: &Delivery) {
    plan.boots.entry(delivery.head.clock.boot).or_default();
    for (boot, anchors) in &plan.evidence.boots {
        let before = held.boots.get(boot).copied().unwrap_or_default();
        let state = plan.boots.entry(*boot).or_default();
        let (first, last) = (anchors.first(), anchors.last());
        let told = (first, last) != (before.first, before.last);
        *state = BootState {
            first,
            last,
            unsure: state.unsure || before.unsure,
            refine: before.unsure && told,
        };
    }
}

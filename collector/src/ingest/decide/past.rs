//! A tablet that goes back in time: its card was put back to an earlier state, copied or exchanged.
//! It is never refused for that; both histories are kept, and a person is told.

use manyi_shared::wire::{RecordBody, StreamOpened};

use crate::ingest::incident::Kind;
use crate::ingest::{Delivery, Held, Incident};

/// An exchange number that was used before. A replay comes from a boot that is known; a new boot
/// that counts from further back has forgotten what it sent.
pub(super) fn numbers(held: &Held, delivery: &Delivery) -> Option<Incident> {
    let head = &delivery.head;
    // Without a journal to keep them in, numbers begin anew with every start of the daemon.
    let kept = head.health.journal_problem.is_none();
    let new = !held.boots.contains_key(&head.clock.boot);
    (kept && new).then(|| Incident::of_boot(Kind::NumbersBack, head.clock.boot))
}

/// What the opening of a stream says about the past, against what is held of it.
pub(super) fn opening(held: &Held, delivery: &Delivery, opened: &StreamOpened) -> Vec<Incident> {
    let mut incidents = Vec::new();
    let stream = opened.stream;
    let Some(tip) = opened.previous else {
        // A terminal that had to begin anew says so itself; that tells more.
        let told = |body: &RecordBody| matches!(body, RecordBody::Loss(_));
        if held.sibling.is_some() && !delivery.bodies().any(told) {
            incidents.push(Incident::of_stream(Kind::BeganAnew, stream));
        }
        return incidents;
    };
    if let Some(sibling) = held.sibling {
        let both = Incident::of_stream(Kind::Forked, sibling.min(stream));
        incidents.push(both.reaching(1, None));
    }
    let forgotten = |watermark| {
        Incident::of_stream(Kind::RolledBack, tip.stream)
            .told_by(stream)
            .reaching(tip.seq.get() + 1, Some(watermark))
    };
    match held.tips.get(&tip.stream) {
        Some(&(watermark, _)) if tip.seq.get() < watermark => incidents.push(forgotten(watermark)),
        Some(&(watermark, hash)) if tip.seq.get() == watermark && tip.hash != hash => {
            let other = Incident::of_stream(Kind::OtherPast, stream);
            incidents.push(other);
        }
        // As told; or not here yet, and then nothing can be said.
        Some(_) | None => {}
    }
    incidents
}

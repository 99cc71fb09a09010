//! What people must act upon, in the log.

use manyi_shared::domain::Retry;

use crate::uplink::{Outcome, Report, last_of};

/// Tells people. The exchange itself has been logged; this is what they must act upon.
pub(super) fn tell(report: &Report, outcome: &Outcome) {
    match report {
        Report::Conflict { run, kept } => tracing::error!(
            stream = %run.stream, first = run.first.get(), last = last_of(run).get(),
            kept_at_centre = kept.map(manyi_shared::domain::Watermark::get),
            "the centre holds another history of this stream: the card was cloned or put back in \
             time. Both histories are kept at the centre, this one beside the other"
        ),
        Report::DeadLetters { stream, rejected } => {
            for rejection in rejected {
                tracing::error!(
                    %stream, seq = rejection.seq.get(), reason = rejection.reason.name(),
                    "the centre keeps this record as a dead letter and does not count it"
                );
            }
        }
        Report::SetAside(at) => tracing::error!(
            stream = %at.stream, first = at.first.get(), last = at.last.get(),
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
                Outcome::Refused | Outcome::Failed(Retry::Never) => {
                    "the centre does not understand this terminal"
                }
                _ => "the centre does not take exchanges of this terminal",
            };
            tracing::error!(
                "{when}; somebody must act at the office. Ratings are kept; asking again slowly"
            );
        }
        Report::Revoked => tracing::error!(
            "the office took this tablet's identity back: ratings are kept here and go nowhere \
             until it is let in again or enrolled anew; asking again slowly"
        ),
        Report::Senseless(why) => tracing::warn!(why, "a signed reply does not fit its exchange"),
    }
}

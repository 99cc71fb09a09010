//! What the centre does not have yet, by the journal itself.

use manyi_shared::domain::{ClockReading, Seq};
use manyi_shared::journal::{JournalError, Reader, StoredRecord, StoredStream};
use manyi_shared::tablet::UplinkStatus;
use manyi_shared::wire::{Record, RecordBody, StreamOpened};

use super::{Fact, FactValue, UNKNOWN, bad, judged, line};
use crate::flow::Millis;
use crate::recorder::chain;

/// More unsent records than a busy window collects in a quarter of an hour.
const BAD_BACKLOG: u64 = 100;
/// The daemon sends at least every few minutes; a record that waits longer is stuck.
const BAD_AGE_MS: Millis = 10 * 60_000;

/// What the journal itself says is unsent; true also when the daemon is dead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Unsent {
    pub(super) records: u64,
    /// Age of the oldest, where its stream still says when it began.
    pub(super) oldest_ms: Option<Millis>,
}

impl Unsent {
    pub(super) fn count(journal: &Reader, now: &ClockReading) -> Result<Self, JournalError> {
        let mut unsent = Self::default();
        for stream in journal.streams()? {
            let records = journal.unacknowledged(&stream)?;
            if records == 0 {
                continue;
            }
            if unsent.records == 0 {
                unsent.oldest_ms = oldest_age(journal, &stream, now)?;
            }
            unsent.records = unsent.records.saturating_add(records);
        }
        Ok(unsent)
    }
}

fn oldest_age(
    journal: &Reader,
    stream: &StoredStream,
    now: &ClockReading,
) -> Result<Option<Millis>, JournalError> {
    let first = journal.record(stream, Seq::FIRST)?;
    let next = Seq::new(stream.acknowledged.saturating_add(1));
    let oldest = match next {
        Some(seq) => journal.record(stream, seq)?,
        None => None,
    };
    let decoded = |stored: Option<StoredRecord>| stored.and_then(|stored| stored.decode().ok());
    let (Some(first), Some(oldest)) = (decoded(first), decoded(oldest)) else {
        return Ok(None);
    };
    Ok(match &first.body {
        RecordBody::StreamOpened(opened) => age(&oldest, opened, now),
        _ => None,
    })
}

/// By the uptime in the same boot, by the wall clock when both ends of it were set right.
fn age(record: &Record, opened: &StreamOpened, now: &ClockReading) -> Option<Millis> {
    if opened.boot == now.boot {
        return Some(now.uptime_ms.saturating_sub(record.at.uptime_ms(opened)));
    }
    if now.synchronised && record.at.synchronised {
        let ms = now.wall_ms.saturating_sub(record.at.wall_ms(opened));
        return Some(Millis::try_from(ms).unwrap_or(0));
    }
    None
}

pub(super) fn unsent_lines(
    unsent: &Result<Unsent, JournalError>,
    uplink: Option<&UplinkStatus>,
) -> [FactValue; 2] {
    let unsent = match unsent {
        Ok(unsent) => *unsent,
        // The journal is made with the first stream.
        Err(JournalError::Missing { .. }) => Unsent::default(),
        Err(error) => {
            return [
                bad(Fact::Backlog, chain(error)),
                bad(Fact::OldestUnsent, UNKNOWN.to_owned()),
            ];
        }
    };
    let oldest = unsent
        .oldest_ms
        .or_else(|| uplink.and_then(|uplink| uplink.oldest_unsent_ms))
        .filter(|_| unsent.records > 0);
    [
        judged(
            Fact::Backlog,
            unsent.records.to_string(),
            unsent.records > BAD_BACKLOG,
        ),
        oldest.map_or_else(
            || line(Fact::OldestUnsent, UNKNOWN.to_owned()),
            |ms| judged(Fact::OldestUnsent, duration(ms), ms > BAD_AGE_MS),
        ),
    ]
}

/// The two largest units, in symbols.
pub(super) fn duration(ms: Millis) -> String {
    let seconds = ms / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

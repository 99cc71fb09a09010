//! Daily signed roots: what lets anyone check that a record was not changed, added or taken away
//! after its day was published.
//!
//! A hall's day is closed once it is over by the centre's clock; then its root is computed and
//! published. A record belongs to the day in which it was received, so a published day never gets
//! another one, however late a tablet delivers.
//!
//! **Invariants**
//! 1. Nothing is received into a closed day: ingest moves a reception past the last closed day's
//!    end, should the centre's clock have been set back.
//! 2. Days follow each other without gap or overlap, days without records included; each root holds
//!    the digest of the one before.
//! 3. A published root never changes.
//!
//! **Crash** between closing and publishing: the next run computes the same root, because of 1.

pub mod merkle;
pub mod proof;
pub mod task;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use manyi_shared::domain::{HallId, StreamId, TerminalId};
use manyi_shared::wire::{DayRoot, SecretKey};

use crate::day;
use crate::store::{ProofStore, StoreError};
use merkle::{Hash, leaf_hash};

/// Separates a record's leaf from every other use of the hash. Frozen.
const LEAF_CONTEXT: &str = "manyi/leaf/1";

/// The leaf of a record: it commits to the bytes and to their place.
#[must_use]
pub fn leaf(hall: &HallId, terminal: TerminalId, stream: StreamId, seq: u64, bytes: &[u8]) -> Hash {
    let mut leaf = Vec::with_capacity(bytes.len() + 80);
    let mut encoder = minicbor::Encoder::new(&mut leaf);
    let written = encoder
        .array(6)
        .and_then(|e| e.str(LEAF_CONTEXT))
        .and_then(|e| e.str(hall.as_str()))
        .and_then(|e| e.bytes(terminal.as_bytes()))
        .and_then(|e| e.bytes(stream.as_bytes()))
        .and_then(|e| e.u64(seq))
        .and_then(|e| e.bytes(bytes));
    if let Err(error) = written {
        unreachable!("encoding into memory failed: {error}");
    }
    leaf_hash(&leaf)
}

/// A hall's day that is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedDay {
    /// The day, as `yyyymmdd`.
    pub day: u32,
    /// Its first moment, in milliseconds since 1970.
    pub from_ms: i64,
    /// The first moment after it.
    pub until_ms: i64,
    /// Digest of the root of the day before; none for the first.
    pub previous: Option<[u8; 32]>,
}

/// A root as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedRoot {
    /// The day, as `yyyymmdd`.
    pub day: u32,
    /// When it was published, in milliseconds since 1970.
    pub published_ms: i64,
    /// The signed root.
    pub signed: Vec<u8>,
}

/// Publishes the roots of all days of all halls that are over and not yet published, the oldest
/// first. What was published.
///
/// # Errors
/// When the database fails; what was published before that stays, and the next call goes on.
pub async fn publish(
    store: &(impl ProofStore + ?Sized),
    key: &SecretKey,
    halls: &[HallId],
    now_ms: i64,
) -> Result<Vec<DayRoot>, StoreError> {
    let mut published = Vec::new();
    for hall in halls {
        while let Some(closed) = store.close_day(hall.clone(), now_ms).await? {
            let tree = store.day_tree(hall.clone(), closed).await?;
            let root = DayRoot {
                hall: hall.clone(),
                day: closed.day,
                from_ms: closed.from_ms,
                until_ms: closed.until_ms,
                leaves: tree.leaves(),
                root: tree.root(),
                previous: closed.previous,
            };
            let signed = root.seal(key);
            store
                .publish_root(hall.clone(), closed.day, signed, now_ms)
                .await?;
            published.push(root);
        }
    }
    Ok(published)
}

/// The days' bounds in a hall's zone: which day to close next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextDay {
    /// The day, as `yyyymmdd`.
    pub day: u32,
    /// Its first moment.
    pub from_ms: i64,
    /// The first moment after it.
    pub until_ms: i64,
}

/// The hall's first day: the one of its first record.
#[must_use]
pub fn first_day(first_received_ms: i64, time_zone: &str) -> Option<NextDay> {
    let zone = TimeZone::get(time_zone).ok()?;
    let at = Timestamp::from_millisecond(first_received_ms).ok()?;
    let date = at.to_zoned(zone.clone()).date();
    Some(NextDay {
        day: day::number(date),
        from_ms: midnight(date, &zone)?,
        until_ms: midnight(date.tomorrow().ok()?, &zone)?,
    })
}

/// The day after one that is closed. It begins where that one ended, also when the hall has moved
/// to another time zone since.
#[must_use]
pub fn following_day(last: u32, last_until_ms: i64, time_zone: &str) -> Option<NextDay> {
    let zone = TimeZone::get(time_zone).ok()?;
    let date = day::date(last)?.tomorrow().ok()?;
    let until_ms = midnight(date.tomorrow().ok()?, &zone)?;
    Some(NextDay {
        day: day::number(date),
        from_ms: last_until_ms,
        until_ms: until_ms.max(last_until_ms),
    })
}

/// The first moment of a day; where a clock skips midnight, the first there is.
fn midnight(date: Date, zone: &TimeZone) -> Option<i64> {
    let start = date.to_zoned(zone.clone()).ok()?;
    Some(start.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn days_follow_each_other_in_the_halls_zone() {
        let first = first_day(ms("2026-03-24T20:00:00Z"), "Asia/Shanghai").unwrap();
        assert_eq!(first.day, 20_260_325);
        assert_eq!(first.from_ms, ms("2026-03-24T16:00:00Z"));
        let next = following_day(first.day, first.until_ms, "Asia/Shanghai").unwrap();
        assert_eq!(next.day, 20_260_326);
        assert_eq!(next.from_ms, first.until_ms);
        assert_eq!(next.until_ms - next.from_ms, 86_400_000);
    }

    #[test]
    fn a_year_ends_and_a_clock_is_set_forward() {
        let year = following_day(20_261_231, ms("2027-01-01T00:00:00Z"), "UTC").unwrap();
        assert_eq!(year.day, 20_270_101);
        let spring = following_day(20_260_307, ms("2026-03-08T05:00:00Z"), "America/New_York");
        let spring = spring.unwrap();
        assert_eq!(spring.until_ms - spring.from_ms, 23 * 3_600_000);
    }

    #[test]
    fn a_hall_that_changes_its_zone_has_no_gap_and_no_overlap() {
        let until = ms("2026-03-25T11:00:00Z");
        let moved = following_day(20_260_324, until, "Pacific/Kiritimati").unwrap();
        assert_eq!(
            (moved.from_ms, moved.until_ms),
            (until, until),
            "an empty day"
        );
        let next = following_day(moved.day, moved.until_ms, "Pacific/Kiritimati").unwrap();
        assert_eq!(next.from_ms, until);
        assert_eq!(next.until_ms, ms("2026-03-26T10:00:00Z"));
    }

    /// Frozen: published roots stand for ever.
    #[test]
    fn a_leaf_commits_to_the_bytes_and_their_place() {
        let hall: HallId = "H1".parse().unwrap();
        let (terminal, stream) = ([1; 16], [2; 16]);
        let leaf = |seq, bytes: &[u8]| {
            leaf(
                &hall,
                TerminalId::from_bytes(terminal),
                StreamId::from_bytes(stream),
                seq,
                bytes,
            )
        };
        let mut encoded = vec![0x86, 0x6c];
        encoded.extend(b"manyi/leaf/1");
        encoded.extend([0x62, b'H', b'1', 0x50]);
        encoded.extend(terminal);
        encoded.push(0x50);
        encoded.extend(stream);
        encoded.extend([0x03, 0x42, 0xa1, 0x00]);
        assert_eq!(leaf(3, &[0xa1, 0x00]), leaf_hash(&encoded));
        assert_ne!(leaf(4, &[0xa1, 0x00]), leaf(3, &[0xa1, 0x00]));
    }
}

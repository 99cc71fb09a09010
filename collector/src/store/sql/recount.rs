//! What stands beside the ratings, made again from the records' bytes, to check it.

use std::collections::{BTreeMap, BTreeSet};

use manyi_shared::wire::{Record, RecordBody};

use super::{Db, Row, capped};
use crate::day::day_of;
use crate::store::StoreError;

/// Hall, terminal, stream and position of a record.
type Place = (String, Vec<u8>, Vec<u8>, i64);

/// What the tables should hold, or hold.
#[derive(Debug, Default, PartialEq, Eq)]
struct Beside {
    /// Hall, terminal, day, level.
    tests: BTreeSet<(String, Vec<u8>, u32, u8)>,
    /// Target, kind and sealed text of each message.
    messages: BTreeMap<Place, (i64, u8, Vec<u8>)>,
    /// Kinds, touches and span of each outcome with misuse.
    misuse: BTreeMap<Place, (u8, u16, u32)>,
}

/// How many self-tests, messages and outcomes with misuse differ from what the records say; 0 when
/// all is well.
pub(crate) fn differences(db: &Db<'_>) -> Result<u64, StoreError> {
    let (told, held) = (told(db)?, held(db)?);
    let messages = told.messages.iter().collect::<BTreeSet<_>>();
    let misuse = told.misuse.iter().collect::<BTreeSet<_>>();
    let n = told.tests.symmetric_difference(&held.tests).count()
        + messages
            .symmetric_difference(&held.messages.iter().collect())
            .count()
        + misuse
            .symmetric_difference(&held.misuse.iter().collect())
            .count();
    Ok(n as u64)
}

fn place(row: &Row<'_>) -> Result<Place, StoreError> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

/// What the records say, in the order of their positions.
fn told(db: &Db<'_>) -> Result<Beside, StoreError> {
    let mut beside = Beside::default();
    db.each(
        "SELECT r.hall_id, r.terminal_id, r.stream_id, r.seq, r.bytes, r.at_ms, h.time_zone \
         FROM record r JOIN hall h ON h.hall_id = r.hall_id \
         WHERE r.kind IN (4, 5, 6) AND NOT EXISTS (SELECT 1 FROM dead_letter d \
         WHERE d.hall_id = r.hall_id AND d.terminal_id = r.terminal_id \
         AND d.stream_id = r.stream_id AND d.seq = r.seq AND d.state = 'kept') ORDER BY 1, 2, 3, 4",
        &[],
        |row| {
            let (hall, terminal, stream, seq) = place(row)?;
            let record = Record::decode(row.get(4)?).map_err(|_| CORRUPT)?;
            match record.body {
                RecordBody::SelfTest(test) => {
                    let day = match (test.day, row.get::<Option<i64>>(5)?) {
                        (0, Some(at_ms)) => day_of(at_ms, row.get(6)?).unwrap_or(0),
                        (day, _) => day,
                    };
                    let level = test.level.number();
                    beside.tests.insert((hall, terminal, day, level));
                }
                RecordBody::Misuse(misuse) => {
                    let target = (hall, terminal, stream, capped(misuse.target.get()));
                    let seen = (misuse.kinds, misuse.touches, misuse.span_ms);
                    beside.misuse.insert(target, seen);
                }
                RecordBody::Message(message) => {
                    let sealed = minicbor::to_vec(&message.sealed).map_err(|_| CORRUPT)?;
                    let target = capped(message.target.get());
                    let left = (target, message.what.number(), sealed);
                    beside.messages.insert((hall, terminal, stream, seq), left);
                }
                _ => return Err(CORRUPT),
            }
            Ok(())
        },
    )?;
    Ok(beside)
}

/// What the tables hold.
fn held(db: &Db<'_>) -> Result<Beside, StoreError> {
    let mut beside = Beside::default();
    let tests = "SELECT hall_id, terminal_id, day, level FROM self_test";
    db.each(tests, &[], |row| {
        let test = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        beside.tests.insert(test);
        Ok(())
    })?;
    let messages =
        "SELECT hall_id, terminal_id, stream_id, seq, target_seq, what, sealed FROM message";
    db.each(messages, &[], |row| {
        let left = (row.get(4)?, row.get(5)?, row.get(6)?);
        beside.messages.insert(place(row)?, left);
        Ok(())
    })?;
    let misuse = "SELECT hall_id, terminal_id, stream_id, seq, misuse_kinds, misuse_touches, \
         misuse_span_ms FROM record WHERE misuse_kinds IS NOT NULL AND outcome IS NOT NULL";
    db.each(misuse, &[], |row| {
        let seen = (row.get(4)?, row.get(5)?, row.get(6)?);
        beside.misuse.insert(place(row)?, seen);
        Ok(())
    })?;
    Ok(beside)
}

const CORRUPT: StoreError = StoreError::Corrupt {
    column: "record.bytes",
};

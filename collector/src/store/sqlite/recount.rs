//! What stands beside the ratings, made again from the records' bytes, to check it.

use std::collections::{BTreeMap, BTreeSet};

use manyi_shared::wire::{Record, RecordBody};
use rusqlite::{Connection, Row};

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
pub(super) fn differences(connection: &Connection) -> Result<u64, StoreError> {
    let (told, held) = (told(connection)?, held(connection)?);
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

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

/// What the records say, in the order of their positions.
fn told(connection: &Connection) -> Result<Beside, StoreError> {
    let mut statement = connection.prepare(
        "SELECT r.hall_id, r.terminal_id, r.stream_id, r.seq, r.bytes, r.at_ms, h.time_zone \
         FROM record r JOIN hall h ON h.hall_id = r.hall_id \
         WHERE r.kind IN (4, 5, 6) AND NOT EXISTS (SELECT 1 FROM dead_letter d \
         WHERE d.hall_id = r.hall_id AND d.terminal_id = r.terminal_id \
         AND d.stream_id = r.stream_id AND d.seq = r.seq AND d.state = 'kept') ORDER BY 1, 2, 3, 4",
    )?;
    let mut rows = statement.query([])?;
    let mut beside = Beside::default();
    while let Some(row) = rows.next()? {
        let (hall, terminal, stream, seq) = place(row)?;
        let record = Record::decode(&row.get::<_, Vec<u8>>(4)?).map_err(|_| CORRUPT)?;
        match record.body {
            RecordBody::SelfTest(test) => {
                let day = match (test.day, row.get::<_, Option<i64>>(5)?) {
                    (0, Some(at_ms)) => day_of(at_ms, &row.get::<_, String>(6)?).unwrap_or(0),
                    (day, _) => day,
                };
                let level = test.level.number();
                beside.tests.insert((hall, terminal, day, level));
            }
            RecordBody::Misuse(misuse) => {
                let target = (hall, terminal, stream, signed(misuse.target));
                let seen = (misuse.kinds, misuse.touches, misuse.span_ms);
                beside.misuse.insert(target, seen);
            }
            RecordBody::Message(message) => {
                let sealed = minicbor::to_vec(&message.sealed).map_err(|_| CORRUPT)?;
                let left = (signed(message.target), message.what.number(), sealed);
                beside.messages.insert((hall, terminal, stream, seq), left);
            }
            _ => return Err(CORRUPT),
        }
    }
    Ok(beside)
}

fn signed(seq: manyi_shared::domain::Seq) -> i64 {
    super::port::capped(seq.get())
}

/// What the tables hold.
fn held(connection: &Connection) -> Result<Beside, StoreError> {
    let tests = connection
        .prepare("SELECT hall_id, terminal_id, day, level FROM self_test")?
        .query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?
        .collect::<Result<_, _>>()?;
    let messages = connection
        .prepare(
            "SELECT hall_id, terminal_id, stream_id, seq, target_seq, what, sealed FROM message",
        )?
        .query_map([], |row| {
            Ok((place(row)?, (row.get(4)?, row.get(5)?, row.get(6)?)))
        })?
        .collect::<Result<_, _>>()?;
    let misuse = connection
        .prepare(
            "SELECT hall_id, terminal_id, stream_id, seq, misuse_kinds, misuse_touches, \
             misuse_span_ms FROM record WHERE misuse_kinds IS NOT NULL AND outcome IS NOT NULL",
        )?
        .query_map([], |row| {
            Ok((place(row)?, (row.get(4)?, row.get(5)?, row.get(6)?)))
        })?
        .collect::<Result<_, _>>()?;
    Ok(Beside {
        tests,
        messages,
        misuse,
    })
}

const CORRUPT: StoreError = StoreError::Corrupt {
    column: "record.bytes",
};

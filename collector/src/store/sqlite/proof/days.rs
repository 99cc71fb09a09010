//! Closed days and what was received in them.

use manyi_shared::domain::{HallId, StreamId, TerminalId};
use manyi_shared::wire::SignedDayRoot;
use rusqlite::{Connection, OptionalExtension, params};

use crate::roots::merkle::Hash;
use crate::roots::{ClosedDay, NextDay, first_day, following_day, leaf};
use crate::store::{RecordId, StoreError};

/// A row of `day_root`.
struct Row {
    day: u32,
    from_ms: i64,
    until_ms: i64,
    signed: Option<Vec<u8>>,
}

/// Closes the next day that is over; a day that is closed and has no root comes first.
pub(super) fn close(
    connection: &Connection,
    hall: &HallId,
    now_ms: i64,
) -> Result<Option<ClosedDay>, StoreError> {
    let last = last_rows(connection, hall)?;
    let mut last = last.into_iter();
    let (newest, before) = (last.next(), last.next());
    let (next, previous) = match newest {
        Some(open) if open.signed.is_none() => {
            let next = NextDay {
                day: open.day,
                from_ms: open.from_ms,
                until_ms: open.until_ms,
            };
            return Ok(Some(closed(next, digest(before)?)));
        }
        Some(done) => {
            let zone = time_zone(connection, hall)?;
            let next = following_day(done.day, done.until_ms, &zone);
            (next, digest(Some(done))?)
        }
        None => {
            let Some(first_ms) = first_reception(connection, hall)? else {
                return Ok(None);
            };
            (first_day(first_ms, &time_zone(connection, hall)?), None)
        }
    };
    let next = next.ok_or(StoreError::Corrupt {
        column: "hall.time_zone",
    })?;
    if next.until_ms > now_ms {
        return Ok(None);
    }
    connection
        .prepare_cached(
            "INSERT INTO day_root (hall_id, day, from_ms, until_ms) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            hall.as_str(),
            next.day,
            next.from_ms,
            next.until_ms
        ])?;
    Ok(Some(closed(next, previous)))
}

const fn closed(next: NextDay, previous: Option<[u8; 32]>) -> ClosedDay {
    ClosedDay {
        day: next.day,
        from_ms: next.from_ms,
        until_ms: next.until_ms,
        previous,
    }
}

/// The newest two days.
fn last_rows(connection: &Connection, hall: &HallId) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT day, from_ms, until_ms, signed FROM day_root WHERE hall_id = ?1 \
         ORDER BY day DESC LIMIT 2",
    )?;
    let rows = statement.query_map([hall.as_str()], |row| {
        Ok(Row {
            day: row.get(0)?,
            from_ms: row.get(1)?,
            until_ms: row.get(2)?,
            signed: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The digest that the next day's root holds.
fn digest(row: Option<Row>) -> Result<Option<[u8; 32]>, StoreError> {
    let Some(signed) = row.and_then(|row| row.signed) else {
        return Ok(None);
    };
    let opened = SignedDayRoot::parse(&signed).and_then(|root| root.open(&root.claimed_key()));
    let root = opened.map_err(|_| StoreError::Corrupt {
        column: "day_root.signed",
    })?;
    Ok(Some(root.digest()))
}

fn time_zone(connection: &Connection, hall: &HallId) -> Result<String, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT time_zone FROM hall WHERE hall_id = ?1")?;
    Ok(statement.query_row([hall.as_str()], |row| row.get(0))?)
}

fn first_reception(connection: &Connection, hall: &HallId) -> Result<Option<i64>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT MIN(received_ms) FROM record WHERE hall_id = ?1")?;
    Ok(statement.query_row([hall.as_str()], |row| row.get(0))?)
}

/// The moment to write down for something that is received now: never inside a closed day.
pub(in crate::store::sqlite) fn after_published(
    connection: &Connection,
    hall: &HallId,
    now_ms: i64,
) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT until_ms FROM day_root WHERE hall_id = ?1 ORDER BY day DESC LIMIT 1",
    )?;
    let until = statement.query_row([hall.as_str()], |row| row.get::<_, i64>(0));
    Ok(until.optional()?.map_or(now_ms, |until| now_ms.max(until)))
}

/// Bounds and signed root of the published day that a moment belongs to.
pub(super) fn of_moment(
    connection: &Connection,
    hall: &HallId,
    at_ms: i64,
) -> Result<Option<(i64, i64, Vec<u8>)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT from_ms, until_ms, signed FROM day_root WHERE hall_id = ?1 AND from_ms <= ?2 \
         AND until_ms > ?2 AND signed IS NOT NULL",
    )?;
    let found = statement.query_row(params![hall.as_str(), at_ms], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    });
    Ok(found.optional()?)
}

/// The leaves of a day in the order of terminal, stream and position.
pub(super) fn leaves(
    connection: &Connection,
    hall: &HallId,
    (from_ms, until_ms): (i64, i64),
    take: &mut dyn FnMut(RecordId, Hash),
) -> Result<(), StoreError> {
    // First which streams and between which positions, by the index of receptions; then stream by
    // stream, so that no more than one row is in memory however much came on that day.
    let mut streams = connection.prepare_cached(
        "SELECT terminal_id, stream_id, MIN(seq), MAX(seq) FROM record INDEXED BY \
         record_by_reception WHERE hall_id = ?1 AND received_ms >= ?2 AND received_ms < ?3 \
         GROUP BY terminal_id, stream_id ORDER BY terminal_id, stream_id",
    )?;
    let mut records = connection.prepare_cached(
        "SELECT seq, bytes FROM record INDEXED BY record_identity WHERE hall_id = ?1 \
         AND terminal_id = ?2 AND stream_id = ?3 AND seq BETWEEN ?4 AND ?5 AND received_ms >= ?6 \
         AND received_ms < ?7 ORDER BY seq",
    )?;
    let mut rows = streams.query(params![hall.as_str(), from_ms, until_ms])?;
    while let Some(row) = rows.next()? {
        let (terminal, stream): ([u8; 16], [u8; 16]) = (row.get(0)?, row.get(1)?);
        let (first, last): (i64, i64) = (row.get(2)?, row.get(3)?);
        let key = params![
            hall.as_str(),
            terminal,
            stream,
            first,
            last,
            from_ms,
            until_ms
        ];
        let (terminal, stream) = (
            TerminalId::from_bytes(terminal),
            StreamId::from_bytes(stream),
        );
        let mut rows = records.query(key)?;
        while let Some(row) = rows.next()? {
            let seq = row.get::<_, i64>(0)?.unsigned_abs();
            let bytes = row.get_ref(1)?.as_blob().map_err(|_| StoreError::Corrupt {
                column: "record.bytes",
            })?;
            let id = RecordId {
                terminal,
                stream,
                seq,
            };
            take(id, leaf(hall, terminal, stream, seq, bytes));
        }
    }
    Ok(())
}

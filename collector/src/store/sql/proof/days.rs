//! Closed days and what was received in them.

use manyi_shared::domain::{HallId, StreamId, TerminalId};
use manyi_shared::wire::SignedDayRoot;

use crate::roots::merkle::Hash;
use crate::roots::{ClosedDay, NextDay, first_day, following_day, leaf};
use crate::store::sql::{Db, Row, values};
use crate::store::{RecordId, StoreError};
use crate::verify::StoredRoot;

/// Closes the next day that is over; a day that is closed and has no root comes first.
pub(crate) fn close(
    db: &Db<'_>,
    hall: &HallId,
    now_ms: i64,
) -> Result<Option<ClosedDay>, StoreError> {
    // Whoever stores a record shares the hall: none is on its way into a day that is closed here.
    db.lock_hall(hall.as_str())?;
    let last = rows(db, hall, "ORDER BY day DESC LIMIT 2")?;
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
            let zone = time_zone(db, hall)?;
            let next = following_day(done.day, done.until_ms, &zone);
            (next, digest(Some(done))?)
        }
        None => {
            let Some(first_ms) = first_reception(db, hall)? else {
                return Ok(None);
            };
            (first_day(first_ms, &time_zone(db, hall)?), None)
        }
    };
    let next = next.ok_or(StoreError::Corrupt {
        column: "hall.time_zone",
    })?;
    if next.until_ms > now_ms {
        return Ok(None);
    }
    db.execute(
        "INSERT INTO day_root (hall_id, day, from_ms, until_ms) VALUES (?1, ?2, ?3, ?4)",
        values![hall.as_str(), next.day, next.from_ms, next.until_ms],
    )?;
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

/// The closed days of a hall.
pub(crate) fn rows(db: &Db<'_>, hall: &HallId, order: &str) -> Result<Vec<StoredRoot>, StoreError> {
    let sql =
        format!("SELECT day, from_ms, until_ms, signed FROM day_root WHERE hall_id = ?1 {order}");
    db.rows(&sql, values![hall.as_str()], |row| {
        Ok(StoredRoot {
            day: row.get(0)?,
            from_ms: row.get(1)?,
            until_ms: row.get(2)?,
            signed: row.get(3)?,
        })
    })
}

/// The digest that the next day's root holds.
fn digest(row: Option<StoredRoot>) -> Result<Option<[u8; 32]>, StoreError> {
    let Some(signed) = row.and_then(|row| row.signed) else {
        return Ok(None);
    };
    let opened = SignedDayRoot::parse(&signed).and_then(|root| root.open(&root.claimed_key()));
    let root = opened.map_err(|_| StoreError::Corrupt {
        column: "day_root.signed",
    })?;
    Ok(Some(root.digest()))
}

fn time_zone(db: &Db<'_>, hall: &HallId) -> Result<String, StoreError> {
    let sql = "SELECT time_zone FROM hall WHERE hall_id = ?1";
    db.one(sql, values![hall.as_str()], |row| row.get(0))
}

fn first_reception(db: &Db<'_>, hall: &HallId) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT MIN(received_ms) FROM record WHERE hall_id = ?1";
    db.one(sql, values![hall.as_str()], |row| row.get(0))
}

/// The moment to write down for something that is received now: never inside a closed day. The
/// hall is locked, shared or alone.
pub(crate) fn after_published(db: &Db<'_>, hall: &HallId, now_ms: i64) -> Result<i64, StoreError> {
    let sql = "SELECT until_ms FROM day_root WHERE hall_id = ?1 ORDER BY day DESC LIMIT 1";
    let until = db.row(sql, values![hall.as_str()], |row| row.get::<i64>(0))?;
    Ok(until.map_or(now_ms, |until| now_ms.max(until)))
}

/// Bounds and signed root of the published day that a moment belongs to.
pub(crate) fn of_moment(
    db: &Db<'_>,
    hall: &HallId,
    at_ms: i64,
) -> Result<Option<(i64, i64, Vec<u8>)>, StoreError> {
    db.row(
        "SELECT from_ms, until_ms, signed FROM day_root WHERE hall_id = ?1 AND from_ms <= ?2 \
         AND until_ms > ?2 AND signed IS NOT NULL",
        values![hall.as_str(), at_ms],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

/// The leaves of a day in the order of terminal, stream and position.
pub(crate) fn leaves(
    db: &Db<'_>,
    hall: &HallId,
    (from_ms, until_ms): (i64, i64),
    take: &mut dyn FnMut(RecordId, Hash),
) -> Result<(), StoreError> {
    // First which streams and between which positions, by the index of receptions; then stream by
    // stream, so that few rows are in memory however much came on that day.
    let streams = format!(
        "SELECT terminal_id, stream_id, MIN(seq), MAX(seq) FROM record {} WHERE hall_id = ?1 \
         AND received_ms >= ?2 AND received_ms < ?3 \
         GROUP BY terminal_id, stream_id ORDER BY terminal_id, stream_id",
        db.by_index("record_by_reception")
    );
    let records = format!(
        "SELECT seq, bytes FROM record {} WHERE hall_id = ?1 AND terminal_id = ?2 \
         AND stream_id = ?3 AND seq BETWEEN ?4 AND ?5 AND received_ms >= ?6 AND received_ms < ?7 \
         ORDER BY seq",
        db.by_index("record_identity")
    );
    let bounds = values![hall.as_str(), from_ms, until_ms];
    db.each(&streams, bounds, |row| {
        let (terminal, stream) = stream_of(row)?;
        let (first, last): (i64, i64) = (row.get(2)?, row.get(3)?);
        let key = values![
            hall.as_str(),
            terminal.as_bytes(),
            stream.as_bytes(),
            first,
            last,
            from_ms,
            until_ms
        ];
        db.each(&records, key, |row| {
            let seq = row.get::<i64>(0)?.unsigned_abs();
            let id = RecordId {
                terminal,
                stream,
                seq,
            };
            take(id, leaf(hall, terminal, stream, seq, row.get(1)?));
            Ok(())
        })
    })
}

fn stream_of(row: &Row<'_>) -> Result<(TerminalId, StreamId), StoreError> {
    Ok((
        TerminalId::from_bytes(row.get(0)?),
        StreamId::from_bytes(row.get(1)?),
    ))
}

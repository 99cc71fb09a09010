//! Incidents and dead letters.

use async_trait::async_trait;
use manyi_shared::domain::{Seq, StreamId, TerminalId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::ingest::replay;
use super::port::{capped, code};
use crate::ingest::incident::Kind;
use crate::store::StoreError;
use crate::store::faults::{ClearRefused, FaultStore, KeptLetter, OpenIncident};

#[async_trait]
impl FaultStore for super::SqliteStore {
    async fn incidents(&self) -> Result<Vec<OpenIncident>, StoreError> {
        self.read(|connection| incidents(connection, "")).await
    }

    async fn clear_incident(
        &self,
        id: String,
        by: String,
        now_ms: i64,
    ) -> Result<Result<OpenIncident, ClearRefused>, StoreError> {
        self.write(move |connection| clear(connection, &id, &by, now_ms))
            .await
    }

    async fn dead_letters(&self, all: bool) -> Result<Vec<KeptLetter>, StoreError> {
        self.read(move |connection| letters(connection, all)).await
    }

    async fn dead_letter(
        &self,
        stream: StreamId,
        seq: Seq,
    ) -> Result<Option<(KeptLetter, Vec<u8>)>, StoreError> {
        self.read(move |connection| one(connection, stream, seq.get()))
            .await
    }

    async fn replay(
        &self,
        which: Option<(StreamId, Seq)>,
        by: String,
        now_ms: i64,
    ) -> Result<Vec<KeptLetter>, StoreError> {
        self.write(move |connection| {
            let tried = match which {
                Some((stream, seq)) => one(connection, stream, seq.get())?
                    .map(|(letter, _)| letter)
                    .filter(|letter| !letter.taken)
                    .into_iter()
                    .collect(),
                None => letters(connection, false)?,
            };
            let mut now = Vec::new();
            for letter in tried {
                replay::again(connection, &letter, &by, now_ms)?;
                now.extend(one(connection, letter.stream, letter.seq)?.map(|(letter, _)| letter));
            }
            Ok(now)
        })
        .await
    }
}

/// The open incidents whose id begins so.
fn incidents(connection: &Connection, prefix: &str) -> Result<Vec<OpenIncident>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT incident_id, kind, hall_id, window_id, terminal_id, detail, earliest_ms, \
         latest_ms, at_ms FROM incident WHERE cleared_ms IS NULL \
         AND lower(hex(incident_id)) LIKE ?1 || '%' \
         ORDER BY hall_id, window_id, at_ms, incident_id",
    )?;
    let mut rows = statement.query([prefix])?;
    let mut incidents = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(1)?;
        incidents.push(OpenIncident {
            id: row.get(0)?,
            kind: Kind::named(&kind).ok_or(StoreError::Corrupt {
                column: "incident.kind",
            })?,
            hall: code(&row.get::<_, String>(2)?, "incident.hall_id")?,
            window: code(&row.get::<_, String>(3)?, "incident.window_id")?,
            terminal: TerminalId::from_bytes(row.get(4)?),
            detail: row.get(5)?,
            earliest_ms: row.get(6)?,
            latest_ms: row.get(7)?,
            at_ms: row.get(8)?,
        });
    }
    Ok(incidents)
}

fn clear(
    connection: &Connection,
    id: &str,
    by: &str,
    now_ms: i64,
) -> Result<Result<OpenIncident, ClearRefused>, StoreError> {
    let id = id.to_ascii_lowercase();
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Err(ClearRefused::Unknown));
    }
    let mut found = incidents(connection, &id)?;
    let several = found.len() as u64;
    let (Some(incident), true) = (found.pop(), found.is_empty()) else {
        return Ok(Err(match several {
            0 => ClearRefused::Unknown,
            n => ClearRefused::Several(n),
        }));
    };
    connection.execute(
        "UPDATE incident SET cleared_ms = ?3, cleared_by = ?4 \
         WHERE hall_id = ?1 AND incident_id = ?2",
        params![incident.hall.as_str(), incident.id, now_ms, by],
    )?;
    Ok(Ok(incident))
}

const LETTERS: &str = "SELECT d.hall_id, COALESCE(s.window_id, t.window_id), d.terminal_id, \
    d.stream_id, d.seq, d.reason, d.detail, d.received_ms, d.state, d.replayed_ms, d.replayed_by, \
    r.bytes FROM dead_letter d JOIN terminal t ON t.hall_id = d.hall_id \
    AND t.terminal_id = d.terminal_id LEFT JOIN stream s ON s.hall_id = d.hall_id \
    AND s.terminal_id = d.terminal_id AND s.stream_id = d.stream_id \
    JOIN record r ON r.hall_id = d.hall_id AND r.terminal_id = d.terminal_id \
    AND r.stream_id = d.stream_id AND r.seq = d.seq";

fn letters(connection: &Connection, all: bool) -> Result<Vec<KeptLetter>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{LETTERS} WHERE ?1 OR d.state = 'kept' \
         ORDER BY d.received_ms, d.hall_id, d.terminal_id, d.stream_id, d.seq"
    ))?;
    let mut rows = statement.query([all])?;
    let mut letters = Vec::new();
    while let Some(row) = rows.next()? {
        letters.push(letter(row)?);
    }
    Ok(letters)
}

fn one(
    connection: &Connection,
    stream: StreamId,
    seq: u64,
) -> Result<Option<(KeptLetter, Vec<u8>)>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("{LETTERS} WHERE d.stream_id = ?1 AND d.seq = ?2"))?;
    let found = statement
        .query_row(params![stream.as_bytes(), capped(seq)], |row| {
            Ok((letter(row), row.get(11)?))
        })
        .optional()?;
    found
        .map(|(letter, bytes)| Ok((letter?, bytes)))
        .transpose()
}

fn letter(row: &Row<'_>) -> Result<KeptLetter, StoreError> {
    Ok(KeptLetter {
        hall: code(&row.get::<_, String>(0)?, "dead_letter.hall_id")?,
        window: code(&row.get::<_, String>(1)?, "stream.window_id")?,
        terminal: TerminalId::from_bytes(row.get(2)?),
        stream: StreamId::from_bytes(row.get(3)?),
        seq: row.get::<_, i64>(4)?.unsigned_abs(),
        reason: row.get(5)?,
        detail: row.get(6)?,
        received_ms: row.get(7)?,
        taken: row.get::<_, String>(8)? == "taken",
        replayed_ms: row.get(9)?,
        replayed_by: row.get(10)?,
    })
}

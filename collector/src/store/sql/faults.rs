//! Incidents and dead letters.

use async_trait::async_trait;
use manyi_shared::domain::{Seq, StreamId, TerminalId};

use super::ingest::replay;
use super::{Db, Row, capped, code, values};
use crate::ingest::incident::Kind;
use crate::store::faults::{ClearRefused, FaultStore, KeptLetter, OpenIncident};
use crate::store::{Database, StoreError};

#[async_trait]
impl FaultStore for Database {
    async fn incidents(&self) -> Result<Vec<OpenIncident>, StoreError> {
        self.read(incidents).await
    }

    async fn clear_incident(
        &self,
        id: String,
        by: String,
        now_ms: i64,
    ) -> Result<Result<OpenIncident, ClearRefused>, StoreError> {
        self.write(move |db| clear(db, &id, &by, now_ms)).await
    }

    async fn dead_letters(&self, all: bool) -> Result<Vec<KeptLetter>, StoreError> {
        self.read(move |db| letters(db, all)).await
    }

    async fn dead_letter(
        &self,
        stream: StreamId,
        seq: Seq,
    ) -> Result<Option<(KeptLetter, Vec<u8>)>, StoreError> {
        self.read(move |db| one(db, stream, seq.get())).await
    }

    async fn replay(
        &self,
        which: Option<(StreamId, Seq)>,
        by: String,
        now_ms: i64,
    ) -> Result<Vec<KeptLetter>, StoreError> {
        self.write(move |db| replay_all(db, which, &by, now_ms))
            .await
    }
}

/// The open incidents.
fn incidents(db: &Db<'_>) -> Result<Vec<OpenIncident>, StoreError> {
    db.rows(
        "SELECT incident_id, kind, hall_id, window_id, terminal_id, detail, earliest_ms, \
         latest_ms, at_ms FROM incident WHERE cleared_ms IS NULL \
         ORDER BY hall_id, window_id, at_ms, incident_id",
        &[],
        |row| {
            Ok(OpenIncident {
                id: row.get(0)?,
                kind: Kind::named(row.get(1)?).ok_or(StoreError::Corrupt {
                    column: "incident.kind",
                })?,
                hall: code(row.get(2)?, "incident.hall_id")?,
                window: code(row.get(3)?, "incident.window_id")?,
                terminal: TerminalId::from_bytes(row.get(4)?),
                detail: row.get(5)?,
                earliest_ms: row.get(6)?,
                latest_ms: row.get(7)?,
                at_ms: row.get(8)?,
            })
        },
    )
}

fn clear(
    db: &Db<'_>,
    id: &str,
    by: &str,
    now_ms: i64,
) -> Result<Result<OpenIncident, ClearRefused>, StoreError> {
    let id = id.to_ascii_lowercase();
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Err(ClearRefused::Unknown));
    }
    let mut found = incidents(db)?;
    found.retain(|incident| incident.id_text().starts_with(&id));
    let several = found.len() as u64;
    let (Some(incident), true) = (found.pop(), found.is_empty()) else {
        return Ok(Err(match several {
            0 => ClearRefused::Unknown,
            n => ClearRefused::Several(n),
        }));
    };
    let cleared = db.execute(
        "UPDATE incident SET cleared_ms = ?3, cleared_by = ?4 \
         WHERE hall_id = ?1 AND incident_id = ?2 AND cleared_ms IS NULL",
        values![incident.hall.as_str(), &incident.id, now_ms, by],
    )?;
    // Somebody else may have been quicker.
    Ok(if cleared == 0 {
        Err(ClearRefused::Unknown)
    } else {
        Ok(incident)
    })
}

const LETTERS: &str = "SELECT d.hall_id, COALESCE(s.window_id, t.window_id), d.terminal_id, \
    d.stream_id, d.seq, d.reason, d.detail, d.received_ms, d.state, d.replayed_ms, d.replayed_by, \
    r.bytes FROM dead_letter d JOIN terminal t ON t.hall_id = d.hall_id \
    AND t.terminal_id = d.terminal_id LEFT JOIN stream s ON s.hall_id = d.hall_id \
    AND s.terminal_id = d.terminal_id AND s.stream_id = d.stream_id \
    JOIN record r ON r.hall_id = d.hall_id AND r.terminal_id = d.terminal_id \
    AND r.stream_id = d.stream_id AND r.seq = d.seq";

fn letters(db: &Db<'_>, all: bool) -> Result<Vec<KeptLetter>, StoreError> {
    let which = if all { "" } else { "WHERE d.state = 'kept'" };
    let sql = format!(
        "{LETTERS} {which} ORDER BY d.received_ms, d.hall_id, d.terminal_id, d.stream_id, d.seq"
    );
    db.rows(&sql, &[], letter)
}

fn one(
    db: &Db<'_>,
    stream: StreamId,
    seq: u64,
) -> Result<Option<(KeptLetter, Vec<u8>)>, StoreError> {
    let sql = format!("{LETTERS} WHERE d.stream_id = ?1 AND d.seq = ?2");
    db.row(&sql, values![stream.as_bytes(), capped(seq)], |row| {
        Ok((letter(row)?, row.get(11)?))
    })
}

fn letter(row: &Row<'_>) -> Result<KeptLetter, StoreError> {
    Ok(KeptLetter {
        hall: code(row.get(0)?, "dead_letter.hall_id")?,
        window: code(row.get(1)?, "stream.window_id")?,
        terminal: TerminalId::from_bytes(row.get(2)?),
        stream: StreamId::from_bytes(row.get(3)?),
        seq: row.get::<i64>(4)?.unsigned_abs(),
        reason: row.get(5)?,
        detail: row.get(6)?,
        received_ms: row.get(7)?,
        taken: row.get::<&str>(8)? == "taken",
        replayed_ms: row.get(9)?,
        replayed_by: row.get(10)?,
    })
}

fn replay_all(
    db: &Db<'_>,
    which: Option<(StreamId, Seq)>,
    by: &str,
    now_ms: i64,
) -> Result<Vec<KeptLetter>, StoreError> {
    // One replay at a time: it has one terminal after another for itself.
    db.lock_name("dead_letter")?;
    let tried: Vec<_> = match which {
        Some((stream, seq)) => vec![(stream, seq.get())],
        None => letters(db, false)?
            .into_iter()
            .map(|letter| (letter.stream, letter.seq))
            .collect(),
    };
    let mut now = Vec::new();
    for (stream, seq) in tried {
        let Some((seen, _)) = one(db, stream, seq)? else {
            continue;
        };
        db.lock_hall_shared(seen.hall.as_str())?;
        db.lock_terminal(seen.hall.as_str(), seen.terminal)?;
        // As it stands under the lock. Of several, one may have been taken with another.
        let letter = one(db, stream, seq)?.map(|(letter, _)| letter);
        if let Some(letter) = letter.filter(|letter| which.is_none() || !letter.taken) {
            replay::again(db, &letter, by, now_ms)?;
            now.extend(one(db, stream, seq)?.map(|(letter, _)| letter));
        }
    }
    Ok(now)
}

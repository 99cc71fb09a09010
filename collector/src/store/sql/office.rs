//! What the office tells its terminals, and what it hears of them beside ratings.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, Level, Seq, StreamId, TerminalId, WindowId};
use manyi_shared::wire::{AssetDigest, MessageKind, OfficeKey};

use super::hall::options;
use super::{Db, Param, Row, capped, code, values};
use crate::store::{
    Database, LeftMessage, MessageAccess, MessageFilter, OfficeStore, ResumeRefused, StoreError,
    Supplemented, WatchedTerminal,
};

#[async_trait]
impl OfficeStore for Database {
    async fn asset(
        &self,
        hall: HallId,
        digest: AssetDigest,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |db| options::asset(db, &hall, &digest))
            .await
    }

    async fn adopt_office_key(&self, key: OfficeKey, now_ms: i64) -> Result<bool, StoreError> {
        self.write(move |db| options::adopt_key(db, key.as_bytes(), now_ms))
            .await
    }

    async fn set_technician_pin(
        &self,
        hall: HallId,
        window: Option<WindowId>,
        hash: Option<String>,
    ) -> Result<u32, StoreError> {
        self.write(move |db| options::set_pin(db, &hall, window.as_ref(), hash.as_deref()))
            .await
    }

    async fn pause_window(
        &self,
        hall: HallId,
        window: WindowId,
        text: String,
    ) -> Result<u32, StoreError> {
        self.write(move |db| options::pause(db, &hall, &window, &text))
            .await
    }

    async fn resume_window(
        &self,
        hall: HallId,
        window: WindowId,
    ) -> Result<Result<u32, ResumeRefused>, StoreError> {
        self.write(move |db| options::resume(db, &hall, &window))
            .await
    }

    async fn messages(
        &self,
        filter: MessageFilter,
        reader: String,
        now_ms: i64,
    ) -> Result<Vec<LeftMessage>, StoreError> {
        self.write(move |db| messages(db, &filter, &reader, now_ms))
            .await
    }

    async fn note_message_access(
        &self,
        reader: String,
        messages: u64,
        about: String,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.write(move |db| note_access(db, "", (&reader, messages, &about), now_ms))
            .await
    }

    async fn message_accesses(
        &self,
        hall: Option<HallId>,
    ) -> Result<Vec<MessageAccess>, StoreError> {
        self.read(move |db| accesses(db, hall.as_ref())).await
    }

    async fn watched(&self, days: (u32, u32)) -> Result<Vec<WatchedTerminal>, StoreError> {
        self.read(move |db| watched(db, days)).await
    }

    async fn supplemented(
        &self,
        hall: HallId,
        terminal: TerminalId,
        stream: StreamId,
        target: Seq,
    ) -> Result<Supplemented, StoreError> {
        self.read(move |db| supplemented(db, &hall, (terminal, stream, target)))
            .await
    }
}

/// Which rows of `message m` a filter lets through, and the values that it binds.
fn filtered(filter: &MessageFilter) -> (String, Vec<Param<'_>>) {
    let told = [
        (
            "m.hall_id =",
            filter.hall.as_ref().map(|h| h.as_str().into()),
        ),
        (
            "m.window_id =",
            filter.window.as_ref().map(|w| w.as_str().into()),
        ),
        ("m.at_ms >=", filter.from_ms.map(Param::from)),
        ("m.at_ms <", filter.until_ms.map(Param::from)),
    ];
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut values = Vec::new();
    for (condition, value) in told {
        if let Some(value) = value {
            values.push(value);
            conditions.push(format!("{condition} ?{}", values.len()));
        }
    }
    (conditions.join(" AND "), values)
}

/// A filter in words, for whoever reads who opened what.
fn about(filter: &MessageFilter) -> String {
    let instant = |ms: i64| {
        let at = jiff::Timestamp::from_millisecond(ms);
        at.map_or_else(|_| ms.to_string(), |at| at.to_string())
    };
    let parts = [
        filter.window.as_ref().map(|w| format!("window {w}")),
        filter.from_ms.map(|ms| format!("from {}", instant(ms))),
        filter.until_ms.map(|ms| format!("until {}", instant(ms))),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return "all".to_owned();
    }
    parts.join(", ")
}

fn note_access(
    db: &Db<'_>,
    hall: &str,
    (reader, messages, about): (&str, u64, &str),
    now_ms: i64,
) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO message_access (hall_id, at_ms, reader, messages, about) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
        values![hall, now_ms, reader, capped(messages), about],
    )
    .map(drop)
}

fn accesses(db: &Db<'_>, hall: Option<&HallId>) -> Result<Vec<MessageAccess>, StoreError> {
    let (which, values) = match hall {
        Some(hall) => ("WHERE hall_id = ?1", values![hall.as_str()].to_vec()),
        None => ("", Vec::new()),
    };
    let sql = format!(
        "SELECT at_ms, reader, NULLIF(hall_id, ''), messages, about FROM message_access {which} \
         ORDER BY at_ms DESC, hall_id"
    );
    db.rows(&sql, &values, |row| {
        Ok(MessageAccess {
            at_ms: row.get(0)?,
            reader: row.get(1)?,
            hall: row.get(2)?,
            messages: row.get::<i64>(3)?.unsigned_abs(),
            about: row.get(4)?,
        })
    })
}

fn messages(
    db: &Db<'_>,
    filter: &MessageFilter,
    reader: &str,
    now_ms: i64,
) -> Result<Vec<LeftMessage>, StoreError> {
    let (which, values) = filtered(filter);
    let sql = format!(
        "SELECT m.hall_id, h.time_zone, m.window_id, m.stream_id, m.target_seq, m.what, m.sealed, \
         m.at_ms, r.level, r.case_number FROM message m JOIN hall h ON h.hall_id = m.hall_id \
         JOIN record r ON r.hall_id = m.hall_id AND r.terminal_id = m.terminal_id \
         AND r.stream_id = m.stream_id AND r.seq = m.target_seq WHERE {which} \
         ORDER BY m.hall_id, m.at_ms, m.stream_id, m.seq"
    );
    let messages = db.rows(&sql, &values, message)?;
    let about = about(filter);
    for of_hall in messages.chunk_by(|one, next| one.hall == next.hall) {
        if let Some(first) = of_hall.first() {
            let told = (reader, of_hall.len() as u64, &*about);
            note_access(db, first.hall.as_str(), told, now_ms)?;
        }
    }
    Ok(messages)
}

fn message(row: &Row<'_>) -> Result<LeftMessage, StoreError> {
    let corrupt = |column| StoreError::Corrupt { column };
    Ok(LeftMessage {
        hall: code(row.get(0)?, "message.hall_id")?,
        time_zone: row.get(1)?,
        window: code(row.get(2)?, "message.window_id")?,
        stream: StreamId::from_bytes(row.get(3)?),
        target: Seq::new(row.get::<i64>(4)?.unsigned_abs())
            .ok_or_else(|| corrupt("message.target_seq"))?,
        what: MessageKind::from_number(row.get(5)?).ok_or_else(|| corrupt("message.what"))?,
        sealed: minicbor::decode(row.get(6)?).map_err(|_| corrupt("message.sealed"))?,
        at_ms: row.get(7)?,
        level: level(row.get(8)?, "record.level")?,
        case_number: row.get(9)?,
    })
}

fn level(number: u8, column: &'static str) -> Result<Level, StoreError> {
    Level::try_from(number).map_err(|_| StoreError::Corrupt { column })
}

fn watched(db: &Db<'_>, (first, last): (u32, u32)) -> Result<Vec<WatchedTerminal>, StoreError> {
    let terminals = "SELECT t.terminal_id, t.hall_id, h.time_zone, t.window_id, t.enrolled_ms, \
         t.profile_problem, t.journal_problem FROM terminal t JOIN hall h ON h.hall_id = t.hall_id \
         WHERE t.state = 'active' ORDER BY t.hall_id, t.window_id, t.enrolled_ms";
    let tests = "SELECT day, level FROM self_test WHERE hall_id = ?1 AND terminal_id = ?2 \
         AND day BETWEEN ?3 AND ?4 ORDER BY day, level DESC";
    db.rows(terminals, &[], |row| {
        let (id, hall, window): ([u8; 16], &str, &str) = (row.get(0)?, row.get(1)?, row.get(3)?);
        let own = options::of_window(db, [hall, window])?.options;
        let came = db.rows(tests, values![hall, &id, first, last], |row| {
            Ok((row.get(0)?, level(row.get(1)?, "self_test.level")?))
        })?;
        Ok(WatchedTerminal {
            terminal: TerminalId::from_bytes(id),
            hall: code(hall, "terminal.hall_id")?,
            time_zone: row.get(2)?,
            window: code(window, "terminal.window_id")?,
            enrolled_ms: row.get(4)?,
            self_test_minutes: own.self_test_minutes,
            hours: own.hours.unwrap_or_default(),
            tests: came,
            profile_problem: row.get(5)?,
            journal_problem: row.get(6)?,
        })
    })
}

fn supplemented(
    db: &Db<'_>,
    hall: &HallId,
    (terminal, stream, target): (TerminalId, StreamId, Seq),
) -> Result<Supplemented, StoreError> {
    let sql = "SELECT contact FROM hall WHERE hall_id = ?1";
    let contact = db.one(sql, values![hall.as_str()], |row| row.get(0))?;
    let found: Option<(Option<u8>, Option<i64>)> = db.row(
        "SELECT outcome, at_ms FROM record WHERE hall_id = ?1 AND terminal_id = ?2 \
         AND stream_id = ?3 AND seq = ?4",
        values![
            hall.as_str(),
            terminal.as_bytes(),
            stream.as_bytes(),
            capped(target.get())
        ],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(match found {
        None => Supplemented::NotYet { contact },
        Some((Some(1), Some(at_ms))) => Supplemented::Rated { at_ms, contact },
        Some(_) => Supplemented::NoRating,
    })
}

//! What the office tells its terminals, and what it hears of them beside ratings.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, Level, Seq, StreamId, TerminalId, WindowId};
use manyi_shared::wire::{AssetDigest, MessageKind, OfficeKey};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::port::{capped, code};
use crate::store::sql::Db;
use crate::store::sql::hall::options;
use crate::store::{
    LeftMessage, MessageAccess, MessageFilter, OfficeStore, ResumeRefused, StoreError,
    Supplemented, WatchedTerminal,
};

#[async_trait]
impl OfficeStore for super::SqliteStore {
    async fn asset(
        &self,
        hall: HallId,
        digest: AssetDigest,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.old_read(move |connection| options::asset(&Db::new(connection), &hall, &digest))
            .await
    }

    async fn adopt_office_key(&self, key: OfficeKey, now_ms: i64) -> Result<bool, StoreError> {
        self.old_write(move |connection| {
            options::adopt_key(&Db::new(connection), key.as_bytes(), now_ms)
        })
        .await
    }

    async fn set_technician_pin(
        &self,
        hall: HallId,
        window: Option<WindowId>,
        hash: Option<String>,
    ) -> Result<u32, StoreError> {
        self.old_write(move |connection| {
            options::set_pin(
                &Db::new(connection),
                &hall,
                window.as_ref(),
                hash.as_deref(),
            )
        })
        .await
    }

    async fn pause_window(
        &self,
        hall: HallId,
        window: WindowId,
        text: String,
    ) -> Result<u32, StoreError> {
        self.old_write(move |connection| {
            options::pause(&Db::new(connection), &hall, &window, &text)
        })
        .await
    }

    async fn resume_window(
        &self,
        hall: HallId,
        window: WindowId,
    ) -> Result<Result<u32, ResumeRefused>, StoreError> {
        self.old_write(move |connection| options::resume(&Db::new(connection), &hall, &window))
            .await
    }

    async fn messages(
        &self,
        filter: MessageFilter,
        reader: String,
        now_ms: i64,
    ) -> Result<Vec<LeftMessage>, StoreError> {
        self.old_write(move |connection| messages(connection, &filter, &reader, now_ms))
            .await
    }

    async fn note_message_access(
        &self,
        reader: String,
        messages: u64,
        about: String,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.old_write(move |connection| {
            let sql = "INSERT INTO message_access (hall_id, at_ms, reader, messages, about) \
                 VALUES ('', ?1, ?2, ?3, ?4)";
            connection.execute(sql, params![now_ms, reader, capped(messages), about])?;
            Ok(())
        })
        .await
    }

    async fn message_accesses(
        &self,
        hall: Option<HallId>,
    ) -> Result<Vec<MessageAccess>, StoreError> {
        self.old_read(move |connection| accesses(connection, hall.as_ref()))
            .await
    }

    async fn watched(&self, days: (u32, u32)) -> Result<Vec<WatchedTerminal>, StoreError> {
        self.old_read(move |connection| watched(connection, days))
            .await
    }

    async fn supplemented(
        &self,
        hall: HallId,
        terminal: TerminalId,
        stream: StreamId,
        target: Seq,
    ) -> Result<Supplemented, StoreError> {
        self.old_read(move |connection| supplemented(connection, &hall, (terminal, stream, target)))
            .await
    }
}

/// Which rows of `message m` a filter lets through.
const FILTERED: &str = "(?1 IS NULL OR m.hall_id = ?1) AND (?2 IS NULL OR m.window_id = ?2) \
    AND (?3 IS NULL OR m.at_ms >= ?3) AND (?4 IS NULL OR m.at_ms < ?4)";

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

fn accesses(
    connection: &Connection,
    hall: Option<&HallId>,
) -> Result<Vec<MessageAccess>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT at_ms, reader, NULLIF(hall_id, ''), messages, about FROM message_access \
         WHERE ?1 IS NULL OR hall_id = ?1 ORDER BY at_ms DESC, hall_id",
    )?;
    let rows = statement.query_map([hall.map(HallId::as_str)], |row| {
        Ok(MessageAccess {
            at_ms: row.get(0)?,
            reader: row.get(1)?,
            hall: row.get(2)?,
            messages: row.get::<_, i64>(3)?.unsigned_abs(),
            about: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn messages(
    connection: &Connection,
    filter: &MessageFilter,
    reader: &str,
    now_ms: i64,
) -> Result<Vec<LeftMessage>, StoreError> {
    let hall = filter.hall.as_ref().map(HallId::as_str);
    let window = filter.window.as_ref().map(WindowId::as_str);
    let written = format!(
        "INSERT INTO message_access (hall_id, at_ms, reader, messages, about) \
         SELECT m.hall_id, ?5, ?6, COUNT(*), ?7 FROM message m WHERE {FILTERED} \
         GROUP BY m.hall_id"
    );
    let (from_ms, until_ms) = (filter.from_ms, filter.until_ms);
    let key = params![
        hall,
        window,
        from_ms,
        until_ms,
        now_ms,
        reader,
        about(filter)
    ];
    connection.execute(&written, key)?;
    let sql = format!(
        "SELECT m.hall_id, h.time_zone, m.window_id, m.stream_id, m.target_seq, m.what, m.sealed, \
         m.at_ms, r.level, r.case_number FROM message m JOIN hall h ON h.hall_id = m.hall_id \
         JOIN record r ON r.hall_id = m.hall_id AND r.terminal_id = m.terminal_id \
         AND r.stream_id = m.stream_id AND r.seq = m.target_seq WHERE {FILTERED} \
         ORDER BY m.hall_id, m.at_ms, m.stream_id, m.seq"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![hall, window, from_ms, until_ms])?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        messages.push(message(row)?);
    }
    Ok(messages)
}

fn message(row: &Row<'_>) -> Result<LeftMessage, StoreError> {
    let corrupt = |column| StoreError::Corrupt { column };
    let sealed: Vec<u8> = row.get(6)?;
    Ok(LeftMessage {
        hall: code(&row.get::<_, String>(0)?, "message.hall_id")?,
        time_zone: row.get(1)?,
        window: code(&row.get::<_, String>(2)?, "message.window_id")?,
        stream: StreamId::from_bytes(row.get(3)?),
        target: Seq::new(row.get::<_, i64>(4)?.unsigned_abs())
            .ok_or_else(|| corrupt("message.target_seq"))?,
        what: MessageKind::from_number(row.get(5)?).ok_or_else(|| corrupt("message.what"))?,
        sealed: minicbor::decode(&sealed).map_err(|_| corrupt("message.sealed"))?,
        at_ms: row.get(7)?,
        level: level(row.get(8)?, "record.level")?,
        case_number: row.get(9)?,
    })
}

fn level(number: u8, column: &'static str) -> Result<Level, StoreError> {
    Level::try_from(number).map_err(|_| StoreError::Corrupt { column })
}

fn watched(
    connection: &Connection,
    (first, last): (u32, u32),
) -> Result<Vec<WatchedTerminal>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT t.terminal_id, t.hall_id, h.time_zone, t.window_id, t.enrolled_ms, \
         t.profile_problem, t.journal_problem FROM terminal t JOIN hall h ON h.hall_id = t.hall_id \
         WHERE t.state = 'active' ORDER BY t.hall_id, t.window_id, t.enrolled_ms",
    )?;
    let mut tests = connection.prepare_cached(
        "SELECT day, level FROM self_test WHERE hall_id = ?1 AND terminal_id = ?2 \
         AND day BETWEEN ?3 AND ?4 ORDER BY day, level DESC",
    )?;
    let mut rows = statement.query([])?;
    let mut terminals = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, hall, window): ([u8; 16], String, String) =
            (row.get(0)?, row.get(1)?, row.get(3)?);
        let own = options::of_window(&Db::new(connection), [&hall, &window])?.options;
        let came = tests
            .query_map(params![hall, id, first, last], |row| {
                Ok((row.get::<_, u32>(0)?, row.get::<_, u8>(1)?))
            })?
            .map(|test| {
                let (day, number) = test?;
                Ok((day, level(number, "self_test.level")?))
            })
            .collect::<Result<_, StoreError>>()?;
        terminals.push(WatchedTerminal {
            terminal: TerminalId::from_bytes(id),
            hall: code(&hall, "terminal.hall_id")?,
            time_zone: row.get(2)?,
            window: code(&window, "terminal.window_id")?,
            enrolled_ms: row.get(4)?,
            self_test_minutes: own.self_test_minutes,
            hours: own.hours.unwrap_or_default(),
            tests: came,
            profile_problem: row.get(5)?,
            journal_problem: row.get(6)?,
        });
    }
    Ok(terminals)
}

fn supplemented(
    connection: &Connection,
    hall: &HallId,
    (terminal, stream, target): (TerminalId, StreamId, Seq),
) -> Result<Supplemented, StoreError> {
    let contact = connection
        .prepare_cached("SELECT contact FROM hall WHERE hall_id = ?1")?
        .query_row([hall.as_str()], |row| row.get(0))?;
    let key = params![
        hall.as_str(),
        terminal.as_bytes(),
        stream.as_bytes(),
        capped(target.get())
    ];
    let found: Option<(Option<u8>, Option<i64>)> = connection
        .prepare_cached(
            "SELECT outcome, at_ms FROM record WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3 AND seq = ?4",
        )?
        .query_row(key, |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(match found {
        None => Supplemented::NotYet { contact },
        Some((Some(1), Some(at_ms))) => Supplemented::Rated { at_ms, contact },
        Some(_) => Supplemented::NoRating,
    })
}

//! A journal that is whole and older than it was: a card that said "synced" and had not, and went back
//! in time when the power did.
//!
//! Nothing inside such a journal tells it. What tells it is anything beside it that remembers a later
//! position: the terminal keeps one with the note of the open prompt. The witness costs the card no
//! sync, so it may be old or gone itself; then nothing is told, and the centre notices what it had.

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::{ClockReading, Seq, StreamId};
use crate::wire::{Loss, LossCause, Record, RecordBody};

use super::walk::{self, StreamRow};
use super::writer::{is_marked, mark};
use super::{JournalError, Writer};

/// A position that a stream had once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witness {
    /// The stream.
    pub stream: StreamId,
    /// A position that was on the card as far as the terminal could know.
    pub tip: Seq,
}

impl Writer {
    /// Compares the journal with what a witness remembers. Where the journal ends before it, one record
    /// says so: from which position on records may be missing, and since when. It is told once, however
    /// often the witness is heard.
    ///
    /// Not to be asked while a salvage is under way: what it puts back may be what the witness means, and
    /// what it cannot is told by itself.
    ///
    /// # Errors
    /// As for [`Writer::append`].
    pub fn hear(
        &mut self,
        witness: Witness,
        now: &ClockReading,
    ) -> Result<Option<Loss>, JournalError> {
        let path = self.path().to_owned();
        let found = missing(self.conn(), witness, self.stream(), now.wall_ms);
        let found = found.map_err(|source| JournalError::Sqlite {
            doing: "look for what a witness remembers",
            path,
            source,
        })?;
        let Some(loss) = found else {
            return Ok(None);
        };
        let body = RecordBody::Loss(loss.clone());
        let note = told(witness);
        self.append_all(std::iter::once(body), now, |tx| mark(tx, &note))?;
        Ok(Some(loss))
    }
}

/// One note for a stream: a later witness of the same stream cannot know more of what is gone.
fn told(witness: Witness) -> String {
    format!("older.{}", witness.stream)
}

/// `present` is the stream that has just been opened.
fn missing(
    conn: &Connection,
    witness: Witness,
    present: StreamId,
    now_ms: i64,
) -> rusqlite::Result<Option<Loss>> {
    if is_marked(conn, &told(witness))? {
        return Ok(None);
    }
    // It remembers the beginning of the last prompt, not what was sealed after it: the end is open.
    let loss = Loss {
        cause: LossCause::OlderJournal,
        stream: None,
        from: None,
        until: None,
        earliest_ms: None,
        latest_ms: Some(now_ms),
        records: None,
    };
    let row = walk::stream(conn, witness.stream)?;
    let row = match row {
        Some(row) if last(conn, &row)? > 0 => Some(row),
        _ => None,
    };
    let Some(row) = row else {
        // The end of the stream before may be gone as well, and others in between.
        let before = walk::streams(conn)?
            .into_iter()
            .rfind(|row| row.id != present);
        let earliest_ms = match &before {
            Some(row) => sealed_last(conn, row)?,
            None => None,
        };
        return Ok(Some(Loss {
            earliest_ms,
            ..loss
        }));
    };
    let end = last(conn, &row)?;
    if end >= witness.tip.get() {
        return Ok(None);
    }
    Ok(Some(Loss {
        stream: Some(witness.stream),
        from: Some(Seq::new(end).map_or(Seq::FIRST, |end| end.plus(1))),
        earliest_ms: sealed_last(conn, &row)?,
        ..loss
    }))
}

/// The last position of a stream, also of one that was pruned or folded; 0 for none.
fn last(conn: &Connection, row: &StreamRow) -> rusqlite::Result<u64> {
    let held: u64 = conn
        .prepare_cached(
            "SELECT max(coalesce((SELECT max(seq) FROM record WHERE stream_no = ?1), 0),
                        coalesce((SELECT max(last) FROM fold WHERE stream_no = ?1), 0))",
        )?
        .query_row([row.no], |row| row.get(0))?;
    let acknowledged = row.acknowledged.map_or(0, |(seq, _)| seq.get());
    Ok(held.max(acknowledged).max(row.pruned.get()))
}

/// When the last record of a stream was sealed, by the tablet's wall clock; none when it is not there
/// or says nothing.
fn sealed_last(conn: &Connection, row: &StreamRow) -> rusqlite::Result<Option<i64>> {
    let Some(seq) = Seq::new(last(conn, row)?) else {
        return Ok(None);
    };
    let opening = record(conn, row, Seq::FIRST)?.map(|record| record.body);
    let Some(RecordBody::StreamOpened(opened)) = opening else {
        return Ok(None);
    };
    let at = record(conn, row, seq)?.map(|record| record.at);
    Ok(at.map(|at| at.wall_ms(&opened)))
}

fn record(conn: &Connection, row: &StreamRow, seq: Seq) -> rusqlite::Result<Option<Record>> {
    let bytes: Option<Vec<u8>> = conn
        .prepare_cached("SELECT bytes FROM record WHERE stream_no = ? AND seq = ?")?
        .query_row(params![row.no, seq.get()], |row| row.get(0))
        .optional()?;
    Ok(bytes.and_then(|bytes| Record::decode(&bytes).ok()))
}

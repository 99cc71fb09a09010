//! Whether a journal is whole: its pages as SQLite sees them, and the chains of what is unsent as
//! the centre will see them.

use std::path::Path;

use rusqlite::Connection;

use crate::domain::{Seq, StreamId, Watermark};

use super::JournalError;
use super::open::judge;
use super::walk::{self, Step};

/// What is wrong.
#[derive(Debug)]
pub(super) enum Finding {
    /// SQLite could not read on.
    Sqlite(rusqlite::Error),
    /// SQLite's own check found this.
    Pages(String),
    /// The chain does not lead on here.
    Chain(StreamId, Seq),
}

impl Finding {
    /// The finding as an error of the journal at `path`.
    pub(super) fn at(self, path: &Path) -> JournalError {
        let problem = match self {
            Self::Sqlite(error) => return judge(path, error),
            Self::Pages(problem) => problem,
            Self::Chain(stream, seq) => {
                format!("record {seq} of stream {stream} is not what was sealed")
            }
        };
        JournalError::Unreadable {
            path: path.to_owned(),
            problem,
        }
    }
}

/// Reads every page once. A few milliseconds per thousand ratings; a damaged page found now is set
/// aside, found later it is a lost rating.
pub(super) fn pages(conn: &Connection) -> Result<(), Finding> {
    let verdict: String = conn
        .query_row("PRAGMA quick_check(1)", [], |r| r.get(0))
        .map_err(Finding::Sqlite)?;
    if verdict != "ok" {
        return Err(Finding::Pages(verdict));
    }
    // Rows of a stream that is gone would stand in the way of the next stream of that number.
    let mut orphans = conn
        .prepare("SELECT \"table\" FROM pragma_foreign_key_check")
        .map_err(Finding::Sqlite)?;
    let mut found = orphans.query([]).map_err(Finding::Sqlite)?;
    match found.next().map_err(Finding::Sqlite)? {
        None => Ok(()),
        Some(row) => {
            let table: String = row.get(0).map_err(Finding::Sqlite)?;
            let problem = format!("table `{table}` has rows of a stream that is not there");
            Err(Finding::Pages(problem))
        }
    }
}

/// Recomputes the chain over everything that is there, and looks whether it passes through what the
/// centre acknowledged. While a salvage is under way (`salvaging`), a stream may end before that: the
/// records up to there are still to be put back.
pub(super) fn chains(conn: &Connection, salvaging: bool) -> Result<(), Finding> {
    for stream in walk::streams(conn).map_err(Finding::Sqlite)? {
        if let Some(seq) = walk::below(conn, &stream).map_err(Finding::Sqlite)? {
            return Err(Finding::Chain(stream.id, seq));
        }
        let start = (stream.pruned, stream.base);
        let acknowledged = stream
            .acknowledged
            .map(|(seq, hash)| (Watermark::from(seq), hash));
        let mut passed = acknowledged.is_none_or(|place| place == start);
        let mut end = start.0;
        let mut broken = None;
        let walked = walk::from(conn, &stream, start.0, start.1, |step| match step {
            Step::Item(item) => {
                end = item.end().0;
                passed |= Some(item.end()) == acknowledged;
                true
            }
            Step::Broken(seq) => {
                broken = Some(seq);
                false
            }
        });
        walked.map_err(Finding::Sqlite)?;
        let unknown = || {
            let (held, _) = acknowledged.filter(|(held, _)| !salvaging || *held <= end)?;
            Seq::new(held.get())
        };
        if let Some(seq) = broken.or_else(|| unknown().filter(|_| !passed)) {
            return Err(Finding::Chain(stream.id, seq));
        }
    }
    Ok(())
}

/// Whether there is a stream of which nothing is there. A stream and its opening are one commit, so this
/// is half of a moment that the card has mixed with another; or a salvage that is not finished.
pub(super) fn half_a_stream(conn: &Connection) -> rusqlite::Result<bool> {
    conn.query_row(
        "SELECT EXISTS (SELECT 1 FROM stream s WHERE s.pruned = 0
           AND NOT EXISTS (SELECT 1 FROM record r WHERE r.stream_no = s.stream_no)
           AND NOT EXISTS (SELECT 1 FROM fold f WHERE f.stream_no = s.stream_no)
           AND NOT EXISTS (SELECT 1 FROM acknowledged a WHERE a.stream_no = s.stream_no))",
        [],
        |row| row.get(0),
    )
}

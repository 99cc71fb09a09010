//! The writing side: one stream a program start, one commit a record.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::{Channel, ClockReading, HallId, Seq, StreamId, TerminalId, WindowId};
use crate::wire::{ChainHash, Record, RecordBody, RecordTime, StreamOpened, StreamTip, Suite};

use super::JournalError;
use super::open::{self, Role};

/// Who opens a stream and where.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The terminal's identity.
    pub terminal: TerminalId,
    /// The hall it stands in.
    pub hall: HallId,
    /// The window it stands at.
    pub window: WindowId,
    /// Program name and version.
    pub software: String,
}

/// Appends to one stream. There is one at a time a journal, held by a file lock.
#[derive(Debug)]
pub struct Writer {
    conn: Connection,
    path: PathBuf,
    _lock: File,
    stream: StreamId,
    stream_no: i64,
    opened: ClockReading,
    tip: Seq,
    hash: ChainHash,
    spent: bool,
}

/// A record that is on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Its position.
    pub seq: Seq,
    /// The chain after it.
    pub hash: ChainHash,
}

impl Writer {
    /// Opens the journal at `path`, creating it when there is none, and a new stream in it; the
    /// stream's first record is on the card when this returns.
    ///
    /// # Errors
    /// [`JournalError::InUse`], [`JournalError::Unreadable`], [`JournalError::Newer`] or
    /// [`JournalError::Append`]; the file's records are as they were.
    pub fn open(path: &Path, opening: &Opening, now: ClockReading) -> Result<Self, JournalError> {
        let lock = lock(path)?;
        let conn = open::open(path, Role::Writer)?;
        let sqlite = |source| JournalError::Sqlite {
            doing: "read the last stream",
            path: path.to_owned(),
            source,
        };
        let previous = last_tip(&conn).map_err(sqlite)?;
        let stream = StreamId::random();
        let opened = StreamOpened {
            suite: Suite::Ed25519Sha256,
            terminal: opening.terminal,
            stream,
            previous,
            wall_ms: now.wall_ms,
            uptime_ms: now.uptime_ms,
            boot: now.boot,
            software: opening.software.clone(),
            hall: opening.hall.clone(),
            window: opening.window.clone(),
            channel: Channel::Tablet,
        };
        let first = Record {
            at: RecordTime::between(&now, &now),
            body: RecordBody::StreamOpened(opened),
        };
        let bytes = first.encode()?;
        let hash = ChainHash::genesis(opening.terminal, stream).extend(&bytes);
        let stream_no = begin(&conn, opening.terminal, stream, &bytes, hash)
            .map_err(|source| JournalError::Append { seq: 1, source })?;
        Ok(Self {
            conn,
            path: path.to_owned(),
            _lock: lock,
            stream,
            stream_no,
            opened: now,
            tip: Seq::FIRST,
            hash,
            spent: false,
        })
    }

    /// The stream this writer appends to.
    #[must_use]
    pub const fn stream(&self) -> StreamId {
        self.stream
    }

    /// The last record's position.
    #[must_use]
    pub const fn tip(&self) -> Seq {
        self.tip
    }

    /// Seals one record: when this returns, it is on the card.
    ///
    /// # Errors
    /// [`JournalError::Encode`] leaves the writer as it was. [`JournalError::Append`] spends it:
    /// whether SQLite's failed commit reached the card is not known until the next open, so the
    /// position must not be used again.
    pub fn append(
        &mut self,
        body: RecordBody,
        now: &ClockReading,
    ) -> Result<Appended, JournalError> {
        if self.spent {
            return Err(JournalError::Spent);
        }
        let record = Record {
            at: RecordTime::between(&self.opened, now),
            body,
        };
        let bytes = record.encode()?;
        let seq = self.tip.plus(1);
        let hash = self.hash.extend(&bytes);
        insert(&self.conn, self.stream_no, seq, &bytes, hash).map_err(|source| {
            self.spent = true;
            JournalError::Append {
                seq: seq.get(),
                source,
            }
        })?;
        self.tip = seq;
        self.hash = hash;
        Ok(Appended { seq, hash })
    }

    /// The file this writer appends to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Takes the lock that keeps a second terminal out. Released by the kernel when the process ends,
/// however it ends.
fn lock(path: &Path) -> Result<File, JournalError> {
    let lock_path = path.with_extension("lock");
    let io = |source| JournalError::Io {
        doing: "lock",
        path: lock_path.clone(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(JournalError::InUse {
            path: path.to_owned(),
        }),
        Err(std::fs::TryLockError::Error(source)) => Err(io(source)),
    }
}

fn begin(
    conn: &Connection,
    terminal: TerminalId,
    stream: StreamId,
    bytes: &[u8],
    hash: ChainHash,
) -> rusqlite::Result<i64> {
    let tx = conn.unchecked_transaction()?;
    tx.execute(
        "INSERT INTO stream (stream_id, terminal_id) VALUES (?, ?)",
        params![stream.as_bytes(), terminal.as_bytes()],
    )?;
    let stream_no = tx.last_insert_rowid();
    insert(&tx, stream_no, Seq::FIRST, bytes, hash)?;
    tx.commit()?;
    Ok(stream_no)
}

fn insert(
    conn: &Connection,
    stream_no: i64,
    seq: Seq,
    bytes: &[u8],
    hash: ChainHash,
) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT INTO record (stream_no, seq, bytes, hash) VALUES (?, ?, ?, ?)")?
        .execute(params![stream_no, seq.get(), bytes, hash.as_bytes()])
        .map(drop)
}

/// The end of the newest stream. A stream whose records are all pruned still has its
/// acknowledgement to name.
fn last_tip(conn: &Connection) -> rusqlite::Result<Option<StreamTip>> {
    conn.query_row(
        "SELECT s.stream_id, t.seq, t.hash
         FROM stream s
         JOIN (SELECT stream_no, seq, hash FROM record
               UNION ALL SELECT stream_no, last, head FROM fold
               UNION ALL SELECT stream_no, seq, hash FROM acknowledged) t USING (stream_no)
         WHERE s.stream_no = (SELECT max(stream_no) FROM stream)
         ORDER BY t.seq DESC LIMIT 1",
        [],
        |row| {
            let seq: u64 = row.get(1)?;
            Ok(Seq::new(seq).map(|seq| {
                Ok::<_, rusqlite::Error>(StreamTip {
                    stream: StreamId::from_bytes(row.get(0)?),
                    seq,
                    hash: ChainHash::from_bytes(row.get(2)?),
                })
            }))
        },
    )
    .optional()?
    .flatten()
    .transpose()
}

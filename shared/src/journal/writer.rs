//! The writing side: one stream a program start, one commit a record.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::{Channel, ClockReading, HallId, Seq, StreamId, TerminalId, WindowId};
use crate::wire::{ChainHash, Record, RecordBody, RecordTime, StreamOpened, StreamTip, Suite};

use super::JournalError;
use super::cap::{self, Limits, Room};
use super::open::{self, Role};

/// Who opens a stream and where.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The suite of the stream's chain: that of the terminal's key.
    pub suite: Suite,
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
    limits: Limits,
    /// Appends until the size is looked at again.
    look_in: u32,
}

/// Between two looks at the size: they add a few pages at most.
const LOOK_EVERY: u32 = 64;

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
        let previous = previous(&conn, path)?;
        let begin = Begin {
            previous,
            ..Begin::default()
        };
        Self::begin(conn, lock, path, opening, now, &begin)
    }

    /// Opens a stream in a journal that is open.
    pub(super) fn begin(
        conn: Connection,
        lock: File,
        path: &Path,
        opening: &Opening,
        now: ClockReading,
        begin: &Begin<'_>,
    ) -> Result<Self, JournalError> {
        let stream = StreamId::random();
        let opened = StreamOpened {
            suite: opening.suite,
            terminal: opening.terminal,
            stream,
            previous: begin.previous,
            wall_ms: now.wall_ms,
            uptime_ms: now.uptime_ms,
            boot: now.boot,
            software: opening.software.clone(),
            hall: opening.hall.clone(),
            window: opening.window.clone(),
            channel: Channel::Tablet,
        };
        let mut sealing = Sealing::new(&now, opening.suite.genesis(opening.terminal, stream));
        sealing.add(RecordBody::StreamOpened(opened), &now)?;
        for body in begin.bodies {
            sealing.add(body.clone(), &now)?;
        }
        let commit = || -> rusqlite::Result<i64> {
            let tx = conn.unchecked_transaction()?;
            tx.execute(
                "INSERT INTO stream (stream_id, terminal_id, suite) VALUES (?, ?, ?)",
                params![
                    stream.as_bytes(),
                    opening.terminal.as_bytes(),
                    opening.suite.number()
                ],
            )?;
            let stream_no = tx.last_insert_rowid();
            sealing.insert(&tx, stream_no, Seq::FIRST)?;
            for note in begin.notes {
                mark(&tx, note)?;
            }
            tx.commit()?;
            Ok(stream_no)
        };
        let stream_no = commit().map_err(|source| JournalError::Append { seq: 1, source })?;
        let hash = sealing.chain;
        Ok(Self {
            stream_no,
            path: path.to_owned(),
            _lock: lock,
            stream,
            opened: now,
            tip: Seq::FIRST.plus(begin.bodies.len() as u64),
            hash,
            spent: false,
            limits: Limits::default(),
            look_in: 0,
            conn,
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
        let seq = self.append_all(std::iter::once(body), now, |_| Ok(()))?;
        Ok(Appended {
            seq,
            hash: self.hash,
        })
    }

    /// Seals several records in one commit, with whatever else belongs into it; answers the last
    /// position.
    ///
    /// # Errors
    /// As for [`Self::append`].
    pub(super) fn append_all(
        &mut self,
        bodies: impl Iterator<Item = RecordBody>,
        now: &ClockReading,
        also: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<Seq, JournalError> {
        if self.spent {
            return Err(JournalError::Spent);
        }
        let mut sealing = Sealing::new(&self.opened, self.hash);
        for body in bodies {
            sealing.add(body, now)?;
        }
        let first = self.tip.plus(1);
        let commit = || -> rusqlite::Result<()> {
            let tx = self.conn.unchecked_transaction()?;
            sealing.insert(&tx, self.stream_no, first)?;
            also(&tx)?;
            tx.commit()
        };
        let committed = commit();
        let (chain, count) = (sealing.chain, sealing.records.len() as u64);
        committed.map_err(|source| {
            self.spent = true;
            JournalError::Append {
                seq: first.get(),
                source,
            }
        })?;
        self.tip = self.tip.plus(count);
        self.look_in = self.look_in.saturating_sub(1);
        self.hash = chain;
        Ok(self.tip)
    }

    /// Sets how much of the card the journal may take.
    pub const fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Makes room when the journal has reached its cap: prunes what the centre has, then folds the
    /// oldest that it does not have. To be called between appends; most calls do nothing.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`]; everything is then as it was, and appending goes on.
    pub fn make_room(&mut self) -> Result<Room, JournalError> {
        if self.look_in > 0 {
            return Ok(Room::default());
        }
        self.look_in = LOOK_EVERY;
        cap::make_room(&self.conn, &self.path, Some(self.stream), self.limits).map_err(|source| {
            JournalError::Sqlite {
                doing: "make room",
                path: self.path.clone(),
                source,
            }
        })
    }

    /// The connection, for what else the terminal does with its journal.
    pub(super) const fn conn(&self) -> &Connection {
        &self.conn
    }

    /// The file this writer appends to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What else goes into the commit that opens a stream.
#[derive(Debug, Default)]
pub(super) struct Begin<'a> {
    /// The stream that it follows.
    pub(super) previous: Option<StreamTip>,
    /// Records right after the opening.
    pub(super) bodies: &'a [RecordBody],
    /// Notes that something was done once and for all.
    pub(super) notes: &'a [String],
}

/// Records on their way into one commit.
struct Sealing<'a> {
    opened: &'a ClockReading,
    chain: ChainHash,
    records: Vec<(Vec<u8>, ChainHash)>,
}

impl<'a> Sealing<'a> {
    const fn new(opened: &'a ClockReading, chain: ChainHash) -> Self {
        Self {
            opened,
            chain,
            records: Vec::new(),
        }
    }

    fn add(&mut self, body: RecordBody, now: &ClockReading) -> Result<(), JournalError> {
        let record = Record {
            at: RecordTime::between(self.opened, now),
            body,
        };
        let bytes = record.encode()?;
        self.chain = self.chain.extend(&bytes);
        self.records.push((bytes, self.chain));
        Ok(())
    }

    fn insert(&self, conn: &Connection, stream_no: i64, first: Seq) -> rusqlite::Result<()> {
        for (n, (bytes, hash)) in (0..).zip(&self.records) {
            insert(conn, stream_no, first.plus(n), bytes, *hash)?;
        }
        Ok(())
    }
}

/// Notes that something was done.
pub(super) fn mark(conn: &Connection, name: &str) -> rusqlite::Result<()> {
    conn.execute(
        "INSERT INTO note (name, value) VALUES (?, 1) ON CONFLICT (name) DO NOTHING",
        [name],
    )
    .map(drop)
}

/// Whether it was noted that something was done.
pub(super) fn is_marked(conn: &Connection, name: &str) -> rusqlite::Result<bool> {
    conn.query_row(
        "SELECT EXISTS (SELECT 1 FROM note WHERE name = ?)",
        [name],
        |row| row.get(0),
    )
}

/// The end of the newest stream.
pub(super) fn previous(conn: &Connection, path: &Path) -> Result<Option<StreamTip>, JournalError> {
    last_tip(conn).map_err(|source| JournalError::Sqlite {
        doing: "read the last stream",
        path: path.to_owned(),
        source,
    })
}

/// Takes the lock that keeps a second terminal out. Released by the kernel when the process ends,
/// however it ends.
pub(super) fn lock(path: &Path) -> Result<File, JournalError> {
    let lock_path = path.with_extension("lock");
    let io = |source| JournalError::Io {
        doing: "lock",
        path: lock_path.clone(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
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

pub(super) fn insert(
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

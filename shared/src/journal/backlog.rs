//! The daemon's side: what is still to be sent, what the centre has, what may go.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::domain::{Seq, StreamId, TerminalId, Watermark};
use crate::wire::ChainHash;

use super::JournalError;
use super::schema::{self, Role};

/// The records that the centre has not acknowledged, and the notes about those it has.
#[derive(Debug)]
pub struct Backlog {
    conn: Connection,
    path: PathBuf,
}

/// The next records to send: a contiguous run of one stream from its first unacknowledged record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRun {
    /// Whose stream it is.
    pub terminal: TerminalId,
    /// The stream.
    pub stream: StreamId,
    /// The position of the first record.
    pub first: Seq,
    /// The chain before the first record.
    pub base: ChainHash,
    /// The records' bytes, in order; at least one.
    pub records: Vec<Vec<u8>>,
    /// Whether the stream has more unacknowledged records after these.
    pub more: bool,
}

impl PendingRun {
    /// The chain after the run.
    #[must_use]
    pub fn head(&self) -> ChainHash {
        self.base.extend_all(self.records.iter().map(Vec::as_slice))
    }

    /// The position of the last record.
    #[must_use]
    pub fn last(&self) -> Seq {
        self.first.plus(self.records.len().saturating_sub(1) as u64)
    }
}

/// What a pruning removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Records removed; all were acknowledged.
    pub records: u64,
}

/// The note that holds the lowest exchange number not yet reserved.
const NEXT_EXCHANGE: &str = "next_exchange";

impl Backlog {
    /// Opens the journal for the daemon.
    ///
    /// # Errors
    /// [`JournalError::Missing`] until the terminal has made it, or as for the writer.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Ok(Self {
            conn: schema::open(path, Role::Daemon)?,
            path: path.to_owned(),
        })
    }

    /// How many records are not acknowledged, over all streams.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`].
    pub fn unacknowledged(&self) -> Result<u64, JournalError> {
        self.conn
            .prepare_cached(
                "SELECT count(*) FROM stream s
                 JOIN record r ON r.stream_no = s.stream_no
                  AND r.seq > coalesce((SELECT seq FROM acknowledged a WHERE a.stream_no = s.stream_no), 0)",
            )
            .and_then(|mut q| q.query_row([], |row| row.get(0)))
            .map_err(|e| self.fault("count the backlog", e))
    }

    /// The next run to send: of the oldest stream with unacknowledged records that is not in
    /// `skip`, at most `max_records` records and `max_bytes` bytes, but always at least one record.
    /// `None` when nothing is left.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`].
    pub fn next_run(
        &self,
        max_records: usize,
        max_bytes: usize,
        skip: &[StreamId],
    ) -> Result<Option<PendingRun>, JournalError> {
        for stream in self.pending_streams()? {
            if !skip.contains(&stream.id) {
                return self
                    .run_of(&stream, max_records.max(1), max_bytes)
                    .map(Some);
            }
        }
        Ok(None)
    }

    fn pending_streams(&self) -> Result<Vec<PendingStream>, JournalError> {
        let query = || -> rusqlite::Result<Vec<PendingStream>> {
            self.conn
                .prepare_cached(
                    "SELECT s.stream_no, s.stream_id, s.terminal_id, a.seq, a.hash
                     FROM stream s LEFT JOIN acknowledged a USING (stream_no)
                     WHERE EXISTS (SELECT 1 FROM record r
                                   WHERE r.stream_no = s.stream_no AND r.seq > coalesce(a.seq, 0))
                     ORDER BY s.stream_no",
                )?
                .query_map([], |row| {
                    let id = StreamId::from_bytes(row.get(1)?);
                    let terminal = TerminalId::from_bytes(row.get(2)?);
                    let acknowledged: Option<u64> = row.get(3)?;
                    let hash: Option<[u8; 32]> = row.get(4)?;
                    Ok(PendingStream {
                        no: row.get(0)?,
                        id,
                        terminal,
                        acknowledged: Watermark::new(acknowledged.unwrap_or(0)),
                        base: hash.map_or_else(
                            || ChainHash::genesis(terminal, id),
                            ChainHash::from_bytes,
                        ),
                    })
                })?
                .collect()
        };
        query().map_err(|e| self.fault("find unsent streams", e))
    }

    fn run_of(
        &self,
        stream: &PendingStream,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<PendingRun, JournalError> {
        let first = stream.acknowledged.next();
        let mut records: Vec<Vec<u8>> = Vec::new();
        let mut bytes = 0;
        let mut more = false;
        let mut query = || -> rusqlite::Result<()> {
            let mut statement = self.conn.prepare_cached(
                "SELECT bytes FROM record WHERE stream_no = ? AND seq >= ? ORDER BY seq LIMIT ?",
            )?;
            let limit = i64::try_from(max_records)
                .unwrap_or(i64::MAX)
                .saturating_add(1);
            let mut rows = statement.query(params![stream.no, first.get(), limit])?;
            while let Some(row) = rows.next()? {
                let record: Vec<u8> = row.get(0)?;
                bytes += record.len();
                if !records.is_empty() && (records.len() == max_records || bytes > max_bytes) {
                    more = true;
                    break;
                }
                records.push(record);
            }
            Ok(())
        };
        query().map_err(|e| self.fault("read unsent records", e))?;
        Ok(PendingRun {
            terminal: stream.terminal,
            stream: stream.id,
            first,
            base: stream.base,
            records,
            more,
        })
    }

    /// Notes that the centre holds `stream` up to `watermark` with this chain there.
    ///
    /// A watermark below the noted one moves the note back, so that a centre restored from a
    /// backup is filled again with what the journal still has.
    ///
    /// # Errors
    /// [`JournalError::Unknown`] when the journal has no such record, and
    /// [`JournalError::OtherHistory`] when the centre's chain is not ours; nothing is noted then.
    pub fn acknowledge(
        &mut self,
        stream: StreamId,
        watermark: Watermark,
        hash: ChainHash,
    ) -> Result<(), JournalError> {
        let (no, terminal) = self.stream(stream, watermark)?;
        let Some(seq) = Seq::new(watermark.get()) else {
            return self.forget_acknowledged(
                no,
                stream,
                hash == ChainHash::genesis(terminal, stream),
            );
        };
        let ours: Option<[u8; 32]> = self
            .conn
            .prepare_cached(
                "SELECT hash FROM record WHERE stream_no = ?1 AND seq = ?2
                 UNION SELECT hash FROM acknowledged WHERE stream_no = ?1 AND seq = ?2",
            )
            .and_then(|mut q| {
                q.query_row(params![no, seq.get()], |row| row.get(0))
                    .optional()
            })
            .map_err(|e| self.fault("look up an acknowledged record", e))?;
        match ours {
            None => Err(JournalError::Unknown {
                stream,
                seq: seq.get(),
            }),
            Some(ours) if ChainHash::from_bytes(ours) != hash => {
                Err(JournalError::OtherHistory { stream, seq })
            }
            Some(_) => self.note_acknowledged(no, Some((seq, hash))),
        }
    }

    /// Goes back to the start of a stream, of which the centre has nothing any more.
    fn forget_acknowledged(
        &self,
        no: i64,
        stream: StreamId,
        same_genesis: bool,
    ) -> Result<(), JournalError> {
        if !same_genesis {
            return Err(JournalError::OtherHistory {
                stream,
                seq: Seq::FIRST,
            });
        }
        let lowest: Option<u64> = self
            .conn
            .query_row(
                "SELECT min(seq) FROM record WHERE stream_no = ?",
                [no],
                |row| row.get(0),
            )
            .map_err(|e| self.fault("look up the first record", e))?;
        // Once the first records are pruned, what is left must not be sent as if it were them.
        if lowest != Some(Seq::FIRST.get()) {
            return Err(JournalError::Unknown {
                stream,
                seq: Seq::FIRST.get(),
            });
        }
        self.note_acknowledged(no, None)
    }

    fn stream(&self, stream: StreamId, at: Watermark) -> Result<(i64, TerminalId), JournalError> {
        self.conn
            .prepare_cached("SELECT stream_no, terminal_id FROM stream WHERE stream_id = ?")
            .and_then(|mut q| {
                q.query_row([stream.as_bytes()], |row| {
                    Ok((row.get(0)?, TerminalId::from_bytes(row.get(1)?)))
                })
                .optional()
            })
            .map_err(|e| self.fault("look up a stream", e))?
            .ok_or(JournalError::Unknown {
                stream,
                seq: at.get(),
            })
    }

    fn note_acknowledged(&self, no: i64, at: Option<(Seq, ChainHash)>) -> Result<(), JournalError> {
        let done = match at {
            Some((seq, hash)) => self
                .conn
                .prepare_cached(
                    "INSERT INTO acknowledged (stream_no, seq, hash) VALUES (?1, ?2, ?3)
                     ON CONFLICT (stream_no) DO UPDATE SET seq = ?2, hash = ?3
                     WHERE seq <> ?2",
                )
                .and_then(|mut q| q.execute(params![no, seq.get(), hash.as_bytes()])),
            None => self
                .conn
                .execute("DELETE FROM acknowledged WHERE stream_no = ?", [no]),
        };
        done.map(drop)
            .map_err(|e| self.fault("note an acknowledgement", e))
    }

    /// Removes acknowledged records, oldest first, so that at most `keep` of them stay. The note of
    /// the last acknowledged position stays with its chain hash: the next stream names it.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`]; nothing is removed then.
    pub fn prune(&mut self, keep: u64) -> Result<Pruned, JournalError> {
        let prune = || -> rusqlite::Result<u64> {
            let tx = self.conn.unchecked_transaction()?;
            let removed = tx.execute(
                "WITH sent AS (
                     SELECT r.stream_no, r.seq,
                            row_number() OVER (ORDER BY r.stream_no DESC, r.seq DESC) AS place
                     FROM record r JOIN acknowledged a
                       ON a.stream_no = r.stream_no AND r.seq <= a.seq)
                 DELETE FROM record WHERE (stream_no, seq) IN
                     (SELECT stream_no, seq FROM sent WHERE place > ?)",
                [keep],
            )?;
            tx.commit()?;
            Ok(removed as u64)
        };
        let records = prune().map_err(|e| self.fault("prune", e))?;
        Ok(Pruned { records })
    }

    /// Reserves `count` exchange numbers for this program start and gives the first. Synced, so
    /// that a number is never given twice, not even after a power cut.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`]; nothing is reserved then.
    pub fn reserve_exchange_numbers(
        &mut self,
        count: u32,
        at_least: u64,
    ) -> Result<u64, JournalError> {
        let reserve = || -> rusqlite::Result<u64> {
            // Immediate: a transaction that reads first and then wants to write is refused at once
            // while the terminal commits, without the busy time-out.
            let tx = Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate)?;
            let noted: Option<u64> = tx
                .query_row(
                    "SELECT value FROM note WHERE name = ?",
                    [NEXT_EXCHANGE],
                    |r| r.get(0),
                )
                .optional()?;
            let first = noted.unwrap_or(1).max(at_least);
            tx.execute(
                "INSERT INTO note (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = ?2",
                params![NEXT_EXCHANGE, first.saturating_add(u64::from(count))],
            )?;
            tx.commit()?;
            Ok(first)
        };
        let synced = self.conn.pragma_update(None, "synchronous", "FULL");
        let reserved = synced.and_then(|()| reserve());
        let eased = self.conn.pragma_update(None, "synchronous", "NORMAL");
        reserved
            .and_then(|first| eased.map(|()| first))
            .map_err(|e| self.fault("reserve exchange numbers", e))
    }

    fn fault(&self, doing: &'static str, source: rusqlite::Error) -> JournalError {
        JournalError::Sqlite {
            doing,
            path: self.path.clone(),
            source,
        }
    }
}

struct PendingStream {
    no: i64,
    id: StreamId,
    terminal: TerminalId,
    acknowledged: Watermark,
    base: ChainHash,
}

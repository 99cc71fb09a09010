//! Looking without touching: listing, verifying and exporting while a terminal runs.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use crate::domain::{Seq, StreamId, TerminalId};
use crate::wire::{ChainHash, Fold, Record, RecordError, Suite};

use super::JournalError;
use super::check;
use super::open::{self, Role};
use super::walk;

/// A read-only look at a journal.
#[derive(Debug)]
pub struct Reader {
    conn: Connection,
    path: PathBuf,
    /// A journal of version 1 that no terminal has upgraded yet has no folds.
    has_folds: bool,
}

/// One stream as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStream {
    number: i64,
    /// The stream.
    pub id: StreamId,
    /// Whose it is.
    pub terminal: TerminalId,
    /// The centre has everything up to here; 0 for nothing.
    pub acknowledged: u64,
    /// The suite of its chain.
    pub suite: Suite,
}

const STREAMS: &str = "
    SELECT s.stream_no, s.stream_id, s.terminal_id, coalesce(a.seq, 0), s.suite
    FROM stream s LEFT JOIN acknowledged a USING (stream_no) ORDER BY s.stream_no";

/// In version 1 there was one suite.
const STREAMS_V1: &str = "
    SELECT s.stream_no, s.stream_id, s.terminal_id, coalesce(a.seq, 0), 1
    FROM stream s LEFT JOIN acknowledged a USING (stream_no) ORDER BY s.stream_no";

/// One record as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its position.
    pub seq: Seq,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The chain after it, as noted when it was sealed.
    pub hash: ChainHash,
}

impl StoredRecord {
    /// What the record says.
    ///
    /// # Errors
    /// When the bytes are not a record; the terminal that sealed them is of another opinion.
    pub fn decode(&self) -> Result<Record, RecordError> {
        Record::decode(&self.bytes)
    }
}

/// What a check of one stream found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every record is there, in order, and the chain holds.
    Whole,
    /// Acknowledged records before this one were pruned; from here on everything holds.
    PrunedBefore(Seq),
    /// A position is missing.
    Missing(Seq),
    /// The chain breaks at this record: its bytes or its neighbours were changed.
    Broken(Seq),
    /// The bytes at this position are not a record.
    Undecodable(Seq),
}

impl Verdict {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Whole | Self::PrunedBefore(_))
    }
}

/// What a check of a stream found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// The stream.
    pub stream: StreamId,
    /// Records looked at.
    pub records: u64,
    /// The finding; the first one when there are several.
    pub verdict: Verdict,
}

impl Reader {
    /// Opens a journal for looking.
    ///
    /// # Errors
    /// [`JournalError::Missing`], [`JournalError::Unreadable`] or [`JournalError::Newer`].
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let conn = open::open(path, Role::Reader)?;
        let has_folds = conn.table_exists(None, "fold").unwrap_or(false);
        Ok(Self {
            conn,
            path: path.to_owned(),
            has_folds,
        })
    }

    /// All streams, oldest first.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`].
    pub fn streams(&self) -> Result<Vec<StoredStream>, JournalError> {
        let query = || -> rusqlite::Result<Vec<StoredStream>> {
            self.conn
                .prepare_cached(if self.has_folds { STREAMS } else { STREAMS_V1 })?
                .query_map([], |row| {
                    Ok(StoredStream {
                        number: row.get(0)?,
                        id: StreamId::from_bytes(row.get(1)?),
                        terminal: TerminalId::from_bytes(row.get(2)?),
                        acknowledged: row.get(3)?,
                        suite: walk::suite(row, 4)?,
                    })
                })?
                .collect()
        };
        query().map_err(|e| self.fault("list streams", e))
    }

    /// Hands every record of a stream to `each`, in order, one at a time.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`], after the records before it were handed over.
    pub fn for_each_record(
        &self,
        stream: &StoredStream,
        mut each: impl FnMut(StoredRecord),
    ) -> Result<(), JournalError> {
        let mut query = || -> rusqlite::Result<()> {
            let mut statement = self.conn.prepare_cached(
                "SELECT seq, bytes, hash FROM record WHERE stream_no = ? ORDER BY seq",
            )?;
            let mut rows = statement.query(params![stream.number])?;
            while let Some(row) = rows.next()? {
                let seq =
                    Seq::new(row.get(0)?).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, 0))?;
                each(StoredRecord {
                    seq,
                    bytes: row.get(1)?,
                    hash: ChainHash::from_bytes(row.get(2)?),
                });
            }
            Ok(())
        };
        query().map_err(|e| self.fault("read records", e))
    }

    /// The folds of a stream, in order: counts of records that the card had no room for. None of a
    /// fold that is damaged.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`].
    pub fn folds(&self, stream: &StoredStream) -> Result<Vec<Option<Fold>>, JournalError> {
        if !self.has_folds {
            return Ok(Vec::new());
        }
        let folds = walk::folds(&self.conn, stream.number);
        folds.map_err(|e| self.fault("read folds", e))
    }

    /// Where pruning stopped: the last pruned position and the chain there.
    fn base(&self, stream: &StoredStream) -> Result<Option<(Seq, ChainHash)>, JournalError> {
        if !self.has_folds {
            return Ok(None);
        }
        let row = walk::stream(&self.conn, stream.id)
            .map_err(|e| self.fault("look up a stream", e))?
            .and_then(|row| Some((Seq::new(row.pruned.get())?, row.base)));
        Ok(row)
    }

    /// How many positions of a stream the centre has not acknowledged; a fold counts for all it
    /// stands for.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`].
    pub fn unacknowledged(&self, stream: &StoredStream) -> Result<u64, JournalError> {
        let folded: u64 = self
            .folds(stream)?
            .iter()
            .flatten()
            .filter(|fold| fold.last.get() > stream.acknowledged)
            .map(Fold::positions)
            .sum();
        let records: u64 = self
            .conn
            .prepare_cached("SELECT count(*) FROM record WHERE stream_no = ? AND seq > ?")
            .and_then(|mut q| {
                q.query_row(params![stream.number, stream.acknowledged], |row| {
                    row.get(0)
                })
            })
            .map_err(|e| self.fault("count unsent records", e))?;
        Ok(records.saturating_add(folded))
    }

    /// One record of a stream; none when it was pruned or never sealed.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`].
    pub fn record(
        &self,
        stream: &StoredStream,
        seq: Seq,
    ) -> Result<Option<StoredRecord>, JournalError> {
        self.conn
            .prepare_cached("SELECT bytes, hash FROM record WHERE stream_no = ? AND seq = ?")
            .and_then(|mut q| {
                q.query_row(params![stream.number, seq.get()], |row| {
                    Ok(StoredRecord {
                        seq,
                        bytes: row.get(0)?,
                        hash: ChainHash::from_bytes(row.get(1)?),
                    })
                })
                .optional()
            })
            .map_err(|e| self.fault("read a record", e))
    }

    /// Recomputes the chain of a stream and decodes every record.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`]; what is wrong with the records is the report's verdict.
    pub fn verify(&self, stream: &StoredStream) -> Result<VerifyReport, JournalError> {
        let mut check = StreamCheck::new(
            stream.suite.genesis(stream.terminal, stream.id),
            self.base(stream)?,
            stream.acknowledged,
            self.folds(stream)?,
        );
        self.for_each_record(stream, |record| check.take(&record))?;
        check.pass_folds(None);
        Ok(VerifyReport {
            stream: stream.id,
            records: check.records,
            verdict: check.verdict,
        })
    }

    /// Reads every page once and looks whether the file's structure holds.
    ///
    /// # Errors
    /// [`JournalError::Unreadable`] with what does not hold.
    pub fn check_pages(&self) -> Result<(), JournalError> {
        check::pages(&self.conn).map_err(|finding| finding.at(&self.path))
    }

    fn fault(&self, doing: &'static str, source: rusqlite::Error) -> JournalError {
        JournalError::Sqlite {
            doing,
            path: self.path.clone(),
            source,
        }
    }
}

/// Follows a stream record by record.
struct StreamCheck {
    chain: Option<ChainHash>,
    next: Seq,
    acknowledged: u64,
    folds: VecDeque<Option<Fold>>,
    records: u64,
    verdict: Verdict,
}

impl StreamCheck {
    fn new(
        genesis: ChainHash,
        base: Option<(Seq, ChainHash)>,
        acknowledged: u64,
        folds: Vec<Option<Fold>>,
    ) -> Self {
        let next = base.map_or(Seq::FIRST, |(pruned, _)| pruned.plus(1));
        Self {
            chain: Some(base.map_or(genesis, |(_, hash)| hash)),
            next,
            acknowledged,
            folds: folds.into(),
            records: 0,
            verdict: base.map_or(Verdict::Whole, |_| Verdict::PrunedBefore(next)),
        }
    }

    fn take(&mut self, record: &StoredRecord) {
        self.records += 1;
        self.pass_folds(Some(record.seq));
        if !self.verdict.is_good() {
            return;
        }
        if record.seq != self.next {
            // A journal of version 1 says nothing of its pruning: only what the centre acknowledged
            // may be pruned, and only from the start.
            if self.records == 1 && record.seq.get() <= self.acknowledged.saturating_add(1) {
                self.verdict = Verdict::PrunedBefore(record.seq);
                self.chain = None;
            } else {
                self.verdict = Verdict::Missing(self.next);
                return;
            }
        }
        let hash = self
            .chain
            .map_or(record.hash, |chain| chain.extend(&record.bytes));
        if hash != record.hash {
            self.verdict = Verdict::Broken(record.seq);
        } else if record.decode().is_err() {
            self.verdict = Verdict::Undecodable(record.seq);
        }
        self.chain = Some(hash);
        self.next = record.seq.plus(1);
    }

    /// Goes over the folds that come before a record, or over all that are left.
    fn pass_folds(&mut self, before: Option<Seq>) {
        while self.verdict.is_good() {
            let comes = |fold: &Option<Fold>| {
                let first = fold.as_ref().map(|fold| fold.first);
                before.is_none() || first.is_none_or(|first| Some(first) < before)
            };
            let Some(fold) = self.folds.pop_front_if(|fold| comes(fold)) else {
                return;
            };
            match fold {
                Some(fold) if fold.first == self.next && self.chain == Some(fold.base) => {
                    self.chain = Some(fold.head);
                    self.next = fold.last.plus(1);
                }
                _ => self.verdict = Verdict::Broken(self.next),
            }
        }
    }
}

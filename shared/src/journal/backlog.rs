//! The daemon's side: what is still to be sent, what the centre has, what may go.

mod acknowledged;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::domain::{Seq, StreamId, TerminalId, Watermark};
use crate::wire::{ChainHash, Claim, Fold};

use super::JournalError;
use super::open::{self, Role, is_damage};
use super::walk::{self, Item, Step, StreamRow};
use super::{prune, size, suspect};

/// What the centre has not acknowledged, and the notes about what it has.
#[derive(Debug)]
pub struct Backlog {
    conn: Connection,
    path: PathBuf,
    /// What is acknowledged beyond what is noted, by `stream_no`.
    ahead: BTreeMap<i64, (Seq, ChainHash)>,
}

/// What is to be sent next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pending {
    /// Records.
    Run(PendingRun),
    /// Counts of records that the card had no room for.
    Fold(PendingFold),
}

impl Pending {
    /// Whose stream it is.
    #[must_use]
    pub const fn terminal(&self) -> TerminalId {
        match self {
            Self::Run(run) => run.terminal,
            Self::Fold(fold) => fold.terminal,
        }
    }

    /// The stream.
    #[must_use]
    pub const fn stream(&self) -> StreamId {
        match self {
            Self::Run(run) => run.stream,
            Self::Fold(fold) => fold.fold.stream,
        }
    }

    /// The last position that it stands for.
    #[must_use]
    pub fn last(&self) -> Seq {
        match self {
            Self::Run(run) => run.last(),
            Self::Fold(fold) => fold.fold.last,
        }
    }
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
    /// Whether the stream has more to send after these.
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

/// A fold to send, at its place in the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingFold {
    /// Whose stream it is.
    pub terminal: TerminalId,
    /// The fold.
    pub fold: Fold,
    /// Whether the stream has more to send after it.
    pub more: bool,
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
            conn: open::open(path, Role::Daemon)?,
            path: path.to_owned(),
            ahead: BTreeMap::new(),
        })
    }

    /// How many positions are not acknowledged, over all streams; a fold counts for all it stands for.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`].
    pub fn unacknowledged(&self) -> Result<u64, JournalError> {
        self.conn
            .prepare_cached(
                "SELECT (SELECT count(*) FROM stream s
                         JOIN record r ON r.stream_no = s.stream_no
                          AND r.seq > coalesce((SELECT seq FROM acknowledged a WHERE a.stream_no = s.stream_no), 0))
                      + (SELECT coalesce(sum(f.last - f.first + 1), 0) FROM fold f
                         WHERE f.last > coalesce((SELECT seq FROM acknowledged a WHERE a.stream_no = f.stream_no), 0))",
            )
            .and_then(|mut q| q.query_row([], |row| row.get(0)))
            .and_then(|noted: u64| Ok(noted.saturating_sub(self.count_ahead()?)))
            .map_err(|e| self.fault("count the backlog", e))
    }

    /// What is to be sent next: of the oldest stream with something unacknowledged that is not in
    /// `skip`, either a fold or at most `max_records` records of at most `max_bytes` bytes, but always
    /// at least one record. `None` when nothing is left.
    ///
    /// Everything is checked against the chain on its way out: what a card has changed is never
    /// sent as what somebody said. A stream that cannot be read on is passed over as long as another
    /// has something to send, and marked for the terminal to look at.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] when a record is not what was sealed, or is gone, and nothing else is to
    /// be sent; [`JournalError::Sqlite`].
    pub fn next(
        &self,
        max_records: usize,
        max_bytes: usize,
        skip: &[StreamId],
    ) -> Result<Option<Pending>, JournalError> {
        let mut damaged = None;
        for stream in self.streams("find unsent streams")? {
            if skip.contains(&stream.id) {
                continue;
            }
            match self.next_of(&stream, max_records.max(1), max_bytes) {
                Ok(Some(pending)) => {
                    self.offer(&stream, pending.last());
                    return Ok(Some(pending));
                }
                Ok(None) => {}
                Err(error @ JournalError::Damaged { .. }) => {
                    damaged.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        damaged.map_or(Ok(None), Err)
    }

    /// As [`Self::next`], for callers that cannot send folds: a stream that goes on with a fold is
    /// passed over.
    ///
    /// # Errors
    /// As for [`Self::next`].
    pub fn next_run(
        &self,
        max_records: usize,
        max_bytes: usize,
        skip: &[StreamId],
    ) -> Result<Option<PendingRun>, JournalError> {
        let mut skip = skip.to_vec();
        loop {
            match self.next(max_records, max_bytes, &skip)? {
                None => return Ok(None),
                Some(Pending::Run(run)) => return Ok(Some(run)),
                Some(Pending::Fold(fold)) => skip.push(fold.fold.stream),
            }
        }
    }

    /// All streams, oldest first, with what is acknowledged whether it is noted or not.
    fn streams(&self, doing: &'static str) -> Result<Vec<StreamRow>, JournalError> {
        let mut streams = walk::streams(&self.conn).map_err(|e| self.fault(doing, e))?;
        for stream in &mut streams {
            if let Some(ahead) = self.ahead.get(&stream.no) {
                stream.acknowledged = Some(*ahead);
            }
        }
        Ok(streams)
    }

    fn next_of(
        &self,
        stream: &StreamRow,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Option<Pending>, JournalError> {
        let (held, base) = stream.held();
        let mut records: Vec<Vec<u8>> = Vec::new();
        let mut fold = None;
        let (mut bytes, mut more, mut broken) = (0, false, None);
        let walked = walk::unsent(&self.conn, stream, |step| {
            match step {
                // Something comes after what is complete; it is looked at when its turn comes.
                _ if fold.is_some() || records.len() == max_records => more = true,
                Step::Broken(_) if !records.is_empty() => more = true,
                Step::Broken(seq) => broken = Some(seq),
                Step::Item(Item::Fold(_)) if !records.is_empty() => more = true,
                Step::Item(Item::Fold(found)) => {
                    fold = Some(found);
                    return true;
                }
                Step::Item(Item::Record(record)) => {
                    bytes += record.bytes.len();
                    if records.is_empty() || bytes <= max_bytes {
                        records.push(record.bytes);
                        return true;
                    }
                    more = true;
                }
            }
            false
        });
        walked.map_err(|e| self.fault("read unsent records", e))?;
        if let Some(seq) = broken {
            return Err(self.damaged(stream.id, seq));
        }
        let terminal = stream.terminal;
        if let Some(fold) = fold {
            return Ok(Some(Pending::Fold(PendingFold {
                terminal,
                fold,
                more,
            })));
        }
        Ok((!records.is_empty()).then(|| {
            Pending::Run(PendingRun {
                terminal,
                stream: stream.id,
                first: held.next(),
                base,
                records,
                more,
            })
        }))
    }

    /// Notes that the centre may have these records from now on, so that they are not folded. Only a
    /// journal that has grown large is ever folded, so only such a one pays for the note.
    fn offer(&self, stream: &StreamRow, last: Seq) {
        let noted = size::used(&self.conn).and_then(|used| {
            if used < size::OFFERS_ARE_NOTED_FROM {
                return Ok(0);
            }
            self.conn
                .prepare_cached(
                    "INSERT INTO offered (stream_no, seq) VALUES (?1, ?2)
                     ON CONFLICT (stream_no) DO UPDATE SET seq = ?2 WHERE seq < ?2",
                )?
                .execute(params![stream.no, last.get()])
        });
        // A card that takes no note is full; sending is what empties it. The centre finds out when a
        // fold overlaps what it has.
        drop(noted);
    }

    /// What the centre acknowledged of the present terminal's streams: at most `limit`, newest
    /// first, going on after the stream `after` and around, so that callers take turns.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`].
    pub fn claims(
        &self,
        limit: usize,
        after: Option<StreamId>,
    ) -> Result<Vec<Claim>, JournalError> {
        let streams = self.streams("read acknowledgements")?;
        let present = streams.last().map(|stream| stream.terminal);
        let mut claims: Vec<Claim> = streams
            .iter()
            .rev()
            .filter(|stream| Some(stream.terminal) == present)
            .filter_map(|stream| {
                let (seq, hash) = stream.acknowledged?;
                Some(Claim {
                    stream: stream.id,
                    watermark: seq.into(),
                    hash,
                })
            })
            .collect();
        if let Some(at) = claims.iter().position(|claim| Some(claim.stream) == after) {
            claims.rotate_left(at + 1);
        }
        claims.truncate(limit);
        Ok(claims)
    }

    /// What of a stream is pruned here although the centre, which holds it up to `held` with
    /// `held_hash` there, asks for it: a fold without entries over exactly these positions. `None`
    /// when nothing that it asks for is missing.
    ///
    /// # Errors
    /// [`JournalError::Unknown`] when there is no such stream, or [`JournalError::Sqlite`].
    pub fn gone(
        &self,
        stream: StreamId,
        held: Watermark,
        held_hash: ChainHash,
    ) -> Result<Option<PendingFold>, JournalError> {
        let row = self.stream(stream, held)?;
        let Some(last) = Seq::new(row.pruned.get()).filter(|last| *last >= held.next()) else {
            return Ok(None);
        };
        let mut more = false;
        walk::from(&self.conn, &row, row.pruned, row.base, |_| {
            more = true;
            false
        })
        .map_err(|e| self.fault("look for what is left", e))?;
        Ok(Some(PendingFold {
            terminal: row.terminal,
            fold: Fold {
                stream,
                first: held.next(),
                last,
                base: held_hash.in_suite(row.base.suite()),
                head: row.base,
                entries: Vec::new(),
            },
            more,
        }))
    }

    fn stream(&self, stream: StreamId, at: Watermark) -> Result<StreamRow, JournalError> {
        walk::stream(&self.conn, stream)
            .map_err(|e| self.fault("look up a stream", e))?
            .ok_or(JournalError::Unknown {
                stream,
                seq: at.get(),
            })
    }

    /// Removes acknowledged records, oldest first, so that at most `keep` of them stay. The note of
    /// the last acknowledged position stays with its chain hash: the next stream names it.
    ///
    /// # Errors
    /// [`JournalError::Sqlite`]; nothing is removed then.
    pub fn prune(&mut self, keep: u64) -> Result<Pruned, JournalError> {
        self.note()?;
        let records = prune::down_to(&self.conn, keep).map_err(|e| self.fault("prune", e))?;
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

    /// Tells the terminal, too: it opens the journal anew at its next idle moment, checks all of it and
    /// sets it aside if it is damaged.
    fn damaged(&self, stream: StreamId, seq: Seq) -> JournalError {
        suspect::mark(&self.path);
        JournalError::Damaged {
            path: self.path.clone(),
            problem: format!("record {seq} of stream {stream} is not what was sealed"),
        }
    }

    fn fault(&self, doing: &'static str, source: rusqlite::Error) -> JournalError {
        if is_damage(&source) {
            suspect::mark(&self.path);
            return JournalError::Damaged {
                path: self.path.clone(),
                problem: format!("could not {doing}: {source}"),
            };
        }
        JournalError::Sqlite {
            doing,
            path: self.path.clone(),
            source,
        }
    }
}

//! A stream's content in order: records one by one and, where the card was full, folds in their
//! place, each checked against the chain.

use rusqlite::{Connection, params};

use crate::domain::{Seq, StreamId, TerminalId, Watermark};
use crate::wire::{ChainHash, Fold, Suite};

use super::reader::StoredRecord;

/// One row of `stream` with its acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StreamRow {
    pub(super) no: i64,
    pub(super) id: StreamId,
    pub(super) terminal: TerminalId,
    /// Everything up to here was pruned.
    pub(super) pruned: Watermark,
    /// The chain there, of the stream's suite; the genesis when nothing was pruned.
    pub(super) base: ChainHash,
    /// What the centre holds, with the chain there.
    pub(super) acknowledged: Option<(Seq, ChainHash)>,
}

impl StreamRow {
    /// Where sending goes on: the last position that the centre holds, and the chain there.
    pub(super) fn held(&self) -> (Watermark, ChainHash) {
        match self.acknowledged {
            Some((seq, hash)) => (seq.into(), hash),
            None => (self.pruned, self.base),
        }
    }
}

/// One piece of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Record(StoredRecord),
    Fold(Fold),
}

impl Item {
    /// Its last position and the chain there.
    pub(super) fn end(&self) -> (Watermark, ChainHash) {
        match self {
            Self::Record(record) => (record.seq.into(), record.hash),
            Self::Fold(fold) => (fold.last.into(), fold.head),
        }
    }
}

/// What comes next in a stream.
#[derive(Debug)]
pub(super) enum Step {
    /// A piece that follows what was before it.
    Item(Item),
    /// What should come at this position is not there, or is not what was sealed.
    Broken(Seq),
}

/// All streams, oldest first.
pub(super) fn streams(conn: &Connection) -> rusqlite::Result<Vec<StreamRow>> {
    conn.prepare_cached(
        "SELECT s.stream_no, s.stream_id, s.terminal_id, s.pruned, s.base, a.seq, a.hash, s.suite
         FROM stream s LEFT JOIN acknowledged a USING (stream_no) ORDER BY s.stream_no",
    )?
    .query_map([], stream_row)?
    .collect()
}

fn stream_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<StreamRow> {
    let id = StreamId::from_bytes(row.get(1)?);
    let terminal = TerminalId::from_bytes(row.get(2)?);
    let suite = suite(row, 7)?;
    let base: Option<[u8; 32]> = row.get(4)?;
    let acknowledged: Option<u64> = row.get(5)?;
    let hash: Option<[u8; 32]> = row.get(6)?;
    Ok(StreamRow {
        no: row.get(0)?,
        id,
        terminal,
        pruned: Watermark::new(row.get(3)?),
        base: base.map_or_else(
            || suite.genesis(terminal, id),
            |base| ChainHash::of(suite, base),
        ),
        acknowledged: acknowledged
            .and_then(Seq::new)
            .zip(hash.map(|hash| ChainHash::of(suite, hash))),
    })
}

/// The suite in a column; an error when it is of a newer program.
pub(super) fn suite(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Suite> {
    let number: u8 = row.get(column)?;
    Suite::from_number(number)
        .ok_or_else(|| rusqlite::Error::IntegralValueOutOfRange(column, i64::from(number)))
}

/// One stream.
pub(super) fn stream(conn: &Connection, id: StreamId) -> rusqlite::Result<Option<StreamRow>> {
    conn.prepare_cached(
        "SELECT s.stream_no, s.stream_id, s.terminal_id, s.pruned, s.base, a.seq, a.hash, s.suite
         FROM stream s LEFT JOIN acknowledged a USING (stream_no) WHERE s.stream_id = ?",
    )?
    .query_map([id.as_bytes()], stream_row)?
    .next()
    .transpose()
}

/// Hands over what the centre does not have of a stream, until `each` says no.
pub(super) fn unsent(
    conn: &Connection,
    stream: &StreamRow,
    each: impl FnMut(Step) -> bool,
) -> rusqlite::Result<()> {
    let (held, chain) = stream.held();
    from(conn, stream, held, chain, each)
}

/// The first record at a position that was pruned: a pruning of which only a part is there.
pub(super) fn below(conn: &Connection, stream: &StreamRow) -> rusqlite::Result<Option<Seq>> {
    let lowest: Option<u64> = conn
        .prepare_cached("SELECT min(seq) FROM record WHERE stream_no = ? AND seq <= ?")?
        .query_row(params![stream.no, stream.pruned.get()], |row| row.get(0))?;
    Ok(lowest.and_then(Seq::new))
}

/// Hands over what follows a position with a known chain, until `each` says no.
pub(super) fn from(
    conn: &Connection,
    stream: &StreamRow,
    held: Watermark,
    chain: ChainHash,
    mut each: impl FnMut(Step) -> bool,
) -> rusqlite::Result<()> {
    let mut folds = folds_after(conn, stream.no, held)?.into_iter().peekable();
    let mut at = (held.next(), chain);
    let mut records = conn.prepare_cached(
        "SELECT seq, bytes, hash FROM record WHERE stream_no = ? AND seq > ? ORDER BY seq",
    )?;
    let mut rows = records.query(params![stream.no, held.get()])?;
    loop {
        let record = rows.next()?.map(stored).transpose()?;
        let before = record.as_ref().map_or(u64::MAX, |record| record.seq.get());
        while let Some(found) = folds.next_if(|fold| fold.first < before) {
            let step = found.follow(stream, at);
            let after = after(&step);
            if !each(step) {
                return Ok(());
            }
            let Some(next) = after else { return Ok(()) };
            at = next;
        }
        let Some(record) = record else { return Ok(()) };
        let hash = at.1.extend(&record.bytes);
        let step = if record.seq == at.0 && hash == record.hash {
            Step::Item(Item::Record(StoredRecord { hash, ..record }))
        } else {
            Step::Broken(at.0)
        };
        let after = after(&step);
        if !each(step) {
            return Ok(());
        }
        let Some(next) = after else { return Ok(()) };
        at = next;
    }
}

/// The next position and the chain before it.
fn after(step: &Step) -> Option<(Seq, ChainHash)> {
    match step {
        Step::Item(item) => {
            let (watermark, hash) = item.end();
            Some((watermark.next(), hash))
        }
        Step::Broken(_) => None,
    }
}

pub(super) fn stored(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredRecord> {
    let seq = Seq::new(row.get(0)?).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, 0))?;
    Ok(StoredRecord {
        seq,
        bytes: row.get(1)?,
        hash: ChainHash::from_bytes(row.get(2)?),
    })
}

/// A row of `fold` as it lies there.
#[derive(Debug)]
struct FoldRow {
    first: u64,
    last: u64,
    head: ChainHash,
    bytes: Vec<u8>,
    digest: [u8; 32],
}

/// All folds of a stream, in order; none of one that is not what was written.
pub(super) fn folds(conn: &Connection, stream_no: i64) -> rusqlite::Result<Vec<Option<Fold>>> {
    let rows = folds_after(conn, stream_no, Watermark::default())?;
    Ok(rows.iter().map(FoldRow::read).collect())
}

fn folds_after(
    conn: &Connection,
    stream_no: i64,
    held: Watermark,
) -> rusqlite::Result<Vec<FoldRow>> {
    conn.prepare_cached(
        "SELECT first, last, head, bytes, digest FROM fold
         WHERE stream_no = ? AND last > ? ORDER BY first",
    )?
    .query_map(params![stream_no, held.get()], |row| {
        Ok(FoldRow {
            first: row.get(0)?,
            last: row.get(1)?,
            head: ChainHash::from_bytes(row.get(2)?),
            bytes: row.get(3)?,
            digest: row.get(4)?,
        })
    })?
    .collect()
}

impl FoldRow {
    /// The fold, if its row is what was written.
    fn read(&self) -> Option<Fold> {
        (crate::wire::digest(&self.bytes) == self.digest)
            .then(|| Fold::from_bytes(&self.bytes).ok())
            .flatten()
            .filter(|fold| (fold.first.get(), fold.last.get()) == (self.first, self.last))
            .filter(|fold| fold.head == self.head)
    }

    /// The fold, if it is one and follows this position.
    fn follow(&self, stream: &StreamRow, (next, chain): (Seq, ChainHash)) -> Step {
        match self.read() {
            Some(fold) if fold.stream == stream.id && (fold.first, fold.base) == (next, chain) => {
                Step::Item(Item::Fold(fold))
            }
            _ => Step::Broken(next),
        }
    }
}

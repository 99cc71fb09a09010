//! The journal's cap: when it is reached, records that the centre has go first, then the oldest that
//! it does not have are folded into counts. Never silence, and never a card that takes no more.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::domain::{Seq, StreamId, Watermark};
use crate::wire::{ChainHash, Fold};

use super::fold::{self, Decoded, Folding};
use super::walk::{self, Item, Step, StreamRow};
use super::{ballast, prune, salvage, size};

/// How much of the card a journal may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The size in bytes that the journal's files stay below.
    pub cap_bytes: u64,
}

impl Limits {
    /// The usual cap, in MiB: a year without a centre, at 1,000 ratings a day.
    pub const CAP_MIB: u32 = 64;

    /// A cap in MiB.
    #[must_use]
    pub const fn of_mib(mib: u32) -> Self {
        Self {
            cap_bytes: mib as u64 * 1024 * 1024,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::of_mib(Self::CAP_MIB)
    }
}

/// The log beside the database, in bytes: SQLite writes it back at 1,000 pages, and a fold adds some.
const FOR_THE_LOG: u64 = 3 * 1024 * 1024;

/// How far below the cap room is made, in parts of the cap, so that it happens rarely.
const LOW_PART: u64 = 64;

/// What making room has cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// Records removed that the centre has.
    pub pruned: u64,
    /// Records that became counts.
    pub folded: u64,
}

/// While less than this of the file is free inside, in bytes, a full card is a full journal.
const SPARE: u64 = 256 * 1024;

/// Makes room when the cap is reached, or the card is full before that. `live` is the stream that is
/// being written.
pub(super) fn make_room(
    conn: &Connection,
    journal: &Path,
    live: Option<StreamId>,
    limits: Limits,
) -> rusqlite::Result<Room> {
    let cap = limits.cap_bytes.saturating_sub(FOR_THE_LOG);
    let used = size::used(conn)?;
    if used >= cap {
        return shrink_to(conn, live, cap.saturating_sub(cap / LOW_PART));
    }
    if ballast::is_scarce(journal) && size::spare(conn)? < SPARE {
        ballast::give_up(journal);
        return shrink_to(conn, live, used.saturating_sub(2 * SPARE));
    }
    Ok(Room::default())
}

/// Prunes and folds until the journal is below this size, or nothing is left that could go.
fn shrink_to(conn: &Connection, live: Option<StreamId>, low: u64) -> rusqlite::Result<Room> {
    let mut room = Room::default();
    let mut keep: u64 = conn.query_row(
        "SELECT count(*) FROM record r JOIN acknowledged a USING (stream_no) WHERE r.seq <= a.seq",
        [],
        |row| row.get(0),
    )?;
    while size::used(conn)? >= low && keep > 0 {
        keep /= 2;
        room.pruned += prune::down_to(conn, keep)?;
    }
    while size::used(conn)? >= low {
        let folded = fold_once(conn, live)?;
        if folded == 0 {
            break;
        }
        room.folded += folded;
    }
    Ok(room)
}

/// Folds the oldest records that can be; answers how many.
fn fold_once(conn: &Connection, live: Option<StreamId>) -> rusqlite::Result<u64> {
    let tx = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    for stream in walk::streams(&tx)? {
        let offered: Option<u64> = tx
            .prepare_cached("SELECT seq FROM offered WHERE stream_no = ?")?
            .query_row([stream.no], |row| row.get(0))
            .optional()?;
        let offered = Watermark::new(offered.unwrap_or(0));
        let Some(fold) = first_fold(&tx, &stream, offered, Some(stream.id) == live)? else {
            continue;
        };
        let folded = fold.positions();
        put(&tx, &stream, &fold, offered)?;
        tx.commit()?;
        return Ok(folded);
    }
    Ok(0)
}

/// The first fold that can be made of a stream's unsent records.
fn first_fold(
    conn: &Connection,
    stream: &StreamRow,
    offered: Watermark,
    is_live: bool,
) -> rusqlite::Result<Option<Fold>> {
    let mut place = stream.held();
    // The opening stays, and what the centre may already have.
    let floor = offered.max(Watermark::from(Seq::FIRST));
    while let Some(window) = window(conn, stream, place, floor)? {
        let looked_at = if is_live || !window.is_end {
            fold::LOOKED_AT
        } else {
            // Nothing comes after the end of a finished stream.
            0
        };
        let mut base = window.base;
        let mut rest = window.records.as_slice();
        while rest.len() > looked_at {
            let from = match fold::longest(stream.id, base, rest, looked_at) {
                Folding::Fold(fold) => return Ok(Some(fold)),
                Folding::NotBefore(from) => from,
            };
            let passed = rest.partition_point(|record| record.seq < from).max(1);
            let (before, after) = rest.split_at(passed);
            base = before.last().map_or(base, |record| record.hash);
            rest = after;
        }
        // What was only looked at comes again, unless there is nothing else.
        let left = if rest.len() == window.records.len() {
            0
        } else {
            rest.len()
        };
        let passed = window.records.len() - left;
        let Some(last) = window.records.get(passed.saturating_sub(1)) else {
            break;
        };
        if window.is_end {
            break;
        }
        place = (last.seq.into(), last.hash);
    }
    Ok(None)
}

/// Records that follow each other.
struct Window {
    /// The chain before the first.
    base: ChainHash,
    records: Vec<Decoded>,
    /// Whether the stream ends with them.
    is_end: bool,
}

/// The next records after a place and above a floor, as many as are looked at for one fold.
fn window(
    conn: &Connection,
    stream: &StreamRow,
    (at, chain): (Watermark, ChainHash),
    floor: Watermark,
) -> rusqlite::Result<Option<Window>> {
    let mut base = chain;
    let mut records: Vec<Decoded> = Vec::new();
    let mut is_end = true;
    walk::from(conn, stream, at, chain, |step| match step {
        Step::Item(Item::Record(record)) if Watermark::from(record.seq) > floor => {
            if records.len() == fold::AT_ONCE + fold::LOOKED_AT {
                is_end = false;
                return false;
            }
            records.push(Decoded::of(&record));
            true
        }
        Step::Item(item) => {
            if records.is_empty() {
                base = item.end().1;
                return true;
            }
            is_end = false;
            false
        }
        // What is damaged is not folded; the salvage sees to it.
        Step::Broken(_) => {
            is_end = false;
            false
        }
    })?;
    Ok((!records.is_empty()).then_some(Window {
        base,
        records,
        is_end,
    }))
}

/// Puts a fold in the place of its records, together with the fold before it where that fits.
fn put(
    tx: &Connection,
    stream: &StreamRow,
    fold: &Fold,
    offered: Watermark,
) -> rusqlite::Result<()> {
    tx.execute(
        "DELETE FROM record WHERE stream_no = ? AND seq BETWEEN ? AND ?",
        params![stream.no, fold.first.get(), fold.last.get()],
    )?;
    let held = stream.held().0;
    let before = walk::folds(tx, stream.no)?
        .into_iter()
        .flatten()
        .find(|before| before.last.plus(1) == fold.first)
        // What the centre has, or may have, must stay what it was.
        .filter(|before| Watermark::from(before.last) > held.max(offered));
    let merged = before
        .as_ref()
        .and_then(|before| fold::merged(before, fold));
    let Some(merged) = merged else {
        return salvage::put_fold(tx, stream.no, fold);
    };
    tx.execute(
        "DELETE FROM fold WHERE stream_no = ? AND first = ?",
        params![stream.no, merged.first.get()],
    )?;
    salvage::put_fold(tx, stream.no, &merged)
}

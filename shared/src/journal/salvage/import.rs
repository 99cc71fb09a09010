//! Putting back what was proved, in small commits, so that a prompt never waits long for one. Each
//! may be repeated: what is there already is recognised.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::domain::{Seq, StreamId};
use crate::wire::{Fold, Rescued, digest};

use super::found::Copy;
use super::prove::{Piece, Proved};

/// Pieces in one commit: some 20 ms on a card.
const AT_ONCE: usize = 250;

/// Makes the streams of a plan, older than every stream that is there, in their order.
pub(super) fn streams(
    conn: &Connection,
    plan: &[Proved],
    next_exchange: Option<u64>,
) -> rusqlite::Result<()> {
    let tx = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    let lowest: Option<i64> =
        tx.query_row("SELECT min(stream_no) FROM stream", [], |r| r.get(0))?;
    let mut number = lowest.unwrap_or(1);
    for proved in plan.iter().rev() {
        match number_of(&tx, proved.id)? {
            Some(there) => bridge(&tx, there, proved)?,
            None => {
                number = number.saturating_sub(1);
                make(&tx, number, proved)?;
            }
        }
    }
    if let Some(next) = next_exchange {
        // Whoever reserved since may have begun at 1; a number is never given twice if it can be known.
        tx.execute(
            "INSERT INTO note (name, value) VALUES ('next_exchange', ?1)
             ON CONFLICT (name) DO UPDATE SET value = max(value, ?1)",
            [i64::try_from(next).unwrap_or(1)],
        )?;
    }
    tx.commit()
}

fn make(tx: &Connection, number: i64, proved: &Proved) -> rusqlite::Result<()> {
    let (pruned, base) = proved.start;
    tx.execute(
        "INSERT INTO stream (stream_no, stream_id, terminal_id, suite, pruned, base)
         VALUES (?, ?, ?, ?, ?, ?)",
        params![
            number,
            proved.id.as_bytes(),
            proved.terminal.as_bytes(),
            proved.suite().number(),
            pruned.get(),
            (pruned.get() > 0).then_some(base.as_bytes())
        ],
    )?;
    if let Some((watermark, hash)) = proved.acknowledged {
        tx.execute(
            "INSERT INTO acknowledged (stream_no, seq, hash) VALUES (?, ?, ?)",
            params![number, watermark.get(), hash.as_bytes()],
        )?;
    }
    Ok(())
}

/// A stream that an earlier salvage brought back may end before the place where this part of it
/// begins. What is between was acknowledged, or this part would not begin there.
fn bridge(tx: &Connection, number: i64, proved: &Proved) -> rusqlite::Result<()> {
    let (start, base) = proved.start;
    let end: u64 = tx.query_row(
        "SELECT max(coalesce((SELECT max(seq) FROM record WHERE stream_no = ?1), 0),
                    coalesce((SELECT max(last) FROM fold WHERE stream_no = ?1), 0), pruned)
         FROM stream WHERE stream_no = ?1",
        [number],
        |row| row.get(0),
    )?;
    if start.get() <= end {
        return Ok(());
    }
    let at = params![number, start.get(), base.as_bytes()];
    tx.execute("DELETE FROM record WHERE stream_no = ?", [number])?;
    tx.execute("DELETE FROM fold WHERE stream_no = ?", [number])?;
    tx.execute(
        "UPDATE stream SET pruned = ?2, base = ?3 WHERE stream_no = ?1",
        at,
    )?;
    tx.execute(
        "INSERT INTO acknowledged (stream_no, seq, hash) VALUES (?1, ?2, ?3)
         ON CONFLICT (stream_no) DO UPDATE SET seq = ?2, hash = ?3",
        at,
    )
    .map(drop)
}

fn number_of(conn: &Connection, stream: StreamId) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT stream_no FROM stream WHERE stream_id = ?")?
        .query_row([stream.as_bytes()], |row| row.get(0))
        .optional()
}

/// What one commit did.
#[derive(Debug, Default)]
pub(super) struct Imported {
    /// How many pieces of the stream are dealt with now.
    pub(super) done: usize,
    /// Records among them that were not here before.
    pub(super) records: u64,
    /// Records in whose place others lie.
    pub(super) in_conflict: Vec<Rescued>,
}

/// Puts back pieces of a stream from the `done`th on.
pub(super) fn pieces(
    conn: &Connection,
    proved: &Proved,
    done: usize,
) -> rusqlite::Result<Imported> {
    let tx = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    let mut imported = Imported {
        done,
        ..Imported::default()
    };
    let Some(number) = number_of(&tx, proved.id)? else {
        imported.done = proved.pieces.len();
        return Ok(imported);
    };
    // The daemon may have pruned meanwhile.
    let pruned: u64 = tx
        .prepare_cached("SELECT pruned FROM stream WHERE stream_no = ?")?
        .query_row([number], |row| row.get(0))?;
    for piece in proved.pieces.iter().skip(done).take(AT_ONCE) {
        imported.done += 1;
        match piece {
            Piece::Record(seq, copy) if seq.get() > pruned => {
                if record(&tx, number, *seq, copy)? {
                    imported.records += 1;
                } else if !is_here(&tx, number, *seq, copy)? {
                    imported.in_conflict.push(Rescued {
                        stream: proved.id,
                        seq: *seq,
                        bytes: copy.bytes.clone(),
                        hash: copy.hash,
                    });
                }
            }
            Piece::Fold(fold) if fold.last.get() > pruned => put_fold(&tx, number, fold)?,
            Piece::Record(..) | Piece::Fold(_) => {}
        }
    }
    tx.commit()?;
    Ok(imported)
}

/// Whether it was put there now.
fn record(tx: &Connection, number: i64, seq: Seq, copy: &Copy) -> rusqlite::Result<bool> {
    let put = tx
        .prepare_cached(
            "INSERT INTO record (stream_no, seq, bytes, hash) SELECT ?1, ?2, ?3, ?4
             WHERE NOT EXISTS (SELECT 1 FROM fold
                               WHERE stream_no = ?1 AND ?2 BETWEEN first AND last)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![number, seq.get(), copy.bytes, copy.hash.as_bytes()])?;
    Ok(put > 0)
}

/// Whether these very bytes, or a fold over them, are here.
fn is_here(tx: &Connection, number: i64, seq: Seq, copy: &Copy) -> rusqlite::Result<bool> {
    tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM record WHERE stream_no = ?1 AND seq = ?2 AND hash = ?3)
             OR EXISTS (SELECT 1 FROM fold WHERE stream_no = ?1 AND ?2 BETWEEN first AND last)",
    )?
    .query_row(params![number, seq.get(), copy.hash.as_bytes()], |row| {
        row.get(0)
    })
}

/// Writes a fold at its place, unless it is there.
pub(in super::super) fn put_fold(
    tx: &Connection,
    number: i64,
    fold: &Fold,
) -> rusqlite::Result<()> {
    let bytes = fold.to_bytes();
    tx.prepare_cached(
        "INSERT INTO fold (stream_no, first, last, head, bytes, digest) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        number,
        fold.first.get(),
        fold.last.get(),
        fold.head.as_bytes(),
        bytes,
        digest(&bytes)
    ])
    .map(drop)
}

/// Whether a record was already sealed as rescued.
pub(super) fn was_rescued(conn: &Connection, rescued: &Rescued) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM rescued WHERE stream_id = ? AND seq = ?)")?
        .query_row(
            params![rescued.stream.as_bytes(), rescued.seq.get()],
            |row| row.get(0),
        )
}

/// Remembers in the same commit that records were sealed as rescued.
pub(super) fn remember(conn: &Connection, rescued: &[Rescued]) -> rusqlite::Result<()> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO rescued (stream_id, seq) VALUES (?, ?) ON CONFLICT DO NOTHING",
    )?;
    for record in rescued {
        insert.execute(params![record.stream.as_bytes(), record.seq.get()])?;
    }
    Ok(())
}

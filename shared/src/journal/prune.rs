//! Taking away what the centre has: oldest first, and never without keeping the chain before what is
//! left.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::domain::Seq;
use crate::wire::ChainHash;

use super::walk::{self, StreamRow};

/// Removes acknowledged records and folds, oldest first, so that at most `keep` acknowledged records
/// stay; answers how many records went.
pub(super) fn down_to(conn: &Connection, keep: u64) -> rusqlite::Result<u64> {
    // Immediate: a transaction that reads first and then wants to write is refused at once while the
    // other program commits, without the busy time-out.
    let tx = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    let mut left = keep;
    let mut removed = 0;
    for stream in walk::streams(&tx)?.iter().rev() {
        let Some((tip, hash)) = stream.acknowledged else {
            continue;
        };
        let sent: u64 = tx
            .prepare_cached("SELECT count(*) FROM record WHERE stream_no = ? AND seq <= ?")?
            .query_row(params![stream.no, tip.get()], |row| row.get(0))?;
        if sent > left || left == 0 {
            let (upto, base) = if left == 0 {
                (tip, hash)
            } else {
                newest_but(&tx, stream, tip, left)?
            };
            removed += cut(&tx, stream, upto, base)?;
        }
        left = left.saturating_sub(sent);
    }
    tx.commit()?;
    Ok(removed)
}

/// The newest acknowledged record but for `left` newer ones.
fn newest_but(
    conn: &Connection,
    stream: &StreamRow,
    tip: Seq,
    left: u64,
) -> rusqlite::Result<(Seq, ChainHash)> {
    conn.prepare_cached(
        "SELECT seq, hash FROM record WHERE stream_no = ? AND seq <= ?
         ORDER BY seq DESC LIMIT 1 OFFSET ?",
    )?
    .query_row(params![stream.no, tip.get(), left], |row| {
        let seq = Seq::new(row.get(0)?).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, 0))?;
        Ok((seq, ChainHash::from_bytes(row.get(1)?)))
    })
}

/// Removes everything up to a position and notes the chain there.
fn cut(conn: &Connection, stream: &StreamRow, upto: Seq, base: ChainHash) -> rusqlite::Result<u64> {
    if upto.get() <= stream.pruned.get() {
        return Ok(0);
    }
    let at = params![stream.no, upto.get()];
    let removed = conn.execute("DELETE FROM record WHERE stream_no = ? AND seq <= ?", at)?;
    conn.execute("DELETE FROM fold WHERE stream_no = ? AND last <= ?", at)?;
    conn.execute(
        "UPDATE stream SET pruned = ?2, base = ?3 WHERE stream_no = ?1",
        params![stream.no, upto.get(), base.as_bytes()],
    )?;
    Ok(removed as u64)
}

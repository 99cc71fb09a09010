//! Dead letters that an operator has read again, by a program that may know more than the one that
//! took them in.

use manyi_shared::wire::{ChainHash, Record, RecordBody, RejectReason};

use super::held::reason_named;
use super::rescue::{Saved, Work};
use super::{Of, incidents};
use crate::ingest::Evidence;
use crate::store::StoreError;
use crate::store::faults::KeptLetter;
use crate::store::sql::proof::days;
use crate::store::sql::{Db, values};

/// Reads a dead letter again. What can be counted now is, once; what cannot stays.
pub(crate) fn again(
    db: &Db<'_>,
    letter: &KeptLetter,
    by: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    let of = Of {
        db,
        hall: letter.hall.as_str(),
        terminal: letter.terminal.as_bytes(),
        stream: letter.stream.as_bytes(),
        received_ms: letter.received_ms,
    };
    let told = values![now_ms, by];
    of.letter(letter.seq, "replayed_ms = ?5, replayed_by = ?6", told)?;
    match reason_named(&letter.reason) {
        RejectReason::Malformed | RejectReason::Refused => read(&of, letter, now_ms)?,
        RejectReason::UnknownWindow => return window(&of, letter.seq),
        _ => {}
    }
    of.settle()
}

/// Bytes that nobody could, or would, read.
fn read(of: &Of<'_>, letter: &KeptLetter, now_ms: i64) -> Result<(), StoreError> {
    let Some(bytes) = of.bytes_at(letter.seq)? else {
        return Ok(());
    };
    let saved = Saved {
        stream: letter.stream,
        seq: letter.seq,
        bytes,
        // Its own row keeps the chain that it has.
        chain: ChainHash::from_bytes([0; 32]),
        carrier: (letter.stream, letter.seq),
    };
    let mut work = Work::new(
        &letter.hall,
        letter.terminal,
        letter.window.as_str(),
        Evidence::default(),
    );
    match work.read(of, &saved, true)? {
        None => of.letter_taken(letter.seq)?,
        Some((reason, detail)) => {
            let told = values![reason.name(), detail];
            of.letter(letter.seq, "reason = ?5, detail = ?6", told)?;
        }
    }
    // What it carries is received now, not into a day whose root may be published.
    let now = Of {
        received_ms: days::after_published(of.db, &letter.hall, now_ms)?,
        ..*of
    };
    let happened = work.finish(&now)?;
    let terminal = (&letter.hall, letter.terminal);
    incidents::raise(
        of.db,
        terminal,
        letter.window.as_str(),
        now.received_ms,
        happened.iter(),
    )?;
    Ok(())
}

/// The opening names a window that the hall may have by now: what comes from now on counts there.
fn window(of: &Of<'_>, seq: u64) -> Result<(), StoreError> {
    let Some(bytes) = of.bytes_at(seq)? else {
        return Ok(());
    };
    let Ok(Record {
        body: RecordBody::StreamOpened(opened),
        ..
    }) = Record::decode(&bytes)
    else {
        return Ok(());
    };
    let told = opened.window.as_str();
    if opened.hall.as_str() != of.hall || !of.has_window(told)? {
        return Ok(());
    }
    of.db.execute(
        "UPDATE stream SET window_id = ?4 WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3",
        values![of.hall, of.terminal, of.stream, told],
    )?;
    of.letter_taken(seq)
}

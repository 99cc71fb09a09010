//! Rows out of single pages, without SQLite: whatever is left of a page is read cell by cell, and
//! what is not a row of ours is passed over. Pure; nothing here believes what it reads, the chain
//! decides about that later.
//!
//! The formats are SQLite's (<https://www.sqlite.org/fileformat2.html>): b-tree pages, records,
//! overflow chains. Tables are told by the shape of their rows, so neither schema nor root pages are
//! needed.

use crate::domain::{Seq, StreamId, TerminalId};
use crate::wire::{ChainHash, Fold, Suite};

/// A row of one of the journal's tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Row {
    Record {
        stream_no: i64,
        seq: Seq,
        bytes: Vec<u8>,
        hash: ChainHash,
    },
    Stream {
        stream_no: i64,
        id: StreamId,
        terminal: TerminalId,
        /// The last pruned position and the chain there.
        base: Option<(Seq, ChainHash)>,
    },
    Acknowledged {
        stream_no: i64,
        seq: Seq,
        hash: ChainHash,
    },
    Fold {
        stream_no: i64,
        fold: Fold,
    },
    NextExchange(u64),
}

/// The longest payload that is followed: a row of `fold` with all its entries has about 16 KiB.
const LONGEST_PAYLOAD: usize = 64 * 1024;

/// The lengths of a database header, and of the fields of b-tree pages.
const DATABASE_HEADER: usize = 100;
const LEAF_HEADER: usize = 8;
const INTERIOR_HEADER: usize = 12;

const INTERIOR_INDEX: u8 = 0x02;
const LEAF_INDEX: u8 = 0x0a;
const LEAF_TABLE: u8 = 0x0d;

/// One page and where its overflow pages are.
pub(super) struct Page<'a, 'b> {
    pub(super) bytes: &'a [u8],
    /// Page 1 begins with the header of the database.
    pub(super) is_first: bool,
    /// The page with a number, as far as it is there.
    pub(super) overflow: &'a dyn Fn(u32) -> Option<&'b [u8]>,
}

impl Page<'_, '_> {
    /// Hands over every row of ours that can be read.
    pub(super) fn rows(&self, each: &mut dyn FnMut(Row)) {
        let start = if self.is_first { DATABASE_HEADER } else { 0 };
        let header = self.bytes.get(start..).unwrap_or_default();
        let Some((&kind, _)) = header.split_first() else {
            return;
        };
        let pointers = start
            + match kind {
                LEAF_INDEX | LEAF_TABLE => LEAF_HEADER,
                INTERIOR_INDEX => INTERIOR_HEADER,
                _ => return,
            };
        // A damaged count is harmless: at most as many pointers as fit into the page are tried.
        let cells = u16_at(self.bytes, start + 3).unwrap_or(0);
        for cell in 0..usize::from(cells) {
            let Some(at) = u16_at(self.bytes, pointers + 2 * cell) else {
                return;
            };
            if let Some(row) = self.cell(kind, usize::from(at)) {
                each(row);
            }
        }
    }

    fn cell(&self, kind: u8, at: usize) -> Option<Row> {
        let at = if kind == INTERIOR_INDEX { at + 4 } else { at };
        let (length, at) = varint(self.bytes, at)?;
        let length = usize::try_from(length).ok()?;
        if length > LONGEST_PAYLOAD {
            return None;
        }
        if kind == LEAF_TABLE {
            let (rowid, at) = varint(self.bytes, at)?;
            let payload = self.payload(at, length, self.bytes.len().checked_sub(35)?)?;
            return table_row(rowid, &Values::of(&payload)?);
        }
        let most = (self.bytes.len().checked_sub(12)? * 64 / 255).checked_sub(23)?;
        let payload = self.payload(at, length, most)?;
        index_row(&Values::of(&payload)?)
    }

    /// The payload of a cell: what lies in the page, then its chain of overflow pages.
    fn payload(&self, at: usize, length: usize, most: usize) -> Option<Vec<u8>> {
        if length <= most {
            return Some(self.bytes.get(at..at.checked_add(length)?)?.to_vec());
        }
        let size = self.bytes.len();
        let least = (size.checked_sub(12)? * 32 / 255).checked_sub(23)?;
        let room = size.checked_sub(4)?;
        let fitted = least + length.checked_sub(least)? % room;
        let local = if fitted <= most { fitted } else { least };
        let mut payload = self.bytes.get(at..at.checked_add(local)?)?.to_vec();
        let mut next = u32_at(self.bytes, at + local)?;
        while payload.len() < length {
            let page = (self.overflow)(next)?;
            next = u32_at(page, 0)?;
            let wanted = (length - payload.len()).min(room);
            payload.extend_from_slice(page.get(4..4 + wanted)?);
        }
        Some(payload)
    }
}

/// Rows of the tables without rowid.
fn index_row(values: &Values<'_>) -> Option<Row> {
    match values.list.as_slice() {
        [
            Value::Int(stream_no),
            Value::Int(seq),
            Value::Blob(bytes),
            Value::Blob(hash),
        ] => Some(Row::Record {
            stream_no: *stream_no,
            seq: position(*seq)?,
            bytes: bytes.to_vec(),
            hash: hash_of(hash)?,
        }),
        [
            Value::Int(stream_no),
            Value::Int(_),
            Value::Int(_),
            Value::Blob(_),
            Value::Blob(bytes),
            Value::Blob(digest),
        ] => {
            // The chain says nothing about the counts, so they have a digest of their own.
            let whole = crate::wire::digest(bytes).as_slice() == *digest;
            let fold = whole.then(|| Fold::from_bytes(bytes).ok()).flatten()?;
            Some(Row::Fold {
                stream_no: *stream_no,
                fold,
            })
        }
        [Value::Text(b"next_exchange"), Value::Int(value)] => {
            Some(Row::NextExchange(u64::try_from(*value).ok()?))
        }
        _ => None,
    }
}

/// Rows of the tables with a rowid: their first column is NULL in the record.
fn table_row(rowid: u64, values: &Values<'_>) -> Option<Row> {
    let stream_no = i64::from_ne_bytes(rowid.to_ne_bytes());
    match values.list.as_slice() {
        [Value::Null, Value::Int(seq), Value::Blob(hash)] => Some(Row::Acknowledged {
            stream_no,
            seq: position(*seq)?,
            hash: hash_of(hash)?,
        }),
        [
            Value::Null,
            Value::Blob(id),
            Value::Blob(terminal),
            rest @ ..,
        ] => {
            let base = match rest {
                [Value::Int(suite), Value::Int(pruned), Value::Blob(base)] => {
                    let suite = u8::try_from(*suite).ok().and_then(Suite::from_number);
                    let base = hash_of(base).map(|base| base.in_suite(suite.unwrap_or_default()));
                    position(*pruned).zip(base)
                }
                _ => None,
            };
            Some(Row::Stream {
                stream_no,
                id: StreamId::from_bytes((*id).try_into().ok()?),
                terminal: TerminalId::from_bytes((*terminal).try_into().ok()?),
                base,
            })
        }
        _ => None,
    }
}

fn position(number: i64) -> Option<Seq> {
    Seq::new(u64::try_from(number).ok()?)
}

fn hash_of(bytes: &[u8]) -> Option<ChainHash> {
    Some(ChainHash::from_bytes(bytes.try_into().ok()?))
}

#[derive(Debug)]
enum Value<'a> {
    Null,
    Int(i64),
    Blob(&'a [u8]),
    Text(&'a [u8]),
}

/// The columns of one record.
#[derive(Debug)]
struct Values<'a> {
    list: Vec<Value<'a>>,
}

impl<'a> Values<'a> {
    /// More columns than any table of ours has.
    const MOST: usize = 8;

    fn of(payload: &'a [u8]) -> Option<Self> {
        let (header, mut at) = varint(payload, 0)?;
        let mut body = usize::try_from(header).ok()?;
        let end = body;
        let mut list = Vec::with_capacity(Self::MOST);
        while at < end {
            let (serial, next) = varint(payload, at)?;
            at = next;
            let length = length_of(serial)?;
            let bytes = payload.get(body..body.checked_add(length)?)?;
            body += length;
            list.push(match serial {
                0 => Value::Null,
                8 => Value::Int(0),
                9 => Value::Int(1),
                1..=6 => Value::Int(signed(bytes)),
                blob if blob >= 12 && blob % 2 == 0 => Value::Blob(bytes),
                text if text >= 13 => Value::Text(bytes),
                _ => return None,
            });
            if list.len() > Self::MOST {
                return None;
            }
        }
        // A row fills its payload to the end; anything else is no row.
        (body == payload.len()).then_some(Self { list })
    }
}

fn length_of(serial: u64) -> Option<usize> {
    match serial {
        0 | 8 | 9 => Some(0),
        1..=4 => usize::try_from(serial).ok(),
        5 => Some(6),
        6 => Some(8),
        12.. => usize::try_from((serial - 12) / 2).ok(),
        _ => None,
    }
}

/// A big-endian number of at most 8 bytes, by two's complement.
fn signed(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let start = if negative { -1 } else { 0 };
    bytes
        .iter()
        .fold(start, |value, byte| (value << 8) | i64::from(*byte))
}

/// SQLite's number of variable length and where the next field begins.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (i, byte) in bytes.get(at..)?.iter().take(9).enumerate() {
        if i == 8 {
            return Some((value << 8 | u64::from(*byte), at + 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + i + 1));
        }
    }
    None
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(
        bytes.get(at..at.checked_add(2)?)?.try_into().ok()?,
    ))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

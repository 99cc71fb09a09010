//! Rows as the verifier takes them.

use std::collections::{BTreeMap, VecDeque};

use manyi_shared::domain::{BootId, HallId, StreamId, TerminalId};
use manyi_shared::wire::{ChainHash, ExchangeHead, PublicKey, Suite};

use super::Of;
use crate::ingest::Opening;
use crate::store::StoreError;
use crate::store::sql::{Db, Row, values};
use crate::verify::{
    Columns, SignedTip, StoredFold, StoredMessage, StoredMisuse, StoredRecord, StoredStream,
};

/// Terminal and stream.
pub(super) type Key = ([u8; 16], [u8; 16]);

/// Streams in memory at once.
const PAGE: usize = 256;

const STREAMS: &str = "SELECT hall_id, terminal_id, stream_id, watermark, hash, window_id, channel, \
    opened_ms, uptime_ms, boot_id, last_ordinal, signed_head, suite FROM stream \
    WHERE hall_id = ?1 AND (terminal_id, stream_id) > (?2, ?3) \
    ORDER BY terminal_id, stream_id LIMIT ?4";

/// Every record of a hall with what stands beside it, by terminal and stream.
pub(super) fn records(db: &Db<'_>) -> String {
    format!(
        "SELECT r.terminal_id, r.stream_id, r.seq, r.bytes, r.chain, \
         r.received_ms, r.kind, r.ordinal, r.at_ms, r.earliest_ms, r.latest_ms, r.window_id, \
         r.department_id, r.staff_id, r.item_code, r.case_number, r.channel, r.outcome, r.level, \
         r.tags, r.response_ms, r.amended_by, r.trigger, r.caller_key, r.misuse_kinds, \
         r.misuse_touches, r.misuse_span_ms, d.reason, m.target_seq, m.what, m.sealed, d.state, \
         (SELECT c.bytes FROM rescued q JOIN record c ON c.hall_id = q.hall_id \
         AND c.terminal_id = q.terminal_id AND c.stream_id = q.carrier_stream \
         AND c.seq = q.carrier_seq WHERE q.hall_id = r.hall_id AND q.terminal_id = r.terminal_id \
         AND q.stream_id = r.stream_id AND q.seq = r.seq AND q.state = 'taken' LIMIT 1) \
         FROM record r {} LEFT JOIN dead_letter d ON d.hall_id = r.hall_id \
         AND d.terminal_id = r.terminal_id AND d.stream_id = r.stream_id AND d.seq = r.seq \
         LEFT JOIN message m ON m.hall_id = r.hall_id AND m.terminal_id = r.terminal_id \
         AND m.stream_id = r.stream_id AND m.seq = r.seq WHERE r.hall_id = ?1 \
         ORDER BY r.terminal_id, r.stream_id, r.seq",
        db.by_index("record_identity")
    )
}

/// A stream with its signed head.
pub(super) type WithHead = (StoredStream, Option<Vec<u8>>);

/// The table of streams, a page ahead.
pub(super) struct Streams<'a> {
    db: &'a Db<'a>,
    hall: &'a HallId,
    ahead: VecDeque<WithHead>,
    /// The last that was read; none before the first.
    last: Option<Key>,
    /// There are no more than those ahead.
    read: bool,
}

impl<'a> Streams<'a> {
    pub(super) fn new(db: &'a Db<'a>, hall: &'a HallId) -> Result<Self, StoreError> {
        let mut streams = Self {
            db,
            hall,
            ahead: VecDeque::new(),
            last: None,
            read: false,
        };
        streams.look()?;
        Ok(streams)
    }

    fn look(&mut self) -> Result<(), StoreError> {
        if self.read || !self.ahead.is_empty() {
            return Ok(());
        }
        // No id is empty, so nothing comes before these.
        let (terminal, stream): (&[u8], &[u8]) = match &self.last {
            Some((terminal, stream)) => (terminal, stream),
            None => (&[], &[]),
        };
        let key = values![self.hall.as_str(), terminal, stream, PAGE];
        let page = self
            .db
            .rows(STREAMS, key, |row| Ok((stream_of(row)?, row.get(11)?)))?;
        self.read = page.len() < PAGE;
        self.ahead.extend(page);
        if let Some((last, _)) = self.ahead.back() {
            self.last = Some((*last.terminal.as_bytes(), *last.stream.as_bytes()));
        }
        Ok(())
    }

    /// The next stream with its signed head.
    pub(super) fn next(&mut self) -> Result<Option<WithHead>, StoreError> {
        let next = self.ahead.pop_front();
        self.look()?;
        Ok(next)
    }

    /// The next stream that is not after this one.
    pub(super) fn up_to(&mut self, key: Key) -> Result<Option<WithHead>, StoreError> {
        let after = self
            .ahead
            .front()
            .is_none_or(|(ahead, _)| (*ahead.terminal.as_bytes(), *ahead.stream.as_bytes()) > key);
        if after { Ok(None) } else { self.next() }
    }
}

fn stream_of(row: &Row<'_>) -> Result<StoredStream, StoreError> {
    let opened: (Option<i64>, Option<i64>, Option<[u8; 16]>) =
        (row.get(7)?, row.get(8)?, row.get(9)?);
    let opening = match opened {
        (Some(wall_ms), Some(uptime_ms), Some(boot)) => Some(Opening {
            wall_ms,
            uptime_ms: uptime_ms.unsigned_abs(),
            boot: BootId::from_bytes(boot),
        }),
        _ => None,
    };
    // A suite that is not known cannot be followed: the chain will not fit.
    let suite = Suite::from_number(capped(row.get(12)?)).unwrap_or_default();
    Ok(StoredStream {
        hall: row.get(0)?,
        terminal: TerminalId::from_bytes(row.get(1)?),
        stream: StreamId::from_bytes(row.get(2)?),
        watermark: row.get::<i64>(3)?.unsigned_abs(),
        hash: ChainHash::of(suite, row.get(4)?),
        window: row.get(5)?,
        channel: capped(row.get(6)?),
        opening,
        last_ordinal: capped(row.get(10)?),
        signed: SignedTip::None,
        self_tests: BTreeMap::new(),
        folds: Vec::new(),
    })
}

/// A stored number in its column's type; what does not fit becomes the largest, and differs from
/// whatever the record says.
fn capped<T: TryFrom<i64> + Max>(number: i64) -> T {
    T::try_from(number).unwrap_or(T::MAX)
}

trait Max {
    const MAX: Self;
}

macro_rules! max {
    ($($number:ty),*) => { $(impl Max for $number { const MAX: Self = Self::MAX; })* };
}
max!(u8, u16, u32, u64);

fn number<T: TryFrom<i64> + Max>(row: &Row<'_>, index: usize) -> Result<Option<T>, StoreError> {
    Ok(row.get::<Option<i64>>(index)?.map(capped))
}

/// A row of [`records`].
pub(super) fn record_of<'r>(row: &'r Row<'_>) -> Result<StoredRecord<'r>, StoreError> {
    let misuse = match (number(row, 24)?, number(row, 25)?, number(row, 26)?) {
        (Some(kinds), touches, span_ms) => Some(StoredMisuse {
            kinds,
            touches: touches.unwrap_or_default(),
            span_ms: span_ms.unwrap_or_default(),
        }),
        _ => None,
    };
    let message = match (
        number(row, 28)?,
        number(row, 29)?,
        row.get::<Option<&[u8]>>(30)?,
    ) {
        (Some(target), Some(what), Some(sealed)) => Some(StoredMessage {
            target,
            what,
            sealed,
        }),
        _ => None,
    };
    let chain = row
        .get::<Option<&[u8]>>(4)?
        .map(|chain| <[u8; 32]>::try_from(chain).unwrap_or_default());
    Ok(StoredRecord {
        seq: row.get::<i64>(2)?.unsigned_abs(),
        bytes: row.get::<Option<&[u8]>>(3)?.unwrap_or_default(),
        chain: chain.map(ChainHash::from_bytes),
        received_ms: row.get(5)?,
        columns: Columns {
            kind: number(row, 6)?.unwrap_or_default(),
            ordinal: number(row, 7)?,
            at_ms: row.get(8)?,
            earliest_ms: row.get(9)?,
            latest_ms: row.get(10)?,
            window: row.get::<Option<&str>>(11)?,
            department: row.get::<Option<&str>>(12)?,
            staff: row.get::<Option<&str>>(13)?,
            item: row.get::<Option<&str>>(14)?,
            case_number: row.get::<Option<&str>>(15)?,
            channel: number(row, 16)?,
            outcome: number(row, 17)?,
            level: number(row, 18)?,
            tags: row.get::<Option<&str>>(19)?,
            response_ms: number(row, 20)?,
            amended_by: number(row, 21)?,
            trigger: number(row, 22)?,
            caller_key: row.get::<Option<&[u8]>>(23)?,
            misuse,
        },
        rejected: row.get::<Option<&str>>(27)?,
        replayed: row.get::<Option<&str>>(31)? == Some("taken"),
        message,
        rescued: row.get::<Option<&[u8]>>(32)?,
    })
}

impl Of<'_> {
    /// The folds of a stream, opened again from what the terminal signed.
    pub(super) fn folds(
        &self,
        stream: &StoredStream,
        keys: &[PublicKey],
    ) -> Result<Vec<StoredFold>, StoreError> {
        let (terminal, id) = (stream.terminal.as_bytes(), stream.stream.as_bytes());
        self.db.rows(
            "SELECT first, last, base, head, bytes, signed_head FROM fold WHERE hall_id = ?1 \
             AND terminal_id = ?2 AND stream_id = ?3 ORDER BY first",
            values![self.hall.as_str(), terminal, id],
            |row| {
                let first: i64 = row.get(0)?;
                let head: &[u8] = row.get(5)?;
                let mut opened = keys
                    .iter()
                    .filter_map(|key| ExchangeHead::open_signed(head, key).ok());
                Ok(StoredFold {
                    first: first.unsigned_abs(),
                    last: row.get::<i64>(1)?.unsigned_abs(),
                    base: ChainHash::from_bytes(row.get(2)?),
                    head: ChainHash::from_bytes(row.get(3)?),
                    bytes: row.get(4)?,
                    signed: opened.next().and_then(|head| head.fold),
                    counted: self.counted((terminal, id), first)?,
                })
            },
        )
    }

    /// Outcome, level and number of each entry of a fold.
    fn counted(
        &self,
        (terminal, stream): (&[u8; 16], &[u8; 16]),
        first: i64,
    ) -> Result<Vec<(u8, u8, u64)>, StoreError> {
        self.db.rows(
            "SELECT outcome, level, n FROM fold_count WHERE hall_id = ?1 \
             AND terminal_id = ?2 AND stream_id = ?3 AND first = ?4 ORDER BY entry",
            values![self.hall.as_str(), terminal, stream, first],
            |row| {
                let n = row.get::<i64>(2)?.unsigned_abs();
                Ok((capped(row.get(0)?), capped(row.get(1)?), n))
            },
        )
    }
}

//! Daily roots, proofs, and the check of everything that is stored.

pub(crate) mod days;
pub(crate) mod verify;

use async_trait::async_trait;
use manyi_shared::domain::{HallId, StreamId, TerminalId};
use manyi_shared::wire::{PublicKey, Record, RecordBody};

use super::{Db, capped, values};
use crate::roots::merkle::{Hash, Tree, path};
use crate::roots::{ClosedDay, PublishedRoot};
use crate::store::{Database, Evidence, NoEvidence, ProofStore, RecordId, StoreError};
use crate::verify::Report;

#[async_trait]
impl ProofStore for Database {
    async fn close_day(&self, hall: HallId, now_ms: i64) -> Result<Option<ClosedDay>, StoreError> {
        self.write(move |db| days::close(db, &hall, now_ms)).await
    }

    async fn day_tree(&self, hall: HallId, day: ClosedDay) -> Result<Tree, StoreError> {
        self.read(move |db| {
            let mut tree = Tree::default();
            let bounds = (day.from_ms, day.until_ms);
            days::leaves(db, &hall, bounds, &mut |_, leaf| tree.push(leaf))?;
            Ok(tree)
        })
        .await
    }

    async fn publish_root(
        &self,
        hall: HallId,
        day: u32,
        signed: Vec<u8>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            db.execute(
                "UPDATE day_root SET signed = ?1, published_ms = ?2 WHERE hall_id = ?3 \
                 AND day = ?4 AND signed IS NULL",
                values![signed, now_ms, hall.as_str(), day],
            )
            .map(drop)
        })
        .await
    }

    async fn roots(
        &self,
        hall: HallId,
        before: Option<u32>,
        limit: usize,
    ) -> Result<Vec<PublishedRoot>, StoreError> {
        self.read(move |db| {
            db.rows(
                "SELECT day, published_ms, signed FROM day_root WHERE hall_id = ?1 AND day < ?2 \
                 AND signed IS NOT NULL ORDER BY day DESC LIMIT ?3",
                values![hall.as_str(), before.unwrap_or(u32::MAX), limit],
                |row| {
                    Ok(PublishedRoot {
                        day: row.get(0)?,
                        published_ms: row.get(1)?,
                        signed: row.get(2)?,
                    })
                },
            )
        })
        .await
    }

    async fn evidence(
        &self,
        hall: HallId,
        record: RecordId,
    ) -> Result<Result<Vec<Evidence>, NoEvidence>, StoreError> {
        self.read(move |db| evidence(db, &hall, record)).await
    }

    async fn outcome_of(
        &self,
        hall: HallId,
        stream: StreamId,
        ordinal: u32,
    ) -> Result<Option<RecordId>, StoreError> {
        self.read(move |db| {
            db.row(
                "SELECT s.terminal_id, r.seq FROM stream s JOIN record r ON r.hall_id = s.hall_id \
                 AND r.terminal_id = s.terminal_id AND r.stream_id = s.stream_id \
                 WHERE s.hall_id = ?1 AND s.stream_id = ?2 AND r.ordinal = ?3",
                values![hall.as_str(), stream.as_bytes(), ordinal],
                |row| {
                    Ok(RecordId {
                        terminal: TerminalId::from_bytes(row.get(0)?),
                        stream,
                        seq: row.get::<i64>(1)?.unsigned_abs(),
                    })
                },
            )
        })
        .await
    }

    async fn verify(&self, hall: HallId, collector: Vec<PublicKey>) -> Result<Report, StoreError> {
        self.read(move |db| verify::verify(db, &hall, &collector))
            .await
    }
}

/// The record's opening, the record, and the amendments that point at it, each with its way to the
/// root of the day it came.
fn evidence(
    db: &Db<'_>,
    hall: &HallId,
    record: RecordId,
) -> Result<Result<Vec<Evidence>, NoEvidence>, StoreError> {
    let mut wanted = Vec::new();
    let mut seqs = vec![1, record.seq];
    seqs.dedup();
    seqs.extend(amendments(db, hall, record)?);
    for seq in seqs {
        let Some(found) = stored(db, hall, RecordId { seq, ..record })? else {
            return Ok(Err(NoEvidence::NoRecord));
        };
        wanted.push((seq, found));
    }
    let mut proved = Vec::new();
    // Each day's tree is read once.
    let mut read: Option<DayLeaves> = None;
    for (seq, (bytes, received_ms)) in wanted {
        let Some((from_ms, until_ms, signed)) = days::of_moment(db, hall, received_ms)? else {
            return Ok(Err(NoEvidence::NotPublished { seq }));
        };
        let day = match read.take().filter(|day| day.from_ms == from_ms) {
            Some(day) => day,
            None => DayLeaves::read(db, hall, record, (from_ms, until_ms))?,
        };
        let place = day.places.iter().find(|(at, _)| *at == seq);
        let Some(&(_, index)) = place else {
            return Ok(Err(NoEvidence::NoRecord));
        };
        proved.push(Evidence {
            seq,
            bytes,
            index: index as u64,
            path: path(&day.leaves, index),
            signed,
        });
        read = Some(day);
    }
    Ok(Ok(proved))
}

/// The leaves of one day, and where a stream's records are among them.
struct DayLeaves {
    from_ms: i64,
    leaves: Vec<Hash>,
    /// Position and index.
    places: Vec<(u64, usize)>,
}

impl DayLeaves {
    fn read(
        db: &Db<'_>,
        hall: &HallId,
        record: RecordId,
        bounds: (i64, i64),
    ) -> Result<Self, StoreError> {
        let (mut leaves, mut places) = (Vec::new(), Vec::new());
        days::leaves(db, hall, bounds, &mut |id, leaf| {
            if id.terminal == record.terminal && id.stream == record.stream {
                places.push((id.seq, leaves.len()));
            }
            leaves.push(leaf);
        })?;
        Ok(Self {
            from_ms: bounds.0,
            leaves,
            places,
        })
    }
}

fn stored(
    db: &Db<'_>,
    hall: &HallId,
    record: RecordId,
) -> Result<Option<(Vec<u8>, i64)>, StoreError> {
    db.row(
        "SELECT bytes, received_ms FROM record WHERE hall_id = ?1 AND terminal_id = ?2 \
         AND stream_id = ?3 AND seq = ?4",
        values![
            hall.as_str(),
            record.terminal.as_bytes(),
            record.stream.as_bytes(),
            capped(record.seq)
        ],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Positions of the amendments that point at a record.
fn amendments(db: &Db<'_>, hall: &HallId, record: RecordId) -> Result<Vec<u64>, StoreError> {
    let key = values![
        hall.as_str(),
        record.terminal.as_bytes(),
        record.stream.as_bytes(),
        capped(record.seq)
    ];
    let mut found = Vec::new();
    db.each(
        "SELECT seq, bytes FROM record WHERE hall_id = ?1 AND terminal_id = ?2 \
         AND stream_id = ?3 AND seq > ?4 AND kind = 3 ORDER BY seq",
        key,
        |row| {
            if let Ok(decoded) = Record::decode(row.get(1)?)
                && let RecordBody::Amendment(amendment) = decoded.body
                && amendment.target.get() == record.seq
            {
                found.push(row.get::<i64>(0)?.unsigned_abs());
            }
            Ok(())
        },
    )?;
    Ok(found)
}

//! What is held of the streams that a delivery speaks of beside its own.

use manyi_shared::domain::StreamId;
use manyi_shared::wire::ChainHash;

use super::held;
use crate::ingest::{Delivery, Held};
use crate::store::StoreError;
use crate::store::sql::{Db, values};

/// Reads what claims and the opening of a stream are measured against.
pub(super) fn load(db: &Db<'_>, delivery: &Delivery, held: &mut Held) -> Result<(), StoreError> {
    let mut streams: Vec<_> = delivery.head.claims.iter().map(|c| c.stream).collect();
    // A stream of which only saved records are here has not begun either.
    let begun = held.stream.as_ref().is_some_and(|s| s.watermark > 0);
    let new = delivery.opening().filter(|_| !begun);
    if let Some(opened) = new {
        streams.extend(opened.previous.map(|tip| tip.stream));
        let previous = opened.previous.map(|tip| tip.stream);
        held.sibling = sibling(db, delivery, opened.stream, previous)?;
    }
    for stream in streams {
        let tip = db.row(
            "SELECT watermark, hash, suite FROM stream WHERE hall_id = ?1 AND terminal_id = ?2 \
             AND stream_id = ?3",
            values![
                delivery.hall.as_str(),
                delivery.head.terminal.as_bytes(),
                stream.as_bytes()
            ],
            |row| {
                let chain = ChainHash::of(held::suite(row, 2)?, row.get(1)?);
                Ok((row.get::<i64>(0)?.unsigned_abs(), chain))
            },
        )?;
        if let Some(tip) = tip {
            held.tips.insert(stream, tip);
        }
    }
    Ok(())
}

/// Another stream that goes on from the same one; from none, any other that was opened.
fn sibling(
    db: &Db<'_>,
    delivery: &Delivery,
    stream: StreamId,
    previous: Option<StreamId>,
) -> Result<Option<StreamId>, StoreError> {
    let others = "SELECT stream_id FROM stream WHERE hall_id = ?1 AND terminal_id = ?2 \
         AND stream_id <> ?3 AND opened_ms IS NOT NULL";
    let mut key = values![
        delivery.hall.as_str(),
        delivery.head.terminal.as_bytes(),
        stream.as_bytes()
    ]
    .to_vec();
    let sql = match &previous {
        Some(previous) => {
            key.push(previous.as_bytes().into());
            format!("{others} AND previous_stream = ?4 LIMIT 1")
        }
        None => format!("{others} LIMIT 1"),
    };
    db.row(&sql, &key, |row| Ok(StreamId::from_bytes(row.get(0)?)))
}

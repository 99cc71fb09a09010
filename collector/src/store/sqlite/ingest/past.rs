//! What is held of the streams that a delivery speaks of beside its own.

use manyi_shared::domain::StreamId;
use manyi_shared::wire::ChainHash;
use rusqlite::{Connection, OptionalExtension, params};

use crate::ingest::{Delivery, Held};
use crate::store::StoreError;

/// Reads what claims and the opening of a stream are measured against.
pub(super) fn load(
    connection: &Connection,
    delivery: &Delivery,
    held: &mut Held,
) -> Result<(), StoreError> {
    let mut streams: Vec<_> = delivery.head.claims.iter().map(|c| c.stream).collect();
    // A stream of which only saved records are here has not begun either.
    let begun = held.stream.as_ref().is_some_and(|s| s.watermark > 0);
    let new = delivery.opening().filter(|_| !begun);
    if let Some(opened) = new {
        streams.extend(opened.previous.map(|tip| tip.stream));
        let previous = opened.previous.map(|tip| tip.stream);
        held.sibling = sibling(connection, delivery, opened.stream, previous)?;
    }
    let mut statement = connection.prepare_cached(
        "SELECT watermark, hash, suite FROM stream WHERE hall_id = ?1 AND terminal_id = ?2 \
         AND stream_id = ?3",
    )?;
    for stream in streams {
        let key = params![
            delivery.hall.as_str(),
            delivery.head.terminal.as_bytes(),
            stream.as_bytes()
        ];
        let tip = statement.query_row(key, |row| {
            Ok((
                row.get::<_, i64>(0)?.unsigned_abs(),
                ChainHash::of(super::held::suite(row, 2)?, row.get(1)?),
            ))
        });
        if let Some(tip) = tip.optional()? {
            held.tips.insert(stream, tip);
        }
    }
    Ok(())
}

/// Another stream that goes on from the same one; from none, any other that was opened.
fn sibling(
    connection: &Connection,
    delivery: &Delivery,
    stream: StreamId,
    previous: Option<StreamId>,
) -> Result<Option<StreamId>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT stream_id FROM stream WHERE hall_id = ?1 AND terminal_id = ?2 \
         AND stream_id <> ?3 AND opened_ms IS NOT NULL \
         AND (?4 IS NULL OR previous_stream = ?4) LIMIT 1",
    )?;
    let key = params![
        delivery.hall.as_str(),
        delivery.head.terminal.as_bytes(),
        stream.as_bytes(),
        previous.map(|previous| *previous.as_bytes())
    ];
    let found = statement.query_row(key, |row| Ok(StreamId::from_bytes(row.get(0)?)));
    Ok(found.optional()?)
}

//! Folds: kept as they were signed, counted by their entries.

use std::collections::BTreeMap;

use manyi_shared::domain::BootId;
use manyi_shared::wire::Fold;

use super::boots::OwnedKey;
use super::{Of, held};
use crate::ingest::{Evidence, Placed, PlannedFold, SURE_HOUR_MS, end_of, place_hour, slot_of};
use crate::store::StoreError;
use crate::store::sql::{Insert, Row, capped, values};

impl Of<'_> {
    /// Stores a fold. With `whole`, its entries count nothing yet: how much they count follows from
    /// all that is held of the stream.
    pub(super) fn fold(
        &self,
        fold: &PlannedFold<'_>,
        signed_head: &[u8],
        whole: bool,
    ) -> Result<(), StoreError> {
        self.db.execute(
            "INSERT INTO fold (hall_id, terminal_id, stream_id, first, last, base, head, bytes, \
             signed_head, received_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            values![
                self.hall,
                self.terminal,
                self.stream,
                capped(fold.first),
                capped(fold.last),
                fold.base.as_bytes(),
                fold.head.as_bytes(),
                &fold.bytes,
                signed_head,
                self.received_ms
            ],
        )?;
        let counts = (0_i64..).zip(&fold.counts).map(|(entry, count)| {
            let n = if whole { 0 } else { i64::from(count.n) };
            let told = values![
                entry,
                count.placed.at_ms,
                count.placed.earliest_ms,
                count.placed.latest_ms,
                count.window,
                count.department,
                count.channel,
                count.outcome.number(),
                count.level.map_or(0, |level| level.number()),
                n
            ];
            self.at(fold.first, told)
        });
        self.db.insert_many(&FOLD_COUNT, counts).map(drop)
    }
}

const FOLD_COUNT: Insert<'_> = Insert::into(
    "fold_count",
    &[
        "hall_id",
        "terminal_id",
        "stream_id",
        "first",
        "entry",
        "at_ms",
        "earliest_ms",
        "latest_ms",
        "window_id",
        "department_id",
        "channel",
        "outcome",
        "level",
        "n",
    ],
);

/// Hours of a boot's folds that are placed worse than to an hour.
const WIDE: &str = "SELECT s.opened_ms, s.uptime_ms, s.boot_id, f.stream_id, f.first, f.bytes, \
    f.received_ms, c.entry, c.at_ms, c.earliest_ms, c.latest_ms, c.outcome, c.level, \
    c.window_id, c.department_id, c.channel, c.n FROM stream s JOIN fold f ON f.hall_id = s.hall_id \
    AND f.terminal_id = s.terminal_id AND f.stream_id = s.stream_id \
    JOIN fold_count c ON c.hall_id = f.hall_id AND c.terminal_id = f.terminal_id \
    AND c.stream_id = f.stream_id AND c.first = f.first \
    WHERE s.hall_id = ?1 AND s.terminal_id = ?2 AND s.boot_id = ?3 \
    AND c.latest_ms - c.earliest_ms > ?4";

/// Places the hours of a boot's folds anew where they are known worse than an hour can be. Gives
/// the highest uptime of those that still are.
pub(super) fn refine(
    of: &Of<'_>,
    boot: BootId,
    evidence: &Evidence,
    deltas: &mut BTreeMap<OwnedKey, i64>,
) -> Result<Option<u64>, StoreError> {
    let mut wide = None;
    let mut moves = Vec::new();
    let key = values![of.hall, of.terminal, boot.as_bytes(), SURE_HOUR_MS];
    of.db.each(WIDE, key, |row| {
        let fold = Fold::from_bytes(row.get(5)?).map_err(|_| StoreError::Corrupt {
            column: "fold.bytes",
        })?;
        let index: usize = row.get(7)?;
        let (Some(opening), Some(entry)) = (held::opening(row, 0)?, fold.entries.get(index)) else {
            return Ok(());
        };
        let before = Placed {
            at_ms: row.get(8)?,
            earliest_ms: row.get(9)?,
            latest_ms: row.get(10)?,
        };
        let placed = place_hour(Some(opening), entry, evidence, row.get(6)?);
        let better = placed.width() <= before.width() && placed != before;
        let now = if better { placed } else { before };
        if now.width() > SURE_HOUR_MS {
            wide = wide.max(Some(opening.uptime_ms.saturating_add(end_of(entry.hour))));
        }
        if better {
            let n: i64 = row.get(16)?;
            *deltas.entry(key_of(row, before.at_ms)?).or_default() -= n;
            *deltas.entry(key_of(row, placed.at_ms)?).or_default() += n;
            let place: ([u8; 16], i64, i64) = (row.get(3)?, row.get(4)?, row.get(7)?);
            moves.push((place, placed));
        }
        Ok(())
    })?;
    let rows = moves.iter().map(|((stream, first, entry), placed)| {
        values![
            of.hall,
            of.terminal,
            stream,
            first,
            entry,
            placed.at_ms,
            placed.earliest_ms,
            placed.latest_ms
        ]
        .to_vec()
    });
    of.db.execute_many(
        "UPDATE fold_count SET at_ms = ?6, earliest_ms = ?7, latest_ms = ?8 \
         WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 AND first = ?4 \
         AND entry = ?5",
        rows,
    )?;
    Ok(wide)
}

/// What a row of [`WIDE`] counts, at a moment.
fn key_of(row: &Row<'_>, at_ms: i64) -> Result<OwnedKey, StoreError> {
    Ok(OwnedKey {
        slot: slot_of(at_ms),
        window: row.get(13)?,
        department: row.get(14)?,
        staff: String::new(),
        item: String::new(),
        channel: row.get(15)?,
        outcome: row.get(11)?,
        level: row.get(12)?,
    })
}

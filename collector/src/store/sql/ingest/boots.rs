//! What is known of the clocks of boots, and records that are placed anew when more is known.

use std::collections::BTreeMap;

use manyi_shared::domain::BootId;
use manyi_shared::wire::Record;

use super::{Of, held};
use crate::ingest::{
    Anchor, BootState, Delivery, Evidence, Held, HeldBoot, Placed, Plan, SURE_MS, TallyKey,
    place_in_time, slot_of,
};
use crate::store::StoreError;
use crate::store::sql::{Db, Row, capped, tally, values};

/// Reads what is known of the boots of the exchange and of the run's stream.
pub(super) fn load(db: &Db<'_>, delivery: &Delivery, held: &mut Held) -> Result<(), StoreError> {
    let told = delivery.opening().map(|opened| opened.boot);
    let stream = held.stream.as_ref().and_then(|s| s.opening).map(|o| o.boot);
    let boots = [Some(delivery.head.clock.boot), told, stream];
    for boot in boots.into_iter().flatten() {
        let (hall, terminal) = (delivery.hall.as_str(), delivery.head.terminal.as_bytes());
        if let Some(known) = of(db, hall, terminal, boot)? {
            held.boots.insert(boot, known);
        }
    }
    Ok(())
}

fn of(
    db: &Db<'_>,
    hall: &str,
    terminal: &[u8; 16],
    boot: BootId,
) -> Result<Option<HeldBoot>, StoreError> {
    db.row(
        "SELECT unsure, first_wall_ms, first_uptime_ms, last_wall_ms, last_uptime_ms FROM boot \
         WHERE hall_id = ?1 AND terminal_id = ?2 AND boot_id = ?3",
        values![hall, terminal, boot.as_bytes()],
        |row| {
            Ok(HeldBoot {
                unsure: row.get(0)?,
                first: anchor(row, 1)?,
                last: anchor(row, 3)?,
            })
        },
    )
}

fn anchor(row: &Row<'_>, column: usize) -> Result<Option<Anchor>, StoreError> {
    let (wall_ms, uptime_ms): (Option<i64>, Option<i64>) = (row.get(column)?, row.get(column + 1)?);
    Ok(wall_ms.zip(uptime_ms).map(|(wall_ms, uptime_ms)| Anchor {
        wall_ms,
        uptime_ms: uptime_ms.unsigned_abs(),
    }))
}

/// Stores what is known now.
pub(super) fn store(db: &Db<'_>, delivery: &Delivery, plan: &Plan<'_>) -> Result<(), StoreError> {
    let of = Of {
        db,
        hall: delivery.hall.as_str(),
        terminal: delivery.head.terminal.as_bytes(),
        stream: &[0; 16],
        received_ms: delivery.received_ms,
    };
    for (boot, state) in &plan.boots {
        let mut state = *state;
        if state.refine {
            let wide = refine(&of, *boot, &plan.evidence)?;
            let last = state.last.map(|last| last.uptime_ms);
            state.unsure = wide.is_some_and(|wide| last.is_none_or(|last| last < wide));
        }
        keep(&of, *boot, &state)?;
    }
    Ok(())
}

/// Adds what is known of another boot.
pub(super) fn add(of: &Of<'_>, boot: BootId, evidence: &mut Evidence) -> Result<(), StoreError> {
    if evidence.boots.contains_key(&boot) {
        return Ok(());
    }
    let known = self::of(of.db, of.hall, of.terminal, boot)?.unwrap_or_default();
    let anchors = evidence.boots.entry(boot).or_default();
    for anchor in [known.first, known.last].into_iter().flatten() {
        anchors.add(anchor);
    }
    Ok(())
}

/// Notes that records of the boot could be placed better.
pub(super) fn unsure(of: &Of<'_>, boot: BootId) -> Result<(), StoreError> {
    of.db.execute(
        "INSERT INTO boot (hall_id, terminal_id, boot_id, seen_ms, unsure) \
             VALUES (?1, ?2, ?3, ?4, 1) ON CONFLICT (hall_id, terminal_id, boot_id) \
             DO UPDATE SET unsure = 1",
        values![of.hall, of.terminal, boot.as_bytes(), of.received_ms],
    )?;
    Ok(())
}

/// Places the records of a boot anew that are known worse than to a second; counts move with them.
/// Gives the highest uptime of what is still known worse.
pub(super) fn refine(
    of: &Of<'_>,
    boot: BootId,
    evidence: &Evidence,
) -> Result<Option<u64>, StoreError> {
    // What the clocks of this exchange say holds for what it brought, not for what came before.
    let evidence = Evidence {
        exchange: None,
        boots: evidence.boots.clone(),
    };
    let mut deltas = BTreeMap::new();
    let rows = records(of, boot, &evidence, &mut deltas)?;
    let hours = super::folds::refine(of, boot, &evidence, &mut deltas)?;
    let borrowed = deltas.iter().map(|(key, n)| (key.borrow(), *n));
    let changed = borrowed.filter(|(_, n)| *n != 0).collect();
    tally::apply(of.db, of.hall, &changed)?;
    Ok(rows.max(hours))
}

fn records(
    of: &Of<'_>,
    boot: BootId,
    evidence: &Evidence,
    deltas: &mut BTreeMap<OwnedKey, i64>,
) -> Result<Option<u64>, StoreError> {
    let mut wide = None;
    let mut moves = Vec::new();
    of.db.each(
        WIDE,
        values![of.hall, of.terminal, boot.as_bytes(), SURE_MS],
        |row| {
            let (Some(opening), Ok(record)) = (held::opening(row, 0)?, Record::decode(row.get(5)?))
            else {
                return Ok(());
            };
            let before = Placed {
                at_ms: row.get(7)?,
                earliest_ms: row.get(8)?,
                latest_ms: row.get(9)?,
            };
            let placed = place_in_time(Some(opening), record.at, evidence, row.get(6)?);
            let better = placed.width() <= before.width() && placed != before;
            let now = if better { placed } else { before };
            if now.width() > SURE_MS {
                wide = wide.max(Some(opening.uptime_of(&record.at)));
            }
            if better {
                moved(row, (before.at_ms, placed.at_ms), deltas)?;
                moves.push((row.get::<[u8; 16]>(3)?, row.get::<i64>(4)?, placed));
            }
            Ok(())
        },
    )?;
    move_all(of, &moves)?;
    Ok(wide)
}

/// Records of a boot that are placed worse than to a second.
const WIDE: &str = "SELECT s.opened_ms, s.uptime_ms, s.boot_id, r.stream_id, r.seq, r.bytes, \
    r.received_ms, r.at_ms, r.earliest_ms, r.latest_ms, r.outcome, r.level, r.window_id, \
    r.department_id, r.staff_id, r.item_code, r.channel FROM stream s \
    JOIN record r ON r.hall_id = s.hall_id AND r.terminal_id = s.terminal_id \
    AND r.stream_id = s.stream_id WHERE s.hall_id = ?1 AND s.terminal_id = ?2 AND s.boot_id = ?3 \
    AND r.latest_ms - r.earliest_ms > ?4 AND r.kind NOT IN (0, 4)";

/// What a row of [`WIDE`] counts moves from one moment to another.
fn moved(
    row: &Row<'_>,
    (from_ms, to_ms): (i64, i64),
    deltas: &mut BTreeMap<OwnedKey, i64>,
) -> Result<(), StoreError> {
    let Some(outcome) = row.get(10)? else {
        return Ok(());
    };
    let key = |at_ms| {
        Ok::<_, StoreError>(OwnedKey {
            slot: slot_of(at_ms),
            window: row.get(12)?,
            department: row.get(13)?,
            staff: row.get(14)?,
            item: row.get(15)?,
            channel: row.get(16)?,
            outcome,
            level: row.get::<Option<u8>>(11)?.unwrap_or(0),
        })
    };
    *deltas.entry(key(from_ms)?).or_default() -= 1;
    *deltas.entry(key(to_ms)?).or_default() += 1;
    Ok(())
}

fn move_all(of: &Of<'_>, moves: &[([u8; 16], i64, Placed)]) -> Result<(), StoreError> {
    let rows = moves.iter().map(|(stream, seq, placed)| {
        values![
            of.hall,
            of.terminal,
            stream,
            seq,
            placed.at_ms,
            placed.earliest_ms,
            placed.latest_ms
        ]
        .to_vec()
    });
    of.db.execute_many(
        "UPDATE record SET at_ms = ?5, earliest_ms = ?6, latest_ms = ?7 \
         WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 AND seq = ?4",
        rows,
    )?;
    let rows = moves.iter().map(|(stream, seq, placed)| {
        values![of.hall, of.terminal, stream, seq, placed.at_ms].to_vec()
    });
    of.db
        .execute_many(
            "UPDATE message SET at_ms = ?5 \
             WHERE hall_id = ?1 AND terminal_id = ?2 AND stream_id = ?3 AND seq = ?4",
            rows,
        )
        .map(drop)
}

/// What a count is about, for counts that outlive the row they are read from.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OwnedKey {
    pub(super) slot: i64,
    pub(super) window: String,
    pub(super) department: String,
    pub(super) staff: String,
    pub(super) item: String,
    pub(super) channel: u8,
    pub(super) outcome: u8,
    pub(super) level: u8,
}

impl OwnedKey {
    fn borrow(&self) -> TallyKey<'_> {
        TallyKey {
            slot: self.slot,
            window: &self.window,
            department: &self.department,
            staff: &self.staff,
            item: &self.item,
            channel: self.channel,
            outcome: self.outcome,
            level: self.level,
        }
    }
}

fn keep(of: &Of<'_>, boot: BootId, state: &BootState) -> Result<(), StoreError> {
    // Only a boot whose records were all looked at again stops being unsure.
    let unsure = if state.refine {
        "excluded.unsure"
    } else {
        "CASE WHEN boot.unsure > excluded.unsure THEN boot.unsure ELSE excluded.unsure END"
    };
    let sql = format!(
        "INSERT INTO boot (hall_id, terminal_id, boot_id, seen_ms, unsure, first_wall_ms, \
         first_uptime_ms, last_wall_ms, last_uptime_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
         ON CONFLICT (hall_id, terminal_id, boot_id) DO UPDATE SET unsure = {unsure}, \
         first_wall_ms = excluded.first_wall_ms, first_uptime_ms = excluded.first_uptime_ms, \
         last_wall_ms = excluded.last_wall_ms, last_uptime_ms = excluded.last_uptime_ms"
    );
    of.db
        .execute(
            &sql,
            values![
                of.hall,
                of.terminal,
                boot.as_bytes(),
                of.received_ms,
                state.unsure,
                state.first.map(|a| a.wall_ms),
                state.first.map(|a| capped(a.uptime_ms)),
                state.last.map(|a| a.wall_ms),
                state.last.map(|a| capped(a.uptime_ms))
            ],
        )
        .map(drop)
}

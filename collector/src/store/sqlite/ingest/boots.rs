//! What is known of the clocks of boots.

use manyi_shared::domain::BootId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::ingest::{Anchor, BootState, Delivery, Held, HeldBoot, Plan};
use crate::store::StoreError;
use crate::store::sqlite::port::capped;

/// Reads what is known of the boots of the exchange and of the run's stream.
pub(super) fn load(
    connection: &Connection,
    delivery: &Delivery,
    held: &mut Held,
) -> Result<(), StoreError> {
    let told = delivery.opening().map(|opened| opened.boot);
    let stream = held.stream.as_ref().and_then(|s| s.opening).map(|o| o.boot);
    let boots = [Some(delivery.head.clock.boot), told, stream];
    for boot in boots.into_iter().flatten() {
        if let Some(known) = of(connection, delivery, boot)? {
            held.boots.insert(boot, known);
        }
    }
    Ok(())
}

fn of(
    connection: &Connection,
    delivery: &Delivery,
    boot: BootId,
) -> Result<Option<HeldBoot>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT unsure, first_wall_ms, first_uptime_ms, last_wall_ms, last_uptime_ms FROM boot \
         WHERE hall_id = ?1 AND terminal_id = ?2 AND boot_id = ?3",
    )?;
    let key = params![
        delivery.hall.as_str(),
        delivery.head.terminal.as_bytes(),
        boot.as_bytes()
    ];
    let found = statement.query_row(key, |row| {
        Ok(HeldBoot {
            unsure: row.get(0)?,
            first: anchor(row, 1)?,
            last: anchor(row, 3)?,
        })
    });
    Ok(found.optional()?)
}

fn anchor(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Anchor>> {
    let (wall_ms, uptime_ms): (Option<i64>, Option<i64>) = (row.get(column)?, row.get(column + 1)?);
    Ok(wall_ms.zip(uptime_ms).map(|(wall_ms, uptime_ms)| Anchor {
        wall_ms,
        uptime_ms: uptime_ms.unsigned_abs(),
    }))
}

/// Stores what is known now.
pub(super) fn store(
    connection: &Connection,
    delivery: &Delivery,
    plan: &Plan<'_>,
) -> Result<(), StoreError> {
    for (boot, state) in &plan.boots {
        keep(connection, delivery, *boot, state)?;
    }
    Ok(())
}

fn keep(
    connection: &Connection,
    delivery: &Delivery,
    boot: BootId,
    state: &BootState,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO boot (hall_id, terminal_id, boot_id, seen_ms, unsure, first_wall_ms, \
             first_uptime_ms, last_wall_ms, last_uptime_ms) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO UPDATE SET \
             unsure = excluded.unsure, first_wall_ms = excluded.first_wall_ms, \
             first_uptime_ms = excluded.first_uptime_ms, last_wall_ms = excluded.last_wall_ms, \
             last_uptime_ms = excluded.last_uptime_ms",
        )?
        .execute(params![
            delivery.hall.as_str(),
            delivery.head.terminal.as_bytes(),
            boot.as_bytes(),
            delivery.received_ms,
            state.unsure,
            state.first.map(|a| a.wall_ms),
            state.first.map(|a| capped(a.uptime_ms)),
            state.last.map(|a| a.wall_ms),
            state.last.map(|a| capped(a.uptime_ms))
        ])?;
    Ok(())
}

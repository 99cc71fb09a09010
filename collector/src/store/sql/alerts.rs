//! Alerts and messages.
//!
//! That an alert is opened once and told once is two unique keys: `alert_open`, in which an open
//! alert has `closed_ms` 0, and the key of `alert_told`. A message is written with the alerts that it
//! tells of. Several collectors may try at once; one of them succeeds.

use async_trait::async_trait;
use manyi_shared::domain::{HallId, TerminalId};

use super::{Db, Row, code, values};
use crate::alert::message::{Message, ToldAlert};
use crate::alert::{About, Kind, OpenAlert};
use crate::store::alerts::{
    AlertChange, AlertStore, Claimed, Ended, Opening, StoredAlert, Told, WhichAlerts,
};
use crate::store::{Database, StoreError};

#[async_trait]
impl AlertStore for Database {
    async fn alerts(&self, which: WhichAlerts) -> Result<Vec<StoredAlert>, StoreError> {
        self.read(move |db| alerts(db, &which)).await
    }

    async fn change_alerts(&self, change: AlertChange, now_ms: i64) -> Result<u64, StoreError> {
        self.write(move |db| apply(db, &change, now_ms)).await
    }

    async fn acknowledge(
        &self,
        hall: HallId,
        id: [u8; 16],
        by: String,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        self.write(move |db| {
            let changed = db.execute(
                "UPDATE alert SET acknowledged_ms = ?1, acknowledged_by = ?2 WHERE hall_id = ?3 \
                 AND alert_id = ?4 AND closed_ms = 0 AND acknowledged_ms IS NULL",
                values![now_ms, &by, hall.as_str(), &id],
            )?;
            Ok(changed > 0)
        })
        .await
    }

    async fn claim_message(
        &self,
        targets: Vec<String>,
        now_ms: i64,
        claimed_until_ms: i64,
    ) -> Result<Option<Claimed>, StoreError> {
        self.write(move |db| claim(db, &targets, now_ms, claimed_until_ms))
            .await
    }

    async fn end_message(&self, claimed: &Claimed, ended: Ended) -> Result<(), StoreError> {
        let (hall, id) = (claimed.message.hall.clone(), claimed.message.id);
        self.write(move |db| {
            let (result, at_ms) = ended.parts();
            let sql = "UPDATE alert_message SET ended_ms = ?1, result = ?2 WHERE hall_id = ?3 \
                 AND message_id = ?4 AND ended_ms IS NULL";
            db.execute(sql, values![at_ms, result, &hall, &id])
                .map(drop)
        })
        .await
    }

    async fn put_off_message(
        &self,
        claimed: &Claimed,
        due_ms: i64,
        problem: String,
    ) -> Result<(), StoreError> {
        let (hall, id) = (claimed.message.hall.clone(), claimed.message.id);
        let claim = claimed.claimed_until_ms;
        self.write(move |db| {
            // A claim that has ended may be somebody else's by now.
            let sql = "UPDATE alert_message SET due_ms = ?1, problem = ?2, claimed_ms = 0 \
                 WHERE hall_id = ?3 AND message_id = ?4 AND ended_ms IS NULL AND claimed_ms = ?5";
            db.execute(sql, values![due_ms, &problem, &hall, &id, claim])
                .map(drop)
        })
        .await
    }
}

const ALERTS: &str = "SELECT a.alert_id, a.hall_id, h.name AS hall_name, h.time_zone, \
    a.terminal_id, a.window_id, w.number AS window_number, a.kind, a.subject, a.detail, \
    a.opened_ms, a.calm_ms, a.acknowledged_ms, a.acknowledged_by, a.closed_ms \
    FROM alert a JOIN hall h ON h.hall_id = a.hall_id \
    LEFT JOIN service_window w ON w.hall_id = a.hall_id AND w.window_id = a.window_id";

fn alerts(db: &Db<'_>, which: &WhichAlerts) -> Result<Vec<StoredAlert>, StoreError> {
    let sql = format!(
        "{ALERTS} WHERE (CAST(?1 AS TEXT) IS NULL OR a.hall_id = ?1) \
         AND (?4 = 0 OR a.terminal_id = ?2) \
         AND (a.closed_ms = 0 OR a.closed_ms >= ?3) \
         ORDER BY a.hall_id, a.window_id, a.opened_ms DESC, a.alert_id"
    );
    let hall = which.hall.as_ref().map(HallId::as_str);
    let terminal = which
        .terminal
        .as_ref()
        .map_or(&[0; 16], TerminalId::as_bytes);
    let one_only = which.terminal.is_some();
    let since = which.closed_since_ms.unwrap_or(i64::MAX);
    db.rows(&sql, values![hall, terminal, since, one_only], stored)
}

fn stored(row: &Row<'_>) -> Result<StoredAlert, StoreError> {
    let window: String = row.get("window_id")?;
    let number: Option<String> = row.get("window_number")?;
    let acknowledged: (Option<i64>, Option<String>) =
        (row.get("acknowledged_ms")?, row.get("acknowledged_by")?);
    let closed: i64 = row.get("closed_ms")?;
    Ok(StoredAlert {
        alert: OpenAlert {
            id: row.get("alert_id")?,
            about: About {
                terminal: TerminalId::from_bytes(row.get("terminal_id")?),
                kind: kind(&row.get::<String>("kind")?)?,
                subject: row.get("subject")?,
            },
            calm_ms: row.get("calm_ms")?,
        },
        hall: code(&row.get::<String>("hall_id")?, "alert.hall_id")?,
        hall_name: row.get("hall_name")?,
        time_zone: row.get("time_zone")?,
        window_number: number.unwrap_or_else(|| window.clone()),
        window: code(&window, "alert.window_id")?,
        detail: row.get("detail")?,
        opened_ms: row.get("opened_ms")?,
        acknowledged: acknowledged.0.zip(acknowledged.1),
        closed_ms: (closed != 0).then_some(closed),
    })
}

fn kind(name: &str) -> Result<Kind, StoreError> {
    Kind::named(name).ok_or(StoreError::Corrupt {
        column: "alert.kind",
    })
}

fn apply(db: &Db<'_>, change: &AlertChange, now_ms: i64) -> Result<u64, StoreError> {
    let hall = change.hall.as_str();
    for (id, since) in &change.calm {
        let sql = "UPDATE alert SET calm_ms = ?1 WHERE hall_id = ?2 AND alert_id = ?3";
        db.execute(sql, values![*since, hall, id])?;
    }
    for id in &change.close {
        let sql = "UPDATE alert SET closed_ms = ?1 WHERE hall_id = ?2 AND alert_id = ?3 \
             AND closed_ms = 0";
        db.execute(sql, values![now_ms, hall, id])?;
    }
    let (mut urgent, mut others) = (Vec::new(), Vec::new());
    for opening in &change.open {
        if let Some(id) = open(db, hall, opening, now_ms)? {
            let list = if opening.urgent {
                &mut urgent
            } else {
                &mut others
            };
            list.push(id);
        }
    }
    for target in &change.targets {
        tell(db, hall, target, &urgent, (now_ms, target.urgent_due_ms))?;
        tell(db, hall, target, &others, (now_ms, target.due_ms))?;
    }
    Ok((urgent.len() + others.len()) as u64)
}

/// Opens an alert, unless one is open; its id if it was opened here.
fn open(
    db: &Db<'_>,
    hall: &str,
    opening: &Opening,
    now_ms: i64,
) -> Result<Option<[u8; 16]>, StoreError> {
    let id = *uuid::Uuid::new_v4().as_bytes();
    let opened = db.execute(
        "INSERT INTO alert (hall_id, alert_id, terminal_id, window_id, kind, subject, detail, \
         opened_ms, closed_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0) \
         ON CONFLICT (hall_id, terminal_id, kind, subject, closed_ms) DO NOTHING",
        values![
            hall,
            &id,
            opening.about.terminal.as_bytes(),
            opening.window.as_str(),
            opening.about.kind.name(),
            &opening.about.subject,
            &opening.detail,
            now_ms
        ],
    )?;
    Ok((opened > 0).then_some(id))
}

/// Writes one message to a target about these alerts.
fn tell(
    db: &Db<'_>,
    hall: &str,
    target: &Told,
    alerts: &[[u8; 16]],
    (now_ms, due_ms): (i64, i64),
) -> Result<(), StoreError> {
    if alerts.is_empty() {
        return Ok(());
    }
    let message = *uuid::Uuid::new_v4().as_bytes();
    db.execute(
        "INSERT INTO alert_message (hall_id, message_id, target, created_ms, due_ms, tries, \
         claimed_ms) VALUES (?1, ?2, ?3, ?4, ?5, 0, 0)",
        values![hall, &message, &target.target, now_ms, due_ms],
    )?;
    for alert in alerts {
        db.execute(
            "INSERT INTO alert_told (hall_id, alert_id, target, message_id) \
             VALUES (?1, ?2, ?3, ?4)",
            values![hall, alert, &target.target, &message],
        )?;
    }
    Ok(())
}

/// A message that waits.
struct Waiting {
    hall: String,
    id: [u8; 16],
    target: String,
    created_ms: i64,
    tries: i64,
    claimed_ms: i64,
}

fn claim(
    db: &Db<'_>,
    targets: &[String],
    now_ms: i64,
    claimed_until_ms: i64,
) -> Result<Option<Claimed>, StoreError> {
    for target in targets {
        let waiting = db.row(
            "SELECT hall_id, message_id, created_ms, tries, claimed_ms FROM alert_message \
             WHERE ended_ms IS NULL AND due_ms <= ?1 AND claimed_ms <= ?1 AND target = ?2 \
             ORDER BY due_ms, message_id LIMIT 1",
            values![now_ms, target],
            |row| {
                Ok(Waiting {
                    hall: row.get(0)?,
                    id: row.get(1)?,
                    target: target.clone(),
                    created_ms: row.get(2)?,
                    tries: row.get(3)?,
                    claimed_ms: row.get(4)?,
                })
            },
        )?;
        let Some(waiting) = waiting else { continue };
        let mine = db.execute(
            "UPDATE alert_message SET claimed_ms = ?1, tries = tries + 1 WHERE hall_id = ?2 \
             AND message_id = ?3 AND ended_ms IS NULL AND claimed_ms = ?4",
            values![
                claimed_until_ms,
                &waiting.hall,
                &waiting.id,
                waiting.claimed_ms
            ],
        )?;
        if mine > 0 {
            return claimed(db, waiting, claimed_until_ms).map(Some);
        }
    }
    Ok(None)
}

fn claimed(db: &Db<'_>, waiting: Waiting, claimed_until_ms: i64) -> Result<Claimed, StoreError> {
    let hall = db.one(
        "SELECT name, time_zone FROM hall WHERE hall_id = ?1",
        values![&waiting.hall],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
    )?;
    let alerts = db.rows(
        "SELECT a.alert_id, a.kind, a.window_id, COALESCE(w.number, a.window_id), a.terminal_id, \
         a.detail, a.opened_ms FROM alert_told t JOIN alert a ON a.hall_id = t.hall_id \
         AND a.alert_id = t.alert_id LEFT JOIN service_window w ON w.hall_id = a.hall_id \
         AND w.window_id = a.window_id WHERE t.hall_id = ?1 AND t.message_id = ?2 \
         AND a.closed_ms = 0 ORDER BY a.window_id, a.opened_ms, a.alert_id",
        values![&waiting.hall, &waiting.id],
        |row| {
            Ok(ToldAlert {
                id: row.get(0)?,
                kind: kind(&row.get::<String>(1)?)?,
                window: row.get(2)?,
                number: row.get(3)?,
                terminal: TerminalId::from_bytes(row.get(4)?).to_string(),
                detail: row.get(5)?,
                opened_ms: row.get(6)?,
            })
        },
    )?;
    Ok(Claimed {
        message: Message {
            id: waiting.id,
            hall: waiting.hall,
            hall_name: hall.0,
            time_zone: hall.1,
            alerts,
        },
        target: waiting.target,
        created_ms: waiting.created_ms,
        tries: u32::try_from(waiting.tries.saturating_add(1)).unwrap_or(u32::MAX),
        claimed_until_ms,
    })
}

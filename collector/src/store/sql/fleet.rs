//! The fleet: terminals with what their states follow from, and the states that they had.

use std::collections::HashMap;

use async_trait::async_trait;
use manyi_shared::domain::{HallId, Level, TerminalId};
use manyi_shared::wire::{Health, ProfileOptions, PublicKey};

use super::{Db, Row, code, values};
use crate::fleet::Seen;
use crate::store::fleet::{FleetStore, FleetTerminal, NotedState, PastState, WhichTerminals};
use crate::store::{Database, StoreError, TerminalState, WatchedTerminal};

/// A revoked terminal that calls is written down so often at the most.
const REFUSED_EVERY_MS: i64 = 60_000;

#[async_trait]
impl FleetStore for Database {
    async fn fleet(
        &self,
        which: WhichTerminals,
        days: (u32, u32),
    ) -> Result<Vec<FleetTerminal>, StoreError> {
        self.read(move |db| fleet(db, &which, days)).await
    }

    async fn note_states(&self, states: Vec<NotedState>, now_ms: i64) -> Result<u64, StoreError> {
        self.write(move |db| {
            let mut changed = 0;
            for state in &states {
                changed += note_state(db, state, now_ms)?;
            }
            Ok(changed)
        })
        .await
    }

    async fn past_states(
        &self,
        terminal: TerminalId,
        limit: u32,
    ) -> Result<Vec<PastState>, StoreError> {
        self.read(move |db| {
            db.rows(
                "SELECT since_ms, state, reasons FROM terminal_state WHERE terminal_id = ?1 \
                 ORDER BY since_ms DESC LIMIT ?2",
                values![terminal.as_bytes(), limit],
                |row| {
                    Ok(PastState {
                        since_ms: row.get(0)?,
                        state: row.get(1)?,
                        reasons: row.get(2)?,
                    })
                },
            )
        })
        .await
    }

    async fn note_refused(&self, terminal: TerminalId, now_ms: i64) -> Result<(), StoreError> {
        self.write(move |db| {
            let sql = "UPDATE terminal SET refused_ms = ?1, refused_calls = refused_calls + 1 \
                 WHERE terminal_id = ?2 AND (refused_ms IS NULL OR refused_ms < ?3)";
            let before = now_ms.saturating_sub(REFUSED_EVERY_MS);
            let values = values![now_ms, terminal.as_bytes(), before];
            db.execute(sql, values).map(drop)
        })
        .await
    }

    async fn past_tests(
        &self,
        terminal: TerminalId,
        limit: u32,
    ) -> Result<Vec<(u32, u32)>, StoreError> {
        self.read(move |db| {
            db.rows(
                "SELECT day, COUNT(*) FROM self_test WHERE terminal_id = ?1 GROUP BY day \
                 ORDER BY day DESC LIMIT ?2",
                values![terminal.as_bytes(), limit],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
        .await
    }
}

/// Writes a state down when it is not the one written last.
fn note_state(db: &Db<'_>, noted: &NotedState, now_ms: i64) -> Result<u64, StoreError> {
    let (hall, terminal) = (noted.hall.as_str(), noted.terminal.as_bytes());
    let changed = db.execute(
        "UPDATE terminal SET shown_state = ?1 WHERE hall_id = ?2 AND terminal_id = ?3 \
         AND shown_state <> ?1",
        values![noted.written(), hall, terminal],
    )?;
    if changed > 0 {
        db.execute(
            "INSERT INTO terminal_state (hall_id, terminal_id, since_ms, state, reasons) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (hall_id, terminal_id, since_ms) \
             DO UPDATE SET state = excluded.state, reasons = excluded.reasons",
            values![hall, terminal, now_ms, &noted.state, &noted.reasons],
        )?;
    }
    Ok(changed)
}

const TERMINALS: &str = "SELECT t.terminal_id, t.hall_id, h.name AS hall_name, h.time_zone, \
    h.profile_version AS wanted_version, t.window_id, w.number AS window_number, \
    w.name AS window_name, d.name AS department, t.state, t.enrolled_ms, t.public_key, \
    t.profile_version, t.profile_problem, t.journal_problem, t.last_seen_ms, t.backlog, \
    t.software, t.oldest_unsent_ms, t.disk_free_bytes, t.synchronised, t.wall_offset_ms, \
    t.uptime_ms, t.boot_id, t.progress_ms, t.last_rating_ms, t.refused_ms, t.refused_calls, \
    t.rotate_wanted, t.shown_state, t.health \
    FROM terminal t JOIN hall h ON h.hall_id = t.hall_id \
    LEFT JOIN service_window w ON w.hall_id = t.hall_id AND w.window_id = t.window_id \
    LEFT JOIN department d ON d.hall_id = w.hall_id AND d.department_id = w.department_id \
    WHERE (CAST(?1 AS TEXT) IS NULL OR t.hall_id = ?1) \
    AND (?3 = 0 OR t.terminal_id = ?2) \
    ORDER BY t.hall_id, t.window_id, t.enrolled_ms";

fn fleet(
    db: &Db<'_>,
    which: &WhichTerminals,
    days: (u32, u32),
) -> Result<Vec<FleetTerminal>, StoreError> {
    let hall = which.hall.as_ref().map(HallId::as_str);
    // Only a type that both databases have a name for can be compared with NULL.
    let terminal = which
        .terminal
        .as_ref()
        .map_or(&[0; 16], TerminalId::as_bytes);
    let one_only = which.terminal.is_some();
    let beside = Beside::load(db, hall, days)?;
    db.rows(TERMINALS, values![hall, terminal, one_only], |row| {
        one(row, &beside)
    })
}

fn one(row: &Row<'_>, beside: &Beside) -> Result<FleetTerminal, StoreError> {
    let id: [u8; 16] = row.get("terminal_id")?;
    let (hall, window): (String, String) = (row.get("hall_id")?, row.get("window_id")?);
    let options = beside.options_of(&hall, &window);
    let key: Vec<u8> = row.get("public_key")?;
    // One terminal's damaged key must not hide all the others.
    let key = PublicKey::from_bytes(&key);
    let state: String = row.get("state")?;
    let number: Option<String> = row.get("window_number")?;
    let (profile_problem, journal_problem) =
        (row.get("profile_problem")?, row.get("journal_problem")?);
    Ok(FleetTerminal {
        hall_name: row.get("hall_name")?,
        window_number: number.unwrap_or_else(|| window.clone()),
        window_name: row
            .get::<Option<String>>("window_name")?
            .unwrap_or_default(),
        department: row.get("department")?,
        state: TerminalState::named(&state),
        seen: seen(row)?,
        boot: row.get("boot_id")?,
        profile_version: row.get("profile_version")?,
        wanted_version: row.get("wanted_version")?,
        heartbeat_seconds: options.heartbeat_seconds,
        last_rating_ms: row.get("last_rating_ms")?,
        incidents: beside.incidents.get(&id).cloned().unwrap_or_default(),
        refused_ms: row.get("refused_ms")?,
        refused_calls: row.get::<i64>("refused_calls")?.unsigned_abs(),
        fingerprint: key.map_or_else(String::new, |key| key.fingerprint()),
        rotate_wanted: row.get("rotate_wanted")?,
        shown_state: row.get("shown_state")?,
        watched: WatchedTerminal {
            terminal: TerminalId::from_bytes(id),
            hall: code(&hall, "terminal.hall_id")?,
            time_zone: row.get("time_zone")?,
            window: code(&window, "terminal.window_id")?,
            enrolled_ms: row.get("enrolled_ms")?,
            self_test_minutes: options.self_test_minutes,
            hours: options.hours.clone().unwrap_or_default(),
            tests: beside.tests.get(&id).cloned().unwrap_or_default(),
            profile_problem,
            journal_problem,
        },
    })
}

/// The last exchange. What came before heartbeats were kept whole is put together from the columns.
fn seen(row: &Row<'_>) -> Result<Option<Seen>, StoreError> {
    let Some(at_ms) = row.get::<Option<i64>>("last_seen_ms")? else {
        return Ok(None);
    };
    let unsigned = |value: Option<i64>| value.map(i64::unsigned_abs);
    let kept: Option<Vec<u8>> = row.get("health")?;
    let health = match kept {
        Some(bytes) => Health::decode(&bytes).ok_or(StoreError::Corrupt {
            column: "terminal.health",
        })?,
        None => Health {
            software: row.get("software")?,
            backlog: row.get::<i64>("backlog")?.unsigned_abs(),
            oldest_unsent_ms: unsigned(row.get("oldest_unsent_ms")?),
            disk_free_bytes: unsigned(row.get("disk_free_bytes")?),
            profile_problem: row.get("profile_problem")?,
            journal_problem: row.get("journal_problem")?,
            ..Health::default()
        },
    };
    Ok(Some(Seen {
        at_ms,
        uptime_ms: unsigned(row.get("uptime_ms")?).unwrap_or(0),
        synchronised: row.get("synchronised")?,
        clock_off_ms: row.get::<Option<i64>>("wall_offset_ms")?.unwrap_or(0),
        backlog: row.get::<i64>("backlog")?.unsigned_abs(),
        progress_ms: row.get::<Option<i64>>("progress_ms")?.unwrap_or(at_ms),
        health,
    }))
}

/// What stands in other tables, read once for all terminals.
struct Beside {
    /// By hall and window; window '' is the hall's own.
    options: HashMap<(String, String), ProfileOptions>,
    tests: HashMap<[u8; 16], Vec<(u32, Level)>>,
    incidents: HashMap<[u8; 16], Vec<(String, String)>>,
    usual: ProfileOptions,
}

impl Beside {
    fn load(
        db: &Db<'_>,
        hall: Option<&str>,
        (first, last): (u32, u32),
    ) -> Result<Self, StoreError> {
        let mut beside = Self {
            options: HashMap::new(),
            tests: HashMap::new(),
            incidents: HashMap::new(),
            usual: ProfileOptions::default(),
        };
        let of_hall = "(CAST(?1 AS TEXT) IS NULL OR hall_id = ?1)";
        let sql = format!("SELECT hall_id, window_id, options FROM window_options WHERE {of_hall}");
        db.each(&sql, values![hall], |row| {
            let bytes: Vec<u8> = row.get(2)?;
            let options = minicbor::decode(&bytes).map_err(|_| StoreError::Corrupt {
                column: "window_options.options",
            })?;
            beside.options.insert((row.get(0)?, row.get(1)?), options);
            Ok(())
        })?;
        let sql = format!(
            "SELECT terminal_id, day, level FROM self_test WHERE {of_hall} \
             AND day BETWEEN ?2 AND ?3 ORDER BY day, level DESC"
        );
        db.each(&sql, values![hall, first, last], |row| {
            let level = Level::try_from(row.get::<u8>(2)?).map_err(|_| StoreError::Corrupt {
                column: "self_test.level",
            })?;
            let tests = beside.tests.entry(row.get(0)?).or_default();
            tests.push((row.get(1)?, level));
            Ok(())
        })?;
        let sql = format!(
            "SELECT terminal_id, incident_id, kind FROM incident WHERE {of_hall} \
             AND cleared_ms IS NULL ORDER BY at_ms, incident_id"
        );
        db.each(&sql, values![hall], |row| {
            let id: [u8; 8] = row.get(1)?;
            let id = id.iter().map(|byte| format!("{byte:02x}")).collect();
            let incidents = beside.incidents.entry(row.get(0)?).or_default();
            incidents.push((id, row.get(2)?));
            Ok(())
        })?;
        Ok(beside)
    }

    /// A window's own options, else the hall's.
    fn options_of(&self, hall: &str, window: &str) -> &ProfileOptions {
        let of = |window: &str| self.options.get(&(hall.to_owned(), window.to_owned()));
        of(window).or_else(|| of("")).unwrap_or(&self.usual)
    }
}

//! Enrolment codes and the identities they are traded for.

use manyi_shared::domain::TerminalId;
use manyi_shared::wire::{EnrolmentCode, PublicKey, Suite};
use rusqlite::{Connection, OptionalExtension, params};

use super::identity;
use super::port::{code as parse, number};
use crate::store::{
    Enrolment, EnrolmentRefused, NewCode, StoreError, TerminalState, TerminalSummary,
};

/// Codes this much past their expiry are forgotten.
const KEEP_EXPIRED_MS: i64 = 7 * 86_400_000;

/// Keeps the digest of a code; `false` when its window does not exist.
pub(super) fn add_code(connection: &Connection, code: &NewCode) -> Result<bool, StoreError> {
    if !window_exists(connection, code.hall.as_str(), code.window.as_str())? {
        return Ok(false);
    }
    connection.execute(
        "DELETE FROM enrolment_code WHERE expires_ms < ?1",
        [code.expires_ms.saturating_sub(KEEP_EXPIRED_MS)],
    )?;
    connection.execute(
        "INSERT INTO enrolment_code (hall_id, code_digest, window_id, expires_ms) \
         VALUES (?1, ?2, ?3, ?4)",
        params![
            code.hall.as_str(),
            code.digest,
            code.window.as_str(),
            code.expires_ms
        ],
    )?;
    Ok(true)
}

fn window_exists(connection: &Connection, hall: &str, window: &str) -> Result<bool, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT 1 FROM service_window WHERE hall_id = ?1 AND window_id = ?2")?;
    Ok(statement.exists([hall, window])?)
}

/// A code as stored.
struct Stored {
    hall: String,
    window: String,
    expires_ms: i64,
    used_by: Option<(Vec<u8>, [u8; 16])>,
}

/// Trades a code for an identity.
pub(super) fn enrol(
    connection: &Connection,
    code: &EnrolmentCode,
    key: &PublicKey,
    software: &str,
    now_ms: i64,
) -> Result<Result<Enrolment, EnrolmentRefused>, StoreError> {
    let Some(stored) = find(connection, code)? else {
        return Ok(Err(EnrolmentRefused::Unknown));
    };
    if now_ms >= stored.expires_ms {
        return Ok(Err(EnrolmentRefused::Expired));
    }
    let enrolment = |terminal| {
        Ok::<_, StoreError>(Enrolment {
            terminal,
            hall: parse(&stored.hall, "enrolment_code.hall_id")?,
            window: parse(&stored.window, "enrolment_code.window_id")?,
        })
    };
    if let Some((user, terminal)) = stored.used_by {
        if user != key.as_bytes() {
            return Ok(Err(EnrolmentRefused::Used));
        }
        // The reply was lost: the same tablet gets the same identity.
        return enrolment(TerminalId::from_bytes(terminal)).map(Ok);
    }
    if !window_exists(connection, &stored.hall, &stored.window)? {
        return Ok(Err(EnrolmentRefused::WindowGone));
    }
    let terminal = TerminalId::random();
    use_code(connection, &stored, code, key, terminal, now_ms)?;
    insert_terminal(connection, &stored, key, terminal, (software, now_ms))?;
    identity::replace(connection, (&stored.hall, &stored.window), terminal, now_ms)?;
    enrolment(terminal).map(Ok)
}

fn use_code(
    connection: &Connection,
    stored: &Stored,
    code: &EnrolmentCode,
    key: &PublicKey,
    terminal: TerminalId,
    now_ms: i64,
) -> Result<(), StoreError> {
    connection.execute(
        "UPDATE enrolment_code SET used_ms = ?1, public_key = ?2, terminal_id = ?3 \
         WHERE hall_id = ?4 AND code_digest = ?5",
        params![
            now_ms,
            key.as_bytes(),
            terminal.as_bytes(),
            stored.hall,
            code.digest()
        ],
    )?;
    Ok(())
}

fn insert_terminal(
    connection: &Connection,
    stored: &Stored,
    key: &PublicKey,
    terminal: TerminalId,
    (software, now_ms): (&str, i64),
) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO terminal (hall_id, terminal_id, window_id, public_key, state, enrolled_ms, \
         last_number, software, backlog, profile_version, synchronised) \
         VALUES (?1, ?2, ?3, ?4, 'active', ?5, 0, ?6, 0, 0, 0)",
        params![
            stored.hall,
            terminal.as_bytes(),
            stored.window,
            key.as_bytes(),
            now_ms,
            software
        ],
    )?;
    Ok(())
}

fn find(connection: &Connection, code: &EnrolmentCode) -> Result<Option<Stored>, StoreError> {
    let found = connection.query_row(
        "SELECT hall_id, window_id, expires_ms, public_key, terminal_id FROM enrolment_code \
         WHERE code_digest = ?1",
        [code.digest()],
        |row| {
            let (key, terminal): (Option<Vec<u8>>, Option<[u8; 16]>) = (row.get(3)?, row.get(4)?);
            Ok(Stored {
                hall: row.get(0)?,
                window: row.get(1)?,
                expires_ms: row.get(2)?,
                used_by: key.zip(terminal),
            })
        },
    );
    Ok(found.optional()?)
}

/// All terminals.
pub(super) fn terminals(connection: &Connection) -> Result<Vec<TerminalSummary>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT terminal_id, hall_id, window_id, state, last_seen_ms, backlog, software \
         FROM terminal ORDER BY hall_id, window_id, enrolled_ms",
    )?;
    let mut rows = statement.query([])?;
    let mut terminals = Vec::new();
    while let Some(row) = rows.next()? {
        terminals.push(TerminalSummary {
            id: TerminalId::from_bytes(row.get(0)?),
            hall: parse(&row.get::<_, String>(1)?, "terminal.hall_id")?,
            window: parse(&row.get::<_, String>(2)?, "terminal.window_id")?,
            state: TerminalState::named(&row.get::<_, String>(3)?),
            last_seen_ms: row.get(4)?,
            backlog: number(row.get(5)?, "terminal.backlog")?,
            software: row.get(6)?,
        });
    }
    Ok(terminals)
}

/// The suites of the terminals in use.
pub(super) fn suites(connection: &Connection) -> Result<Vec<Suite>, StoreError> {
    // A key's length says its suite: one key of each length is enough.
    let mut statement = connection.prepare(
        "SELECT public_key FROM terminal WHERE state <> 'revoked' GROUP BY length(public_key)",
    )?;
    let keys = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
    let suites = keys.map(|key| {
        let key = PublicKey::from_bytes(&key?).ok_or(StoreError::Corrupt {
            column: "terminal.public_key",
        })?;
        Ok(key.suite())
    });
    suites.collect()
}

/// Takes a terminal's identity back.
pub(super) fn revoke(connection: &Connection, id: TerminalId) -> Result<bool, StoreError> {
    let changed = connection.execute(
        "UPDATE terminal SET state = 'revoked' WHERE terminal_id = ?1",
        [id.as_bytes()],
    )?;
    Ok(changed > 0)
}

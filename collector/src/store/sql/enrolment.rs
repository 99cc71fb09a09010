//! Enrolment codes and the identities they are traded for.

use std::collections::BTreeSet;

use manyi_shared::domain::TerminalId;
use manyi_shared::wire::{EnrolmentCode, PublicKey, Suite};

use super::{Db, Row, code as parse, identity, values};
use crate::store::{
    Enrolment, EnrolmentRefused, NewCode, StoreError, TerminalState, TerminalSummary,
};

/// Codes this much past their expiry are forgotten.
const KEEP_EXPIRED_MS: i64 = 7 * 86_400_000;

/// Keeps the digest of a code; `false` when its window does not exist.
pub(crate) fn add_code(db: &Db<'_>, code: &NewCode) -> Result<bool, StoreError> {
    db.lock_hall_shared(code.hall.as_str())?;
    if !window_exists(db, code.hall.as_str(), code.window.as_str())? {
        return Ok(false);
    }
    let expired = code.expires_ms.saturating_sub(KEEP_EXPIRED_MS);
    let forget = "DELETE FROM enrolment_code WHERE expires_ms < ?1";
    db.execute(forget, values![expired])?;
    db.execute(
        "INSERT INTO enrolment_code (hall_id, code_digest, window_id, expires_ms) \
         VALUES (?1, ?2, ?3, ?4)",
        values![
            code.hall.as_str(),
            &code.digest,
            code.window.as_str(),
            code.expires_ms
        ],
    )?;
    Ok(true)
}

fn window_exists(db: &Db<'_>, hall: &str, window: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM service_window WHERE hall_id = ?1 AND window_id = ?2";
    db.exists(sql, values![hall, window])
}

/// A code as stored.
struct Stored {
    hall: String,
    window: String,
    expires_ms: i64,
    used_by: Option<(Vec<u8>, [u8; 16])>,
}

/// Trades a code for an identity.
pub(crate) fn enrol(
    db: &Db<'_>,
    code: &EnrolmentCode,
    key: &PublicKey,
    software: &str,
    now_ms: i64,
) -> Result<Result<Enrolment, EnrolmentRefused>, StoreError> {
    // Whoever comes with a code does not name the hall; what is decided on is read under its lock.
    let Some(stored) = find(db, code)? else {
        return Ok(Err(EnrolmentRefused::Unknown));
    };
    db.lock_hall(&stored.hall)?;
    let Some(stored) = find(db, code)? else {
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
    if let Some((user, terminal)) = &stored.used_by {
        if user != key.as_bytes() {
            return Ok(Err(EnrolmentRefused::Used));
        }
        // The reply was lost: the same tablet gets the same identity.
        return enrolment(TerminalId::from_bytes(*terminal)).map(Ok);
    }
    if !window_exists(db, &stored.hall, &stored.window)? {
        return Ok(Err(EnrolmentRefused::WindowGone));
    }
    let terminal = TerminalId::random();
    use_code(db, &stored, code, key, terminal, now_ms)?;
    insert_terminal(db, &stored, key, terminal, (software, now_ms))?;
    identity::replace(db, (&stored.hall, &stored.window), terminal, now_ms)?;
    enrolment(terminal).map(Ok)
}

fn use_code(
    db: &Db<'_>,
    stored: &Stored,
    code: &EnrolmentCode,
    key: &PublicKey,
    terminal: TerminalId,
    now_ms: i64,
) -> Result<(), StoreError> {
    db.execute(
        "UPDATE enrolment_code SET used_ms = ?1, public_key = ?2, terminal_id = ?3 \
         WHERE hall_id = ?4 AND code_digest = ?5",
        values![
            now_ms,
            key.as_bytes(),
            terminal.as_bytes(),
            &stored.hall,
            code.digest()
        ],
    )
    .map(drop)
}

fn insert_terminal(
    db: &Db<'_>,
    stored: &Stored,
    key: &PublicKey,
    terminal: TerminalId,
    (software, now_ms): (&str, i64),
) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO terminal (hall_id, terminal_id, window_id, public_key, state, enrolled_ms, \
         last_number, software, backlog, profile_version, synchronised) \
         VALUES (?1, ?2, ?3, ?4, 'active', ?5, 0, ?6, 0, 0, 0)",
        values![
            &stored.hall,
            terminal.as_bytes(),
            &stored.window,
            key.as_bytes(),
            now_ms,
            software
        ],
    )
    .map(drop)
}

fn find(db: &Db<'_>, code: &EnrolmentCode) -> Result<Option<Stored>, StoreError> {
    let sql = "SELECT hall_id, window_id, expires_ms, public_key, terminal_id \
               FROM enrolment_code WHERE code_digest = ?1";
    db.row(sql, values![code.digest()], |row| {
        let (key, terminal): (Option<Vec<u8>>, Option<[u8; 16]>) = (row.get(3)?, row.get(4)?);
        Ok(Stored {
            hall: row.get(0)?,
            window: row.get(1)?,
            expires_ms: row.get(2)?,
            used_by: key.zip(terminal),
        })
    })
}

/// All terminals.
pub(crate) fn terminals(db: &Db<'_>) -> Result<Vec<TerminalSummary>, StoreError> {
    db.rows(
        "SELECT terminal_id, hall_id, window_id, state, last_seen_ms, backlog, software \
         FROM terminal ORDER BY hall_id, window_id, enrolled_ms",
        &[],
        summary,
    )
}

fn summary(row: &Row<'_>) -> Result<TerminalSummary, StoreError> {
    Ok(TerminalSummary {
        id: TerminalId::from_bytes(row.get(0)?),
        hall: parse(row.get(1)?, "terminal.hall_id")?,
        window: parse(row.get(2)?, "terminal.window_id")?,
        state: TerminalState::named(row.get(3)?),
        last_seen_ms: row.get(4)?,
        backlog: row.get(5)?,
        software: row.get(6)?,
    })
}

/// The suites of the terminals in use.
pub(crate) fn suites(db: &Db<'_>) -> Result<Vec<Suite>, StoreError> {
    // A key's length says its suite: one key of each length is enough.
    let mut lengths = BTreeSet::new();
    let mut suites = Vec::new();
    let sql = "SELECT public_key FROM terminal WHERE state <> 'revoked'";
    db.each(sql, &[], |row| {
        let key: &[u8] = row.get(0)?;
        if lengths.insert(key.len()) {
            let key = PublicKey::from_bytes(key).ok_or(StoreError::Corrupt {
                column: "terminal.public_key",
            })?;
            suites.push(key.suite());
        }
        Ok(())
    })?;
    Ok(suites)
}

/// Takes a terminal's identity back.
pub(crate) fn revoke(db: &Db<'_>, id: TerminalId) -> Result<bool, StoreError> {
    let sql = "UPDATE terminal SET state = 'revoked' WHERE terminal_id = ?1";
    Ok(db.execute(sql, values![id.as_bytes()])? > 0)
}

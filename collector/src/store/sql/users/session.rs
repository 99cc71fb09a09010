//! Sessions, and logins on their way through a login service.

use super::{COLUMNS, grants, tree, user_row};
use crate::access::Place;
use crate::audit::{Action, By, Note};
use crate::store::StoreError;
use crate::store::sql::{Db, audit, values};
use crate::store::users::{NewSession, OidcTry, OpenSession, SessionSummary, TokenDigest};

/// Networks that a user has not come from for longer are forgotten: a quarter of a year.
const NETWORK_KEPT_MS: i64 = 92 * 86_400_000;

pub(super) fn add(
    db: &Db<'_>,
    new: &NewSession,
    former: Option<TokenDigest>,
    now_ms: i64,
) -> Result<(), StoreError> {
    db.lock_name("office_session")?;
    let expired = "DELETE FROM office_session WHERE expires_ms <= ?1";
    db.execute(expired, values![now_ms])?;
    if let Some(former) = former {
        let sql = "DELETE FROM office_session WHERE token_digest = ?1";
        db.execute(sql, values![former])?;
    }
    db.execute(
        "INSERT INTO office_session (token_digest, session_id, user_name, expires_ms, created_ms, \
         seen_ms, device, network, waits) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8)",
        values![
            new.digest,
            &new.id,
            &new.user,
            new.expires_ms,
            now_ms,
            &new.device,
            &new.network,
            new.waits
        ],
    )?;
    if new.waits {
        return Ok(());
    }
    logged_in(db, new, now_ms)
}

/// The login is whole: it is written down, and the network is known from now on.
fn logged_in(db: &Db<'_>, new: &NewSession, now_ms: i64) -> Result<(), StoreError> {
    let sql = "UPDATE office_user SET last_login_ms = ?2 WHERE user_name = ?1";
    db.execute(sql, values![&new.user, now_ms])?;
    db.execute(
        "DELETE FROM known_network WHERE user_name = ?1 AND seen_ms < ?2",
        values![&new.user, now_ms.saturating_sub(NETWORK_KEPT_MS)],
    )?;
    db.execute(
        "INSERT INTO known_network (user_name, network, seen_ms) VALUES (?1, ?2, ?3) \
         ON CONFLICT (user_name, network) DO UPDATE SET seen_ms = excluded.seen_ms",
        values![&new.user, &new.network, now_ms],
    )?;
    let by = By {
        who: crate::access::Who::User(new.user.clone()),
        network: new.network.clone(),
    };
    let object = format!("user:{}", new.user);
    let note = Note::new(by, Action::LogIn, Place::Everywhere, object).detail(&new.device);
    audit::append(db, &note, now_ms)
}

pub(super) fn open(
    db: &Db<'_>,
    digest: TokenDigest,
    idle_ms: i64,
    now_ms: i64,
) -> Result<Option<OpenSession>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, s.session_id, s.seen_ms, s.waits \
         FROM office_session s JOIN office_user u ON u.user_name = s.user_name \
         WHERE s.token_digest = ?1 AND s.expires_ms > ?2 AND s.seen_ms > ?3 \
           AND u.disabled_ms IS NULL"
    );
    let values = values![digest, now_ms, now_ms.saturating_sub(idle_ms)];
    let found = db.row(&sql, values, |row| {
        Ok(OpenSession {
            id: row.get("session_id")?,
            user: user_row(row)?,
            tree: crate::access::Tree::default(),
            waits: row.get("waits")?,
            seen_ms: row.get("seen_ms")?,
        })
    })?;
    let Some(mut found) = found else {
        return Ok(None);
    };
    found.user.grants = grants(db, &found.user.name)?;
    found.tree = tree(db, &found.user.grants)?;
    Ok(Some(found))
}

pub(super) fn remove(
    db: &Db<'_>,
    digest: TokenDigest,
    by: Option<By>,
    now_ms: i64,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM office_session WHERE token_digest = ?1";
    let removed = db.execute(sql, values![digest])?;
    match by {
        Some(by) if removed == 1 => {
            let object = by.who.to_string();
            let note = Note::new(by, Action::LogOut, Place::Everywhere, object);
            audit::append(db, &note, now_ms)
        }
        _ => Ok(()),
    }
}

pub(super) fn list(
    db: &Db<'_>,
    user: &str,
    idle_ms: i64,
    now_ms: i64,
) -> Result<Vec<SessionSummary>, StoreError> {
    let sql = "SELECT session_id, created_ms, seen_ms, device, network FROM office_session \
               WHERE user_name = ?1 AND expires_ms > ?2 AND seen_ms > ?3 AND waits = 0 \
               ORDER BY seen_ms DESC, session_id";
    let values = values![user, now_ms, now_ms.saturating_sub(idle_ms)];
    db.rows(sql, values, |row| {
        Ok(SessionSummary {
            id: row.get("session_id")?,
            created_ms: row.get("created_ms")?,
            seen_ms: row.get("seen_ms")?,
            device: row.get("device")?,
            network: row.get("network")?,
        })
    })
}

pub(super) fn end(
    db: &Db<'_>,
    user: &str,
    id: Option<String>,
    but: Option<TokenDigest>,
    by: By,
    now_ms: i64,
) -> Result<u64, StoreError> {
    let all = id.is_none();
    let sql = "DELETE FROM office_session WHERE user_name = ?1 AND (?2 = 1 OR session_id = ?3) \
               AND token_digest <> ?4";
    let but = but.map_or_else(Vec::new, Vec::from);
    let ended = db.execute(sql, values![user, all, id.unwrap_or_default(), but])?;
    if ended > 0 {
        let object = format!("user:{user}");
        let note = Note::new(by, Action::EndSessions, Place::Everywhere, object);
        audit::append(db, &note.detail(ended.to_string()), now_ms)?;
    }
    Ok(ended)
}

pub(super) fn add_oidc_try(
    db: &Db<'_>,
    digest: TokenDigest,
    started: &OidcTry,
    now_ms: i64,
) -> Result<(), StoreError> {
    db.lock_name("oidc_try")?;
    let expired = "DELETE FROM oidc_try WHERE expires_ms <= ?1";
    db.execute(expired, values![now_ms])?;
    db.execute(
        "INSERT INTO oidc_try (token_digest, state_digest, nonce, verifier, link_user, expires_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        values![
            digest,
            started.state,
            &started.nonce,
            &started.verifier,
            &started.link_user,
            started.expires_ms
        ],
    )
    .map(drop)
}

pub(super) fn take_oidc_try(
    db: &Db<'_>,
    digest: TokenDigest,
    now_ms: i64,
) -> Result<Option<OidcTry>, StoreError> {
    let sql = "SELECT state_digest, nonce, verifier, link_user, expires_ms FROM oidc_try \
               WHERE token_digest = ?1 AND expires_ms > ?2";
    let found = db.row(sql, values![digest, now_ms], |row| {
        Ok(OidcTry {
            state: row.get("state_digest")?,
            nonce: row.get("nonce")?,
            verifier: row.get("verifier")?,
            link_user: row.get("link_user")?,
            expires_ms: row.get("expires_ms")?,
        })
    })?;
    // Two that come back at once: the one that deletes the row has it.
    let sql = "DELETE FROM oidc_try WHERE token_digest = ?1";
    let taken = db.execute(sql, values![digest])?;
    Ok(found.filter(|_| taken == 1))
}

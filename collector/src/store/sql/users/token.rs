//! API tokens.

use super::{exists, tree};
use crate::access::{Grant, Place};
use crate::audit::{Action, By, Note};
use crate::store::StoreError;
use crate::store::sql::{Db, Row, audit, values};
use crate::store::users::{ApiToken, NewToken, TokenDigest, TokenRefused, ValidToken};

pub(super) fn add(
    db: &Db<'_>,
    new: &NewToken,
    by: By,
    now_ms: i64,
) -> Result<Result<(), TokenRefused>, StoreError> {
    db.lock_name("api_token")?;
    if !exists(db, &new.place)? {
        return Ok(Err(TokenRefused::NoSuchPlace));
    }
    let valid = "SELECT 1 FROM api_token WHERE name = ?1 AND revoked_ms IS NULL \
                 AND (expires_ms IS NULL OR expires_ms > ?2)";
    if db.exists(valid, values![&new.name, now_ms])? {
        return Ok(Err(TokenRefused::Taken));
    }
    db.execute(
        "INSERT INTO api_token (token_digest, name, created_ms, permissions, place, expires_ms, \
         created_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![
            new.digest,
            &new.name,
            now_ms,
            new.permissions.to_string(),
            new.place.to_string(),
            new.expires_ms,
            by.who.to_string()
        ],
    )?;
    let scope = format!("{} at {}", new.permissions, new.place);
    let note = Note::new(
        by,
        Action::AddToken,
        new.place.clone(),
        format!("token:{}", new.name),
    );
    let note = note.changed(None, Some(&scope)).detail(scope);
    audit::append(db, &note, now_ms)?;
    Ok(Ok(()))
}

/// What a token may do, and where.
fn grant(row: &Row<'_>) -> Result<Grant, StoreError> {
    let wrong = |column| StoreError::Corrupt { column };
    let permissions: String = row.get("permissions")?;
    let place: String = row.get("place")?;
    Ok(Grant::permissions_at(
        permissions
            .parse()
            .map_err(|_| wrong("api_token.permissions"))?,
        place.parse().map_err(|_| wrong("api_token.place"))?,
    ))
}

pub(super) fn list(db: &Db<'_>) -> Result<Vec<ApiToken>, StoreError> {
    let sql = "SELECT name, permissions, place, created_ms, created_by, expires_ms, revoked_ms, \
               seen_ms FROM api_token ORDER BY created_ms, name";
    db.rows(sql, &[], |row| {
        let grant = grant(row)?;
        Ok(ApiToken {
            name: row.get("name")?,
            permissions: grant.permissions(),
            place: grant.place,
            created_ms: row.get("created_ms")?,
            created_by: row.get("created_by")?,
            expires_ms: row.get("expires_ms")?,
            revoked_ms: row.get("revoked_ms")?,
            seen_ms: row.get("seen_ms")?,
        })
    })
}

pub(super) fn valid(
    db: &Db<'_>,
    digest: TokenDigest,
    now_ms: i64,
) -> Result<Option<ValidToken>, StoreError> {
    let sql = "SELECT name, permissions, place, seen_ms FROM api_token WHERE token_digest = ?1 \
               AND revoked_ms IS NULL AND (expires_ms IS NULL OR expires_ms > ?2)";
    let found = db.row(sql, values![digest, now_ms], |row| {
        Ok(ValidToken {
            name: row.get("name")?,
            grant: grant(row)?,
            tree: crate::access::Tree::default(),
            seen_ms: row.get("seen_ms")?,
        })
    })?;
    let Some(mut found) = found else {
        return Ok(None);
    };
    found.tree = tree(db, [&found.grant])?;
    Ok(Some(found))
}

pub(super) fn revoke(db: &Db<'_>, name: &str, by: By, now_ms: i64) -> Result<bool, StoreError> {
    let sql = "SELECT place FROM api_token WHERE name = ?1 AND revoked_ms IS NULL";
    let place: Option<String> = db.row(sql, values![name], |row| row.get(0))?;
    let Some(place) = place else {
        return Ok(false);
    };
    db.execute(
        "UPDATE api_token SET revoked_ms = ?2 WHERE name = ?1 AND revoked_ms IS NULL",
        values![name, now_ms],
    )?;
    let place = place.parse().unwrap_or(Place::Everywhere);
    let note = Note::new(by, Action::RevokeToken, place, format!("token:{name}"));
    audit::append(db, &note, now_ms)?;
    Ok(true)
}

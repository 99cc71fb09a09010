//! Changes of users: decided on under the lock of all users, written down where they are made.

use super::{exists, user};
use crate::access::{Grant, Place, Role};
use crate::audit::{Action, By, Note};
use crate::store::StoreError;
use crate::store::sql::{Db, audit, values};
use crate::store::users::{OfficeUser, TokenDigest, UserChange, UserRefused};

const USERS: &str = "office_user";

pub(super) fn add_first(db: &Db<'_>, first: &OfficeUser, now_ms: i64) -> Result<bool, StoreError> {
    db.lock_name(USERS)?;
    if db.exists("SELECT 1 FROM office_user LIMIT 1", &[])? {
        return Ok(false);
    }
    insert(db, first, now_ms)?;
    let all = Grant::role(Role::Administrator, Place::Everywhere);
    give(db, &first.name, &[all], "given")?;
    let by = By::operator("init".to_owned());
    let object = format!("user:{}", first.name);
    let note = Note::new(by, Action::AddUser, Place::Everywhere, object);
    audit::append(db, &note.changed(None, Some(&first.summary())), now_ms)?;
    Ok(true)
}

/// Makes a change, if it may be made.
pub(super) fn change(
    db: &Db<'_>,
    name: &str,
    wanted: UserChange,
    by: By,
    now_ms: i64,
) -> Result<Result<(), UserRefused>, StoreError> {
    db.lock_name(USERS)?;
    let before = user(db, name)?;
    if let Err(refused) = decide(db, name, before.as_ref(), &wanted)? {
        return Ok(Err(refused));
    }
    let action = action(&wanted);
    let is_claim = matches!(wanted, UserChange::Claims(_));
    apply(db, name, wanted, now_ms)?;
    let after = user(db, name)?;
    let Some(action) = action else {
        return Ok(Ok(()));
    };
    let summary = |user: &Option<OfficeUser>| user.as_ref().map(OfficeUser::summary);
    // Every login brings its claims; only those that change something are worth an entry.
    if is_claim && summary(&before) == summary(&after) {
        return Ok(Ok(()));
    }
    let place = after.as_ref().map_or(Place::Everywhere, home);
    let note = Note::new(by, action, place, format!("user:{name}"))
        .changed(summary(&before).as_deref(), summary(&after).as_deref())
        .detail(summary(&after).unwrap_or_default().replace('\n', "; "));
    audit::append(db, &note, now_ms)?;
    Ok(Ok(()))
}

/// Where a user belongs: the place of the only role, else everywhere.
fn home(user: &OfficeUser) -> Place {
    match user.grants.as_slice() {
        [only] => only.place.clone(),
        _ => Place::Everywhere,
    }
}

/// What is written down; the language is nobody else's business, an offer changes nothing yet.
const fn action(wanted: &UserChange) -> Option<Action> {
    Some(match wanted {
        UserChange::Add(_) => Action::AddUser,
        UserChange::Edit { .. } | UserChange::Claims(_) => Action::ChangeUser,
        UserChange::Disable { .. } => Action::DisableUser,
        UserChange::Enable { .. } => Action::EnableUser,
        UserChange::Reset { .. } => Action::ResetPassword,
        UserChange::Password { .. } => Action::ChangePassword,
        UserChange::ConfirmFactor { .. } => Action::EnrolSecondFactor,
        UserChange::RemoveFactor => Action::RemoveSecondFactor,
        UserChange::Link { .. } => Action::LinkIdentity,
        UserChange::Language(_) | UserChange::OfferFactor { .. } => return None,
    })
}

/// Whether a change may be made, as everything stands under the lock.
fn decide(
    db: &Db<'_>,
    name: &str,
    before: Option<&OfficeUser>,
    wanted: &UserChange,
) -> Result<Result<(), UserRefused>, StoreError> {
    let grants: &[Grant] = match wanted {
        UserChange::Add(new) => &new.grants,
        UserChange::Edit { grants, .. } => grants,
        _ => &[],
    };
    for grant in grants {
        if !exists(db, &grant.place)? {
            return Ok(Err(UserRefused::NoSuchPlace));
        }
    }
    let before = match (before, wanted) {
        (None, UserChange::Add(_)) => return Ok(Ok(())),
        (Some(_), UserChange::Add(_)) => return Ok(Err(UserRefused::Taken)),
        (None, _) => return Ok(Err(UserRefused::Unknown)),
        (Some(before), _) => before,
    };
    let looked_at = match wanted {
        UserChange::Edit { version, .. }
        | UserChange::Disable { version }
        | UserChange::Enable { version } => Some(*version),
        _ => None,
    };
    if looked_at.is_some_and(|version| version != before.version) {
        return Ok(Err(UserRefused::Stale));
    }
    if ends_administration(before, wanted) && !has_other_administrator(db, name)? {
        return Ok(Err(UserRefused::LastAdministrator));
    }
    if let UserChange::Link { issuer, subject } = wanted {
        let sql = "SELECT 1 FROM user_identity \
                   WHERE issuer = ?1 AND subject = ?2 AND user_name <> ?3";
        if db.exists(sql, values![issuer, subject, name])? {
            return Ok(Err(UserRefused::Linked));
        }
    }
    Ok(Ok(()))
}

fn runs_everything(grants: &[Grant]) -> bool {
    grants.contains(&Grant::role(Role::Administrator, Place::Everywhere))
}

/// Whether somebody who manages everything would no longer.
fn ends_administration(before: &OfficeUser, wanted: &UserChange) -> bool {
    let is = before.disabled_ms.is_none() && runs_everything(&before.grants);
    is && match wanted {
        UserChange::Edit { grants, .. } => !runs_everything(grants),
        UserChange::Disable { .. } => true,
        _ => false,
    }
}

fn has_other_administrator(db: &Db<'_>, name: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM office_user u JOIN user_role r ON r.user_name = u.user_name \
               WHERE u.user_name <> ?1 AND u.disabled_ms IS NULL AND r.role = ?2 AND r.place = ?3 \
                 AND r.origin = 'given' LIMIT 1";
    let everywhere = Place::Everywhere.to_string();
    db.exists(sql, values![name, Role::Administrator.name(), everywhere])
}

fn apply(db: &Db<'_>, name: &str, wanted: UserChange, now_ms: i64) -> Result<(), StoreError> {
    let set = |assignments: &str, value: crate::store::sql::Param<'_>| {
        let sql = format!("UPDATE office_user SET {assignments} WHERE user_name = ?1");
        db.execute(&sql, &[name.into(), value]).map(drop)
    };
    match wanted {
        UserChange::Add(new) => {
            insert(db, &new, now_ms)?;
            give(db, name, &new.grants, "given")
        }
        UserChange::Edit {
            full_name, grants, ..
        } => {
            set("full_name = ?2, version = version + 1", full_name.into())?;
            regive(db, name, &grants, "given")
        }
        UserChange::Disable { .. } => {
            set("disabled_ms = ?2, version = version + 1", now_ms.into())?;
            end_all(db, name)
        }
        UserChange::Enable { .. } => {
            let none: Option<i64> = None;
            set(
                "disabled_ms = CAST(?2 AS BIGINT), version = version + 1",
                none.into(),
            )
        }
        UserChange::Reset { password_hash } => {
            set(
                "password_hash = ?2, must_change = 1, totp_secret = NULL, totp_pending = NULL, \
                 version = version + 1",
                password_hash.into(),
            )?;
            db.execute(
                "DELETE FROM recovery_code WHERE user_name = ?1",
                values![name],
            )?;
            end_all(db, name)
        }
        UserChange::Password { password_hash } => {
            set("password_hash = ?2, must_change = 0", password_hash.into())?;
            end_all(db, name)
        }
        UserChange::Language(code) => set("language = ?2", code.into()),
        UserChange::OfferFactor { sealed } => set("totp_pending = ?2", sealed.into()),
        UserChange::ConfirmFactor { step, codes } => {
            set(
                "totp_secret = totp_pending, totp_pending = NULL, totp_step = ?2",
                step.into(),
            )?;
            replace_codes(db, name, &codes)
        }
        UserChange::RemoveFactor => {
            set(
                "totp_secret = NULL, totp_pending = NULL, totp_step = ?2",
                0_i64.into(),
            )?;
            replace_codes(db, name, &[])
        }
        UserChange::Claims(grants) => regive(db, name, &grants, "claim"),
        UserChange::Link { issuer, subject } => db
            .execute(
                "INSERT INTO user_identity (issuer, subject, user_name, linked_ms) \
                 VALUES (?1, ?2, ?3, ?4) ON CONFLICT (issuer, subject) DO NOTHING",
                values![issuer, subject, name, now_ms],
            )
            .map(drop),
    }
}

fn insert(db: &Db<'_>, new: &OfficeUser, now_ms: i64) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO office_user (user_name, full_name, password_hash, must_change, created_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
        values![
            &new.name,
            &new.full_name,
            &new.password_hash,
            new.must_change,
            now_ms
        ],
    )
    .map(drop)
}

fn give(db: &Db<'_>, name: &str, grants: &[Grant], origin: &str) -> Result<(), StoreError> {
    for grant in grants {
        // Only roles are given to people.
        let Some(role) = grant.as_role() else {
            continue;
        };
        db.execute(
            "INSERT INTO user_role (user_name, role, place, origin) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (user_name, role, place, origin) DO NOTHING",
            values![name, role.name(), grant.place.to_string(), origin],
        )?;
    }
    Ok(())
}

fn regive(db: &Db<'_>, name: &str, grants: &[Grant], origin: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM user_role WHERE user_name = ?1 AND origin = ?2";
    db.execute(sql, values![name, origin])?;
    give(db, name, grants, origin)
}

fn end_all(db: &Db<'_>, name: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM office_session WHERE user_name = ?1";
    db.execute(sql, values![name]).map(drop)
}

fn replace_codes(db: &Db<'_>, name: &str, codes: &[TokenDigest]) -> Result<(), StoreError> {
    db.execute(
        "DELETE FROM recovery_code WHERE user_name = ?1",
        values![name],
    )?;
    for code in codes {
        let sql = "INSERT INTO recovery_code (user_name, code_digest) VALUES (?1, ?2)";
        db.execute(sql, values![name, code])?;
    }
    Ok(())
}

pub(super) fn use_recovery_code(
    db: &Db<'_>,
    name: &str,
    digest: TokenDigest,
    by: By,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let sql = "UPDATE recovery_code SET used_ms = ?3 \
               WHERE user_name = ?1 AND code_digest = ?2 AND used_ms IS NULL";
    if db.execute(sql, values![name, digest, now_ms])? == 0 {
        return Ok(false);
    }
    let object = format!("user:{name}");
    let note = Note::new(by, Action::UseRecoveryCode, Place::Everywhere, object);
    audit::append(db, &note, now_ms)?;
    Ok(true)
}

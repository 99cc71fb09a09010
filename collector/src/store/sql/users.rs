//! Users, sessions and API tokens.

mod change;
mod session;
mod token;

use async_trait::async_trait;

use super::{Db, Row, values};
use crate::access::throttle::Pace;
use crate::access::{Grant, Place, RegionCode, Role, Tree};
use crate::audit::By;
use crate::store::users::{
    ApiToken, NewSession, NewToken, OfficeUser, OidcTry, OpenSession, Organisation, SecondFactor,
    SessionSummary, TokenDigest, TokenRefused, UserChange, UserRefused, ValidToken,
};
use crate::store::{Database, StoreError, UserStore};

const COLUMNS: &str = "u.user_name, u.full_name, u.password_hash, u.must_change, u.language, \
                       u.disabled_ms, u.last_login_ms, u.version, u.totp_secret, u.totp_step, \
                       u.totp_pending";

/// A user without grants.
fn user_row(row: &Row<'_>) -> Result<OfficeUser, StoreError> {
    let sealed: Option<Vec<u8>> = row.get("totp_secret")?;
    let step = row.get("totp_step")?;
    Ok(OfficeUser {
        name: row.get("user_name")?,
        full_name: row.get("full_name")?,
        password_hash: row.get("password_hash")?,
        must_change: row.get("must_change")?,
        language: row.get("language")?,
        disabled_ms: row.get("disabled_ms")?,
        last_login_ms: row.get("last_login_ms")?,
        version: row.get("version")?,
        second_factor: sealed.map(|sealed| SecondFactor { sealed, step }),
        pending_factor: row.get("totp_pending")?,
        grants: Vec::new(),
    })
}

fn user(db: &Db<'_>, name: &str) -> Result<Option<OfficeUser>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM office_user u WHERE u.user_name = ?1");
    let Some(mut user) = db.row(&sql, values![name], user_row)? else {
        return Ok(None);
    };
    user.grants = grants(db, name)?;
    Ok(Some(user))
}

fn grants(db: &Db<'_>, name: &str) -> Result<Vec<Grant>, StoreError> {
    let sql =
        "SELECT DISTINCT role, place FROM user_role WHERE user_name = ?1 ORDER BY role, place";
    db.rows(sql, values![name], |row| {
        grant(&row.get::<String>("role")?, &row.get::<String>("place")?)
    })
}

fn grant(role: &str, place: &str) -> Result<Grant, StoreError> {
    let column = "user_role";
    let role = Role::from_name(role).ok_or(StoreError::Corrupt { column })?;
    let place = place.parse().map_err(|_| StoreError::Corrupt { column })?;
    Ok(Grant::role(role, place))
}

/// What these grants depend on: the halls of their regions, the windows of their departments.
fn tree<'g>(db: &Db<'_>, grants: impl IntoIterator<Item = &'g Grant>) -> Result<Tree, StoreError> {
    let mut tree = Tree::default();
    let mut with_halls = false;
    for grant in grants {
        match &grant.place {
            Place::Region(_) if !with_halls => {
                with_halls = true;
                db.each("SELECT hall_id, region_code FROM hall", &[], |row| {
                    let region = RegionCode::new(&row.get::<String>("region_code")?);
                    let hall = row.get::<String>("hall_id")?.parse();
                    // A hall without a region that can be read lies in none.
                    if let (Ok(hall), Some(region)) = (hall, region) {
                        tree.put_hall(hall, region);
                    }
                    Ok(())
                })?;
            }
            Place::Department(hall, department) => {
                let sql = "SELECT window_id FROM service_window \
                           WHERE hall_id = ?1 AND department_id = ?2";
                db.each(sql, values![hall.as_str(), department.as_str()], |row| {
                    if let Ok(window) = row.get::<String>("window_id")?.parse() {
                        tree.put_window(hall.clone(), window, department.clone());
                    }
                    Ok(())
                })?;
            }
            _ => {}
        }
    }
    Ok(tree)
}

/// Whether a role can be given there.
fn exists(db: &Db<'_>, place: &Place) -> Result<bool, StoreError> {
    match place {
        Place::Everywhere => Ok(true),
        Place::Region(region) => {
            let mut inside = false;
            db.each("SELECT region_code FROM hall", &[], |row| {
                let code = RegionCode::new(&row.get::<String>(0)?);
                inside |= code.is_some_and(|code| region.contains(&code));
                Ok(())
            })?;
            Ok(inside)
        }
        Place::Hall(hall) => {
            let sql = "SELECT 1 FROM hall WHERE hall_id = ?1";
            db.exists(sql, values![hall.as_str()])
        }
        Place::Department(hall, department) => {
            let sql = "SELECT 1 FROM department WHERE hall_id = ?1 AND department_id = ?2";
            db.exists(sql, values![hall.as_str(), department.as_str()])
        }
        Place::Window(hall, window) => {
            let sql = "SELECT 1 FROM service_window WHERE hall_id = ?1 AND window_id = ?2";
            db.exists(sql, values![hall.as_str(), window.as_str()])
        }
    }
}

fn organisation(db: &Db<'_>) -> Result<Organisation, StoreError> {
    let three = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    Ok(Organisation {
        halls: db.rows(
            "SELECT hall_id, name, region_code FROM hall ORDER BY hall_id",
            &[],
            three,
        )?,
        departments: db.rows(
            "SELECT hall_id, department_id, name FROM department ORDER BY hall_id, department_id",
            &[],
            three,
        )?,
    })
}

fn try_now(
    db: &Db<'_>,
    subject: TokenDigest,
    pace: Pace,
    now_ms: i64,
) -> Result<Result<(), i64>, StoreError> {
    db.lock_name("throttle")?;
    let empty = "DELETE FROM throttle WHERE empty_ms <= ?1";
    db.execute(empty, values![now_ms])?;
    let sql = "SELECT empty_ms FROM throttle WHERE subject = ?1";
    let empty_ms: Option<i64> = db.row(sql, values![subject], |row| row.get(0))?;
    let empty_ms = empty_ms.unwrap_or(now_ms);
    if let Err(wait) = pace.allows(empty_ms, now_ms) {
        return Ok(Err(wait));
    }
    db.execute(
        "INSERT INTO throttle (subject, empty_ms) VALUES (?1, ?2) \
         ON CONFLICT (subject) DO UPDATE SET empty_ms = excluded.empty_ms",
        values![subject, pace.after(empty_ms, now_ms)],
    )?;
    Ok(Ok(()))
}

#[async_trait]
impl UserStore for Database {
    async fn add_first_user(&self, user: OfficeUser, now_ms: i64) -> Result<bool, StoreError> {
        self.write_beside(move |db| change::add_first(db, &user, now_ms))
            .await
    }

    async fn user(&self, name: String) -> Result<Option<OfficeUser>, StoreError> {
        self.read(move |db| user(db, &name)).await
    }

    async fn users(&self) -> Result<Vec<OfficeUser>, StoreError> {
        self.read(|db| {
            let sql = format!("SELECT {COLUMNS} FROM office_user u ORDER BY u.user_name");
            let mut users = db.rows(&sql, &[], user_row)?;
            for user in &mut users {
                user.grants = grants(db, &user.name)?;
            }
            Ok(users)
        })
        .await
    }

    async fn tree(&self, grants: Vec<Grant>) -> Result<Tree, StoreError> {
        self.read(move |db| tree(db, &grants)).await
    }

    async fn organisation(&self) -> Result<Organisation, StoreError> {
        self.read(organisation).await
    }

    async fn change_user(
        &self,
        name: String,
        wanted: UserChange,
        by: By,
        now_ms: i64,
    ) -> Result<Result<(), UserRefused>, StoreError> {
        self.write_beside(move |db| change::change(db, &name, wanted, by, now_ms))
            .await
    }

    async fn use_step(&self, name: String, step: i64) -> Result<bool, StoreError> {
        self.write_beside(move |db| {
            let sql = "UPDATE office_user SET totp_step = ?2 \
                       WHERE user_name = ?1 AND totp_secret IS NOT NULL AND totp_step < ?2";
            Ok(db.execute(sql, values![name, step])? == 1)
        })
        .await
    }

    async fn use_recovery_code(
        &self,
        name: String,
        digest: TokenDigest,
        by: By,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        self.write_beside(move |db| change::use_recovery_code(db, &name, digest, by, now_ms))
            .await
    }

    async fn recovery_codes(&self, name: String) -> Result<u64, StoreError> {
        self.read(move |db| {
            let sql = "SELECT COUNT(*) FROM recovery_code \
                       WHERE user_name = ?1 AND used_ms IS NULL";
            db.one(sql, values![name], |row| row.get(0))
        })
        .await
    }

    async fn identity(
        &self,
        issuer: String,
        subject: String,
    ) -> Result<Option<String>, StoreError> {
        self.read(move |db| {
            let sql = "SELECT user_name FROM user_identity WHERE issuer = ?1 AND subject = ?2";
            db.row(sql, values![issuer, subject], |row| row.get(0))
        })
        .await
    }

    async fn try_now(
        &self,
        subject: TokenDigest,
        pace: Pace,
        now_ms: i64,
    ) -> Result<Result<(), i64>, StoreError> {
        self.write_beside(move |db| try_now(db, subject, pace, now_ms))
            .await
    }

    async fn forgive(&self, subject: TokenDigest) -> Result<(), StoreError> {
        self.write_beside(move |db| {
            let sql = "DELETE FROM throttle WHERE subject = ?1";
            db.execute(sql, values![subject]).map(drop)
        })
        .await
    }

    async fn knows_network(&self, name: String, network: String) -> Result<bool, StoreError> {
        self.read(move |db| {
            let sql = "SELECT 1 FROM known_network WHERE user_name = ?1 AND network = ?2";
            db.exists(sql, values![name, network])
        })
        .await
    }

    async fn add_session(
        &self,
        new: NewSession,
        former: Option<TokenDigest>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.write_beside(move |db| session::add(db, &new, former, now_ms))
            .await
    }

    async fn session(
        &self,
        digest: TokenDigest,
        idle_ms: i64,
        now_ms: i64,
    ) -> Result<Option<OpenSession>, StoreError> {
        self.read(move |db| session::open(db, digest, idle_ms, now_ms))
            .await
    }

    async fn touch_session(&self, digest: TokenDigest, now_ms: i64) -> Result<(), StoreError> {
        self.write_beside(move |db| {
            let sql = "UPDATE office_session SET seen_ms = ?2 \
                       WHERE token_digest = ?1 AND seen_ms < ?2";
            db.execute(sql, values![digest, now_ms]).map(drop)
        })
        .await
    }

    async fn remove_session(
        &self,
        digest: TokenDigest,
        by: Option<By>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.write_beside(move |db| session::remove(db, digest, by, now_ms))
            .await
    }

    async fn sessions(
        &self,
        user: String,
        idle_ms: i64,
        now_ms: i64,
    ) -> Result<Vec<SessionSummary>, StoreError> {
        self.read(move |db| session::list(db, &user, idle_ms, now_ms))
            .await
    }

    async fn end_sessions(
        &self,
        user: String,
        id: Option<String>,
        but: Option<TokenDigest>,
        by: By,
        now_ms: i64,
    ) -> Result<u64, StoreError> {
        self.write_beside(move |db| session::end(db, &user, id, but, by, now_ms))
            .await
    }

    async fn add_token(
        &self,
        new: NewToken,
        by: By,
        now_ms: i64,
    ) -> Result<Result<(), TokenRefused>, StoreError> {
        self.write_beside(move |db| token::add(db, &new, by, now_ms))
            .await
    }

    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        self.read(token::list).await
    }

    async fn token(
        &self,
        digest: TokenDigest,
        now_ms: i64,
    ) -> Result<Option<ValidToken>, StoreError> {
        self.read(move |db| token::valid(db, digest, now_ms)).await
    }

    async fn touch_token(&self, digest: TokenDigest, now_ms: i64) -> Result<(), StoreError> {
        self.write_beside(move |db| {
            let sql = "UPDATE api_token SET seen_ms = ?2 WHERE token_digest = ?1";
            db.execute(sql, values![digest, now_ms]).map(drop)
        })
        .await
    }

    async fn revoke_token(&self, name: String, by: By, now_ms: i64) -> Result<bool, StoreError> {
        self.write_beside(move |db| token::revoke(db, &name, by, now_ms))
            .await
    }

    async fn add_oidc_try(
        &self,
        digest: TokenDigest,
        started: OidcTry,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.write_beside(move |db| session::add_oidc_try(db, digest, &started, now_ms))
            .await
    }

    async fn take_oidc_try(
        &self,
        digest: TokenDigest,
        now_ms: i64,
    ) -> Result<Option<OidcTry>, StoreError> {
        self.write_beside(move |db| session::take_oidc_try(db, digest, now_ms))
            .await
    }
}

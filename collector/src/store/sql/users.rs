//! Office users, sessions and API tokens.

use async_trait::async_trait;

use super::{Row, values};
use crate::store::users::{ApiToken, OfficeUser, TokenDigest};
use crate::store::{Database, StoreError, UserStore};

fn user(row: &Row<'_>) -> Result<OfficeUser, StoreError> {
    Ok(OfficeUser {
        name: row.get("user_name")?,
        password_hash: row.get("password_hash")?,
        must_change: row.get("must_change")?,
    })
}

#[async_trait]
impl UserStore for Database {
    async fn add_first_user(&self, user: OfficeUser, now_ms: i64) -> Result<bool, StoreError> {
        self.write(move |db| {
            db.lock_name("office_user")?;
            if db.exists("SELECT 1 FROM office_user LIMIT 1", &[])? {
                return Ok(false);
            }
            db.execute(
                "INSERT INTO office_user (user_name, password_hash, must_change, created_ms) \
                 VALUES (?1, ?2, ?3, ?4)",
                values![user.name, user.password_hash, user.must_change, now_ms],
            )?;
            Ok(true)
        })
        .await
    }

    async fn user(&self, name: String) -> Result<Option<OfficeUser>, StoreError> {
        self.read(move |db| {
            let sql = "SELECT user_name, password_hash, must_change FROM office_user \
                       WHERE user_name = ?1";
            db.row(sql, values![name], user)
        })
        .await
    }

    async fn set_password(&self, name: String, password_hash: String) -> Result<(), StoreError> {
        self.write(move |db| {
            db.execute(
                "UPDATE office_user SET password_hash = ?2, must_change = 0 WHERE user_name = ?1",
                values![&name, password_hash],
            )?;
            let sql = "DELETE FROM office_session WHERE user_name = ?1";
            db.execute(sql, values![name]).map(drop)
        })
        .await
    }

    async fn add_session(
        &self,
        digest: TokenDigest,
        user_name: String,
        expires_ms: i64,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            let expired = "DELETE FROM office_session WHERE expires_ms <= ?1";
            db.execute(expired, values![now_ms])?;
            db.execute(
                "INSERT INTO office_session (token_digest, user_name, expires_ms) \
                 VALUES (?1, ?2, ?3)",
                values![digest, user_name, expires_ms],
            )
            .map(drop)
        })
        .await
    }

    async fn session(
        &self,
        digest: TokenDigest,
        now_ms: i64,
    ) -> Result<Option<OfficeUser>, StoreError> {
        self.read(move |db| {
            let sql = "SELECT u.user_name, u.password_hash, u.must_change \
                       FROM office_session s JOIN office_user u ON u.user_name = s.user_name \
                       WHERE s.token_digest = ?1 AND s.expires_ms > ?2";
            db.row(sql, values![digest, now_ms], user)
        })
        .await
    }

    async fn remove_session(&self, digest: TokenDigest) -> Result<(), StoreError> {
        self.write(move |db| {
            let sql = "DELETE FROM office_session WHERE token_digest = ?1";
            db.execute(sql, values![digest]).map(drop)
        })
        .await
    }

    async fn add_token(
        &self,
        digest: TokenDigest,
        name: String,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        self.write(move |db| {
            db.lock_name("api_token")?;
            let valid = "SELECT 1 FROM api_token WHERE name = ?1 AND revoked_ms IS NULL";
            if db.exists(valid, values![&name])? {
                return Ok(false);
            }
            db.execute(
                "INSERT INTO api_token (token_digest, name, created_ms) VALUES (?1, ?2, ?3)",
                values![digest, name, now_ms],
            )?;
            Ok(true)
        })
        .await
    }

    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        self.read(|db| {
            let sql =
                "SELECT name, created_ms, revoked_ms FROM api_token ORDER BY created_ms, name";
            db.rows(sql, &[], |row| {
                Ok(ApiToken {
                    name: row.get("name")?,
                    created_ms: row.get("created_ms")?,
                    revoked_ms: row.get("revoked_ms")?,
                })
            })
        })
        .await
    }

    async fn token(&self, digest: TokenDigest) -> Result<Option<String>, StoreError> {
        self.read(move |db| {
            let sql = "SELECT name FROM api_token WHERE token_digest = ?1 AND revoked_ms IS NULL";
            db.row(sql, values![digest], |row| row.get(0))
        })
        .await
    }

    async fn revoke_token(&self, name: String, now_ms: i64) -> Result<bool, StoreError> {
        self.write(move |db| {
            let revoked = db.execute(
                "UPDATE api_token SET revoked_ms = ?2 WHERE name = ?1 AND revoked_ms IS NULL",
                values![name, now_ms],
            )?;
            Ok(revoked == 1)
        })
        .await
    }
}

//! Office users, sessions and API tokens.

use async_trait::async_trait;
use rusqlite::{OptionalExtension, Row, params};

use crate::store::users::{ApiToken, OfficeUser, TokenDigest};
use crate::store::{StoreError, UserStore};

fn user(row: &Row<'_>) -> rusqlite::Result<OfficeUser> {
    Ok(OfficeUser {
        name: row.get("user_name")?,
        password_hash: row.get("password_hash")?,
        must_change: row.get("must_change")?,
    })
}

#[async_trait]
impl UserStore for super::SqliteStore {
    async fn add_first_user(&self, user: OfficeUser, now_ms: i64) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let added = connection.execute(
                "INSERT INTO office_user (user_name, password_hash, must_change, created_ms)
                 SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM office_user)",
                params![user.name, user.password_hash, user.must_change, now_ms],
            )?;
            Ok(added == 1)
        })
        .await
    }

    async fn user(&self, name: String) -> Result<Option<OfficeUser>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT user_name, password_hash, must_change FROM office_user WHERE user_name = ?1";
            Ok(connection.prepare_cached(sql)?.query_row([name], user).optional()?)
        })
        .await
    }

    async fn set_password(&self, name: String, password_hash: String) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection.execute(
                "UPDATE office_user SET password_hash = ?2, must_change = 0 WHERE user_name = ?1",
                params![name, password_hash],
            )?;
            connection.execute("DELETE FROM office_session WHERE user_name = ?1", [name])?;
            Ok(())
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
        self.write(move |connection| {
            connection.execute("DELETE FROM office_session WHERE expires_ms <= ?1", [now_ms])?;
            connection.execute(
                "INSERT INTO office_session (token_digest, user_name, expires_ms) VALUES (?1, ?2, ?3)",
                params![digest, user_name, expires_ms],
            )?;
            Ok(())
        })
        .await
    }

    async fn session(
        &self,
        digest: TokenDigest,
        now_ms: i64,
    ) -> Result<Option<OfficeUser>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT u.user_name, u.password_hash, u.must_change
                       FROM office_session s JOIN office_user u ON u.user_name = s.user_name
                       WHERE s.token_digest = ?1 AND s.expires_ms > ?2";
            Ok(connection
                .prepare_cached(sql)?
                .query_row(params![digest, now_ms], user)
                .optional()?)
        })
        .await
    }

    async fn remove_session(&self, digest: TokenDigest) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection.execute(
                "DELETE FROM office_session WHERE token_digest = ?1",
                [digest],
            )?;
            Ok(())
        })
        .await
    }

    async fn add_token(
        &self,
        digest: TokenDigest,
        name: String,
        now_ms: i64,
    ) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let added = connection.execute(
                "INSERT INTO api_token (token_digest, name, created_ms, revoked_ms)
                 SELECT ?1, ?2, ?3, NULL
                 WHERE NOT EXISTS (SELECT 1 FROM api_token WHERE name = ?2 AND revoked_ms IS NULL)",
                params![digest, name, now_ms],
            )?;
            Ok(added == 1)
        })
        .await
    }

    async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        self.read(|connection| {
            let sql =
                "SELECT name, created_ms, revoked_ms FROM api_token ORDER BY created_ms, name";
            let mut statement = connection.prepare_cached(sql)?;
            let token = |row: &Row<'_>| {
                Ok(ApiToken {
                    name: row.get("name")?,
                    created_ms: row.get("created_ms")?,
                    revoked_ms: row.get("revoked_ms")?,
                })
            };
            let tokens = statement.query_map([], token)?.collect::<Result<_, _>>()?;
            Ok(tokens)
        })
        .await
    }

    async fn token(&self, digest: TokenDigest) -> Result<Option<String>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT name FROM api_token WHERE token_digest = ?1 AND revoked_ms IS NULL";
            Ok(connection
                .prepare_cached(sql)?
                .query_row([digest], |row| row.get(0))
                .optional()?)
        })
        .await
    }

    async fn revoke_token(&self, name: String, now_ms: i64) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let revoked = connection.execute(
                "UPDATE api_token SET revoked_ms = ?2 WHERE name = ?1 AND revoked_ms IS NULL",
                params![name, now_ms],
            )?;
            Ok(revoked == 1)
        })
        .await
    }
}

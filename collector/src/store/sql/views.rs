//! What users of the office saved for themselves.

use async_trait::async_trait;

use super::values;
use crate::store::views::{MOST_VIEWS, SavedView, TooManyViews, ViewStore};
use crate::store::{Database, StoreError};

#[async_trait]
impl ViewStore for Database {
    async fn views(&self, user: String) -> Result<Vec<SavedView>, StoreError> {
        self.read(move |db| {
            let sql = "SELECT view_id, name, address FROM saved_view WHERE user_name = ?1 \
                       ORDER BY name, view_id";
            db.rows(sql, values![user], |row| {
                Ok(SavedView {
                    id: row.get("view_id")?,
                    name: row.get("name")?,
                    address: row.get("address")?,
                })
            })
        })
        .await
    }

    async fn save_view(
        &self,
        user: String,
        name: String,
        address: String,
        now_ms: i64,
    ) -> Result<Result<(), TooManyViews>, StoreError> {
        self.write(move |db| {
            // The number of a new view follows from those there are.
            db.lock_name("saved_view")?;
            let sql = "DELETE FROM saved_view WHERE user_name = ?1 AND name = ?2";
            db.execute(sql, values![&user, &name])?;
            let sql = "SELECT view_id FROM saved_view WHERE user_name = ?1";
            let ids: Vec<i64> = db.rows(sql, values![&user], |row| row.get("view_id"))?;
            if ids.len() >= MOST_VIEWS {
                return Ok(Err(TooManyViews));
            }
            let next = ids.into_iter().max().unwrap_or(0) + 1;
            db.execute(
                "INSERT INTO saved_view (user_name, view_id, name, address, created_ms) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                values![user, next, name, address, now_ms],
            )?;
            Ok(Ok(()))
        })
        .await
    }

    async fn forget_view(&self, user: String, id: i64) -> Result<bool, StoreError> {
        self.write(move |db| {
            let sql = "DELETE FROM saved_view WHERE user_name = ?1 AND view_id = ?2";
            Ok(db.execute(sql, values![user, id])? > 0)
        })
        .await
    }
}

//! What was published, and the definitions it was published by.

use async_trait::async_trait;

use super::{Db, Row, values};
use crate::store::publications::{NewPublication, PublicationStore, Published};
use crate::store::{Database, StoreError};

#[async_trait]
impl PublicationStore for Database {
    async fn publish(&self, publication: NewPublication) -> Result<u32, StoreError> {
        self.write(move |db| publish(db, &publication)).await
    }

    async fn publications(&self, hall: String) -> Result<Vec<Published>, StoreError> {
        self.read(move |db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM publication WHERE hall_id = ?1 \
                 ORDER BY month DESC, version DESC"
            );
            db.rows(&sql, values![&hall], published)
        })
        .await
    }

    async fn published_places(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT DISTINCT hall_id FROM publication ORDER BY hall_id";
        self.read(move |db| db.rows(sql, &[], |row| row.get(0)))
            .await
    }

    async fn publication(
        &self,
        hall: String,
        month: u32,
        version: Option<u32>,
    ) -> Result<Option<(Published, String)>, StoreError> {
        self.read(move |db| {
            let sql = format!(
                "SELECT {COLUMNS}, content FROM publication WHERE hall_id = ?1 AND month = ?2 \
                 AND version <= ?3 AND version >= ?4 ORDER BY version DESC"
            );
            let (most, least): (i64, i64) = version.map_or((i64::MAX, 0), |v| (v.into(), v.into()));
            db.row(&sql, values![&hall, month, most, least], |row| {
                Ok((published(row)?, row.get("content")?))
            })
        })
        .await
    }

    async fn note_definitions(
        &self,
        definitions: Vec<(String, u16, String)>,
        now_ms: i64,
    ) -> Result<Vec<(String, u16)>, StoreError> {
        self.write(move |db| note(db, definitions, now_ms)).await
    }
}

const COLUMNS: &str = "hall_id, month, version, digest, published_ms, published_by, why";

fn published(row: &Row<'_>) -> Result<Published, StoreError> {
    Ok(Published {
        hall: row.get("hall_id")?,
        month: row.get("month")?,
        version: row.get("version")?,
        digest: row.get("digest")?,
        published_ms: row.get("published_ms")?,
        by: row.get("published_by")?,
        why: row.get("why")?,
    })
}

fn publish(db: &Db<'_>, new: &NewPublication) -> Result<u32, StoreError> {
    db.lock_name("publication")?;
    let last: i64 = db.one(
        "SELECT COALESCE(MAX(version), 0) FROM publication WHERE hall_id = ?1 AND month = ?2",
        values![&new.hall, new.month],
        |row| row.get(0),
    )?;
    let version = super::number(last + 1, "publication.version")?;
    db.execute(
        "INSERT INTO publication (hall_id, month, version, content, digest, published_ms, \
         published_by, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        values![
            &new.hall,
            new.month,
            version,
            &new.content,
            new.digest,
            new.now_ms,
            &new.by,
            &new.why
        ],
    )?;
    Ok(version)
}

fn note(
    db: &Db<'_>,
    definitions: Vec<(String, u16, String)>,
    now_ms: i64,
) -> Result<Vec<(String, u16)>, StoreError> {
    db.lock_name("indicator_version")?;
    let mut changed = Vec::new();
    for (id, version, text) in definitions {
        let known: Option<String> = db.row(
            "SELECT definition FROM indicator_version WHERE indicator_id = ?1 AND version = ?2",
            values![&id, version],
            |row| row.get(0),
        )?;
        match known {
            Some(known) if known == text => {}
            Some(_) => changed.push((id, version)),
            None => {
                db.execute(
                    "INSERT INTO indicator_version (indicator_id, version, definition, \
                     first_seen_ms) VALUES (?1, ?2, ?3, ?4)",
                    values![&id, version, &text, now_ms],
                )?;
            }
        }
    }
    Ok(changed)
}

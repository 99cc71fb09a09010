//! The audit log.
//!
//! A writer has the head for itself until its transaction ends, so entries of several collectors
//! follow each other.

use async_trait::async_trait;

use super::{Db, Row, values};
use crate::audit::{Check, Entry, Hash, Head, Note, START};
use crate::store::audit::{AuditFilter, AuditReport};
use crate::store::{AuditStore, Database, StoreError};

/// Appends a note to the log, in the transaction of what it tells.
pub(crate) fn append(db: &Db<'_>, note: &Note, now_ms: i64) -> Result<(), StoreError> {
    db.lock_name("audit")?;
    let (_, head) = ends(db)?;
    let entry = Entry::after(&head, note, now_ms);
    let head = head.then(&entry);
    db.execute(
        "INSERT INTO audit_entry (seq, at_ms, who, network, action, place, object, before_digest, \
         after_digest, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        values![
            entry.seq,
            entry.at_ms,
            &entry.who,
            &entry.network,
            &entry.action,
            &entry.place,
            &entry.object,
            &entry.before,
            &entry.after,
            &entry.detail,
            head.hash
        ],
    )?;
    db.execute(
        "INSERT INTO audit_head (head, seq, hash, anchor_seq, anchor_hash) \
         VALUES (1, ?1, ?2, 0, ?3) \
         ON CONFLICT (head) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
        values![head.seq, head.hash, START.hash],
    )
    .map(drop)
}

/// Where the chain begins and ends.
fn ends(db: &Db<'_>) -> Result<(Head, Head), StoreError> {
    let sql = "SELECT seq, hash, anchor_seq, anchor_hash FROM audit_head WHERE head = 1";
    let found = db.row(sql, &[], |row| {
        let head = |seq: &str, hash: &str| -> Result<Head, StoreError> {
            Ok(Head {
                seq: row.get(seq)?,
                hash: row.get(hash)?,
            })
        };
        Ok((head("anchor_seq", "anchor_hash")?, head("seq", "hash")?))
    })?;
    Ok(found.unwrap_or((START, START)))
}

const COLUMNS: &str = "seq, at_ms, who, network, action, place, object, before_digest, \
                       after_digest, detail, hash";

fn entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    Ok(Entry {
        seq: row.get("seq")?,
        at_ms: row.get("at_ms")?,
        who: row.get("who")?,
        network: row.get("network")?,
        action: row.get("action")?,
        place: row.get("place")?,
        object: row.get("object")?,
        before: row.get("before_digest")?,
        after: row.get("after_digest")?,
        detail: row.get("detail")?,
    })
}

fn verify(db: &Db<'_>, noted: Option<Head>) -> Result<AuditReport, StoreError> {
    let (anchor, head) = ends(db)?;
    let mut check = Check::from(anchor, noted);
    let (mut entries, mut broken) = (0, None);
    let sql = format!("SELECT {COLUMNS} FROM audit_entry ORDER BY seq");
    db.each(&sql, &[], |row| {
        entries += 1;
        if broken.is_none() {
            let kept: Hash = row.get("hash")?;
            broken = check.next(&entry(row)?, &kept).err();
        }
        Ok(())
    })?;
    Ok(AuditReport {
        entries,
        anchor,
        result: match broken {
            Some(broken) => Err(broken),
            None => check.end(&head),
        },
    })
}

#[async_trait]
impl AuditStore for Database {
    async fn note(&self, note: Note, now_ms: i64) -> Result<(), StoreError> {
        self.write_beside(move |db| append(db, &note, now_ms)).await
    }

    async fn audit_entries(
        &self,
        filter: AuditFilter,
        most: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        self.read(move |db| {
            let who = filter.who.clone().unwrap_or_default();
            let sql = format!(
                "SELECT {COLUMNS} FROM audit_entry \
                 WHERE (?1 = '' OR who = ?1 OR who = ?2 OR who = ?3 OR who = ?4) \
                   AND (?5 = '' OR action = ?5) AND (?6 = '' OR object = ?6) \
                   AND at_ms >= ?7 AND at_ms < ?8 AND seq < ?9 \
                 ORDER BY seq DESC LIMIT ?10"
            );
            db.rows(
                &sql,
                values![
                    &who,
                    format!("user:{who}"),
                    format!("token:{who}"),
                    format!("operator:{who}"),
                    filter.action.unwrap_or_default(),
                    filter.object.unwrap_or_default(),
                    filter.from_ms.unwrap_or(i64::MIN),
                    filter.until_ms.unwrap_or(i64::MAX),
                    filter.before_seq.unwrap_or(u64::MAX),
                    most
                ],
                entry,
            )
        })
        .await
    }

    async fn verify_audit(&self, noted: Option<Head>) -> Result<AuditReport, StoreError> {
        self.read(move |db| verify(db, noted)).await
    }

    async fn drop_audit(&self, until_ms: i64, note: Note, now_ms: i64) -> Result<u64, StoreError> {
        self.write_beside(move |db| {
            db.lock_name("audit")?;
            // The log is cut at one place: before the first entry that stays, whatever clocks did.
            let stays = "SELECT seq FROM audit_entry WHERE at_ms >= ?1 ORDER BY seq LIMIT 1";
            let first: Option<u64> = db.row(stays, values![until_ms], |row| row.get(0))?;
            let (anchor, head) = ends(db)?;
            let last = first.map_or(head.seq, |seq| seq.saturating_sub(1));
            if last <= anchor.seq {
                return Ok(0);
            }
            let sql = "SELECT hash FROM audit_entry WHERE seq = ?1";
            let hash: Hash = db.one(sql, values![last], |row| row.get(0))?;
            let dropped = db.execute("DELETE FROM audit_entry WHERE seq <= ?1", values![last])?;
            let sql = "UPDATE audit_head SET anchor_seq = ?1, anchor_hash = ?2 WHERE head = 1";
            db.execute(sql, values![last, hash])?;
            append(db, &note, now_ms)?;
            Ok(dropped)
        })
        .await
    }
}

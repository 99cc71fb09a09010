//! Schema versions. The one row of `manyi_schema` counts the migrations that have run.
//!
//! The files are those of SQLite, in PostgreSQL's words ([`super::text::schema`]). Where a version
//! is more than that here, a file beside this one says what comes after it.
//!
//! **Crash** each migration is one transaction with its number: the next start goes on from there.

use postgres::Client;

use super::{MIGRATING, NAMESPACE, text};
use crate::store::StoreError;
use crate::store::migrations::{KNOWN, MIGRATIONS};

/// What a version is here beside its file.
const MORE: &[(i64, &str)] = &[(11, include_str!("V11__parts.sql"))];

/// Runs the migrations that the database has not seen. Of several programs that start at once, one
/// does and the others wait.
///
/// # Errors
/// [`StoreError::Newer`], and then nothing was changed.
pub(super) fn migrate(client: &mut Client, place: &str) -> Result<(), StoreError> {
    client.execute("SELECT pg_advisory_lock($1, $2)", &[&NAMESPACE, &MIGRATING])?;
    let migrated = run(client, place);
    client.execute(
        "SELECT pg_advisory_unlock($1, $2)",
        &[&NAMESPACE, &MIGRATING],
    )?;
    migrated
}

fn run(client: &mut Client, place: &str) -> Result<(), StoreError> {
    client.batch_execute("CREATE TABLE IF NOT EXISTS manyi_schema (version BIGINT NOT NULL)")?;
    let found = version(client)?.unwrap_or(0);
    known(found, place)?;
    for (version, migration) in (1_i64..).zip(MIGRATIONS) {
        if version <= found {
            continue;
        }
        let mut transaction = client.transaction()?;
        transaction.batch_execute(&text::schema(migration))?;
        for (_, more) in MORE.iter().filter(|(of, _)| *of == version) {
            transaction.batch_execute(more)?;
        }
        transaction.execute("DELETE FROM manyi_schema", &[])?;
        transaction.execute(
            "INSERT INTO manyi_schema (version) VALUES ($1)",
            &[&version],
        )?;
        transaction.commit()?;
    }
    Ok(())
}

/// Refuses a schema that a newer program has made.
pub(super) fn known(found: i64, place: &str) -> Result<(), StoreError> {
    if found > KNOWN {
        return Err(StoreError::Newer {
            place: place.to_owned(),
            found,
            known: KNOWN,
        });
    }
    Ok(())
}

/// The version of the schema that is there; none when nobody has made one.
pub(super) fn version(client: &mut Client) -> Result<Option<i64>, StoreError> {
    let there = client.query_one("SELECT to_regclass('manyi_schema') IS NOT NULL", &[])?;
    if !there.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    let row = client.query_opt("SELECT version FROM manyi_schema", &[])?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

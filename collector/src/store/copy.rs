//! All of a database, copied into an empty one: a hall that grew moves from a file to a server.
//!
//! **Invariants**
//! 1. What is copied is one moment of the source, which is only read.
//! 2. The copy counts as made when every table has as many rows there as here, and the check of each
//!    hall's records, chains, roots and counts says the same there as here.
//!
//! **Crash** leaves a target with a part of the rows. A copy that goes on with it writes what is
//! missing and compares all of it again.

use manyi_shared::wire::PublicKey;
use tokio::sync::mpsc;

use super::part::beginning_of;
use super::sql::tables::{Table, tables};
use super::sql::{Db, Insert, Param, hall, proof};
use super::{Database, StoreError};
use crate::verify::Report;

/// Rows in one transaction.
const BATCH: usize = 1000;

/// Batches that wait for their turn.
const AHEAD: usize = 4;

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'p> {
    /// The table.
    pub table: &'p str,
    /// Rows of it that are there.
    pub done: u64,
    /// All its rows.
    pub all: u64,
}

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Tables with something in them.
    pub tables: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// What the check said of each hall, here and there the same.
    pub halls: Vec<(String, Report)>,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of the databases.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something is in the target.
    #[error(
        "table `{table}` of the target has rows already; copy into an empty database, or go on with \
         a copy that was cut off by `--resume`"
    )]
    NotEmpty {
        /// A table.
        table: String,
    },
    /// Rows are missing, or there are others.
    #[error("table `{table}` has {here} rows here and {there} there; nothing may use the copy")]
    Rows {
        /// The table.
        table: String,
        /// Rows at the source.
        here: u64,
        /// Rows at the target.
        there: u64,
    },
    /// The check says something else of the copy.
    #[error(
        "the check of hall `{hall}` says something else there than here: {there:?}, not {here:?}"
    )]
    Check {
        /// The hall.
        hall: String,
        /// What it says here.
        here: Box<Report>,
        /// What it says there.
        there: Box<Report>,
    },
}

/// What the reading half tells the writing half.
enum Told {
    /// A table begins; it has so many rows.
    Table(usize, u64),
    Rows(Vec<Vec<Param<'static>>>),
    /// What the check says of a hall.
    Hall(String, Report),
}

/// Copies everything from one database into another one.
///
/// Both have the same schema version, because this program opened both. `keys` are the collector's,
/// for the check; with `resume` the target may hold a part.
///
/// # Errors
/// [`CopyError`]; the source is as it was.
pub async fn copy(
    from: &Database,
    to: &Database,
    keys: Vec<PublicKey>,
    resume: bool,
    told: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Moved, CopyError> {
    let all = tables()?;
    prepare(to, &all, resume).await?;
    let (send, receive) = mpsc::channel(AHEAD);
    let (tables, check) = (all.clone(), keys.clone());
    let reading = from.read(move |db| read(db, &tables, &check, &send));
    let writing = write(to, &all, receive, told);
    let (read, written) = tokio::join!(reading, writing);
    // When writing fails, reading does for want of a listener.
    let (counts, halls) = written?;
    read?;
    compare(to, &counts).await?;
    for (hall, here) in &halls {
        let id = hall.parse().map_err(|_| StoreError::Corrupt {
            column: "hall.hall_id",
        })?;
        let keys = keys.clone();
        let there = to
            .read(move |db| proof::verify::verify(db, &id, &keys))
            .await?;
        if there != *here {
            return Err(CopyError::Check {
                hall: hall.clone(),
                here: Box::new(here.clone()),
                there: Box::new(there),
            });
        }
    }
    Ok(Moved {
        tables: counts.iter().filter(|(_, rows)| *rows > 0).count() as u64,
        rows: counts.iter().map(|(_, rows)| rows).sum(),
        halls,
    })
}

/// Makes sure that the target holds nothing, or a part that can be gone on with.
async fn prepare(to: &Database, all: &[Table], resume: bool) -> Result<(), CopyError> {
    let all = all.to_vec();
    let filled = to
        .write(move |db| {
            for table in &all {
                if !resume && rows_of(db, &table.name)? > 0 {
                    return Ok(Some(table.name.clone()));
                }
                // Rows without a key cannot be told apart from those that are still to come.
                if table.keys.is_empty() {
                    db.execute(&format!("DELETE FROM {}", table.name), &[])?;
                }
            }
            Ok(None)
        })
        .await?;
    match filled {
        Some(table) => Err(CopyError::NotEmpty { table }),
        None => Ok(()),
    }
}

fn rows_of(db: &Db<'_>, table: &str) -> Result<u64, StoreError> {
    db.one(&format!("SELECT COUNT(*) FROM {table}"), &[], |row| {
        row.get(0)
    })
}

/// Reads everything, in one moment.
fn read(
    db: &Db<'_>,
    all: &[Table],
    keys: &[PublicKey],
    to: &mpsc::Sender<Told>,
) -> Result<(), StoreError> {
    let tell = |told| to.blocking_send(told).map_err(|_| StoreError::Closed);
    for (index, table) in all.iter().enumerate() {
        tell(Told::Table(index, rows_of(db, &table.name)?))?;
        let mut rows = Vec::with_capacity(BATCH);
        db.each(&select(table), &[], |row| {
            rows.push(row.all()?);
            if rows.len() == BATCH {
                tell(Told::Rows(std::mem::take(&mut rows)))?;
            }
            Ok(())
        })?;
        tell(Told::Rows(rows))?;
    }
    for summary in hall::list(db)? {
        let report = proof::verify::verify(db, &summary.id, keys)?;
        tell(Told::Hall(summary.id.to_string(), report))?;
    }
    Ok(())
}

/// Every row in the order of its key, so that the copy is written in that order.
fn select(table: &Table) -> String {
    let order = match table.keys.first() {
        Some(key) => format!("ORDER BY {}", key.join(", ")),
        None => String::new(),
    };
    let columns = names(table).join(", ");
    format!("SELECT {columns} FROM {} {order}", table.name)
}

fn names(table: &Table) -> Vec<&str> {
    table.columns.iter().map(|column| &*column.name).collect()
}

/// Rows by table, and what the check says of each hall.
type Heard = (Vec<(String, u64)>, Vec<(String, Report)>);

/// Writes what is read, batch by batch.
async fn write(
    to: &Database,
    all: &[Table],
    mut from: mpsc::Receiver<Told>,
    told: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Result<Heard, CopyError> {
    let (mut counts, mut halls) = (Vec::new(), Vec::new());
    let mut present: Option<(&Table, u64, u64)> = None;
    while let Some(heard) = from.recv().await {
        match heard {
            Told::Table(index, rows) => {
                present = all.get(index).map(|table| (table, 0, rows));
                counts.extend(present.map(|(table, ..)| (table.name.clone(), rows)));
            }
            Told::Rows(rows) => {
                let Some((table, done, all)) = &mut present else {
                    continue;
                };
                *done += rows.len() as u64;
                put(to, table, rows).await?;
                told(Progress {
                    table: &table.name,
                    done: *done,
                    all: *all,
                });
            }
            Told::Hall(hall, report) => halls.push((hall, report)),
        }
    }
    Ok((counts, halls))
}

async fn put(
    to: &Database,
    table: &Table,
    rows: Vec<Vec<Param<'static>>>,
) -> Result<(), StoreError> {
    let part = table.columns.iter().position(|c| c.name == "part");
    // Rows of one part follow one another: a stream has one.
    let part_of = |row: &Vec<Param<'static>>| match row.get(part?) {
        Some(Param::Int(part)) => beginning_of(*part),
        _ => None,
    };
    for rows in rows.chunk_by(|one, next| part_of(one) == part_of(next)) {
        let begins = rows.first().and_then(part_of);
        let (table, rows) = (table.clone(), rows.to_vec());
        let insert = move |db: &Db<'_>| insert(db, &table, rows);
        match begins {
            Some(received_ms) => to.write_records(received_ms, insert).await?,
            None => to.write(insert).await?,
        }
    }
    Ok(())
}

fn insert(db: &Db<'_>, table: &Table, rows: Vec<Vec<Param<'static>>>) -> Result<(), StoreError> {
    let insert = Insert {
        table: &table.name,
        columns: &names(table),
        // What is there was copied before.
        conflict: "ON CONFLICT DO NOTHING",
    };
    db.insert_many(&insert, rows).map(drop)
}

async fn compare(to: &Database, counts: &[(String, u64)]) -> Result<(), CopyError> {
    for (table, here) in counts {
        let name = table.clone();
        let there = to.read(move |db| rows_of(db, &name)).await?;
        if there != *here {
            return Err(CopyError::Rows {
                table: table.clone(),
                here: *here,
                there,
            });
        }
    }
    Ok(())
}

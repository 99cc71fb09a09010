//! A copy of the database in one file, made while the collector writes.
//!
//! **Invariants**
//! 1. The copy is one moment of the database: what was committed when it began, and nothing else.
//! 2. The file has its name only after it was written, synced, read through, and found to hold as
//!    many rows of each table as the database at that moment.
//! 3. A file that is there is never replaced.
//!
//! **Crash** leaves a file with `.partial` at its end, which the next backup to that place replaces.
//!
//! While it runs the write-ahead log grows by what is written meanwhile; it shrinks afterwards.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::{BUSY_TIMEOUT, FILE_NAME, connect};
use crate::store::StoreError;
use crate::store::migrations::KNOWN;

/// Pages copied between two reports: 16 MiB of the usual 4 KiB.
const PAGES: i32 = 4096;

/// A copy that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Its schema version.
    pub version: i64,
    /// Tables in it.
    pub tables: u64,
    /// Rows of all of them.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

/// Why no copy was made. There is no file of that name.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database cannot be read, or the copy not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is something of that name.
    #[error("`{path}` is there already; name another file")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be made.
    #[error("could not write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The database or the copy is damaged.
    #[error("the copy is damaged: {0}; the database may be, too, run `manyi-collector verify`")]
    Damaged(String),
    /// The copy lacks rows, or has too many.
    #[error("table `{table}` has {here} rows and its copy {copied}; nothing was kept")]
    Differs {
        /// The table.
        table: String,
        /// Rows in the database.
        here: u64,
        /// Rows in the copy.
        copied: u64,
    },
}

/// A table and its rows.
type Count = (String, u64);

/// Copies the database in `data_dir` to `target`; `told` hears of pages copied and of all pages.
///
/// # Errors
/// [`BackupError`]; the database is as it was, and `target` too.
pub fn backup(
    data_dir: &Path,
    target: &Path,
    told: &mut dyn FnMut(u64, u64),
) -> Result<Copied, BackupError> {
    let path = data_dir.join(FILE_NAME);
    if !path.exists() {
        return Err(StoreError::Missing { path }.into());
    }
    if target.symlink_metadata().is_ok() {
        let path = target.to_owned();
        return Err(BackupError::Exists { path });
    }
    let partial = beside(target);
    let made = copy(&path, &partial, told).and_then(|made| {
        publish(&partial, target)?;
        Ok(made)
    });
    if made.is_err() {
        // The error that led here is the one to tell.
        drop(fs::remove_file(&partial));
    }
    made
}

fn beside(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

fn copy(
    path: &Path,
    partial: &Path,
    told: &mut dyn FnMut(u64, u64),
) -> Result<Copied, BackupError> {
    let source = connect(path)?;
    let query_only = source.pragma_update(None, "query_only", "ON");
    query_only.map_err(StoreError::from)?;
    // One read transaction from the first look to the last page: the moment that is copied.
    let moment = source.unchecked_transaction().map_err(StoreError::from)?;
    let version = version(&moment)?;
    if version > KNOWN {
        return Err(StoreError::Newer {
            place: path.display().to_string(),
            found: version,
            known: KNOWN,
        }
        .into());
    }
    let counts = counts(&moment)?;
    let copied = write(&moment, partial, told)?;
    check(&copied, version, &counts)?;
    drop(copied);
    let bytes = fs::metadata(partial).map_err(|source| BackupError::Write {
        path: partial.to_owned(),
        source,
    })?;
    Ok(Copied {
        version,
        tables: counts.len() as u64,
        rows: counts.iter().map(|(_, rows)| rows).sum(),
        bytes: bytes.len(),
    })
}

/// Copies every page; gives back the copy, still open.
fn write(
    source: &Connection,
    partial: &Path,
    told: &mut dyn FnMut(u64, u64),
) -> Result<Connection, BackupError> {
    let failed = |source| BackupError::Write {
        path: partial.to_owned(),
        source,
    };
    match fs::remove_file(partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    // As private as the database: it holds what citizens left, if only encrypted.
    let mut private = OpenOptions::new();
    private.write(true).create_new(true).mode(0o600);
    drop(private.open(partial).map_err(failed)?);
    let mut copy = Connection::open(partial).map_err(StoreError::from)?;
    let backup = Backup::new(source, &mut copy).map_err(StoreError::from)?;
    loop {
        let step = backup.step(PAGES).map_err(StoreError::from)?;
        let progress = backup.progress();
        let all = u64::try_from(progress.pagecount).unwrap_or_default();
        let left = u64::try_from(progress.remaining).unwrap_or_default();
        told(all.saturating_sub(left), all);
        match step {
            StepResult::Done => break,
            StepResult::More => {}
            // Nobody else knows of the copy, and the source is being read already.
            _ => return Err(StoreError::Busy.into()),
        }
    }
    drop(backup);
    Ok(copy)
}

/// Reads the copy through and compares it with what was counted.
fn check(copy: &Connection, version_there: i64, counted: &[Count]) -> Result<(), BackupError> {
    copy.busy_timeout(BUSY_TIMEOUT).map_err(StoreError::from)?;
    // One file, without a log beside it.
    let mode: String = copy
        .pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))
        .map_err(StoreError::from)?;
    if mode != "delete" {
        return Err(BackupError::Damaged(format!("its journal stays `{mode}`")));
    }
    let said: String = copy
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(StoreError::from)?;
    if said != "ok" {
        return Err(BackupError::Damaged(said));
    }
    let found = version(copy)?;
    if found != version_there {
        let said = format!("its schema version is {found}, not {version_there}");
        return Err(BackupError::Damaged(said));
    }
    let copied = counts(copy)?;
    for (table, here) in counted {
        let there = copied.iter().find(|(name, _)| name == table);
        let there = there.map_or(0, |(_, rows)| *rows);
        if there != *here {
            return Err(BackupError::Differs {
                table: table.clone(),
                here: *here,
                copied: there,
            });
        }
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn counts(connection: &Connection) -> Result<Vec<Count>, StoreError> {
    let mut tables = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
         ORDER BY name",
    )?;
    let names = tables.query_map([], |row| row.get::<_, String>(0))?;
    let counts = names.map(|name| {
        let name = name?;
        let sql = format!("SELECT COUNT(*) FROM \"{name}\"");
        let rows: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
        Ok((name, rows.unsigned_abs()))
    });
    counts.collect()
}

/// Gives the copy its name, once it is on the disk.
fn publish(partial: &Path, target: &Path) -> Result<(), BackupError> {
    let publish = || {
        File::open(partial)?.sync_all()?;
        fs::rename(partial, target)?;
        let directory = target.parent().filter(|dir| !dir.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    };
    publish().map_err(|source| BackupError::Write {
        path: target.to_owned(),
        source,
    })
}

//! Opening the file without ever harming it.
//!
//! Three answers beside success, and what a caller does with them: damage ([`JournalError::Unreadable`]:
//! set it aside and go on), somebody else's ([`JournalError::Foreign`], [`JournalError::Newer`]: leave
//! it), and a fault of the moment ([`JournalError::Sqlite`], [`JournalError::Io`]: try again).

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::schema::{self, Kind};
use super::{JournalError, check, salvage};

/// Terminal and daemon write in turns of a few milliseconds; five seconds means something hangs.
const BUSY: Duration = Duration::from_secs(5);

/// The smallest page size of SQLite, in bytes.
const SHORTEST_DATABASE: u64 = 512;

/// A write-ahead log without frames, in bytes.
const EMPTY_LOG: u64 = 32;

/// The page cache of a connection, as SQLite counts: negative is in KiB. A journal is appended to and
/// read forward; the usual 2 MB would only fill up over the weeks.
const CACHE_KIB: i64 = -256;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Appends records; creates the file when there is none.
    Writer,
    /// Notes acknowledgements and prunes.
    Daemon,
    /// Only looks.
    Reader,
}

/// Opens the journal for a role, after checking that it is one, whole and of a known version.
pub(super) fn open(path: &Path, role: Role) -> Result<Connection, JournalError> {
    if !path.exists() {
        if role != Role::Writer {
            return Err(JournalError::Missing {
                path: path.to_owned(),
            });
        }
        make(path)?;
    }
    // SQLite takes a file shorter than its own header for an empty database and writes over it.
    let length = std::fs::metadata(path).map_or(0, |m| m.len());
    if (1..SHORTEST_DATABASE).contains(&length) {
        return Err(unreadable(path, format!("it has only {length} bytes")));
    }
    let fault = |error: rusqlite::Error| judge(path, error);
    let mut conn = connect(path, role).map_err(fault)?;
    let version = match schema::kind(&conn).map_err(fault)? {
        Kind::Journal { version } => version,
        Kind::Blank if role == Role::Writer => {
            schema::create(&mut conn).map_err(fault)?;
            schema::SCHEMA_VERSION
        }
        // The terminal is just making it.
        Kind::Blank => {
            return Err(JournalError::Missing {
                path: path.to_owned(),
            });
        }
        Kind::Newer(found) => {
            return Err(JournalError::Newer {
                path: path.to_owned(),
                found,
            });
        }
        Kind::Foreign(problem) => {
            return Err(JournalError::Foreign {
                path: path.to_owned(),
                problem,
            });
        }
        Kind::Damaged(problem) => return Err(unreadable(path, problem)),
    };
    if role == Role::Writer {
        check::pages(&conn).map_err(|found| found.at(path))?;
    }
    if version < schema::SCHEMA_VERSION && role != Role::Reader {
        schema::upgrade(&conn).map_err(fault)?;
    }
    if role == Role::Writer {
        let salvaging = salvage::is_under_way(path);
        check::chains(&conn, salvaging).map_err(|found| found.at(path))?;
        keep_log(&conn, false).map_err(fault)?;
    }
    configure(&conn, role).map_err(fault)?;
    Ok(conn)
}

/// Makes a new journal beside and then gives it its name: whatever a power cut leaves, there is a
/// whole journal of this name or none.
///
/// Made in place, a cut in its first write may leave a file of some bytes, or a first page from which
/// SQLite takes settings before it rolls that page back.
fn make(path: &Path) -> Result<(), JournalError> {
    // A log without its journal holds records; SQLite would apply it to the new one.
    for (log, empty) in [("-wal", EMPTY_LOG), ("-journal", 0)] {
        let log = beside(path, log);
        if std::fs::metadata(&log).is_ok_and(|log| log.len() > empty) {
            let problem = format!("it is not there, but `{}` is", log.display());
            return Err(unreadable(path, problem));
        }
    }
    let making = path.with_extension("making");
    let io = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| JournalError::Io {
            doing,
            path,
            source,
        }
    };
    for leftover in ["", "-wal", "-shm", "-journal"] {
        let leftover = beside(&making, leftover);
        match std::fs::remove_file(&leftover) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(io("remove left-over", &leftover)(error));
            }
            _ => {}
        }
    }
    let fault = |error: rusqlite::Error| judge(&making, error);
    let mut conn = connect(&making, Role::Writer).map_err(fault)?;
    schema::create(&mut conn).map_err(fault)?;
    keep_log(&conn, false).map_err(fault)?;
    // Closing brings what is in the log into the file and removes the log.
    conn.close().map_err(|(_, error)| fault(error))?;
    std::fs::File::open(&making)
        .and_then(|file| file.sync_all())
        .map_err(io("sync", &making))?;
    std::fs::rename(&making, path).map_err(io("name", path))?;
    sync_folder(path)
}

/// The file that SQLite keeps beside a database under this ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Whether SQLite leaves the log alone when the connection is closed, instead of writing it into the
/// database and deleting it.
pub(super) fn keep_log(conn: &Connection, keep: bool) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)
        .map(drop)
}

pub(super) fn connect(path: &Path, role: Role) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags |= match role {
        Role::Writer => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Role::Daemon => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Role::Reader => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let conn = Connection::open_with_flags(path, flags)?;
    if role != Role::Reader {
        // Before anything is read: until the journal is known to be whole, the log stays as it is.
        keep_log(&conn, true)?;
    }
    conn.busy_timeout(BUSY)?;
    conn.pragma_update(None, "cache_size", CACHE_KIB)?;
    Ok(conn)
}

/// Whether an error of SQLite says that the file's content is damaged, or only that it cannot be
/// used at the moment.
pub(super) fn judge(path: &Path, source: rusqlite::Error) -> JournalError {
    if is_damage(&source) {
        unreadable(path, source.to_string())
    } else {
        JournalError::Sqlite {
            doing: "open",
            path: path.to_owned(),
            source,
        }
    }
}

/// A sector that the card cannot read any more is damage like any other; what it refuses to write
/// is not.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => {
            matches!(
                failure.code,
                ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
                    | ErrorCode::ConstraintViolation
                    | ErrorCode::Unknown
            ) || matches!(
                failure.extended_code,
                ffi::SQLITE_IOERR_READ
                    | ffi::SQLITE_IOERR_SHORT_READ
                    | ffi::SQLITE_IOERR_CORRUPTFS
                    | ffi::SQLITE_IOERR_DATA
            )
        }
        // A column holds what no program of ours ever wrote there.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::QueryReturnedNoRows
        | rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::Utf8Error(..) => true,
        _ => false,
    }
}

fn unreadable(path: &Path, problem: String) -> JournalError {
    JournalError::Unreadable {
        path: path.to_owned(),
        problem,
    }
}

fn configure(conn: &Connection, role: Role) -> rusqlite::Result<()> {
    match role {
        // Every commit reaches the card before it returns (invariant 1).
        Role::Writer => conn.pragma_update(None, "synchronous", "FULL"),
        // Forgetting an acknowledgement only means sending again; a sync would cost the card.
        Role::Daemon => conn.pragma_update(None, "synchronous", "NORMAL"),
        Role::Reader => conn.pragma_update(None, "query_only", true),
    }
}

/// The name of a new file is on the card only after its folder is synced; SQLite does that for the
/// WAL, not for the database itself.
pub(super) fn sync_folder(path: &Path) -> Result<(), JournalError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| JournalError::Io {
            doing: "sync folder",
            path: folder.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without this every test of records still passes, and a power cut takes ratings that people
    /// were thanked for.
    #[test]
    fn the_writer_syncs_every_commit_also_in_a_journal_that_was_there_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        for start in ["first", "second"] {
            let conn = open(&path, Role::Writer).unwrap();
            let mode: String = conn
                .pragma_query_value(None, "journal_mode", |r| r.get(0))
                .unwrap();
            let synchronous: i64 = conn
                .pragma_query_value(None, "synchronous", |r| r.get(0))
                .unwrap();
            // 2 is FULL: in WAL mode each commit is synced before it returns.
            assert_eq!((mode.as_str(), synchronous), ("wal", 2), "{start} start");
        }
    }
}

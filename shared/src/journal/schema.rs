//! The journal file: its tables, its marks, and opening it without ever harming it.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::JournalError;

/// `PRAGMA application_id` of a journal: "Many" in ASCII. Frozen.
pub const APPLICATION_ID: i64 = 0x4d61_6e79;

/// The version this program reads and writes (`PRAGMA user_version`).
pub const SCHEMA_VERSION: i64 = 1;

/// Terminal and daemon write in turns of a few milliseconds; five seconds means something hangs.
const BUSY: Duration = Duration::from_secs(5);

/// The smallest page size of SQLite, in bytes.
const SHORTEST_DATABASE: u64 = 512;

/// Two tables and a note. `record` has no rowid: appends go to the right end of one tree, so a
/// commit writes one page. `acknowledged` is a table of its own so that noting an acknowledgement
/// never rewrites a page with records on it.
const CREATE: &str = "
    CREATE TABLE stream (
        stream_no   INTEGER PRIMARY KEY,
        stream_id   BLOB NOT NULL UNIQUE,
        terminal_id BLOB NOT NULL
    );
    CREATE TABLE record (
        stream_no INTEGER NOT NULL REFERENCES stream,
        seq       INTEGER NOT NULL,
        bytes     BLOB NOT NULL,
        hash      BLOB NOT NULL,
        PRIMARY KEY (stream_no, seq)
    ) WITHOUT ROWID;
    CREATE TABLE acknowledged (
        stream_no INTEGER PRIMARY KEY REFERENCES stream,
        seq       INTEGER NOT NULL,
        hash      BLOB NOT NULL
    );
    CREATE TABLE note (
        name  TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) WITHOUT ROWID;
";

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
    let fresh = !path.exists();
    if fresh && role != Role::Writer {
        return Err(JournalError::Missing {
            path: path.to_owned(),
        });
    }
    let unreadable = |problem: &dyn std::fmt::Display| JournalError::Unreadable {
        path: path.to_owned(),
        problem: problem.to_string(),
    };
    // SQLite takes a file shorter than its own header for an empty database and writes over it.
    let length = std::fs::metadata(path).map_or(0, |m| m.len());
    if (1..SHORTEST_DATABASE).contains(&length) {
        return Err(unreadable(&format_args!("it has only {length} bytes")));
    }
    let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags |= match role {
        Role::Writer => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Role::Daemon => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Role::Reader => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let mut conn = Connection::open_with_flags(path, flags).map_err(|e| unreadable(&e))?;
    conn.busy_timeout(BUSY).map_err(|e| unreadable(&e))?;
    conn.pragma_update(None, "cache_size", CACHE_KIB)
        .map_err(|e| unreadable(&e))?;
    if role == Role::Writer && is_blank(&conn).map_err(|e| unreadable(&e))? {
        create(&mut conn).map_err(|e| unreadable(&e))?;
    }
    check_marks(&conn, path)?;
    if role == Role::Writer {
        check_pages(&conn).map_err(|problem| unreadable(&problem))?;
    }
    configure(&conn, role).map_err(|e| unreadable(&e))?;
    if fresh {
        sync_folder(path)?;
    }
    Ok(conn)
}

/// No tables and no marks: a file that was just created, or whose creation was cut short.
fn is_blank(conn: &Connection) -> rusqlite::Result<bool> {
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))?;
    let id: i64 = conn.pragma_query_value(None, "application_id", |r| r.get(0))?;
    Ok(tables == 0 && id == 0)
}

fn create(conn: &mut Connection) -> rusqlite::Result<()> {
    // The journal mode is set first: it cannot change inside the transaction that makes the tables.
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    let tx = conn.transaction()?;
    tx.execute_batch(CREATE)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    tx.commit()
}

fn check_marks(conn: &Connection, path: &Path) -> Result<(), JournalError> {
    let unreadable = |problem: String| JournalError::Unreadable {
        path: path.to_owned(),
        problem,
    };
    let mark = |name: &str| -> Result<i64, JournalError> {
        conn.pragma_query_value(None, name, |r| r.get(0))
            .map_err(|e| unreadable(e.to_string()))
    };
    let id = mark("application_id")?;
    if id != APPLICATION_ID {
        return Err(unreadable(format!(
            "its application id is {id:#x}, not a journal's"
        )));
    }
    match mark("user_version")? {
        SCHEMA_VERSION => Ok(()),
        found if found > SCHEMA_VERSION => Err(JournalError::Newer {
            path: path.to_owned(),
            found,
        }),
        found => Err(unreadable(format!("version {found} was never released"))),
    }
}

/// Reads every page once. A few milliseconds per thousand ratings; a damaged page found now is a
/// message on the screen, found later it is a lost rating.
pub(super) fn check_pages(conn: &Connection) -> Result<(), String> {
    let verdict: String = conn
        .query_row("PRAGMA quick_check(1)", [], |r| r.get(0))
        .map_err(|e| e.to_string())?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(verdict)
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
fn sync_folder(path: &Path) -> Result<(), JournalError> {
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

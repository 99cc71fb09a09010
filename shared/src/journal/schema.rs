//! The journal's tables and marks: making them, upgrading them, telling ours from others.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// `PRAGMA application_id` of a journal: "Many" in ASCII. Frozen.
pub const APPLICATION_ID: i64 = 0x4d61_6e79;

/// The version this program writes (`PRAGMA user_version`). It upgrades version 1.
///
/// A version with another number must have other tables or columns, too: that is how a newer
/// version is told from a damaged number.
pub const SCHEMA_VERSION: i64 = 2;

/// The page size of new journals, in bytes. A commit writes the page it changes: with SQLite's usual
/// 4096 twice the bytes go to the card (`docs/decisions/0017-damaged-and-full.md` has the figures).
/// A rating still fits into its page without an overflow page, which it would not with 512.
const PAGE_SIZE: i64 = 1024;

/// `record` has no rowid: appends go to the right end of one tree, so a commit writes one page.
/// `acknowledged` is a table of its own so that noting an acknowledgement never rewrites a page with
/// records on it.
///
/// - `stream.suite`: hash and signature of the stream.
/// - `stream.pruned`, `stream.base`: the last pruned position and the chain there; 0 and NULL while
///   the stream is there from its start.
/// - `fold`: counts of positions `first..=last` (`wire::Fold` as `bytes`, with their SHA-256 as
///   `digest`), which have no rows in `record` any more.
/// - `offered`: how far records were handed to the daemon: what the centre may already have is not
///   folded.
/// - `rescued`: what a salvage that is not finished has already sealed as rescued.
const CREATE: &str = "
    CREATE TABLE stream (
        stream_no   INTEGER PRIMARY KEY,
        stream_id   BLOB NOT NULL UNIQUE,
        terminal_id BLOB NOT NULL,
        suite       INTEGER NOT NULL DEFAULT 1,
        pruned      INTEGER NOT NULL DEFAULT 0,
        base        BLOB
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

/// What version 2 added, for a file of either version.
const CREATE_V2: &str = "
    CREATE TABLE fold (
        stream_no INTEGER NOT NULL REFERENCES stream,
        first     INTEGER NOT NULL,
        last      INTEGER NOT NULL,
        head      BLOB NOT NULL,
        bytes     BLOB NOT NULL,
        digest    BLOB NOT NULL,
        PRIMARY KEY (stream_no, first)
    ) WITHOUT ROWID;
    CREATE TABLE offered (
        stream_no INTEGER PRIMARY KEY REFERENCES stream,
        seq       INTEGER NOT NULL
    );
    CREATE TABLE rescued (
        stream_id BLOB NOT NULL,
        seq       INTEGER NOT NULL,
        PRIMARY KEY (stream_id, seq)
    ) WITHOUT ROWID;
";

/// From version 1: new columns, and for every stream whose start was pruned the chain before what is
/// left. Version 1 did not keep that chain, so the first record that is left gives it and goes; the
/// centre has that record. Where everything was pruned, the acknowledgement has the chain.
const UPGRADE_V1: &str = "
    ALTER TABLE stream ADD COLUMN suite INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE stream ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE stream ADD COLUMN base BLOB;
    UPDATE stream SET (pruned, base) = (
        SELECT r.seq, r.hash FROM record r WHERE r.stream_no = stream.stream_no
        ORDER BY r.seq LIMIT 1)
    WHERE (SELECT min(seq) FROM record r WHERE r.stream_no = stream.stream_no)
        BETWEEN 2 AND (SELECT seq FROM acknowledged a WHERE a.stream_no = stream.stream_no);
    DELETE FROM record WHERE (stream_no, seq) IN
        (SELECT stream_no, pruned FROM stream WHERE pruned > 0);
    UPDATE stream SET (pruned, base) = (
        SELECT a.seq, a.hash FROM acknowledged a WHERE a.stream_no = stream.stream_no)
    WHERE pruned = 0
      AND coalesce((SELECT min(seq) FROM record r WHERE r.stream_no = stream.stream_no), 9e18)
        > (SELECT seq FROM acknowledged a WHERE a.stream_no = stream.stream_no) ;
";

/// The columns of every table of a version, by name.
type Shape = BTreeMap<String, BTreeSet<String>>;

/// What a file that SQLite can open is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// No tables and no marks: a file that was just created, or whose creation was cut short.
    Blank,
    /// A journal of this version, or of the one before.
    Journal {
        /// Its version.
        version: i64,
    },
    /// A newer program wrote it.
    Newer(i64),
    /// Another program's database.
    Foreign(String),
    /// Marks or tables contradict each other: it was a journal once.
    Damaged(String),
}

/// Makes the tables of a new journal.
pub(super) fn create(conn: &mut Connection) -> rusqlite::Result<()> {
    // Page size and journal mode cannot change inside the transaction that makes the tables.
    conn.pragma_update(None, "page_size", PAGE_SIZE)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    let tx = conn.transaction()?;
    tx.execute_batch(CREATE)?;
    tx.execute_batch(CREATE_V2)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    tx.commit()
}

/// Brings a journal of version 1 to the present one, whole or not at all.
pub(super) fn upgrade(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "synchronous", "FULL")?;
    let tx = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    // Terminal and daemon may both have seen version 1.
    if mark(&tx, "user_version")? == 1 {
        tx.execute_batch(UPGRADE_V1)?;
        tx.execute_batch(CREATE_V2)?;
        tx.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    tx.commit()
}

/// Tells what a file is by its marks and tables. A mark alone is not believed: one flipped bit must
/// not make a terminal take its own journal for another program's.
pub(super) fn kind(conn: &Connection) -> rusqlite::Result<Kind> {
    let id = mark(conn, "application_id")?;
    let version = mark(conn, "user_version")?;
    let tables = shape(conn)?;
    let known = [1, SCHEMA_VERSION]
        .into_iter()
        .find(|version| tables == expected(*version));
    let ours = id == APPLICATION_ID;
    Ok(match known {
        None if tables.is_empty() && id == 0 && version == 0 => Kind::Blank,
        Some(known) if ours && version == known => Kind::Journal { version },
        Some(known) => Kind::Damaged(format!(
            "its tables are those of version {known}, but it says version {version} of application {id:#x}"
        )),
        None if ours && version > SCHEMA_VERSION => Kind::Newer(version),
        None if ours => Kind::Damaged(format!("its tables are not those of version {version}")),
        None if tables.contains_key("record") && tables.contains_key("acknowledged") => {
            Kind::Damaged(format!("its application id is {id:#x}, not a journal's"))
        }
        None => Kind::Foreign(format!("its application id is {id:#x}, not a journal's")),
    })
}

fn mark(conn: &Connection, name: &str) -> rusqlite::Result<i64> {
    conn.pragma_query_value(None, name, |row| row.get(0))
}

fn shape(conn: &Connection) -> rusqlite::Result<Shape> {
    let mut columns = conn.prepare(
        "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )?;
    let mut tables = Shape::new();
    let mut rows = columns.query([])?;
    while let Some(row) = rows.next()? {
        let (table, column) = (row.get(0)?, row.get(1)?);
        tables.entry(table).or_default().insert(column);
    }
    Ok(tables)
}

/// The tables of a version as they stand in the texts above.
fn expected(version: i64) -> Shape {
    let v1: &[(&str, &[&str])] = &[
        ("stream", &["stream_no", "stream_id", "terminal_id"]),
        ("record", &["stream_no", "seq", "bytes", "hash"]),
        ("acknowledged", &["stream_no", "seq", "hash"]),
        ("note", &["name", "value"]),
    ];
    let v2: &[(&str, &[&str])] = &[
        ("stream", &["suite", "pruned", "base"]),
        (
            "fold",
            &["stream_no", "first", "last", "head", "bytes", "digest"],
        ),
        ("offered", &["stream_no", "seq"]),
        ("rescued", &["stream_id", "seq"]),
    ];
    let later = if version == 1 { &[] } else { v2 };
    let mut tables = Shape::new();
    for (table, columns) in v1.iter().chain(later) {
        let known = tables.entry((*table).to_owned()).or_default();
        known.extend(columns.iter().map(|column| (*column).to_owned()));
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_that_are_made_are_the_tables_that_are_expected() {
        let mut made = Connection::open_in_memory().unwrap();
        create(&mut made).unwrap();
        let version = SCHEMA_VERSION;
        assert_eq!(kind(&made).unwrap(), Kind::Journal { version });
    }

    #[rstest::rstest]
    #[case::another_application("PRAGMA application_id = 7", "application 0x7")]
    #[case::a_later_version("PRAGMA user_version = 66", "version 66")]
    #[case::no_version("PRAGMA user_version = 0", "version 0")]
    #[case::a_table_less("DROP TABLE acknowledged", "not those of version 2")]
    fn one_wrong_mark_is_damage_not_a_stranger(#[case] harm: &str, #[case] said: &str) {
        let mut conn = Connection::open_in_memory().unwrap();
        create(&mut conn).unwrap();
        conn.execute_batch(harm).unwrap();
        let Kind::Damaged(problem) = kind(&conn).unwrap() else {
            panic!("{:?}", kind(&conn))
        };
        assert!(problem.contains(said), "{problem}");
    }

    #[test]
    fn a_newer_version_has_other_tables() {
        let mut conn = Connection::open_in_memory().unwrap();
        create(&mut conn).unwrap();
        conn.execute_batch("CREATE TABLE more (x); PRAGMA user_version = 3")
            .unwrap();
        assert_eq!(kind(&conn).unwrap(), Kind::Newer(3));
    }
}

//! How much of the card the journal takes.

use std::path::Path;

use rusqlite::Connection;

/// From this size on, in bytes, it is noted what was handed to the daemon. Far below the smallest cap
/// at which anything is folded, and far above what a connected tablet ever holds.
pub(super) const OFFERS_ARE_NOTED_FROM: u64 = 8 * 1024 * 1024;

/// Bytes of the file that hold something. SQLite uses freed pages again, so the file itself grows
/// no further than this ever was.
pub(super) fn used(conn: &Connection) -> rusqlite::Result<u64> {
    let pages = value(conn, "page_count")?.saturating_sub(value(conn, "freelist_count")?);
    Ok(pages.saturating_mul(value(conn, "page_size")?))
}

/// Bytes of the file that were freed and will be used again.
pub(super) fn spare(conn: &Connection) -> rusqlite::Result<u64> {
    Ok(value(conn, "freelist_count")?.saturating_mul(value(conn, "page_size")?))
}

fn value(conn: &Connection, name: &str) -> rusqlite::Result<u64> {
    conn.pragma_query_value(None, name, |row| row.get(0))
}

/// Free bytes of the card; none when the system does not say.
pub(super) fn free(journal: &Path) -> Option<u64> {
    let folder = journal.parent().filter(|f| !f.as_os_str().is_empty());
    let stat = rustix::fs::statvfs(folder.unwrap_or(Path::new("."))).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

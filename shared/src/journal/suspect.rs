//! The mark by which the daemon tells the terminal that it has found damage: an empty file beside the
//! journal. The terminal alone sets a journal aside, because it alone writes records.
//!
//! **Crash**: a mark that is lost is made again when the daemon reads the same place again; one that is
//! left over costs the terminal one check.

use std::path::{Path, PathBuf};

fn path(journal: &Path) -> PathBuf {
    journal.with_extension("suspect")
}

/// Says that the journal should be looked at.
pub(super) fn mark(journal: &Path) {
    // A card that takes no file either is reported by the heartbeat all the same.
    drop(std::fs::write(path(journal), []));
}

/// Whether the daemon has found damage in the journal at `path` since it was opened.
#[must_use]
pub fn is_suspect(journal: &Path) -> bool {
    path(journal).exists()
}

/// The journal was looked at.
pub(super) fn clear(journal: &Path) {
    drop(std::fs::remove_file(path(journal)));
}

//! A file without meaning that is given up when the card is full: folding frees room inside the
//! journal, but its own commit needs some first, and a journal that was closed in order has no log left
//! to write it into.

use std::path::{Path, PathBuf};

use super::size;

/// Enough for the log of some folds, in bytes.
const LENGTH: usize = 2 * 1024 * 1024;

/// The ballast is taken only where this much is free, in bytes.
const PLENTY: u64 = 64 * 1024 * 1024;

/// With less than this, in bytes, the next commits may not find room.
pub(super) const SCARCE: u64 = 1024 * 1024;

fn path(journal: &Path) -> PathBuf {
    journal.with_extension("ballast")
}

/// Takes ballast while there is plenty of room. A card that has none is no reason not to go on.
pub(super) fn take(journal: &Path) {
    let path = path(journal);
    let plenty = size::free(journal).is_some_and(|free| free > PLENTY);
    if plenty && !path.exists() {
        // Half of it is worth as much as none, and no harm.
        drop(std::fs::write(&path, vec![0; LENGTH]));
    }
}

/// Whether the card has next to nothing left.
pub(super) fn is_scarce(journal: &Path) -> bool {
    size::free(journal).is_some_and(|free| free < SCARCE)
}

/// Gives the ballast up.
pub(super) fn give_up(journal: &Path) {
    drop(std::fs::remove_file(path(journal)));
}

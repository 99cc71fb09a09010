//! Setting damaged files aside: renamed within their folder, never deleted, never written over.
//!
//! `journal.sqlite` becomes `journal.damaged-<n>.sqlite`, its `-wal` and `-shm` likewise. The database
//! goes first: while there is no database, nothing takes a left-over log for its own.
//!
//! **Crash**: between the renames the log still has its old name and there is no database;
//! [`finish`] puts them together again at the next start, before anything is opened. A set-aside
//! file is salvaged at every start until its report `journal.damaged-<n>.json` is there.

use std::fs::{self, File};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use super::super::JournalError;
use super::super::open::sync_folder;

/// The files that belong to a database, as SQLite names them.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A log without frames, in bytes: there is nothing in it.
const EMPTY_WAL: u64 = 32;

/// A journal that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Aside {
    /// Counts from 1; a later one has a higher number.
    pub(super) number: u32,
    pub(super) path: PathBuf,
}

impl Aside {
    fn of(journal: &Path, number: u32) -> Self {
        let stem = journal.file_stem().unwrap_or_default().to_string_lossy();
        let path = journal.with_file_name(format!("{stem}.damaged-{number}.sqlite"));
        Self { number, path }
    }

    pub(super) fn wal(&self) -> PathBuf {
        beside(&self.path, "-wal")
    }

    /// Where it is written down that everything was saved.
    pub(super) fn report(&self) -> PathBuf {
        self.path.with_extension("json")
    }
}

/// All set-aside journals beside this one, oldest first.
pub(super) fn all(journal: &Path) -> Result<Vec<Aside>, JournalError> {
    let folder = folder(journal);
    let stem = journal.file_stem().unwrap_or_default().to_string_lossy();
    let prefix = format!("{stem}.damaged-");
    let mut found = Vec::new();
    let list = fs::read_dir(folder).map_err(|e| io("list", folder, e))?;
    for entry in list {
        let name = entry.map_err(|e| io("list", folder, e))?.file_name();
        let number = name
            .to_string_lossy()
            .strip_prefix(&prefix)
            .and_then(|rest| rest.split('.').next()?.parse().ok());
        found.extend(number.map(|number| Aside::of(journal, number)));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Sets the journal aside under the next free number.
pub(super) fn set(journal: &Path) -> Result<Aside, JournalError> {
    let number = all(journal)?.last().map_or(0, |last| last.number);
    let aside = Aside::of(journal, number.saturating_add(1));
    if journal.exists() {
        rename(journal, &aside.path)?;
    } else {
        // A log alone: its database's name stands for it, so that the two are found together.
        File::create_new(&aside.path).map_err(|e| io("create", &aside.path, e))?;
    }
    move_beside(journal, &aside)?;
    sync_folder(journal)?;
    Ok(aside)
}

/// Ends a setting aside that was cut short, and sets aside a log whose database is gone. Answers
/// whether a log stood alone.
pub(super) fn finish(journal: &Path) -> Result<bool, JournalError> {
    let log = beside(journal, "-wal");
    let lost = journal.metadata().map_or(0, |m| m.len()) == 0
        && log.metadata().is_ok_and(|m| m.len() > EMPTY_WAL);
    if !lost {
        return Ok(false);
    }
    if let Some(last) = all(journal)?.pop()
        && !journal.exists()
        && !last.wal().exists()
        && !last.report().exists()
    {
        move_beside(journal, &last)?;
        sync_folder(journal)?;
        return Ok(false);
    }
    set(journal)?;
    Ok(true)
}

fn move_beside(journal: &Path, aside: &Aside) -> Result<(), JournalError> {
    for suffix in BESIDE {
        let from = beside(journal, suffix);
        if from.exists() {
            rename(&from, &beside(&aside.path, suffix))?;
        }
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<(), JournalError> {
    if to.exists() {
        let error = Error::from(ErrorKind::AlreadyExists);
        return Err(io("set aside as", to, error));
    }
    fs::rename(from, to).map_err(|e| io("set aside", from, e))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn io(doing: &'static str, path: &Path, source: Error) -> JournalError {
    JournalError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

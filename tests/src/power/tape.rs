//! Keeps what SQLite did in one folder, in order.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, anyhow};

use super::vfs::{self, Call};

/// A file's name inside the folder.
pub type Name = Arc<str>;

/// One thing that was asked of the disk and done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A file was made.
    Create(Name),
    /// A file was put there by other means than SQLite, with this content. The program that renames
    /// a file into its place has synced it before and syncs the folder after.
    Place(Name, Arc<[u8]>),
    /// Bytes were written from `offset` on.
    Write {
        /// The file.
        file: Name,
        /// In bytes from its start.
        offset: usize,
        /// What was written.
        bytes: Arc<[u8]>,
    },
    /// A file was cut to this length in bytes.
    Truncate(Name, usize),
    /// A file's content was synced.
    Sync(Name),
    /// A file was removed.
    Delete(Name),
    /// The folder was synced: the names in it.
    SyncFolder,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(file) => write!(f, "create {file}"),
            Self::Place(file, bytes) => write!(f, "place {file}: {} bytes", bytes.len()),
            Self::Write {
                file,
                offset,
                bytes,
            } => write!(f, "write {file}: {} bytes at {offset}", bytes.len()),
            Self::Truncate(file, len) => write!(f, "truncate {file} to {len} bytes"),
            Self::Sync(file) => write!(f, "sync {file}"),
            Self::Delete(file) => write!(f, "delete {file}"),
            Self::SyncFolder => write!(f, "sync the folder"),
        }
    }
}

impl Event {
    /// Whether this syncs the file of this name.
    #[must_use]
    pub fn syncs(&self, name: &str) -> bool {
        matches!(self, Self::Sync(file) if &**file == name)
    }
}

#[derive(Debug, Default)]
struct Reel {
    events: Vec<Event>,
    /// The files that are on the tape or were there before it began.
    known: BTreeSet<Name>,
}

type Events = Arc<Mutex<Reel>>;

/// The folders that are being recorded. Few, and looked through at each call in any of them.
static RUNNING: Mutex<Vec<(PathBuf, Events)>> = Mutex::new(Vec::new());

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn events_of(path: &Path) -> Option<Events> {
    let folder = path.parent()?;
    locked(&RUNNING)
        .iter()
        .find(|(of, _)| of == folder)
        .map(|(_, events)| Arc::clone(events))
}

/// Whether the folder of this file is being recorded.
pub(super) fn hears(path: &Path) -> bool {
    events_of(path).is_some()
}

/// Puts a call on the tape of the file's folder.
pub(super) fn hear(path: &Path, call: Call<'_>) {
    let name = path.file_name().and_then(std::ffi::OsStr::to_str);
    let (Some(events), Some(name)) = (events_of(path), name) else {
        return;
    };
    let file = Name::from(name);
    let mut reel = locked(&events);
    let new = match call {
        Call::Deleted => {
            reel.known.remove(&file);
            false
        }
        _ => reel.known.insert(Name::clone(&file)),
    };
    let event = match call {
        Call::Created => Event::Create(file),
        Call::Opened if new => Event::Place(file, std::fs::read(path).unwrap_or_default().into()),
        Call::Opened => return,
        Call::Wrote { offset, bytes } => Event::Write {
            file,
            offset: usize::try_from(offset).unwrap_or(usize::MAX),
            bytes: bytes.into(),
        },
        Call::Truncated(len) => Event::Truncate(file, usize::try_from(len).unwrap_or(usize::MAX)),
        Call::Synced => Event::Sync(file),
        Call::Deleted => Event::Delete(file),
        Call::FolderSynced => Event::SyncFolder,
    };
    reel.events.push(event);
}

/// A running recording of one folder. Dropping it ends it.
#[derive(Debug)]
pub struct Tape {
    folder: PathBuf,
    events: Events,
}

impl Tape {
    /// Records what SQLite does in this folder from now on, through connections opened from now on.
    ///
    /// # Errors
    /// When the folder is not there, or SQLite does not take the hearing VFS.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        vfs::install().map_err(|code| anyhow!("SQLite refused the hearing VFS: {code}"))?;
        // SQLite resolves links before it opens.
        let folder = folder
            .canonicalize()
            .with_context(|| format!("could not find folder `{}`", folder.display()))?;
        let events = Events::default();
        for entry in std::fs::read_dir(&folder)? {
            if let Some(name) = entry?.file_name().to_str() {
                locked(&events).known.insert(name.into());
            }
        }
        locked(&RUNNING).push((folder.clone(), Arc::clone(&events)));
        Ok(Self { folder, events })
    }

    /// How much is on the tape: the number of events until now.
    #[must_use]
    pub fn position(&self) -> usize {
        locked(&self.events).events.len()
    }

    /// Ends the recording and hands it over.
    #[must_use]
    pub fn stop(self) -> Vec<Event> {
        std::mem::take(&mut locked(&self.events).events)
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        locked(&RUNNING).retain(|(folder, _)| folder != &self.folder);
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// What is heard is all there is: applied to nothing it gives the files that SQLite made.
    #[test]
    fn the_tape_of_a_database_is_the_database() {
        let folder = tempfile::tempdir().expect("a folder");
        let tape = Tape::start(folder.path()).expect("a tape");
        let path = folder.path().join("a.db");
        let conn = Connection::open(&path).expect("opens");
        conn.pragma_update(None, "journal_mode", "WAL")
            .expect("WAL");
        conn.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(9000));")
            .expect("writes");
        let mut disk = super::super::disk::Disk::default();
        let events = tape.stop();
        for event in &events {
            disk.apply(event);
        }
        let seen = disk.visible();
        for name in ["a.db", "a.db-wal"] {
            let on_disk = std::fs::read(folder.path().join(name)).expect("is there");
            assert!(seen.get(name) == Some(&on_disk), "{name} is another");
        }
        assert!(events.iter().any(|event| event.syncs("a.db-wal")));
        assert!(events.contains(&Event::SyncFolder));
        assert!(events.contains(&Event::Delete("a.db-journal".into())));
    }

    #[test]
    fn another_folder_is_not_heard() {
        let [heard, other] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let tape = Tape::start(heard.path()).expect("a tape");
        let conn = Connection::open(other.path().join("a.db")).expect("opens");
        conn.execute_batch("CREATE TABLE t (x)").expect("writes");
        assert_eq!(tape.position(), 0);
    }
}

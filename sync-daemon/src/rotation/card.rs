//! The file operations of a rotation, one by one: a power cut may come between any two.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use manyi_shared::tablet::FileError;

/// A card that files lie on.
pub(super) trait Card {
    /// The content of a file; none when it is not there.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError>;
    /// Makes a file that only its owner reads, in place of one that may be there.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), FileError>;
    /// When this returns, the content survives a power cut.
    fn sync(&self, path: &Path) -> Result<(), FileError>;
    /// Puts a file in the place of another.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError>;
    /// Removes a file; it may be gone already, and may be back after a power cut.
    fn remove(&self, path: &Path) -> Result<(), FileError>;
    /// When this returns, the names in the file's folder survive a power cut.
    fn sync_folder(&self, path: &Path) -> Result<(), FileError>;
}

/// The real one.
#[derive(Debug)]
pub(super) struct Disk;

fn fault(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError {
        doing,
        path,
        source,
    }
}

impl Card for Disk {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault("read", path)(error)),
        }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), FileError> {
        // A left-over of a crash has a stranger's mode; a fresh file has ours.
        self.remove(path)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let written = options
            .open(path)
            .and_then(|mut file| file.write_all(bytes));
        written.map_err(fault("write", path))
    }

    fn sync(&self, path: &Path) -> Result<(), FileError> {
        let synced = File::open(path).and_then(|file| file.sync_all());
        synced.map_err(fault("sync", path))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        fs::rename(from, to).map_err(fault("replace", to))
    }

    fn remove(&self, path: &Path) -> Result<(), FileError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(fault("remove", path)(error)),
            _ => Ok(()),
        }
    }

    fn sync_folder(&self, path: &Path) -> Result<(), FileError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(fault("sync folder", folder))
    }
}

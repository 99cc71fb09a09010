//! Replacing small files so that a crash leaves the old or the new one, never half of one.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A file operation that failed, and on what.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing} `{path}`")]
pub struct FileError {
    /// What was being done.
    pub doing: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}

/// Makes `path` hold exactly `bytes`, readable by its owner alone (mode 0600).
///
/// Written beside, synced, renamed over, folder synced: when this returns the new content survives
/// a power cut, and until then the old one is untouched.
///
/// # Errors
/// [`FileError`]; the old content is still there, except when syncing the folder failed, which
/// leaves either.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let at = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| FileError {
            doing,
            path,
            source,
        }
    };
    let beside = path.with_extension("new");
    let folder = path.parent().unwrap_or(Path::new("."));
    // A left-over of a crash has a stranger's mode; a fresh file has ours.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(at("remove left-over", &beside)(error));
        }
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .map_err(at("create", &beside))?;
    file.write_all(bytes).map_err(at("write", &beside))?;
    file.sync_all().map_err(at("sync", &beside))?;
    fs::rename(&beside, path).map_err(at("replace", path))?;
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(at("sync folder", folder))
}

/// Makes sure a data folder exists; one that is made here only its owner may enter (mode 0700).
///
/// # Errors
/// [`FileError`] when it cannot be made.
pub fn ensure_folder(path: &Path) -> Result<(), FileError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| FileError {
            doing: "make folder",
            path: path.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.cbor");
        replace(&path, b"old").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_left_over_of_a_crash_does_not_stand_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.cbor");
        fs::write(path.with_extension("new"), b"half").unwrap();
        replace(&path, b"whole").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let error = replace(Path::new("/nowhere/at/all/x.cbor"), b"").unwrap_err();
        assert!(
            error.to_string().contains("/nowhere/at/all/x.new"),
            "{error}"
        );
    }
}

//! One daemon a data folder: two would number their exchanges from the same reserve.
//!
//! **Crash**: the kernel releases the lock when the process ends, however it ends; the file stays
//! and means nothing by itself.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use manyi_shared::tablet::DataDir;

/// The lock, held as long as this lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why the data folder is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds the lock.
    #[error(
        "another manyi-sync works in `{folder}`; stop it first (systemctl stop manyi-sync) or name another --data-dir"
    )]
    Held {
        /// The data folder.
        folder: PathBuf,
    },
    /// The lock file cannot be made or locked.
    #[error("could not lock `{path}`")]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Lock {
    /// Takes the lock of a data folder.
    ///
    /// # Errors
    /// [`LockError::Held`] when another daemon or enrolment is at work there.
    pub fn take(data: &DataDir) -> Result<Self, LockError> {
        let path = data.path().join("sync.lock");
        let fault = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        let file = options.open(&path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(LockError::Held {
                folder: data.path().to_owned(),
            }),
            Err(std::fs::TryLockError::Error(source)) => Err(fault(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_daemon_is_told_who_is_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        let held = Lock::take(&data).unwrap();
        let error = Lock::take(&data).unwrap_err();
        assert!(error.to_string().contains("another manyi-sync"), "{error}");
        drop(held);
        Lock::take(&data).unwrap();
    }
}

//! Where the terminal's secret key comes from, and that nobody else reads it.
//!
//! A file in the data folder, or a systemd credential (`LoadCredentialEncrypted=` seals it to the
//! machine's TPM). A further source, a kernel keyring or a chip that signs, would be a variant here.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::wire::{SecretKey, Suite};

use super::DataDir;
use super::identity::{IdentityError, load_or_create_key, read_key};
use crate::files::FileError;

/// The credential's name in the unit: `LoadCredentialEncrypted=manyi-identity-key`.
pub const KEY_CREDENTIAL: &str = "manyi-identity-key";

/// Where the key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file that this program makes and replaces.
    File(PathBuf),
    /// A credential that systemd hands to the service, for reading only.
    Credential(PathBuf),
}

impl KeySource {
    /// The credential when this folder has it, otherwise the file.
    #[must_use]
    pub fn of(data: &DataDir, credentials: Option<&Path>) -> Self {
        let credential = credentials.map(|folder| folder.join(KEY_CREDENTIAL));
        match credential.filter(|path| path.is_file()) {
            Some(path) => Self::Credential(path),
            None => Self::File(data.key()),
        }
    }

    /// The source for this process, by `$CREDENTIALS_DIRECTORY`.
    #[must_use]
    pub fn of_service(data: &DataDir) -> Self {
        let folder = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self::of(data, folder.as_deref())
    }

    /// The file that is read.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Credential(path) => path,
        }
    }

    /// The key.
    ///
    /// # Errors
    /// [`IdentityError::NotEnrolled`] when there is none, otherwise what is wrong with it.
    pub fn read(&self) -> Result<SecretKey, IdentityError> {
        read_key(self.path())
    }

    /// The key; a file is made in this suite when there is none.
    ///
    /// # Errors
    /// [`IdentityError`]; an existing key is never replaced.
    pub fn read_or_create(&self, suite: Suite) -> Result<SecretKey, IdentityError> {
        match self {
            Self::File(path) => load_or_create_key(path, suite),
            Self::Credential(path) => read_key(path),
        }
    }

    /// Makes sure that only its owner can read the file (mode 0600). Says whether others could until
    /// now. A credential is guarded by systemd, and a file that is not there needs no guard.
    ///
    /// # Errors
    /// [`FileError`] when others can read it and that cannot be changed.
    pub fn guard(&self) -> Result<bool, FileError> {
        let Self::File(path) = self else {
            return Ok(false);
        };
        let Ok(found) = fs::metadata(path) else {
            return Ok(false);
        };
        if found.permissions().mode() & 0o077 == 0 {
            return Ok(false);
        }
        match fs::set_permissions(path, fs::Permissions::from_mode(0o600)) {
            Ok(()) => Ok(true),
            Err(source) => Err(FileError {
                doing: "keep others from reading (chmod 600)",
                path: path.clone(),
                source,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> (tempfile::TempDir, DataDir) {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        (folder, data)
    }

    #[test]
    fn a_credential_is_used_when_there_is_one_and_never_made() {
        let (folder, data) = data();
        let credentials = folder.path().join("credentials");
        fs::create_dir(&credentials).unwrap();
        let file = KeySource::of(&data, Some(&credentials));
        assert_eq!(file, KeySource::File(data.key()));
        assert_eq!(KeySource::of(&data, None), file);
        file.read_or_create(Suite::default()).unwrap();

        let key = SecretKey::from_seed(&[3; 32]);
        fs::write(credentials.join(KEY_CREDENTIAL), key.to_bytes()).unwrap();
        let credential = KeySource::of(&data, Some(&credentials));
        let read = credential.read_or_create(Suite::default()).unwrap();
        assert_eq!(read.public(), key.public());
        assert_eq!(credential.read().unwrap().public(), key.public());
        assert!(!credential.guard().unwrap());
    }

    #[test]
    fn a_key_that_others_could_read_is_guarded_and_that_is_told() {
        let (_folder, data) = data();
        let source = KeySource::of(&data, None);
        assert!(!source.guard().unwrap(), "there is none yet");
        source.read_or_create(Suite::default()).unwrap();
        assert!(!source.guard().unwrap());
        for mode in [0o640, 0o604, 0o777] {
            fs::set_permissions(data.key(), fs::Permissions::from_mode(mode)).unwrap();
            assert!(source.guard().unwrap(), "{mode:o}");
            let now = fs::metadata(data.key()).unwrap().permissions().mode();
            assert_eq!(now & 0o777, 0o600);
        }
    }
}

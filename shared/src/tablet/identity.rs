//! Who the terminal is and whom it trusts: the files that enrolment leaves.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::domain::{HallId, TerminalId, WindowId};
use crate::wire::{PublicKey, SecretKey, Suite};

use crate::files::{FileError, replace};

/// The terminal's identity, given at enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The terminal's id.
    pub terminal: TerminalId,
    /// The hall it stands in.
    pub hall: HallId,
    /// The window it stands at.
    pub window: WindowId,
    /// The collector's key; nothing signed otherwise is believed.
    pub collector: PublicKey,
    /// Where the collector is, as given at enrolment; for example `https://rate.example.cn`.
    pub collector_url: String,
}

/// Why there is no identity to use.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The terminal was never enrolled.
    #[error(
        "this terminal is not enrolled: there is no `{path}`; run `manyi-sync enrol` with a code from the office"
    )]
    NotEnrolled {
        /// The file that is not there.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file does not hold what it should.
    #[error("`{path}` is damaged ({problem}); enrol the terminal again with a new code")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The system has no randomness for a key.
    #[error("could not make a key")]
    Random(#[from] getrandom::Error),
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawIdentity {
    #[n(0)]
    version: u8,
    #[cbor(n(1), with = "minicbor::bytes")]
    terminal: [u8; 16],
    #[n(2)]
    hall: String,
    #[n(3)]
    window: String,
    #[n(4)]
    collector: ByteVec,
    #[n(5)]
    collector_url: String,
}

impl Identity {
    /// Reads the identity file.
    ///
    /// # Errors
    /// [`IdentityError::NotEnrolled`] when there is none, otherwise what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, IdentityError> {
        let bytes = read(path)?.ok_or_else(|| IdentityError::NotEnrolled {
            path: path.to_owned(),
        })?;
        let damaged = |problem: String| IdentityError::Damaged {
            path: path.to_owned(),
            problem,
        };
        let raw: RawIdentity = minicbor::decode(&bytes).map_err(|e| damaged(e.to_string()))?;
        if raw.version != 1 {
            return Err(damaged(format!(
                "version {} is not known here",
                raw.version
            )));
        }
        Ok(Self {
            terminal: TerminalId::from_bytes(raw.terminal),
            hall: HallId::new(raw.hall).map_err(|e| damaged(e.to_string()))?,
            window: WindowId::new(raw.window).map_err(|e| damaged(e.to_string()))?,
            collector: PublicKey::from_bytes(&raw.collector)
                .ok_or_else(|| damaged("the collector's key is no key".to_owned()))?,
            collector_url: raw.collector_url,
        })
    }

    /// Writes the identity file; see [`replace`].
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let raw = RawIdentity {
            version: 1,
            terminal: *self.terminal.as_bytes(),
            hall: self.hall.to_string(),
            window: self.window.to_string(),
            collector: self.collector.as_bytes().to_vec().into(),
            collector_url: self.collector_url.clone(),
        };
        replace(path, &crate::wire::to_cbor(&raw))
    }
}

/// The terminal's secret key.
///
/// # Errors
/// [`IdentityError::NotEnrolled`] when there is none, otherwise what is wrong with it.
pub fn read_key(path: &Path) -> Result<SecretKey, IdentityError> {
    let bytes = read(path)?.ok_or_else(|| IdentityError::NotEnrolled {
        path: path.to_owned(),
    })?;
    key_from(path, &bytes)
}

/// The terminal's secret key, made in this suite and kept on the first call: a repeated enrolment
/// uses the same key, so a lost reply can be asked for again.
///
/// A key that is there is given as it is, of whichever suite.
///
/// # Errors
/// [`IdentityError`]; an existing key is never replaced.
pub fn load_or_create_key(path: &Path, suite: Suite) -> Result<SecretKey, IdentityError> {
    if let Some(bytes) = read(path)? {
        return key_from(path, &bytes);
    }
    let key = SecretKey::generate(suite)?;
    replace(path, &key.to_bytes())?;
    Ok(key)
}

fn key_from(path: &Path, bytes: &[u8]) -> Result<SecretKey, IdentityError> {
    SecretKey::from_bytes(bytes).ok_or_else(|| IdentityError::Damaged {
        path: path.to_owned(),
        problem: format!(
            "its {} bytes are no key: an Ed25519 key has 32, an SM2 key 33",
            bytes.len()
        ),
    })
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError {
            doing: "read",
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(suite: Suite) -> Identity {
        Identity {
            terminal: TerminalId::from_bytes([1; 16]),
            hall: HallId::new("371581-01").unwrap(),
            window: WindowId::new("A01").unwrap(),
            collector: SecretKey::of(suite, &[9; 32]).unwrap().public(),
            collector_url: "http://127.0.0.1:8080".to_owned(),
        }
    }

    #[test]
    fn an_identity_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.cbor");
        for suite in Suite::ALL {
            identity(suite).write(&path).unwrap();
            assert_eq!(Identity::read(&path).unwrap(), identity(suite));
        }
    }

    #[test]
    fn a_terminal_that_was_never_enrolled_is_told_what_to_do() {
        let error = Identity::read(Path::new("/nowhere/identity.cbor")).unwrap_err();
        assert!(error.to_string().contains("manyi-sync enrol"), "{error}");
    }

    /// An identity file as the first release wrote it.
    #[test]
    fn an_identity_of_before_there_were_suites_reads_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.cbor");
        let mut bytes = vec![0xa6, 0x00, 0x01, 0x01, 0x50];
        bytes.extend([1; 16]);
        bytes.extend(b"\x02\x69371581-01\x03\x63A01\x04\x58\x20");
        bytes.extend(SecretKey::from_seed(&[9; 32]).public().as_bytes());
        bytes.extend(b"\x05\x75http://127.0.0.1:8080");
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(
            Identity::read(&path).unwrap(),
            identity(Suite::Ed25519Sha256)
        );
    }

    #[test]
    fn a_damaged_identity_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identity.cbor");
        std::fs::write(&path, [0xa1, 0x00]).unwrap();
        assert!(matches!(
            Identity::read(&path),
            Err(IdentityError::Damaged { .. })
        ));
        assert_eq!(std::fs::read(&path).unwrap(), [0xa1, 0x00]);
    }

    #[test]
    fn a_key_is_made_once_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        for (suite, other) in [
            (Suite::Ed25519Sha256, Suite::Sm2Sm3),
            (Suite::Sm2Sm3, Suite::Ed25519Sha256),
        ] {
            let path = folder.path().join(suite.name());
            let first = load_or_create_key(&path, suite).unwrap().public();
            assert_eq!(first.suite(), suite);
            assert_eq!(load_or_create_key(&path, other).unwrap().public(), first);
            assert_eq!(read_key(&path).unwrap().public(), first);
        }
        let path = folder.path().join("identity.key");
        std::fs::write(&path, b"short").unwrap();
        assert!(matches!(
            load_or_create_key(&path, Suite::default()),
            Err(IdentityError::Damaged { .. })
        ));
        assert_eq!(std::fs::read(&path).unwrap(), b"short");
    }
}

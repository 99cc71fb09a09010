//! The token that opens the hall network's door: made on the tablet, shown once, kept as a digest.
//!
//! `lan-token.json` in the data folder, mode 0600, holds the SHA-256 of the token's text and the
//! window it is for. **Crash**: the file is replaced as a whole.
//!
//! **Invariant**: a token opens the terminal of the window it was made for, and no other: a tablet
//! that was moved has to be given a new one.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use manyi_shared::domain::WindowId;
use manyi_shared::tablet::{DataDir, FileError, replace};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Why a token cannot be made, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The operating system has no random bytes.
    #[error("the system has no random bytes for a token")]
    Random(#[source] getrandom::Error),
    /// The file cannot be written.
    #[error("the token cannot be kept")]
    Keep(#[from] FileError),
    /// The file is there and cannot be read.
    #[error(
        "could not read `{path}`; it must belong to the user that runs the terminal (make tokens \
         as that user)"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is no token file.
    #[error("`{path}` is no token file; make a new token with `manyi-terminal lan-token new`")]
    Decode {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The file cannot be removed.
    #[error("could not remove `{path}`")]
    Remove {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanToken {
    /// SHA-256 of the token's text, in base64.
    sha256: String,
    /// The window that the token is for.
    window: WindowId,
}

/// What a presented token is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Worth {
    /// It opens.
    Good,
    /// It is not the token.
    Wrong,
    /// It is the token, made when the terminal stood at this window.
    OfWindow(WindowId),
}

/// Where the token is kept.
#[must_use]
pub fn path(data: &DataDir) -> PathBuf {
    data.path().join("lan-token.json")
}

impl LanToken {
    /// Makes a token for a window and keeps its digest; the token before it opens nothing any more.
    /// Answers the token's text, which is nowhere else.
    ///
    /// # Errors
    /// [`TokenError::Random`] or [`TokenError::Keep`]; the old token still opens then.
    pub fn make(data: &DataDir, window: WindowId) -> Result<String, TokenError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(TokenError::Random)?;
        let text = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let token = Self {
            sha256: BASE64_STANDARD.encode(Sha256::digest(&text)),
            window,
        };
        let path = path(data);
        let mut json = serde_json::to_vec_pretty(&token).map_err(|source| TokenError::Decode {
            path: path.clone(),
            source,
        })?;
        json.push(b'\n');
        replace(&path, &json)?;
        Ok(text)
    }

    /// The kept token, if there is one.
    ///
    /// # Errors
    /// [`TokenError::Read`] or [`TokenError::Decode`].
    pub fn read(path: &Path) -> Result<Option<Self>, TokenError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                let path = path.to_owned();
                return Err(TokenError::Read { path, source });
            }
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| TokenError::Decode {
                path: path.to_owned(),
                source,
            })
    }

    /// Removes the token; answers whether there was one.
    ///
    /// # Errors
    /// [`TokenError::Remove`].
    pub fn remove(data: &DataDir) -> Result<bool, TokenError> {
        let path = path(data);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(TokenError::Remove { path, source }),
        }
    }

    /// What a presented token is worth at this window. Takes the same time for every wrong token.
    #[must_use]
    pub fn worth(&self, presented: &str, window: Option<&WindowId>) -> Worth {
        let kept = BASE64_STANDARD.decode(&self.sha256).unwrap_or_default();
        let digest = Sha256::digest(presented);
        if !bool::from(digest.as_slice().ct_eq(&kept)) {
            return Worth::Wrong;
        }
        if window == Some(&self.window) {
            Worth::Good
        } else {
            Worth::OfWindow(self.window.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn window(name: &str) -> WindowId {
        WindowId::new(name).unwrap()
    }

    #[test]
    fn a_token_opens_its_own_window_only() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        let text = LanToken::make(&data, window("A01")).unwrap();
        let token = LanToken::read(&path(&data)).unwrap().unwrap();
        let at = |name: &str| token.worth(&text, Some(&window(name)));
        assert_eq!(at("A01"), Worth::Good);
        assert_eq!(at("A02"), Worth::OfWindow(window("A01")));
        assert_eq!(token.worth(&text, None), Worth::OfWindow(window("A01")));
        assert_eq!(token.worth("", Some(&window("A01"))), Worth::Wrong);
        assert_eq!(token.worth(&text[1..], Some(&window("A01"))), Worth::Wrong);
    }

    #[test]
    fn the_token_itself_is_not_kept_and_nobody_else_reads_its_digest() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        let text = LanToken::make(&data, window("A01")).unwrap();
        let kept = std::fs::read_to_string(path(&data)).unwrap();
        assert_eq!(text.len(), 43);
        assert!(!kept.contains(&text), "{kept}");
        let mode = std::fs::metadata(path(&data)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_new_token_takes_the_place_of_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::new(folder.path());
        let old = LanToken::make(&data, window("A01")).unwrap();
        let new = LanToken::make(&data, window("A01")).unwrap();
        let token = LanToken::read(&path(&data)).unwrap().unwrap();
        assert_eq!(token.worth(&old, Some(&window("A01"))), Worth::Wrong);
        assert_eq!(token.worth(&new, Some(&window("A01"))), Worth::Good);
        assert!(LanToken::remove(&data).unwrap());
        assert!(!LanToken::remove(&data).unwrap());
        assert_eq!(LanToken::read(&path(&data)).unwrap(), None);
    }

    #[rstest::rstest]
    #[case::half("{\"sha256\":")]
    #[case::empty("")]
    #[case::other("{\"token\":\"x\"}")]
    fn a_spoilt_file_is_named_and_opens_nothing(#[case] text: &str) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lan-token.json");
        std::fs::write(&file, text).unwrap();
        let error = LanToken::read(&file).unwrap_err().to_string();
        assert!(error.contains("lan-token.json"), "{error}");
    }

    #[test]
    fn a_file_without_a_digest_opens_nothing() {
        let token = LanToken {
            sha256: String::new(),
            window: window("A01"),
        };
        assert_eq!(token.worth("", Some(&window("A01"))), Worth::Wrong);
    }
}

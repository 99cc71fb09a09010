//! The files and ports on a tablet that terminal and daemon share, besides the journal.
//!
//! | name in the data folder | what | who writes |
//! |---|---|---|
//! | `journal.sqlite` | the journal | terminal; the daemon notes acknowledgements |
//! | `journal.damaged-<n>.sqlite…` | a damaged journal, set aside; its `.json` says that it was saved from | terminal |
//! | `journal.lock` | keeps a second terminal out; not empty once there was a journal | terminal |
//! | `journal.ballast` | room that is given up when the card is full | terminal |
//! | `journal.suspect` | "damage was found, look at all of it" | daemon; the terminal removes it |
//! | `identity.key` | the terminal's secret key, mode 0600 | daemon, at enrolment |
//! | `identity.key.previous` | the key before the last rotation, for a centre restored from a backup | daemon |
//! | `identity.key.ed25519`, `identity.key.gm` | one that no enrolment has used yet | daemon, when a code of the other suite comes |
//! | `identity.key.next` | the key that it asks the centre to know, mode 0600 | daemon, while the key is rotated |
//! | `identity.cbor` | who the terminal is and whom it trusts | daemon, at enrolment |
//! | `profile.cose` | what the terminal shows, as signed by the collector | daemon |
//! | `assets/` | pictures and sounds of the profile, named by their SHA-256 | daemon |
//! | `enrol-order.json` | address and code that a technician typed | terminal; the daemon takes it |
//! | `enrol-pending.json` | an order that failed and may succeed later, until it does | daemon |
//! | `enrol-progress.json` | where an enrolment stands | daemon |
//! | `centre-time.json` | the centre's time in its last signed reply, to the day | daemon |
//! | `uplink.json` | how the daemon is, for the technician's page | daemon |
//! | `rotate-order` | somebody wants another key; empty | `manyi-sync rotate-key`; the daemon takes it |
//! | `wake.sock` | a datagram here says "a record was sealed", "there is an order", or how the screen is | daemon listens |
//!
//! **Crash**: every file is replaced as a whole (written beside, synced, renamed, folder synced), so
//! the old or the new one is there, never half of one.

mod clock;
mod desk;
mod identity;
mod key;
mod wake;

use std::path::{Path, PathBuf};

pub use crate::files::{FileError, ensure_folder, replace};
pub use clock::SystemClock;
pub use desk::{EnrolOrder, EnrolProblem, EnrolProgress, EnrolState, UplinkStatus};
pub use identity::{Identity, IdentityError, load_or_create_key, read_key};
pub use key::{KEY_CREDENTIAL, KeySource};
pub use wake::{MAX_WAKE_BYTES, Told, WakeListener, ask_to_note, tell_screen, wake};

use crate::wire::{AssetDigest, Profile, ProfileError};

/// The data folder of a tablet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// The data folder at `path`. Nothing is created.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.0.join("journal.sqlite")
    }

    /// The secret key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.0.join("identity.key")
    }

    /// The key that is to be the next one.
    #[must_use]
    pub fn next_key(&self) -> PathBuf {
        self.0.join("identity.key.next")
    }

    /// The key before the last rotation.
    #[must_use]
    pub fn previous_key(&self) -> PathBuf {
        self.0.join("identity.key.previous")
    }

    /// An order to rotate the key.
    #[must_use]
    pub fn rotate_order(&self) -> PathBuf {
        self.0.join("rotate-order")
    }

    /// The identity.
    #[must_use]
    pub fn identity(&self) -> PathBuf {
        self.0.join("identity.cbor")
    }

    /// The signed profile.
    #[must_use]
    pub fn profile(&self) -> PathBuf {
        self.0.join("profile.cose")
    }

    /// A file of the profile, by its SHA-256.
    #[must_use]
    pub fn asset(&self, digest: &AssetDigest) -> PathBuf {
        let name: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        self.assets().join(name)
    }

    /// The folder of the profile's files.
    #[must_use]
    pub fn assets(&self) -> PathBuf {
        self.0.join("assets")
    }

    /// Address and code that a technician typed.
    #[must_use]
    pub fn enrol_order(&self) -> PathBuf {
        self.0.join("enrol-order.json")
    }

    /// Address and code that failed and may succeed later.
    #[must_use]
    pub fn enrol_pending(&self) -> PathBuf {
        self.0.join("enrol-pending.json")
    }

    /// Where an enrolment stands.
    #[must_use]
    pub fn enrol_progress(&self) -> PathBuf {
        self.0.join("enrol-progress.json")
    }

    /// How the daemon is.
    #[must_use]
    pub fn uplink_status(&self) -> PathBuf {
        self.0.join("uplink.json")
    }

    /// The centre's time, as it was last heard.
    #[must_use]
    pub fn centre_time(&self) -> PathBuf {
        self.0.join("centre-time.json")
    }

    /// The socket on which the daemon listens for new records.
    #[must_use]
    pub fn wake_socket(&self) -> PathBuf {
        self.0.join("wake.sock")
    }
}

/// Why there is no profile to obey.
#[derive(Debug, thiserror::Error)]
pub enum ReadProfileError {
    /// The file cannot be read.
    #[error("could not read profile `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a profile signed by our collector.
    #[error("profile `{path}` cannot be used")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ProfileError,
    },
}

/// The profile on the card, verified against the collector's key.
///
/// # Errors
/// [`ReadProfileError`]; the caller keeps what it has.
pub fn read_profile(data: &DataDir, identity: &Identity) -> Result<Profile, ReadProfileError> {
    let path = data.profile();
    let bytes = std::fs::read(&path).map_err(|source| ReadProfileError::Read {
        path: path.clone(),
        source,
    })?;
    Profile::open(&bytes, &identity.collector)
        .map_err(|source| ReadProfileError::Invalid { path, source })
}

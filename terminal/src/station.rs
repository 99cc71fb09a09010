//! Who and where the terminal is: identity and profile, and whether they changed.
//!
//! The daemon replaces these files as a whole; this module only reads them.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use manyi_shared::domain::{HallId, InvalidCode, TerminalId, WindowId};
use manyi_shared::journal::Opening;
use manyi_shared::tablet::{
    DataDir, Identity, IdentityError, KeySource, UplinkStatus, read_profile,
};
use manyi_shared::wire::{AssetDigest, Profile, SecretKey, Suite};

use crate::flow::{Reason, Why};
use crate::recorder::chain;

/// Program name and version, as the first record of a stream carries it.
pub const SOFTWARE: &str = concat!("manyi-terminal ", env!("CARGO_PKG_VERSION"));

/// Who and where the terminal is.
#[derive(Debug, Clone)]
pub struct Station {
    /// The terminal's id.
    pub terminal: TerminalId,
    /// The hall it stands in, by its profile.
    pub hall: HallId,
    /// The window it stands at, by its profile.
    pub window: WindowId,
    /// What it shows and obeys.
    pub profile: Profile,
    /// Pictures and sounds of the profile that are on the card.
    pub assets: BTreeMap<AssetDigest, PathBuf>,
    /// The suite of its key and of the streams that it opens.
    pub suite: Suite,
    /// Signs the codes that citizens scan; none when the file cannot be read.
    pub key: Option<Arc<SecretKey>>,
    /// Where the collector was at enrolment.
    pub collector_url: String,
}

impl Station {
    /// Reads identity and profile.
    ///
    /// # Errors
    /// Why the terminal cannot ask, for the screen.
    pub fn load(data: &DataDir) -> Result<Self, Why> {
        let identity = Identity::read(&data.identity()).map_err(|error| Why {
            reason: match &error {
                IdentityError::NotEnrolled { .. } => Reason::NotEnrolled,
                _ => Reason::Other,
            },
            detail: chain(&error),
        })?;
        let other = |error: &dyn std::error::Error| Why {
            reason: Reason::Other,
            detail: chain(error),
        };
        let profile = read_profile(data, &identity).map_err(|error| other(&error))?;
        let mut station = Self::new(identity.terminal, profile).map_err(|error| other(&error))?;
        station.assets = assets(data, &station.profile);
        station.key = KeySource::of_service(data).read().map(Arc::new).ok();
        // The collector speaks to a terminal in the terminal's own suite.
        station.suite = identity.collector.suite();
        station.collector_url = identity.collector_url;
        Ok(station)
    }

    /// A terminal at the window of its profile, without files and keys. The profile rules: an
    /// office may move a terminal to another window.
    ///
    /// # Errors
    /// When the profile's hall or window is no code.
    pub fn new(terminal: TerminalId, profile: Profile) -> Result<Self, InvalidCode> {
        Ok(Self {
            terminal,
            hall: HallId::new(&profile.hall_id)?,
            window: WindowId::new(&profile.window_id)?,
            profile,
            assets: BTreeMap::new(),
            suite: Suite::default(),
            key: None,
            collector_url: String::new(),
        })
    }

    /// Whether the stream of this station cannot go on at the other.
    #[must_use]
    pub fn moved(&self, to: &Self) -> bool {
        (self.terminal, self.suite, &self.hall, &self.window)
            != (to.terminal, to.suite, &to.hall, &to.window)
    }

    /// What opens a stream here.
    #[must_use]
    pub fn opening(&self) -> Opening {
        Opening {
            suite: self.suite,
            terminal: self.terminal,
            hall: self.hall.clone(),
            window: self.window.clone(),
            software: SOFTWARE.to_owned(),
        }
    }
}

/// Why a terminal whose identity the office took back does not ask; none for one in good standing, or
/// one whose daemon has said nothing yet. What the daemon heard before a restart holds.
#[must_use]
pub fn revoked(data: &DataDir) -> Option<Why> {
    let status = UplinkStatus::read(&data.uplink_status()).filter(|status| status.revoked)?;
    let since = status
        .revoked_since_ms
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .map_or_else(String::new, |at| {
            format!(", said {}", at.strftime("%Y-%m-%d %H:%M UTC"))
        });
    Some(Why {
        reason: Reason::Revoked,
        detail: format!("uplink: {}: revoked{since}", status.collector),
    })
}

/// The files that are there. A missing one is skipped: a picture less is no reason not to ask.
fn assets(data: &DataDir, profile: &Profile) -> BTreeMap<AssetDigest, PathBuf> {
    let mut found = BTreeMap::new();
    for (field, _, digest) in profile.assets() {
        let path = data.asset(&digest);
        if path.is_file() {
            found.insert(digest, path);
        } else {
            tracing::warn!(field, path = %path.display(), "a file of the profile is missing");
        }
    }
    found
}

/// Tells whether identity, key or profile were replaced since the last look.
#[derive(Debug, Default)]
pub struct Watch {
    seen: Option<[Option<Mark>; 3]>,
}

/// A replaced file has another inode, a rewritten one another time.
type Mark = (u64, i64, i64, u64);

impl Watch {
    /// Looks; true at the first look and after every change.
    pub fn changed(&mut self, data: &DataDir) -> bool {
        let files = [data.identity(), data.key(), data.profile()];
        let now = Some(files.map(|path| mark(&path)));
        std::mem::replace(&mut self.seen, now) != now
    }
}

fn mark(path: &Path) -> Option<Mark> {
    let of = |file: Metadata| (file.ino(), file.mtime(), file.mtime_nsec(), file.len());
    std::fs::metadata(path).ok().map(of)
}

//! The profile on the card, as far as the daemon needs it.

use manyi_shared::tablet::{DataDir, FileError, Identity, read_profile, replace};
use manyi_shared::wire::{Profile, ProfileError};

/// What the daemon must know of the profile that the terminal obeys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Its version; 0 when there is none to obey.
    pub(crate) version: u32,
    /// Acknowledged records to keep; none says to keep all.
    pub(crate) keep_records: Option<u64>,
}

/// Why a profile from the centre was not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKept {
    /// Not one to obey.
    #[error("the centre's profile cannot be obeyed")]
    Invalid(#[from] ProfileError),
    /// It could not be written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<&Profile> for Facts {
    fn from(profile: &Profile) -> Self {
        Self {
            version: profile.version,
            keep_records: Some(u64::from(profile.keep_records)),
        }
    }
}

/// The profile on the card. One that cannot be read counts as none: the centre then sends another.
pub(crate) fn on_card(data: &DataDir, identity: &Identity) -> Facts {
    match read_profile(data, identity) {
        Ok(profile) => Facts::from(&profile),
        Err(error) => {
            tracing::warn!(
                error = crate::chain(&error),
                "no profile to obey; asking the centre for one"
            );
            Facts::default()
        }
    }
}

/// Verifies a profile and puts it on the card.
///
/// # Errors
/// [`NotKept`]; the old profile is still there.
pub(crate) fn keep(data: &DataDir, identity: &Identity, bytes: &[u8]) -> Result<Facts, NotKept> {
    let profile = Profile::open(bytes, &identity.collector)?;
    replace(&data.profile(), bytes)?;
    Ok(Facts::from(&profile))
}

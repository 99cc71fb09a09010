//! The profile: what a terminal shows and obeys. Made and signed by the collector, carried in the
//! reply, kept on the card as the signed bytes.

mod options;
mod sound;

use minicbor::{Decode, Encode};

use crate::domain::{HallId, StaffId, TagSetId, WindowId};

pub use sound::check_sound;

pub use options::{
    Announcement, AssetKind, Localised, OpeningHours, ProfileOptions, ProfileTag, SupplementOption,
    VOICE_CLIPS, Voice, VoiceClip,
};

use super::asset::AssetDigest;
use super::envelope::{Envelope, EnvelopeError, Purpose};
use super::keys::{PublicKey, SecretKey};

/// What a terminal shows and obeys.
///
/// New keys may be added; a terminal skips those it does not know. Every duration has a lower
/// bound below which a person could not use the page.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Profile {
    /// Counts up with every change; 0 is "no profile".
    #[n(0)]
    pub version: u32,
    /// The hall's id.
    #[n(1)]
    pub hall_id: String,
    /// The hall's name, as on its door.
    #[n(2)]
    pub hall_name: String,
    /// IANA name of the hall's time zone, for the clock on the idle page.
    #[n(3)]
    pub time_zone: String,
    /// The window's id.
    #[n(4)]
    pub window_id: String,
    /// The window's number, as over the window.
    #[n(5)]
    pub window_number: String,
    /// The window's name.
    #[n(6)]
    pub window_name: String,
    /// Whom to call when the terminal cannot ask.
    #[n(7)]
    pub contact: String,
    /// The clerk normally on duty; a prompt may name another.
    #[n(8)]
    pub staff_on_duty: Option<String>,
    /// Clerks whose names the terminal may have to show.
    #[n(9)]
    pub staff: Vec<ProfileStaff>,
    /// Items whose names the terminal may have to show.
    #[n(10)]
    pub items: Vec<ProfileItem>,
    /// The option set of the reasons page.
    #[n(11)]
    pub tag_set: String,
    /// Whether the reasons page follows a level.
    #[n(12)]
    pub ask_reasons: bool,
    /// How long the question stays, in seconds.
    #[n(13)]
    pub ask_seconds: u16,
    /// How long the reasons page stays without a touch, in seconds.
    #[n(14)]
    pub reasons_seconds: u16,
    /// How long the thanks stay, in seconds.
    #[n(15)]
    pub thanks_seconds: u16,
    /// Touches within this time after a page changed do nothing, in milliseconds.
    #[n(16)]
    pub guard_ms: u16,
    /// Whether the order of the levels is turned round.
    #[n(17)]
    pub mirrored: bool,
    /// Acknowledged records the journal keeps, so that a restored collector can be refilled.
    #[n(18)]
    pub keep_records: u32,
    /// What came after the first version.
    #[n(19)]
    pub options: Option<ProfileOptions>,
}

/// A clerk as the terminal shows them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ProfileStaff {
    /// Staff number.
    #[n(0)]
    pub id: String,
    /// Name.
    #[n(1)]
    pub name: String,
    /// Post 岗位.
    #[n(2)]
    pub post: String,
    /// Star grade, 1 to 5, where the office gives one.
    #[n(3)]
    pub stars: Option<u8>,
    /// A photograph, PNG or JPEG.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub photo: Option<AssetDigest>,
}

/// A service item as the terminal shows it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ProfileItem {
    /// Item code.
    #[n(0)]
    pub code: String,
    /// Name.
    #[n(1)]
    pub name: String,
}

/// Why a profile cannot be obeyed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Not signed by our collector.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A value a terminal cannot work with.
    #[error("profile key `{key}` is {value}, which is outside {allowed}")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value.
        value: u64,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A field that a terminal cannot work with.
    #[error("profile field `{field}` cannot be used: {problem}")]
    Field {
        /// The field, as a path.
        field: String,
        /// What is wrong with it, and what is allowed.
        problem: String,
    },
}

impl Profile {
    /// Signs the profile with the collector's key.
    #[must_use]
    pub fn seal(&self, key: &SecretKey) -> Vec<u8> {
        Envelope::seal(
            Purpose::Profile,
            key.public().as_bytes(),
            super::to_cbor(self),
            key,
        )
    }

    /// Reads a signed profile and checks that a terminal can work with it.
    ///
    /// # Errors
    /// [`ProfileError`]; the terminal keeps the profile it has.
    pub fn open(bytes: &[u8], collector: &PublicKey) -> Result<Self, ProfileError> {
        let envelope = Envelope::parse(bytes)?;
        let payload = envelope.open(Purpose::Profile, collector)?;
        let content = |e: String| ProfileError::Envelope(EnvelopeError::Content(e));
        super::deterministic::check(payload).map_err(|e| content(e.to_string()))?;
        let profile: Self = minicbor::decode(payload).map_err(|e| content(e.to_string()))?;
        profile.check()?;
        HallId::new(&profile.hall_id).map_err(|e| content(e.to_string()))?;
        WindowId::new(&profile.window_id).map_err(|e| content(e.to_string()))?;
        Ok(profile)
    }

    /// Checks every bound. The collector calls it before it signs, the terminal before it obeys.
    ///
    /// # Errors
    /// [`ProfileError::Value`] for the first key outside its bounds.
    pub fn check(&self) -> Result<(), ProfileError> {
        let seconds = |key, value: u16, low: u16, allowed| {
            if (low..=600).contains(&value) {
                Ok(())
            } else {
                Err(ProfileError::Value {
                    key,
                    value: u64::from(value),
                    allowed,
                })
            }
        };
        seconds("ask_seconds", self.ask_seconds, 5, "5 to 600 seconds")?;
        seconds(
            "reasons_seconds",
            self.reasons_seconds,
            5,
            "5 to 600 seconds",
        )?;
        seconds("thanks_seconds", self.thanks_seconds, 1, "1 to 600 seconds")?;
        if self.guard_ms > 2000 {
            return Err(ProfileError::Value {
                key: "guard_ms",
                value: u64::from(self.guard_ms),
                allowed: "0 to 2000 milliseconds",
            });
        }
        for (n, clerk) in self.staff.iter().enumerate() {
            if let Some(stars) = clerk.stars
                && !(1..=5).contains(&stars)
            {
                return Err(ProfileError::Field {
                    field: format!("staff[{n}].stars"),
                    problem: format!("{stars} is outside 1 to 5"),
                });
            }
        }
        self.options.as_ref().map_or(Ok(()), ProfileOptions::check)
    }

    /// The options; those of a profile that has none are all absent.
    #[must_use]
    pub fn options(&self) -> std::borrow::Cow<'_, ProfileOptions> {
        self.options
            .as_ref()
            .map_or_else(Default::default, std::borrow::Cow::Borrowed)
    }

    /// Every file that the profile names, each once, with the first field that names it.
    #[must_use]
    pub fn assets(&self) -> Vec<(String, AssetKind, AssetDigest)> {
        let photos = self.staff.iter().enumerate().filter_map(|(n, clerk)| {
            let field = format!("staff[{n}].photo");
            Some((field, AssetKind::Picture, clerk.photo?))
        });
        let options = self.options.iter().flat_map(ProfileOptions::assets);
        let mut seen = std::collections::BTreeSet::new();
        photos
            .chain(options)
            .filter(|(_, kind, digest)| seen.insert((*kind, *digest)))
            .collect()
    }

    /// The option set's name.
    #[must_use]
    pub fn tag_set_id(&self) -> TagSetId {
        TagSetId(self.tag_set.clone())
    }

    /// The clerk with this number, if the profile has them.
    #[must_use]
    pub fn staff_member(&self, id: &StaffId) -> Option<&ProfileStaff> {
        self.staff.iter().find(|s| s.id == id.as_str())
    }

    /// The name of an item, if the profile has it.
    #[must_use]
    pub fn item_name(&self, code: &crate::domain::ItemCode) -> Option<&str> {
        self.items
            .iter()
            .find(|i| i.code == code.as_str())
            .map(|i| i.name.as_str())
    }
}

//! The profile on the card, and the way of a new one onto it.
//!
//! **Invariants**
//! 1. The terminal never finds a profile whose files are not all there and fit: it is put on the
//!    card last.
//! 2. A profile that cannot be obeyed is refused as a whole and told with its field, once; the
//!    last good one stays until another version comes.
//!
//! **Crash**: the old profile is obeyed; the centre offers the new one again, and the files that
//! are there are not fetched again.

use std::time::Duration;

use manyi_shared::tablet::{DataDir, FileError, Identity, read_profile, replace};
use manyi_shared::wire::limits::MAX_TEXT_BYTES;
use manyi_shared::wire::{Envelope, Profile, ProfileError, Purpose, SecretKey, digest};

use crate::assets::{self, Trouble};
use crate::job::Job;
use crate::link::Link;
use crate::uplink::Backoff;

/// What the daemon must know of the profile that the terminal obeys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Its version; 0 when there is none to obey.
    pub(crate) version: u32,
    /// Acknowledged records to keep; none says to keep all.
    pub(crate) keep_records: Option<u64>,
    /// How often the office wants a sign of life.
    pub(crate) heartbeat: Option<Duration>,
}

impl From<&Profile> for Facts {
    fn from(profile: &Profile) -> Self {
        let seconds = profile.options().heartbeat_seconds;
        Self {
            version: profile.version,
            keep_records: Some(u64::from(profile.keep_records)),
            heartbeat: seconds.map(|seconds| Duration::from_secs(u64::from(seconds))),
        }
    }
}

/// Verifies a profile: the collector's, one to work with, and for this hall.
///
/// # Errors
/// [`ProfileError`].
pub(crate) fn open(bytes: &[u8], identity: &Identity) -> Result<Profile, ProfileError> {
    let profile = Profile::open(bytes, &identity.collector)?;
    if profile.hall_id != identity.hall.as_str() {
        return Err(ProfileError::Field {
            field: "hall_id".to_owned(),
            problem: format!(
                "is {}, but this terminal stands in {}",
                profile.hall_id, identity.hall
            ),
        });
    }
    Ok(profile)
}

/// Whose card it is and where its files come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) data: &'a DataDir,
    pub(crate) identity: &'a Identity,
    pub(crate) key: &'a SecretKey,
    pub(crate) link: &'a Link,
}

/// A profile that is good so far; its files may be missing.
#[derive(Debug)]
struct Pending {
    content: [u8; 32],
    bytes: Vec<u8>,
    profile: Profile,
    failures: u32,
    not_before: Duration,
}

/// The profile that is obeyed, and the one that is on its way.
#[derive(Debug)]
pub(crate) struct Keeper {
    facts: Facts,
    backoff: Backoff,
    pending: Option<Pending>,
    refused: Option<([u8; 32], String)>,
    job: Job<Result<(), Trouble>>,
}

impl Keeper {
    /// What is on the card. A profile that cannot be read counts as none: the centre then sends
    /// another. One whose files have gone is completed again.
    pub(crate) fn on_card(data: &DataDir, identity: &Identity, backoff: Backoff) -> Self {
        let mut keeper = Self {
            facts: Facts::default(),
            backoff,
            pending: None,
            refused: None,
            job: Job::default(),
        };
        match read_profile(data, identity) {
            Ok(profile) if profile.hall_id == identity.hall.as_str() => {
                keeper.facts = Facts::from(&profile);
                if !assets::are_there(&profile, data) {
                    tracing::warn!("files of the profile are missing; fetching them again");
                    let bytes = std::fs::read(data.profile()).unwrap_or_default();
                    keeper.offered(bytes, identity);
                }
            }
            Ok(profile) => tracing::warn!(
                hall = profile.hall_id,
                "the profile on the card is another hall's; asking the centre for ours"
            ),
            Err(error) => tracing::warn!(
                error = crate::chain(&error),
                "no profile to obey; asking the centre for one"
            ),
        }
        keeper
    }

    /// What the terminal obeys.
    pub(crate) const fn facts(&self) -> Facts {
        self.facts
    }

    /// Why the last profile of the centre is not obeyed, in at most 200 bytes.
    pub(crate) fn problem(&self) -> Option<String> {
        self.refused.as_ref().map(|(_, problem)| problem.clone())
    }

    /// The centre offers a profile; it does so with every reply until we obey it.
    pub(crate) fn offered(&mut self, bytes: Vec<u8>, identity: &Identity) {
        let content = digest(&bytes);
        let pending = self.pending.as_ref().map(|pending| pending.content);
        let refused = self.refused.as_ref().map(|(content, _)| *content);
        if pending == Some(content) || refused == Some(content) {
            return;
        }
        self.job.stop();
        self.pending = None;
        self.refused = None;
        match open(&bytes, identity) {
            Ok(profile) => {
                self.pending = Some(Pending {
                    content,
                    bytes,
                    profile,
                    failures: 0,
                    not_before: Duration::ZERO,
                });
            }
            Err(error) => {
                let version = claimed_version(&bytes, identity);
                let (field, problem) = named(error);
                self.refuse(content, version, field.as_deref(), &problem);
            }
        }
    }

    /// Begins to see to the files when that is due. Says when it is to be called again.
    pub(crate) fn step(&mut self, place: Place<'_>, now: Duration) -> Option<Duration> {
        let pending = self.pending.as_ref().filter(|_| self.job.is_idle())?;
        if now < pending.not_before {
            return Some(pending.not_before);
        }
        let wanted = assets::wanted(&pending.profile, place.data, place.identity, place.key);
        let link = place.link.clone();
        self.job
            .start(assets::provide(link, place.data.assets(), wanted));
        None
    }

    /// Whether [`Self::provided`] has a result to take without waiting.
    pub(crate) fn has_ended(&self) -> bool {
        self.job.has_ended()
    }

    /// Waits for the files. Can be dropped at any time.
    pub(crate) async fn provided(&mut self) -> Option<Result<(), Trouble>> {
        self.job.ended().await
    }

    /// What became of the files. Says whether another profile is obeyed now.
    pub(crate) fn settle(
        &mut self,
        provided: Option<Result<(), Trouble>>,
        place: Place<'_>,
        now: Duration,
        random: u64,
    ) -> bool {
        let Some(pending) = self.pending.take() else {
            return false;
        };
        let put = match provided {
            Some(Ok(())) => put_on_card(&pending, place).map_err(|e| (crate::chain(&e), None)),
            Some(Err(Trouble::Unfit { field, problem })) => {
                let version = Some(pending.profile.version);
                self.refuse(pending.content, version, Some(&field), &problem);
                return false;
            }
            Some(Err(Trouble::Later { why, wish })) => Err((why, wish)),
            None => Err(("the check of a file failed".to_owned(), None)),
        };
        match put {
            Ok(()) => {
                self.facts = Facts::from(&pending.profile);
                tracing::info!(version = self.facts.version, "new profile");
            }
            Err((ref why, wish)) => {
                let pause = self.backoff.pause(pending.failures, wish, random);
                self.put_off(pending, why, now.saturating_add(pause));
            }
        }
        put.is_ok()
    }

    fn put_off(&mut self, pending: Pending, why: &str, not_before: Duration) {
        if pending.failures == 0 {
            let version = pending.profile.version;
            tracing::warn!(
                version,
                why,
                "files of the new profile are not all here; the old one stays for now"
            );
        }
        self.pending = Some(Pending {
            failures: pending.failures.saturating_add(1),
            not_before,
            ..pending
        });
    }

    fn refuse(
        &mut self,
        content: [u8; 32],
        version: Option<u32>,
        field: Option<&str>,
        problem: &str,
    ) {
        let text = described(version, field, problem);
        tracing::warn!(
            problem = text,
            "profile of the centre refused; the old one stays"
        );
        self.refused = Some((content, text));
    }
}

fn put_on_card(pending: &Pending, place: Place<'_>) -> Result<(), FileError> {
    // The terminal may still show the old one's pictures: they go with the profile after.
    let old = read_profile(place.data, place.identity).ok();
    replace(&place.data.profile(), &pending.bytes)?;
    let named_by: Vec<&Profile> = old.iter().chain([&pending.profile]).collect();
    assets::sweep(place.data, &named_by);
    Ok(())
}

/// The field that cannot be used, if it is one, and why.
fn named(error: ProfileError) -> (Option<String>, String) {
    match error {
        ProfileError::Field { field, problem } => (Some(field), problem),
        ProfileError::Value {
            key,
            value,
            allowed,
        } => (
            Some(key.to_owned()),
            format!("{value} is outside {allowed}"),
        ),
        ProfileError::Envelope(error) => (None, crate::chain(&error)),
    }
}

/// The version of a profile that is the collector's, although it cannot be obeyed.
fn claimed_version(bytes: &[u8], identity: &Identity) -> Option<u32> {
    let envelope = Envelope::parse(bytes).ok()?;
    let payload = envelope.open(Purpose::Profile, &identity.collector).ok()?;
    let profile: Profile = minicbor::decode(payload).ok()?;
    Some(profile.version)
}

/// `profile 18: options.voice.volume: 130 is outside 0 to 100`, at most 200 bytes.
fn described(version: Option<u32>, field: Option<&str>, problem: &str) -> String {
    let version = version.map(|version| format!(" {version}"));
    let field = field.map(|field| format!("{field}: "));
    let text = format!(
        "profile{}: {}{problem}",
        version.unwrap_or_default(),
        field.unwrap_or_default()
    );
    crate::within(crate::one_line(&text, MAX_TEXT_BYTES), MAX_TEXT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::a_field(
        Some(18),
        Some("options.announcements[1].picture"),
        "is neither PNG nor JPEG",
        "profile 18: options.announcements[1].picture: is neither PNG nor JPEG"
    )]
    #[case::not_even_a_version(
        None,
        None,
        "signature does not fit",
        "profile: signature does not fit"
    )]
    fn a_refusal_names_version_and_field(
        #[case] version: Option<u32>,
        #[case] field: Option<&str>,
        #[case] problem: &str,
        #[case] text: &str,
    ) {
        assert_eq!(described(version, field, problem), text);
    }

    #[test]
    fn a_long_refusal_is_cut_at_a_character() {
        let text = described(Some(1), None, &"满".repeat(300));
        assert!(text.len() <= MAX_TEXT_BYTES && text.len() > MAX_TEXT_BYTES - 3);
        assert!(text.ends_with('满'));
    }
}

//! What the profile tells the flow, and why there may be no question to ask.

use std::collections::BTreeSet;

use manyi_shared::domain::{Language, Level, TagCode, TagSetId, national_tags};
use manyi_shared::wire::Profile;

use super::{Manner, Millis};

/// What the profile says about timing and pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How long the question stays.
    pub ask_ms: Millis,
    /// How long the reasons stay without a touch.
    pub reasons_ms: Millis,
    /// How long the thanks stay.
    pub thanks_ms: Millis,
    /// Touches within this time after a page changed do nothing.
    pub guard_ms: Millis,
    /// The option set of the reasons page; none when the page is not shown.
    pub reasons: Option<TagSetId>,
    /// The options that the page offers.
    pub offered: BTreeSet<TagCode>,
    /// Levels for which at least one option is wanted.
    pub required: BTreeSet<Level>,
    /// The languages to choose from.
    pub languages: Vec<Language>,
    /// How every citizen is spoken to first.
    pub manner: Manner,
    /// Whether a call-back number may be left.
    pub phone: bool,
    /// Whether the office has paused the window.
    pub paused: bool,
    /// Whether the clerk may call the question from the idle page.
    pub clerk_may_ask: bool,
}

impl Rules {
    /// The rules of a profile. An option set that this program does not have switches the reasons
    /// page off: a chip without a word cannot be shown.
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        let seconds = |s: u16| Millis::from(s) * 1000;
        let options = profile.options();
        let set = profile.tag_set_id();
        let own = options.tags.as_ref();
        let offered: BTreeSet<TagCode> = match own {
            Some(tags) => tags.iter().filter_map(|t| TagCode::new(t.code)).collect(),
            None => national_tags().tags.iter().map(|tag| tag.code).collect(),
        };
        let known = own.is_some() || set == national_tags().id;
        let levels = options.reasons_required.iter().flatten();
        Self {
            ask_ms: seconds(profile.ask_seconds),
            reasons_ms: seconds(profile.reasons_seconds),
            thanks_ms: seconds(profile.thanks_seconds),
            guard_ms: Millis::from(profile.guard_ms),
            reasons: (profile.ask_reasons && known).then_some(set),
            offered,
            required: levels.filter_map(|n| Level::try_from(*n).ok()).collect(),
            languages: options.languages(),
            manner: Manner {
                language: options.default_language(),
                elder: options.elder.unwrap_or_default(),
            },
            phone: options.ask_phone.unwrap_or_default() && options.office_key.is_some(),
            paused: options.paused.is_some(),
            clerk_may_ask: options.clerk_may_ask.unwrap_or_default(),
        }
    }

    /// Whether a level cannot be left without an option: only where it has any to offer.
    pub(super) fn requires_reason(&self, level: Level) -> bool {
        self.required.contains(&level) && self.offered.iter().any(|code| code.level() == level)
    }
}

/// Why the terminal cannot ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// Which of the known reasons.
    pub reason: Reason,
    /// For technicians: a path, a version, an error. Never shown large.
    pub detail: String,
}

/// The known reasons for not asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is no identity yet.
    NotEnrolled,
    /// The journal is damaged or no journal.
    JournalUnreadable,
    /// A newer program wrote the journal.
    JournalNewer,
    /// Nothing more fits on the card.
    StorageFull,
    /// The office took the terminal's identity back.
    Revoked,
    /// Anything else; the detail says what.
    Other,
}

impl Reason {
    /// The reason's name in JSON and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotEnrolled => "not_enrolled",
            Self::JournalUnreadable => "journal_unreadable",
            Self::JournalNewer => "journal_newer_version",
            Self::StorageFull => "storage_full",
            Self::Revoked => "revoked",
            Self::Other => "other",
        }
    }
}

//! The rules and their thresholds.

use manyi_shared::domain::Trigger;

/// A rule by which ratings are marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Answered sooner than a person reads.
    TooSoon,
    /// Many at one window in a short time.
    Burst,
    /// The same interval again and again.
    Rhythm,
    /// No matter was open.
    NoMatter,
    /// A clerk's own shift is far better than the same window otherwise.
    OwnShift,
    /// More top levels in a row than chance gives.
    TopStreak,
}

impl Rule {
    /// All rules.
    pub const ALL: [Self; 6] = [
        Self::TooSoon,
        Self::Burst,
        Self::Rhythm,
        Self::NoMatter,
        Self::OwnShift,
        Self::TopStreak,
    ];

    /// The name in the database, in files and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooSoon => "too_soon",
            Self::Burst => "burst",
            Self::Rhythm => "rhythm",
            Self::NoMatter => "no_matter",
            Self::OwnShift => "own_shift",
            Self::TopStreak => "top_streak",
        }
    }

    /// The rule of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

/// Thresholds of [`Rule::TooSoon`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooSoon {
    /// Answers before this many milliseconds.
    pub below_ms: u32,
}

/// Thresholds of [`Rule::Burst`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst {
    /// So many ratings, at least 2.
    pub ratings: usize,
    /// Within so many seconds.
    pub seconds: u32,
}

/// Thresholds of [`Rule::Rhythm`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// So many intervals in a row, at least 2.
    pub intervals: usize,
    /// That differ by at most so many milliseconds.
    pub spread_ms: u32,
    /// And are at most so long.
    pub at_most_seconds: u32,
}

/// Thresholds of [`Rule::NoMatter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMatter {
    /// The percentage of ratings that usually name a matter.
    pub usual_percent: u8,
    /// Known of at least so many ratings.
    pub after_ratings: u64,
}

impl NoMatter {
    /// Whether somebody at the window asked, and not its business system.
    pub(super) const fn by_hand(trigger: Option<Trigger>) -> bool {
        matches!(trigger, Some(Trigger::Button | Trigger::Clerk))
    }
}

/// Thresholds of [`Rule::OwnShift`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnShift {
    /// The clerk's ratings on the day, at least.
    pub ratings: u64,
    /// The other clerks' ratings at the window before, at least.
    pub others: u64,
    /// A chance below one in so many.
    pub one_in: u64,
}

/// Thresholds of [`Rule::TopStreak`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopStreak {
    /// The window's ratings before, at least.
    pub after_ratings: u64,
    /// A chance below one in so many.
    pub one_in: u64,
}

/// All thresholds; a rule without any is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Counts up with every change.
    pub version: u16,
    /// Of [`Rule::TooSoon`].
    pub too_soon: Option<TooSoon>,
    /// Of [`Rule::Burst`].
    pub burst: Option<Burst>,
    /// Of [`Rule::Rhythm`].
    pub rhythm: Option<Rhythm>,
    /// Of [`Rule::NoMatter`].
    pub no_matter: Option<NoMatter>,
    /// Of [`Rule::OwnShift`].
    pub own_shift: Option<OwnShift>,
    /// Of [`Rule::TopStreak`].
    pub top_streak: Option<TopStreak>,
}

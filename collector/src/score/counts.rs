//! How many prompts ended in which way, and how many ratings each level got.

use std::error::Error;
use std::fmt;

use manyi_shared::domain::{Level, OutcomeKind};

/// The prompts that ended without a rating.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unrated {
    /// The citizen said 暂不评价.
    pub declined: u128,
    /// Nobody answered in time.
    pub timed_out: u128,
    /// Taken back before an answer.
    pub withdrawn: u128,
    /// The terminal failed.
    pub fault: u128,
}

/// Everything that scores are computed from.
///
/// Counts are 128 bits wide so that no sum of 64-bit database counts can overflow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// In the order of [`Level::ALL`].
    levels: [u128; 5],
    /// `None` when only ratings are known, as in most published tables.
    unrated: Option<Unrated>,
    /// Ratings a system set because nobody rated in time. Counted, never in any figure.
    defaulted: u128,
}

/// A count whose outcome and level contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatedWithoutLevel {
    /// The outcome as counted.
    pub kind: OutcomeKind,
    /// The level as counted.
    pub level: Option<Level>,
}

impl fmt::Display for RatedWithoutLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.level.map_or(0, Level::number);
        let kind = self.kind.name();
        write!(
            f,
            "outcome {kind} with level {level}: ratings have a level, nothing else has"
        )
    }
}

impl Error for RatedWithoutLevel {}

impl Counts {
    /// Ratings alone, from 非常满意 down to 非常不满意. Nothing is known of other prompts.
    #[must_use]
    pub fn of_levels(levels: [u64; 5]) -> Self {
        Self {
            levels: levels.map(u128::from),
            unrated: None,
            defaulted: 0,
        }
    }

    /// No prompt of any kind, all of them known.
    #[must_use]
    pub fn none() -> Self {
        Self {
            unrated: Some(Unrated::default()),
            ..Self::default()
        }
    }

    /// The same ratings beside these unrated prompts.
    #[must_use]
    pub const fn with_unrated(mut self, unrated: Unrated) -> Self {
        self.unrated = Some(unrated);
        self
    }

    /// The same ratings beside this many ratings set by default.
    #[must_use]
    pub const fn with_defaulted(mut self, defaulted: u128) -> Self {
        self.defaulted = defaulted;
        self
    }

    /// Adds `n` prompts that ended this way.
    ///
    /// # Errors
    /// [`RatedWithoutLevel`] when a rating has no level or another outcome has one; the counts are
    /// unchanged.
    pub fn add(
        &mut self,
        kind: OutcomeKind,
        level: Option<Level>,
        n: u64,
    ) -> Result<(), RatedWithoutLevel> {
        let [five, four, three, two, one] = &mut self.levels;
        let place = match (kind, level) {
            (OutcomeKind::Rated, Some(level)) => match level {
                Level::VerySatisfied => five,
                Level::Satisfied => four,
                Level::BasicallySatisfied => three,
                Level::Dissatisfied => two,
                Level::VeryDissatisfied => one,
            },
            (OutcomeKind::Rated, None) | (_, Some(_)) => {
                return Err(RatedWithoutLevel { kind, level });
            }
            (other, None) => {
                let unrated = self.unrated.get_or_insert_default();
                match other {
                    OutcomeKind::Declined => &mut unrated.declined,
                    OutcomeKind::TimedOut => &mut unrated.timed_out,
                    OutcomeKind::Withdrawn => &mut unrated.withdrawn,
                    OutcomeKind::Rated | OutcomeKind::Fault => &mut unrated.fault,
                }
            }
        };
        *place += u128::from(n);
        Ok(())
    }

    /// Adds all of `other`. What either side does not know, the sum does not know.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.levels.iter_mut().zip(other.levels) {
            *mine += theirs;
        }
        self.unrated = match (self.unrated, other.unrated) {
            (Some(a), Some(b)) => Some(Unrated {
                declined: a.declined + b.declined,
                timed_out: a.timed_out + b.timed_out,
                withdrawn: a.withdrawn + b.withdrawn,
                fault: a.fault + b.fault,
            }),
            _ => None,
        };
        self.defaulted += other.defaulted;
    }

    /// Takes ratings away that are among these, level by level; what is not among them stays. Prompts
    /// without a rating are not touched.
    pub fn take_ratings(&mut self, other: &Self) {
        for (mine, theirs) in self.levels.iter_mut().zip(other.levels) {
            *mine = mine.saturating_sub(theirs);
        }
    }

    /// How many ratings have this level.
    #[must_use]
    pub const fn level(&self, level: Level) -> u128 {
        let [five, four, three, two, one] = self.levels;
        match level {
            Level::VerySatisfied => five,
            Level::Satisfied => four,
            Level::BasicallySatisfied => three,
            Level::Dissatisfied => two,
            Level::VeryDissatisfied => one,
        }
    }

    /// How many prompts ended this way; `None` when that is not known.
    #[must_use]
    pub fn outcome(&self, kind: OutcomeKind) -> Option<u128> {
        match kind {
            OutcomeKind::Rated => Some(self.rated()),
            OutcomeKind::Declined => self.unrated.map(|u| u.declined),
            OutcomeKind::TimedOut => self.unrated.map(|u| u.timed_out),
            OutcomeKind::Withdrawn => self.unrated.map(|u| u.withdrawn),
            OutcomeKind::Fault => self.unrated.map(|u| u.fault),
        }
    }

    /// Ratings set by default. In no figure.
    #[must_use]
    pub const fn defaulted(&self) -> u128 {
        self.defaulted
    }

    /// All ratings 评价数.
    #[must_use]
    pub fn rated(&self) -> u128 {
        self.levels.iter().sum()
    }

    /// The bad ratings 差评数: 不满意 and 非常不满意.
    #[must_use]
    pub fn bad(&self) -> u128 {
        Level::ALL
            .into_iter()
            .filter(|l| l.is_bad())
            .map(|l| self.level(l))
            .sum()
    }

    /// All prompts however they ended; `None` when only ratings are known.
    #[must_use]
    pub fn prompts(&self) -> Option<u128> {
        let u = self.unrated?;
        Some(self.rated() + u.declined + u.timed_out + u.withdrawn + u.fault)
    }

    /// The prompts a citizen had the chance to answer: rated, declined and timed out.
    ///
    /// Withdrawn prompts are out because the office took the question away (the next citizen came,
    /// the business system cancelled, the terminal was stopped), and faults because the machine
    /// failed: neither says anything about citizens' readiness to rate.
    #[must_use]
    pub fn answerable(&self) -> Option<u128> {
        let u = self.unrated?;
        Some(self.rated() + u.declined + u.timed_out)
    }
}

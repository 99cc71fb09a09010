//! Counts of outcomes, and the mean that follows from them. Pure.
//!
//! Computed here a second time on purpose, from the definition alone: a fault in the collector's
//! own arithmetic must not be checked with itself.

use manyi_shared::domain::{Level, Outcome};
use serde::Serialize;
use serde_json::Value;

/// How many prompts ended in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Ratings, 非常满意 first.
    pub levels: [u64; 5],
    /// 暂不评价.
    pub declined: u64,
    /// No answer in time.
    pub timed_out: u64,
    /// Taken back, or lost to a fault.
    pub other: u64,
}

impl Tally {
    /// Adds one prompt that ended this way.
    pub fn add(&mut self, outcome: &Outcome) {
        *self.place(outcome) += 1;
    }

    fn place(&mut self, outcome: &Outcome) -> &mut u64 {
        let [five, four, three, two, one] = &mut self.levels;
        match outcome {
            Outcome::Rated { level, .. } => match level {
                Level::VerySatisfied => five,
                Level::Satisfied => four,
                Level::BasicallySatisfied => three,
                Level::Dissatisfied => two,
                Level::VeryDissatisfied => one,
            },
            Outcome::Declined => &mut self.declined,
            Outcome::TimedOut => &mut self.timed_out,
            Outcome::Withdrawn(_) | Outcome::Fault(_) => &mut self.other,
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = *self;
        for (mine, theirs) in sum.levels.iter_mut().zip(other.levels) {
            *mine += theirs;
        }
        sum.declined += other.declined;
        sum.timed_out += other.timed_out;
        sum.other += other.other;
        sum
    }

    /// All ratings.
    #[must_use]
    pub fn rated(&self) -> u64 {
        self.levels.iter().sum()
    }

    /// All prompts.
    #[must_use]
    pub fn prompts(&self) -> u64 {
        self.rated() + self.declined + self.timed_out + self.other
    }

    /// The mean of the points 10, 8, 6, 3, 0 to two digits, rounded half up, as the office prints
    /// it: never 10.00 unless every single rating is 非常满意. `None` without ratings.
    #[must_use]
    pub fn mean(&self) -> Option<String> {
        let [five, four, three, two, _] = self.levels;
        let points = 10 * five + 8 * four + 6 * three + 3 * two;
        let rated = self.rated();
        let hundredths = (200 * points + rated).checked_div(2 * rated)?;
        let hundredths = if points < 10 * rated {
            hundredths.min(999)
        } else {
            hundredths
        };
        Some(format!("{}.{:02}", hundredths / 100, hundredths % 100))
    }

    /// Reads the `counts` object of the scores API.
    ///
    /// # Errors
    /// Names the count that is missing or no number.
    pub fn of_counts(counts: &Value) -> anyhow::Result<Self> {
        let number = |pointer: &str| {
            let value = counts.pointer(pointer).and_then(Value::as_u64);
            value.ok_or_else(|| {
                anyhow::anyhow!("the office's answer has no number at counts{pointer}")
            })
        };
        let level = |level: Level| number(&format!("/levels/{}", level.number()));
        let [five, four, three, two, one] = Level::ALL.map(level);
        Ok(Self {
            levels: [five?, four?, three?, two?, one?],
            declined: number("/declined")?,
            timed_out: number("/timed_out")?,
            other: number("/withdrawn")? + number("/fault")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratings(levels: [u64; 5]) -> Tally {
        Tally {
            levels,
            ..Tally::default()
        }
    }

    #[test]
    fn the_mean_is_rounded_half_up_and_held_below_the_whole() {
        assert_eq!(ratings([1, 0, 0, 0, 0]).mean().as_deref(), Some("10.00"));
        assert_eq!(ratings([0, 0, 0, 0, 3]).mean().as_deref(), Some("0.00"));
        assert_eq!(ratings([10, 4, 2, 1, 0]).mean().as_deref(), Some("8.65"));
        // 2 of 3 and 1 of 3: 9.333… and 8.666…
        assert_eq!(ratings([2, 1, 0, 0, 0]).mean().as_deref(), Some("9.33"));
        assert_eq!(ratings([1, 2, 0, 0, 0]).mean().as_deref(), Some("8.67"));
        // 9.995 would print as 10.00 although not everybody gave 10.
        assert_eq!(ratings([399, 1, 0, 0, 0]).mean().as_deref(), Some("9.99"));
        assert_eq!(ratings([0; 5]).mean(), None);
    }

    #[test]
    fn counts_are_read_from_the_shape_of_the_api() {
        let counts = serde_json::json!({
            "prompts": 9, "rated": 6, "declined": 2, "timed_out": 1, "withdrawn": 3, "fault": 4,
            "levels": {"5": 3, "4": 2, "3": 0, "2": 1, "1": 0}, "bad": 1, "defaulted": 0,
        });
        let expected = Tally {
            levels: [3, 2, 0, 1, 0],
            declined: 2,
            timed_out: 1,
            other: 7,
        };
        assert_eq!(Tally::of_counts(&counts).expect("all there"), expected);
        assert!(Tally::of_counts(&serde_json::json!({})).is_err());
    }
}

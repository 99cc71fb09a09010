//! Marks 标记: ratings that look odd, for a person to judge.
//!
//! Pure: the rules, over the ratings of one day of a hall and what is usual at its windows. [`mod@file`]
//! reads the thresholds, [`task`] looks at what is new, the store keeps the marks.
//!
//! **Invariants**
//! 1. A mark deletes nothing and changes no count. Scores are shown with and without marked ratings,
//!    and both say so.
//! 2. The same day gives the same marks, in whatever order its ratings came and however often it is
//!    looked at.
//! 3. A mark says by which rule, which thresholds and which values it was made.
//! 4. What a person decided stands: no later look opens a mark again that was dismissed or confirmed.
//!
//! Ratings that came as counts only (folds) have no single rating to mark and are not looked at.

mod chance;
mod day;
pub mod file;
mod rules;
mod seen;
pub mod task;

pub use day::find;
pub use rules::{Burst, NoMatter, OwnShift, Rhythm, Rule, Rules, TooSoon, TopStreak};
pub use seen::{Found, Place, Seen, Usual};

#[cfg(test)]
mod tests;

//! Scores: figures computed from counts, each with its formula, scope and rounding.
//!
//! Pure: imports `manyi_shared` and std only, reads no clock, does no I/O. The API, the office page,
//! the command line and every export print what this module computes, so two of them cannot
//! disagree.
//!
//! **Invariants**
//! 1. No floating point. A figure is a fraction of two counts; its printed value is rounded once,
//!    from that fraction.
//! 2. Only ratings enter a score. Declined, timed-out, withdrawn and failed prompts and ratings set
//!    by default 系统默认评价 are counted apart.
//! 3. A rate below the whole never prints as the whole, and a bad rate above zero never prints as
//!    zero: the nearest value that is true is printed instead, with a note.
//! 4. A figure without a denominator has no value and says why. It is never 0 and never 100.

mod claim;
mod counts;
mod decimal;
mod figure;
mod scores;
mod shares;
mod text;

pub use claim::{Claim, check_claimed_mean};
pub use counts::{Counts, RatedWithoutLevel, Unrated};
pub use decimal::{Decimal, InvalidDecimal, MAX_DIGITS, Rounding, RoundingMode};
pub use figure::{Absent, Figure, FigureKind, Note, Unit};
pub(crate) use figure::{Guard, print_guarded};
pub use scores::Scores;
pub use shares::{NamedShare, Shares};
pub use text::{Bilingual, Definition};

#[cfg(test)]
mod laws;
#[cfg(test)]
mod published;

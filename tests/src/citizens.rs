//! Simulated citizens: who comes, what they tap, and whether the office counts just that.
//!
//! [`plan`] draws the citizens from a seed and [`tally`] counts what they tapped; both are pure.
//! [`tablet`] taps for them and [`check`] reads back what the tablet sealed and the office counted.

pub mod check;
pub mod plan;
pub mod tablet;
pub mod tally;

use std::fmt;
use std::io::Write as _;

/// Prints a line for the person watching. A closed pipe ends nothing but the printing.
pub fn note(line: fmt::Arguments<'_>) {
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

//! Indicators 指标: what a published figure means, as data.
//!
//! Pure: the definitions and what they come to over counted quantities. [`mod@file`] reads them.
//!
//! **Invariants**
//! 1. A definition is never changed: another meaning is another version, with the day from which it
//!    holds. A figure is printed with id and version.
//! 2. The words of a formula are made from the formula that is computed.
//! 3. No floating point; the guards of [`crate::score`] hold here too.
//! 4. A quantity that is not known is never taken for 0: the figure then has no value and names it.

mod composite;
mod definition;
pub mod file;
mod quantity;
mod set;
mod value;

pub use composite::{Composite, CompositeValue, Part, PartValue};
pub use definition::{Guards, Indicator, Term};
pub use quantity::{Quantities, Quantity};
pub use set::{Definitions, Fault};
pub use value::{Missing, Value};

#[cfg(test)]
mod tests;

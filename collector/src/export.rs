//! Tables that leave the house: one model, written as CSV and as XLSX.
//!
//! Takes a [`Table`], gives bytes. What stands in a table was computed elsewhere, once; here
//! nothing is added up and nothing is rounded.
//!
//! **Invariants**
//! 1. CSV, XLSX and the page print the same cells of the same table, digit by digit.
//! 2. A table carries what is needed to read it: scope, range, time zone, rounding, definitions, when
//!    and for whom it was made.
//! 3. No row is left out in silence: what cannot be written is refused with its number.
//! 4. No cell is a formula to a spreadsheet program, whatever a hall calls its windows.

pub mod csv;
mod made;
mod table;
pub mod xlsx;

pub use made::Made;
pub use table::{Cell, Column, Note, Row, RowKind, Table, Text, Unit};

//! What the office tells the public: monthly bulletins 通报, frozen when they are published, and the
//! page for everybody.
//!
//! **Invariants**
//! 1. Nothing is public before somebody with the right published it; that is an act with a name and
//!    a time.
//! 2. A publication never changes: its content is kept as published, with its digest. A correction is
//!    another version with a reason, and the older ones stay to be read.
//! 3. What is public is worked out and made safe when it is published: groups below the smallest size
//!    are withheld, and so are others from which they could be computed.
//! 4. Page, CSV and XLSX print the same frozen tables.

pub mod bulletin;
pub mod open;
mod quantities;
mod rows;
pub mod safe;
mod tags;
pub mod withhold;

pub use bulletin::{Bulletin, Content, month_of};

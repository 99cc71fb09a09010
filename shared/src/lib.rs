//! What the tablet, its daemon and the centre must agree on.
//!
//! Three layers, each importing only the ones before it:
//!
//! 1. [`domain`]: the field's terms as types, and pure arithmetic on them. No bytes, no I/O.
//! 2. [`wire`]: how those terms are written down, signed and sent. Frozen formats with golden
//!    bytes in `tests/wire_golden.rs`.
//! 3. [`journal`] and [`tablet`] (feature `journal`): the files on a tablet's card. The collector
//!    does not enable them, so it cannot read or write a journal by accident.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod domain;
#[cfg(feature = "journal")]
mod files;
#[cfg(feature = "journal")]
pub mod journal;
#[cfg(feature = "settings")]
pub mod settings;
#[cfg(feature = "journal")]
pub mod tablet;
pub mod wire;

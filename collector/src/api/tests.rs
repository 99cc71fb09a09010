//! The API on a real database, through the real router.

mod exports;
mod scores;
pub(crate) mod support;
mod token;
mod walk;

//! The API on a real database, through the real router.

mod scores;
pub(crate) mod support;
mod token;

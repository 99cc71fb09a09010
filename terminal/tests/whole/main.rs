//! The whole terminal without a window: API, conductor, recorder and a real journal.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod faults;
mod keys;
#[path = "../common/office.rs"]
mod office;
#[path = "../common/profile.rs"]
mod profile;
mod ratings;
mod recorder;
mod terminal;

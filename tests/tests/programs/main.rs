//! The real programs against each other: a finger on a real window at one end, the office's score
//! over HTTP at the other.
//!
//! Needs the programs built (`cargo build --workspace`) and Xvfb; `sh tests/run` sees to both.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod bad_start;
mod citizen;
mod deaths;
mod kills;
mod office;
mod rig;
mod rotating;
mod suites;
mod way;
mod wear;

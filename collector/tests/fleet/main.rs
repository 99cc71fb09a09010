//! The fleet and its alerts at a whole centre: real exchanges, real SQLite, a real HTTP receiver and a
//! real SMTP conversation.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    dead_code,
    reason = "helpers of tests, some for other test programs"
)]

mod pages;
mod receivers;
mod states;
#[path = "../centre/support.rs"]
mod support;
mod told;

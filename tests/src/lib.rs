//! What end-to-end tests and the demo's citizens are made of.
//!
//! Everything here drives the real programs from outside: processes, HTTP, the X server's pointer.
//! Where a fleet is too many for processes, simulated tablets run the daemon's own library.
//!
//! - [`wait`]: waiting for a condition, the only place that pauses.
//! - [`programs`]: where the built programs are, and running them so that none is left behind.
//! - [`display`]: an X server without a screen.
//! - [`mod@pointer`]: a finger, by way of the X server.
//! - [`canvas`]: what is painted on it, and when.
//! - [`layout`], [`places`]: where the targets are on the glass.
//! - [`faults`]: a network that goes wrong on purpose, between tablets and a collector.
//! - [`fleet`]: thousands of simulated tablets that come home at once.
//! - [`history`]: a hall with weeks of ratings behind it.
//! - [`http`]: plain questions to the programs' APIs.
//! - [`invented`]: a tablet that is enrolled without an office.
//! - [`office`]: a collector with an invented hall; [`ledger`]: what was sealed against what it holds.
//! - [`progress`]: a bar for runs of minutes.
//! - [`usage`], [`figures`]: what programs cost, and how that is told.
//! - [`dice`]: chance that can be repeated.
//! - [`power`]: power cuts, simulated; the one place with unsafe code, for SQLite's C interface.
//! - [`browser`]: a real browser on the office's pages, and what axe finds there.
//! - [`citizens`]: made-up people, what they tap, and the check against office and journal.

#![warn(missing_docs)]

pub mod browser;
pub mod canvas;
pub mod citizens;
pub mod dice;
pub mod display;
pub mod faults;
pub mod figures;
pub mod fleet;
pub mod history;
pub mod http;
pub mod invented;
pub mod layout;
pub mod ledger;
pub mod office;
pub mod places;
pub mod pointer;
pub mod power;
pub mod programs;
pub mod progress;
pub mod usage;
pub mod wait;

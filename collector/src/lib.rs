//! The centre: takes what terminals send, counts it, and shows it to the office.
//!
//! Who may import whom: `access`, `ingest` and `score` are pure and import `manyi_shared` only; `verify` and
//! `roots` decide on what the port hands them; `alarm` decides on
//! what the port tells it; `store` is
//! the port to the database, implemented once in SQL over `store::sqlite` and `store::postgres`;
//! `device`, `api` and `office`
//! are HTTP and talk to the port; `app` assembles them; `cli` is the command line.

#![forbid(unsafe_code)]

// Helpers of tests inside and outside name it alike.
#[cfg(test)]
extern crate self as manyi_collector;

pub mod access;
pub mod alarm;
pub mod alert;
pub mod api;
pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod day;
pub mod device;
pub mod export;
pub mod fleet;
pub mod hall;
pub mod health;
pub mod indicator;
pub mod ingest;
pub mod keys;
pub mod marks;
pub mod metrics;
pub mod office;
pub mod problem;
pub mod publish;
pub mod rollup;
pub mod roots;
pub mod score;
pub mod store;
pub mod verify;
pub mod watch;

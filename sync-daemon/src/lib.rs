//! The tablet's daemon: carries sealed records from the journal to the collector, unopened, and
//! brings back the acknowledgement and the profile.
//!
//! | module | what |
//! |---|---|
//! | [`uplink`] | decides; pure |
//! | [`daemon`] | the loop that does what it decides |
//! | [`link`] | HTTP with limits: one request, one answer |
//! | [`exchange`] | one signed exchange and its verified reply |
//! | [`journal`] | the journal as the daemon uses it: may be absent, may come back |
//! | [`enrol`] | trades a one-time code for an identity |
//! | [`prompts`] | the office's own prompts and their receipts; pure |
//! | [`settings`], [`status`], [`lock`] | configuration, what is unsent, one daemon a data folder |

#![forbid(unsafe_code)]

pub mod daemon;
pub mod enrol;
pub mod exchange;
pub mod journal;
pub mod link;
pub mod lock;
mod numbers;
mod profile;
pub mod prompts;
pub mod settings;
pub mod status;
pub mod uplink;
mod wakes;

/// What this program calls itself towards the collector.
pub const SOFTWARE: &str = concat!("manyi-sync ", env!("CARGO_PKG_VERSION"));

/// An error with its causes on one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

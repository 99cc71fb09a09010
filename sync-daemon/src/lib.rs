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
//! | [`enrol`] | trades a one-time code for an identity; waits for one |
//! | [`rotation`] | trades the terminal's key for a new one |
//! | `profile`, `assets` | a profile and its files: fetched, checked, then obeyed |
//! | [`prompts`] | the office's own prompts and their receipts; pure |
//! | [`status`], [`doctor`] | what a technician is told: how it is, and what stands in the way |
//! | [`settings`], [`lock`] | configuration, one daemon a data folder |

#![forbid(unsafe_code)]

mod assets;
pub mod daemon;
pub mod doctor;
pub mod enrol;
pub mod exchange;
mod job;
pub mod journal;
pub mod link;
pub mod lock;
mod numbers;
mod profile;
mod prompt_api;
pub mod prompts;
pub mod rotation;
pub mod settings;
pub mod status;
pub mod uplink;
mod wakes;
mod words;

/// What this program calls itself towards the collector.
pub const SOFTWARE: &str = concat!("manyi-sync ", env!("CARGO_PKG_VERSION"));

/// An error with its causes on one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

/// Text for one line of a screen or a log: no control characters, at most so many characters.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(most)
        .collect()
}

/// The beginning of a text, cut at a character, at most so many bytes long.
pub(crate) fn within(mut text: String, most: usize) -> String {
    if text.len() > most {
        let cut = (0..=most).rev().find(|&at| text.is_char_boundary(at));
        text.truncate(cut.unwrap_or(0));
    }
    text
}

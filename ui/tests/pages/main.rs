//! The pages on the testing backend: taps, sizes, words and looks.

mod catalogues;
mod geometry;
mod glass;
mod legibility;
mod looks;
mod pulse;
mod taps;
mod touches;
mod words;

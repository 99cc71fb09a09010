//! The pages on the testing backend: taps, sizes, words and looks.

mod geometry;
mod glass;
mod looks;
mod taps;
mod words;

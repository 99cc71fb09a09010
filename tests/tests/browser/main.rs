//! The office's pages in a real browser: Chromium, at a desk and on a phone, in light and dark.
//!
//! Needs the programs built (`cargo build --workspace`), Debian's `chromium` and `chromium-driver`,
//! and axe; `sh tests/run` sees to all. With `MANYI_PICTURES=FOLDER` every page's picture is kept.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod desk;
mod looks;

//! The daemon with a real journal, a real HTTP collector and a network that breaks on demand.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod bad_records;
mod carrying;
mod clock;
mod collector;
mod doctor;
mod enrolling;
mod office_prompts;
mod profiles;
mod program;
mod proxy;
mod relay;
mod rotating;
mod status;
mod tablet;
mod tls;
mod trouble;
mod unenrolled;
mod wrong_clock;

use std::time::Duration;

/// Waits until something is so; fails when it is not within 20 seconds.
async fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert!(waited.is_ok(), "still not so after 20 s: {what}");
}

//! Makes roll-ups that are missing while the collector serves: after an update, after the import of a
//! hall whose zone changed, after they were forgotten.

use std::error::Error;
use std::time::Duration;

use crate::app::AppState;

/// How often a running collector looks for halls without roll-ups.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Rolls up what is missing, window by window, so that ingest never waits for long. Never returns;
/// may be dropped anywhere.
pub async fn rolling_up(state: AppState) {
    loop {
        let pause = match state.store.roll_up().await {
            Ok(true) => Duration::ZERO,
            Ok(false) => LOOK_EVERY,
            Err(error) => {
                // Scores are right without roll-ups; the next look tries again.
                tracing::error!(error = &error as &dyn Error, "could not roll counts up");
                LOOK_EVERY
            }
        };
        tokio::time::sleep(pause).await;
    }
}

//! Publishes each day's root soon after the hall's midnight.

use std::error::Error;
use std::time::Duration;

use super::{proof::hex, publish};
use crate::app::AppState;
use crate::store::StoreError;

/// How often a running collector looks whether a day is over.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Publishes each day's roots while the collector serves. Never returns; may be dropped anywhere.
pub async fn publishing(state: AppState) {
    loop {
        if let Err(error) = publish_all(&state).await {
            // The next look tries again; nothing is lost by a root that comes later.
            tracing::error!(
                error = &error as &dyn Error,
                "could not publish daily roots"
            );
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn publish_all(state: &AppState) -> Result<(), StoreError> {
    let halls = state.store.halls().await?;
    let halls: Vec<_> = halls.into_iter().map(|hall| hall.id).collect();
    let now_ms = state.clock.now_ms();
    for root in publish(state.store.as_ref(), state.keys.chosen(), &halls, now_ms).await? {
        tracing::info!(
            hall = %root.hall, day = root.day, records = root.leaves,
            root = hex(&root.root), "published the root of a day"
        );
    }
    Ok(())
}

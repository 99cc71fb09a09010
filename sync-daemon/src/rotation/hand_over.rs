//! `manyi-sync rotate-key`: by itself, or by the daemon that holds the data folder.

use std::time::Duration;

use manyi_shared::tablet::{DataDir, Identity, KeySource, UplinkStatus, replace, wake};
use manyi_shared::wire::PublicKey;

use super::{RotateError, rotate};
use crate::link::{Link, LinkOptions};
use crate::lock::{Lock, LockError};

/// Between two looks at what the daemon did.
const LOOK: Duration = Duration::from_millis(100);

/// The daemon looks every few seconds, and its longest try takes half a minute.
const PATIENCE: Duration = Duration::from_secs(90);

/// Rotates the key, by the daemon when one works here. Gives the new key's public half.
///
/// # Errors
/// [`RotateError`]; the old key is still taken by the collector.
pub async fn rotate_or_hand_over(
    data: &DataDir,
    collector_url: Option<&str>,
    options: &LinkOptions,
) -> Result<PublicKey, RotateError> {
    let identity = Identity::read(&data.identity())?;
    let source = KeySource::of_service(data);
    if let KeySource::Credential(path) = source {
        return Err(RotateError::ReadOnly { path });
    }
    let before = source.read()?.public();
    match Lock::take(data) {
        Ok(_lock) => {
            options.time.recall(data);
            let url = collector_url.unwrap_or(&identity.collector_url);
            let link = Link::new(url, options)?;
            Ok(rotate(data, &identity, &link).await?.public())
        }
        Err(LockError::Held { .. }) => hand_over(data, &source, before).await,
        Err(error) => Err(error.into()),
    }
}

async fn hand_over(
    data: &DataDir,
    source: &KeySource,
    before: PublicKey,
) -> Result<PublicKey, RotateError> {
    let order = data.rotate_order();
    replace(&order, b"")?;
    // Without the wake the daemon's timer finds the order.
    drop(wake(&data.wake_socket()));
    let answer = async {
        loop {
            if !order.exists() {
                // While it is renamed over there is always one or the other.
                if let Ok(key) = source.read()
                    && key.public() != before
                {
                    return Ok(key.public());
                }
                let status = UplinkStatus::read(&data.uplink_status());
                if let Some(detail) = status.and_then(|status| status.rotation_problem) {
                    return Err(RotateError::ByDaemon { detail });
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let answered = tokio::time::timeout(PATIENCE, answer).await;
    answered.unwrap_or_else(|_| {
        drop(std::fs::remove_file(&order));
        Err(RotateError::NoWord)
    })
}

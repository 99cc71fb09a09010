//! A new key for the terminal, when the office wants one.

use super::Daemon;

impl Daemon {
    /// The office wants a new key. Asked for with every reply until it has one.
    pub(super) fn rotate_key(&mut self) {
        tracing::warn!("the office wants a new key; this daemon cannot make one yet");
        self.uplink.rotated();
    }
}

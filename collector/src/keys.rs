//! The keys that the collector signs with: one for every suite it has ever used.
//!
//! **Invariant**: a terminal hears one key only, that of its own suite; it was told at enrolment.

use std::sync::Arc;

use manyi_shared::wire::{SecretKey, Suite};

/// The collector's signing keys.
#[derive(Debug, Clone)]
pub struct SigningKeys {
    chosen: Arc<SecretKey>,
    others: Vec<Arc<SecretKey>>,
}

impl SigningKeys {
    /// The key of the suite that new terminals are enrolled with, and those of suites that were
    /// chosen before.
    #[must_use]
    pub fn new(chosen: SecretKey, others: impl IntoIterator<Item = SecretKey>) -> Self {
        Self {
            chosen: Arc::new(chosen),
            others: others.into_iter().map(Arc::new).collect(),
        }
    }

    /// The key of the suite that new terminals are enrolled with.
    #[must_use]
    pub fn chosen(&self) -> &SecretKey {
        &self.chosen
    }

    /// The key of a suite; none when the collector was never set up for it.
    #[must_use]
    pub fn of(&self, suite: Suite) -> Option<&SecretKey> {
        self.all().find(|key| key.suite() == suite)
    }

    /// Every key, the chosen one first.
    pub fn all(&self) -> impl Iterator<Item = &SecretKey> {
        std::iter::once(&self.chosen)
            .chain(&self.others)
            .map(Arc::as_ref)
    }
}

/// A collector that never had another suite.
impl From<SecretKey> for SigningKeys {
    fn from(chosen: SecretKey) -> Self {
        Self::new(chosen, [])
    }
}

/// A collector that never had another suite.
impl From<Arc<SecretKey>> for SigningKeys {
    fn from(chosen: Arc<SecretKey>) -> Self {
        Self {
            chosen,
            others: Vec::new(),
        }
    }
}

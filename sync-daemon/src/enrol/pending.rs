//! Address and code that somebody gave and that may succeed later: kept on the card, because a hall
//! is switched off every evening and the collector may be reached only days later.
//!
//! Mode 0600, and gone as soon as the code is used, refused or replaced by another.

use std::path::PathBuf;
use std::time::Duration;

use manyi_shared::tablet::EnrolOrder;

use super::boot_file;
use super::tries::Tries;

/// What is to be tried again.
#[derive(Debug)]
pub(super) struct Pending {
    path: PathBuf,
    order: Option<EnrolOrder>,
    tries: Tries,
}

impl Pending {
    /// What an earlier start left is due at once.
    pub(super) fn at(path: PathBuf, mut tries: Tries) -> Self {
        let order = EnrolOrder::read(&path);
        if order.is_some() {
            tries.failed(Duration::ZERO, None, 0);
        }
        Self { path, order, tries }
    }

    /// What is due.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<EnrolOrder> {
        if !self.tries.are_due(now) {
            return None;
        }
        self.tries.stop();
        self.order.clone()
    }

    /// This failed, but may succeed later.
    pub(super) fn keep(
        &mut self,
        order: EnrolOrder,
        now: Duration,
        wish: Option<Duration>,
        random: u64,
    ) {
        if self.order.as_ref() != Some(&order) {
            self.tries.begin();
            if let Err(error) = order.write(&self.path) {
                tracing::warn!(
                    error = crate::chain(&error),
                    "address and code are tried again only until the next start"
                );
            }
            self.order = Some(order);
        }
        self.tries.failed(now, wish, random);
    }

    /// It is used, refused or replaced.
    pub(super) fn drop_it(&mut self) {
        self.tries.stop();
        if self.order.take().is_some()
            && let Err(error) = boot_file::remove(&self.path)
        {
            tracing::warn!(
                path = %self.path.display(), error = crate::chain(&error),
                "a code is left on the card"
            );
        }
    }
}

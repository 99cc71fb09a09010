//! One thing that is done beside the loop: a download must not hold up ratings.

use std::future::Future;

use tokio::task::JoinHandle;

/// At most one task at a time; it ends with its owner.
#[derive(Debug)]
pub(crate) struct Job<T>(Option<JoinHandle<T>>);

impl<T> Default for Job<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Send + 'static> Job<T> {
    /// Begins, in place of what was under way.
    pub(crate) fn start(&mut self, work: impl Future<Output = T> + Send + 'static) {
        self.stop();
        self.0 = Some(tokio::spawn(work));
    }

    pub(crate) const fn is_idle(&self) -> bool {
        self.0.is_none()
    }

    /// Whether there is a result to take without waiting.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// Its result once there is one; none when it panicked. Waits for ever while nothing is under
    /// way. Can be dropped at any time.
    pub(crate) async fn ended(&mut self) -> Option<T> {
        let Some(task) = &mut self.0 else {
            return std::future::pending().await;
        };
        let result = task.await;
        self.0 = None;
        result.ok()
    }
}

impl<T> Job<T> {
    pub(crate) fn stop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        self.stop();
    }
}

//! What to do after a failed attempt. Every I/O error of the daemon answers this question, and the
//! loop must match on the answer.

use std::time::Duration;

/// What the sender of a failed attempt does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Try again at once with what was just learnt (a gap: rewind; too large: halve).
    Now,
    /// Try again after a jittered pause.
    Backoff {
        /// The server's own wish (Retry-After); it wins over our pause.
        at_least: Option<Duration>,
    },
    /// Somebody must act first (revoked, clock-independent refusal). Keep asking slowly.
    AfterOperator,
    /// The same bytes will never be taken. Raise an alarm and go on with the rest.
    Never,
}

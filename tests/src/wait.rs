//! Waiting for something that another program does.

use std::time::{Duration, Instant};

use anyhow::bail;

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Looks until `look` finds something, and hands that over.
///
/// Level-triggered: it asks how things are, so nothing that happened before is missed. An error of
/// `look` counts as "not yet"; the last one is in the message when time is up.
///
/// # Errors
/// When `limit` has passed; names `what`.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        let last = look();
        if let Ok(Some(found)) = last {
            return Ok(found);
        }
        if start.elapsed() >= limit {
            match last {
                Err(error) => bail!("waited {limit:?} for {what}, in vain; at last: {error:#}"),
                Ok(_) => bail!("waited {limit:?} for {what}, in vain"),
            }
        }
        pause(LOOK);
    }
}

/// The same for a condition that is just true or false.
///
/// # Errors
/// When `limit` has passed; names `what`.
pub fn wait_until(
    what: &str,
    limit: Duration,
    mut holds: impl FnMut() -> bool,
) -> anyhow::Result<()> {
    wait_for(what, limit, || Ok(holds().then_some(())))
}

/// Lets time pass where time itself is the matter, such as a guard time. To wait for a program use
/// [`wait_for`].
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the tests that sleeps"
)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_already_holds_needs_no_waiting() {
        let found = wait_for("nothing", Duration::ZERO, || Ok(Some(7)));
        assert_eq!(found.expect("it holds"), 7);
    }

    #[test]
    fn the_message_names_what_was_awaited_and_the_last_error() {
        let none = wait_for::<()>("a miracle", Duration::from_millis(1), || {
            anyhow::bail!("no connection")
        });
        let message = none.expect_err("it never holds").to_string();
        assert!(
            message.contains("a miracle") && message.contains("no connection"),
            "{message}"
        );
    }
}

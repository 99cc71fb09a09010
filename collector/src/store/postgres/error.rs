//! What PostgreSQL's errors mean to whoever asked.

use manyi_shared::domain::Retry;
use postgres::error::SqlState;

use crate::store::StoreError;

impl From<postgres::Error> for StoreError {
    fn from(error: postgres::Error) -> Self {
        let retry = retry_of(&error);
        Self::Query {
            source: Box::new(error),
            retry,
        }
    }
}

/// What can be done about an error.
fn retry_of(error: &postgres::Error) -> Retry {
    match error.code() {
        Some(state) => retry_of_state(state),
        // No answer of the server's own: the connection broke, or could not be made.
        None if error.is_closed() || from_the_network(error) => BACKOFF,
        None => Retry::Never,
    }
}

const BACKOFF: Retry = Retry::Backoff { at_least: None };

/// # Source
/// PostgreSQL's documentation, appendix A: the first two characters are the class.
fn retry_of_state(state: &SqlState) -> Retry {
    let class = state.code().get(..2).unwrap_or_default();
    match (class, state) {
        // Two transactions got in each other's way, or one waited too long for the other.
        ("40", _) => BACKOFF,
        (_, &SqlState::LOCK_NOT_AVAILABLE) => BACKOFF,
        // The connection broke; there are too many; the server stops, starts or recovers.
        ("08" | "57", _) => BACKOFF,
        (_, &SqlState::TOO_MANY_CONNECTIONS) => BACKOFF,
        // Disk or memory is full; nothing can be written here; who we are is not enough.
        ("53" | "25" | "28" | "3D" | "58", _) => Retry::AfterOperator,
        (_, &SqlState::INSUFFICIENT_PRIVILEGE) => Retry::AfterOperator,
        _ => Retry::Never,
    }
}

fn from_the_network(error: &postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<std::io::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::deadlock("40P01", BACKOFF)]
    #[case::serialization("40001", BACKOFF)]
    #[case::waited_too_long("55P03", BACKOFF)]
    #[case::administrator_stops_it("57P01", BACKOFF)]
    #[case::starting("57P03", BACKOFF)]
    #[case::connection_lost("08006", BACKOFF)]
    #[case::too_many_connections("53300", BACKOFF)]
    #[case::disk_full("53100", Retry::AfterOperator)]
    #[case::read_only("25006", Retry::AfterOperator)]
    #[case::wrong_password("28P01", Retry::AfterOperator)]
    #[case::no_such_database("3D000", Retry::AfterOperator)]
    #[case::may_not("42501", Retry::AfterOperator)]
    #[case::unique("23505", Retry::Never)]
    #[case::syntax("42601", Retry::Never)]
    fn a_state_says_what_to_do(#[case] state: &str, #[case] wanted: Retry) {
        assert_eq!(retry_of_state(&SqlState::from_code(state)), wanted);
    }
}

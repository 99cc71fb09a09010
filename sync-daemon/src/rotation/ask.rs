//! Asking the collector to know a terminal by another key.

use std::future::Future;

use manyi_shared::domain::TerminalId;
use manyi_shared::wire::{PublicKey, Rotation, RotationReply, SecretKey, TerminalMessage};

use crate::exchange::{ExchangeError, SIGNED_TYPE, refused};
use crate::link::{Link, Request};

const PATH: &str = "/device/v1/rotate";

/// Whoever knows the terminals' keys.
pub(super) trait Ask {
    /// Has this terminal known by `next` from now on, asked for with the signature of `by`. The
    /// answer was verified.
    fn ask(
        &self,
        terminal: TerminalId,
        next: &SecretKey,
        by: &SecretKey,
    ) -> impl Future<Output = Result<(), ExchangeError>> + Send;
}

/// The real collector.
#[derive(Debug)]
pub(super) struct Collector<'a> {
    pub(super) link: &'a Link,
    /// Pinned at enrolment.
    pub(super) key: &'a PublicKey,
}

impl Ask for Collector<'_> {
    async fn ask(
        &self,
        terminal: TerminalId,
        next: &SecretKey,
        by: &SecretKey,
    ) -> Result<(), ExchangeError> {
        let request = Rotation::new(terminal, next).seal(by);
        let digest = by.suite().digest(&request);
        let wanted = next.public();
        let answer = self
            .link
            .post(Request::new(PATH, SIGNED_TYPE, request))
            .await?;
        if answer.content_type != SIGNED_TYPE || answer.status >= 400 {
            return Err(refused(answer));
        }
        let reply = RotationReply::open(&answer.body, self.key, &digest)
            .map_err(|error| ExchangeError::Untrusted(error.into()))?;
        if reply.terminal != terminal || reply.new_key != wanted {
            return Err(ExchangeError::NotTheCollector {
                status: answer.status,
                content_type: answer.content_type,
            });
        }
        Ok(())
    }
}

/// Whether the collector says that it does not know the key, or does not want the terminal. Only
/// its own form of refusal counts: a login page also has a 403.
pub(super) const fn is_refusal(error: &ExchangeError) -> bool {
    matches!(
        error,
        ExchangeError::Refused {
            status: 401 | 403,
            collectors: true,
            ..
        }
    )
}

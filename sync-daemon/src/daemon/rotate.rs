//! A new key for the terminal, when the office or a technician wants one, or a cut left a rotation
//! unfinished. Goes on beside the exchanges, which are signed with the old key meanwhile.

use std::time::Duration;

use manyi_shared::tablet::DataDir;
use manyi_shared::wire::SecretKey;

use super::Daemon;
use crate::job::Job;
use crate::rotation::{self, RotateError};

/// A rotation under way, or to come.
#[derive(Debug, Default)]
pub(super) struct Rotating {
    job: Job<Result<SecretKey, RotateError>>,
    due: Option<Duration>,
    failures: u32,
    /// The collector does not know the present key.
    unknown: bool,
}

impl Rotating {
    /// Due at once when a cut left one unfinished.
    pub(super) fn on_card(data: &DataDir) -> Self {
        Self {
            due: rotation::is_under_way(data).then_some(Duration::ZERO),
            ..Self::default()
        }
    }

    /// Its result once there is one.
    pub(super) async fn ended(&mut self) -> Option<Result<SecretKey, RotateError>> {
        self.job.ended().await
    }
}

impl Daemon {
    /// The office wants a new key. Asked for with every reply until it has one.
    pub(super) fn rotate_key(&mut self) {
        if self.rotating.due.is_none() && self.rotating.job.is_idle() {
            tracing::info!("the office wants a new key of this terminal");
            self.rotating.due = Some(self.now());
        }
    }

    /// The collector says that it does not know our key. One that was restored from a backup may know
    /// the key before it.
    pub(super) fn key_unknown(&mut self) {
        let quiet = self.rotating.due.is_none() && self.rotating.job.is_idle();
        if quiet && rotation::has_previous(&self.data) {
            tracing::warn!(
                "the collector does not know this terminal's key; asking with the one before it"
            );
            self.rotating.unknown = true;
            self.rotating.due = Some(self.now());
        }
    }

    /// Takes what has ended, begins what is due. Says when it is to be called again; never waits.
    pub(super) async fn rotation(&mut self) -> Option<Duration> {
        if self.rotating.job.has_ended() {
            let result = self.rotating.ended().await;
            self.key_rotated(result);
        }
        let now = self.now();
        if std::fs::remove_file(self.data.rotate_order()).is_ok() {
            tracing::info!("somebody here wants a new key of this terminal");
            self.rotating.failures = 0;
            self.rotating.unknown = false;
            self.rotating.due = Some(now);
            self.say_rotation(None);
        }
        if !self.rotating.job.is_idle() {
            return None;
        }
        let due = self.rotating.due?;
        if now < due {
            return Some(due);
        }
        self.rotating.due = None;
        let (data, identity) = (self.data.clone(), self.identity.clone());
        let link = self.link.clone();
        if self.rotating.unknown {
            let regain = async move { rotation::regain(&data, &identity, &link).await };
            self.rotating.job.start(regain);
        } else {
            let rotate = async move { rotation::rotate(&data, &identity, &link).await };
            self.rotating.job.start(rotate);
        }
        None
    }

    /// What came of it; none when the task broke off.
    pub(super) fn key_rotated(&mut self, result: Option<Result<SecretKey, RotateError>>) {
        let known_again = self.rotating.unknown && matches!(result, Some(Ok(_)));
        self.settle_rotation(result);
        self.rotating.unknown = false;
        self.uplink.rotated();
        if known_again {
            self.uplink.known_again(self.now());
        }
    }

    fn settle_rotation(&mut self, result: Option<Result<SecretKey, RotateError>>) {
        match result {
            Some(Ok(key)) => {
                tracing::info!(
                    fingerprint = key.public().fingerprint(),
                    "the collector knows this terminal's key, and it signs with it from now on"
                );
                self.key = key;
                self.rotating.failures = 0;
                self.say_rotation(None);
            }
            Some(Err(error)) => {
                let problem = crate::chain(&error);
                tracing::warn!(error = problem, "the key is not rotated yet");
                // The next exchange that is refused asks again for what is not known.
                if error.may_pass() && !self.rotating.unknown {
                    let pause =
                        self.pace
                            .backoff
                            .pause(self.rotating.failures, None, Self::random());
                    self.rotating.failures = self.rotating.failures.saturating_add(1);
                    self.rotating.due = Some(self.now().saturating_add(pause));
                }
                self.say_rotation(Some(problem));
            }
            None => self.rotating.due = Some(self.now().saturating_add(self.pace.operator)),
        }
    }

    fn say_rotation(&mut self, problem: Option<String>) {
        self.status.rotation_problem =
            problem.map(|problem| crate::one_line(&problem, super::MAX_PROBLEM));
        self.tell_status();
    }
}

//! Starting the daemon, with an identity or without one.

use std::future::Future;
use std::path::PathBuf;

use manyi_shared::tablet::{DataDir, FileError, IdentityError, KeySource, ensure_folder};
use manyi_shared::wire::SecretKey;

use super::Daemon;
use crate::enrol::waiting::until_enrolled;
use crate::link::{LinkError, LinkOptions};
use crate::lock::{Lock, LockError};
use crate::uplink::Pace;
use crate::wakes::Wakes;

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The terminal has no identity, or a damaged one.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The data folder cannot be made.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another daemon is at work.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The collector's address or the certificates are not usable.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The system has no randomness to give.
    #[error("could not draw a random number")]
    Random(#[from] getrandom::Error),
}

/// What the daemon is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The tablet's data folder.
    pub data: DataDir,
    /// The collector's address, when it is not the one given at enrolment.
    pub collector_url: Option<String>,
    /// How to reach it.
    pub link: LinkOptions,
    /// How often to look and to report.
    pub pace: Pace,
    /// A file on the boot partition that a terminal without an identity enrols from.
    pub enrol_file: Option<PathBuf>,
    /// Where the terminal takes prompts.
    pub prompt_api: String,
}

/// Runs the daemon until `stop` is ready. A terminal without an identity waits for one first.
///
/// # Errors
/// [`StartError`] when it cannot begin.
pub async fn serve(options: Options, stop: impl Future<Output = ()>) -> Result<(), StartError> {
    tokio::pin!(stop);
    ensure_folder(options.data.path())?;
    let lock = Lock::take(&options.data)?;
    let mut wakes = Wakes::listen(&options.data);
    if !options.data.identity().exists()
        && !until_enrolled(&options, &lock, &mut wakes, stop.as_mut()).await
    {
        return Ok(());
    }
    Daemon::new(options, lock, wakes)?.run(stop).await;
    Ok(())
}

/// The terminal's key. One that others could read until now is guarded first; when that cannot be
/// done the daemon does not start: whoever has the key is this terminal.
pub(super) fn key(source: &KeySource) -> Result<SecretKey, StartError> {
    if source.guard()? {
        tracing::warn!(
            path = %source.path().display(),
            "others could read the key; only its owner can now (mode 0600). If a stranger may have \
             read it: manyi-sync rotate-key"
        );
    }
    Ok(source.read()?)
}

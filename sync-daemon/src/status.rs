//! What is unsent, as JSON. Looks only: it works while terminal and daemon run, and after them.

use std::path::PathBuf;

use manyi_shared::journal::{JournalError, Reader};
use manyi_shared::tablet::{DataDir, Identity, IdentityError, read_profile};
use serde::Serialize;

/// The state of a tablet's uplink as its files show it.
#[derive(Debug, Serialize)]
pub struct Status {
    /// The data folder.
    pub data_dir: PathBuf,
    /// Who the terminal is; none before enrolment.
    pub identity: Option<IdentityStatus>,
    /// The version of the profile on the card; none when there is none to obey.
    pub profile_version: Option<u32>,
    /// Whether a daemon is at work.
    pub daemon_running: bool,
    /// The journal; none before the terminal's first start.
    pub journal: Option<JournalStatus>,
}

/// Who the terminal is.
#[derive(Debug, Serialize)]
pub struct IdentityStatus {
    /// Its id.
    pub terminal: String,
    /// Its hall.
    pub hall: String,
    /// Its window.
    pub window: String,
    /// Where the collector is.
    pub collector_url: String,
    /// The collector's key, in short.
    pub collector_fingerprint: String,
}

/// What the journal holds.
#[derive(Debug, Serialize)]
pub struct JournalStatus {
    /// Records that the centre has not acknowledged.
    pub unacknowledged: u64,
    /// The streams that have such records, oldest first.
    pub streams: Vec<StreamStatus>,
}

/// One stream with unsent records.
#[derive(Debug, Serialize)]
pub struct StreamStatus {
    /// The stream.
    pub stream: String,
    /// The terminal that sealed it.
    pub terminal: String,
    /// The centre holds everything up to here.
    pub acknowledged: u64,
    /// The last record.
    pub last: u64,
    /// Records that the centre has not acknowledged.
    pub unacknowledged: u64,
}

/// Why there is no status to show.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// The identity is damaged.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Reads the state of a data folder.
///
/// # Errors
/// [`StatusError`] when a file is there and cannot be read.
pub fn read(data: &DataDir, collector_url: Option<&str>) -> Result<Status, StatusError> {
    let identity = match Identity::read(&data.identity()) {
        Ok(identity) => Some(identity),
        Err(IdentityError::NotEnrolled { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let profile = identity
        .as_ref()
        .and_then(|identity| read_profile(data, identity).ok());
    Ok(Status {
        data_dir: data.path().to_owned(),
        profile_version: profile.map(|profile| profile.version),
        identity: identity.map(|identity| IdentityStatus {
            terminal: identity.terminal.to_string(),
            hall: identity.hall.to_string(),
            window: identity.window.to_string(),
            collector_fingerprint: identity.collector.fingerprint(),
            collector_url: collector_url.map_or(identity.collector_url, str::to_owned),
        }),
        daemon_running: is_locked(data),
        journal: journal(data)?,
    })
}

fn journal(data: &DataDir) -> Result<Option<JournalStatus>, JournalError> {
    let reader = match Reader::open(&data.journal()) {
        Ok(reader) => reader,
        Err(JournalError::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut streams = Vec::new();
    for stored in reader.streams()? {
        let (mut last, mut unacknowledged) = (stored.acknowledged, 0);
        reader.for_each_record(&stored, |record| {
            last = record.seq.get();
            unacknowledged += u64::from(last > stored.acknowledged);
        })?;
        if unacknowledged > 0 {
            streams.push(StreamStatus {
                stream: stored.id.to_string(),
                terminal: stored.terminal.to_string(),
                acknowledged: stored.acknowledged,
                last,
                unacknowledged,
            });
        }
    }
    let unacknowledged = streams.iter().map(|stream| stream.unacknowledged).sum();
    Ok(Some(JournalStatus {
        unacknowledged,
        streams,
    }))
}

/// Whether a daemon holds the lock. Taking it for an instant could turn a starting daemon away, so
/// the lock is only taken shared.
fn is_locked(data: &DataDir) -> bool {
    std::fs::File::open(data.path().join("sync.lock")).is_ok_and(|file| {
        matches!(
            file.try_lock_shared(),
            Err(std::fs::TryLockError::WouldBlock)
        )
    })
}

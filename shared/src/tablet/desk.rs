//! Files by which terminal and daemon speak to each other: enrolment at the screen, how the daemon
//! is, and the files of the profile.
//!
//! JSON, because technicians look into them; each is replaced as a whole.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files::{FileError, replace};

/// What a technician typed: the terminal writes it, the daemon takes it away as soon as it has read
/// it, because the code is a secret until it is used.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolOrder {
    /// The collector's address.
    pub collector: String,
    /// The one-time code.
    pub code: String,
}

/// Where an enrolment stands; the daemon writes it, the terminal shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolProgress {
    /// Where it stands.
    pub state: EnrolState,
    /// Why the last try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<EnrolProblem>,
    /// For technicians: what the daemon said, in one line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Where an enrolment stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolState {
    /// The daemon waits for an address and a code.
    #[default]
    Waiting,
    /// It is asking the collector.
    Asking,
    /// The last try failed; it waits for another.
    Failed,
    /// There is an identity.
    Done,
}

/// Why an enrolment failed, as far as a technician acts differently on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolProblem {
    /// The address is none.
    AddressMalformed,
    /// The code has not the shape of a code.
    CodeMalformed,
    /// Nothing answers at the address.
    Unreachable,
    /// Something answers, but its certificate is not trusted.
    Certificate,
    /// Something answers that is no collector.
    NotACollector,
    /// The code is wrong, used or expired.
    CodeRefused,
    /// Too many tries.
    TooManyTries,
    /// The collector has a fault.
    OfficeError,
    /// The card cannot be written.
    Storage,
    /// Anything else; the detail says what.
    Other,
}

/// How the daemon is; replaced after every exchange, for the technician's page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UplinkStatus {
    /// Where the collector is.
    pub collector: String,
    /// Uptime of the last verified reply, in milliseconds since boot; comparable with the present
    /// uptime when `boot` is the present boot.
    #[serde(default)]
    pub answered_uptime_ms: Option<u64>,
    /// The boot that it counts from.
    #[serde(default)]
    pub boot: String,
    /// Records not acknowledged after it.
    pub backlog: u64,
    /// Age of the oldest of them then, in milliseconds, when it was sealed in this boot.
    #[serde(default)]
    pub oldest_unsent_ms: Option<u64>,
    /// Why the last exchange failed, when it did.
    #[serde(default)]
    pub problem: Option<String>,
    /// Uptime when the first of the exchanges that failed in a row did, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since_uptime_ms: Option<u64>,
    /// Why the last profile of the centre is not obeyed.
    #[serde(default)]
    pub profile_problem: Option<String>,
    /// The collector's certificate when it was taken although its dates do not fit the clock, in
    /// words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Why the key could not be rotated yet, when it is to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation_problem: Option<String>,
    /// Whether the office took this tablet's identity back, said by a signed reply.
    #[serde(default)]
    pub revoked: bool,
    /// Whether the screen painted at the last exchange: `paints`, `stands` or `silent`; none until the
    /// terminal has said something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// The centre's time of the first such reply, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_since_ms: Option<i64>,
}

impl EnrolOrder {
    /// Writes the order; only its owner can read it.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        write_json(path, self)
    }

    /// Reads the order and leaves it where it is; none when there is none that can be read.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        read_json(path)
    }

    /// Reads and removes the order, if there is one that can be read. One that cannot is removed,
    /// too: it would be refused for ever.
    ///
    /// # Errors
    /// [`FileError`] when it cannot be removed.
    pub fn take(path: &Path) -> Result<Option<Self>, FileError> {
        let read = read_json(path);
        match std::fs::remove_file(path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(FileError {
                doing: "remove",
                path: path.to_owned(),
                source,
            }),
            _ => Ok(read),
        }
    }
}

impl EnrolProgress {
    /// Writes where the enrolment stands.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        write_json(path, self)
    }

    /// Where it stands; none while the daemon has said nothing.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        read_json(path)
    }
}

impl UplinkStatus {
    /// Writes how the daemon is. Not synced: it is worth nothing after a power cut.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let fault = |doing| {
            let path = path.to_owned();
            move |source| FileError {
                doing,
                path,
                source,
            }
        };
        let text = serde_json::to_vec(self)
            .map_err(std::io::Error::other)
            .map_err(fault("encode"))?;
        let beside = path.with_extension("new");
        std::fs::write(&beside, text).map_err(fault("write"))?;
        std::fs::rename(&beside, path).map_err(fault("replace"))
    }

    /// How it is; none while it has said nothing.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        read_json(path)
    }
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), FileError> {
    let text = serde_json::to_vec(value).map_err(|error| FileError {
        doing: "encode",
        path: path.to_owned(),
        source: std::io::Error::other(error),
    })?;
    replace(path, &text)
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Never the code: it is a secret until it is used.
impl std::fmt::Debug for EnrolOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EnrolOrder(to {})", self.collector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_taken_once_and_its_code_is_not_printed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("enrol-order.json");
        let order = EnrolOrder {
            collector: "http://127.0.0.1:8080".to_owned(),
            code: "7KX2-9QWM".to_owned(),
        };
        order.write(&path).unwrap();
        assert_eq!(EnrolOrder::take(&path).unwrap(), Some(order.clone()));
        assert_eq!(EnrolOrder::take(&path).unwrap(), None);
        assert!(!format!("{order:?}").contains("7KX2"));
    }

    #[test]
    fn an_order_that_nobody_can_read_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("enrol-order.json");
        std::fs::write(&path, b"{").unwrap();
        assert_eq!(EnrolOrder::take(&path).unwrap(), None);
        assert!(!path.exists());
    }

    #[test]
    fn progress_and_status_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        let progress = EnrolProgress {
            state: EnrolState::Failed,
            problem: Some(EnrolProblem::CodeRefused),
            detail: "the collector refused".to_owned(),
        };
        progress.write(&path).unwrap();
        assert_eq!(EnrolProgress::read(&path), Some(progress));
        let status = UplinkStatus {
            backlog: 12,
            ..UplinkStatus::default()
        };
        status.write(&path).unwrap();
        assert_eq!(UplinkStatus::read(&path), Some(status));
    }
}

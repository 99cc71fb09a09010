//! How a tablet's uplink is, as its files show it. Looks only: it works while terminal and daemon
//! run, and after them, and disturbs neither.

pub(crate) mod findings;

use std::path::PathBuf;

use manyi_shared::domain::ClockReading;
use manyi_shared::journal::{JournalError, Reader};
use manyi_shared::tablet::{
    DataDir, EnrolProgress, Identity, IdentityError, UplinkStatus, read_profile,
};
use serde::Serialize;

use crate::words::{count, span};

/// The state of a tablet's uplink as its files show it.
#[derive(Debug, Serialize)]
pub struct Status {
    /// The data folder.
    pub data_dir: PathBuf,
    /// Who the terminal is; none before enrolment, or when the file is damaged.
    pub identity: Option<IdentityStatus>,
    /// The version of the profile on the card; none when there is none to obey.
    pub profile_version: Option<u32>,
    /// Whether a daemon is at work.
    pub daemon_running: bool,
    /// What the daemon said last in this boot.
    pub uplink: Option<UplinkStatus>,
    /// Milliseconds since the centre's last answer; none when there was none in this boot.
    pub answered_ago_ms: Option<u64>,
    /// The journal; none before the terminal's first start, or when it cannot be read.
    pub journal: Option<JournalStatus>,
    /// Whether a time server has set the clock in this boot.
    pub clock_synchronised: bool,
    /// What people should know, the most urgent first.
    pub findings: Vec<Finding>,
}

/// Something that people should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether ratings do not get through, or worse, because of it.
    pub is_wrong: bool,
    /// What.
    pub what: String,
    /// For how long, as far as it is known.
    pub since: Option<String>,
    /// Why, as far as it is known.
    pub why: Option<String>,
    /// What to do.
    pub next: String,
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
    /// Records that the centre has not acknowledged.
    pub unacknowledged: u64,
}

/// What the files say, before anything is made of it.
struct Facts {
    identity: Result<Identity, IdentityError>,
    progress: Option<EnrolProgress>,
    daemon_running: bool,
    uplink: Option<UplinkStatus>,
    journal: Result<Option<JournalStatus>, JournalError>,
    clock: ClockReading,
}

/// Reads the state of a data folder. What cannot be read is a finding.
#[must_use]
pub fn read(data: &DataDir, collector_url: Option<&str>, clock: ClockReading) -> Status {
    let boot = clock.boot.to_string();
    let facts = Facts {
        identity: Identity::read(&data.identity()),
        progress: EnrolProgress::read(&data.enrol_progress()),
        daemon_running: is_locked(data),
        uplink: UplinkStatus::read(&data.uplink_status()).filter(|uplink| uplink.boot == boot),
        journal: journal(data),
        clock,
    };
    let findings = findings::of(&facts);
    let Facts {
        identity, uplink, ..
    } = facts;
    let identity = identity.ok();
    let profile = identity
        .as_ref()
        .and_then(|identity| read_profile(data, identity).ok());
    let answered = uplink.as_ref().and_then(|uplink| uplink.answered_uptime_ms);
    Status {
        data_dir: data.path().to_owned(),
        profile_version: profile.map(|profile| profile.version),
        identity: identity.map(|identity| IdentityStatus {
            terminal: identity.terminal.to_string(),
            hall: identity.hall.to_string(),
            window: identity.window.to_string(),
            collector_fingerprint: identity.collector.fingerprint(),
            collector_url: collector_url.map_or(identity.collector_url, str::to_owned),
        }),
        daemon_running: facts.daemon_running,
        answered_ago_ms: answered.map(|at| clock.uptime_ms.saturating_sub(at)),
        uplink,
        journal: facts.journal.ok().flatten(),
        clock_synchronised: clock.synchronised,
        findings,
    }
}

impl Status {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        !self.findings.iter().any(|finding| finding.is_wrong)
    }

    /// The status for a technician's screen.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        if let Some(identity) = &self.identity {
            lines.push(format!(
                "window {} of hall {}, terminal {}",
                identity.window, identity.hall, identity.terminal
            ));
            let answered = self.answered_ago_ms.map_or_else(
                || "has not answered in this boot".to_owned(),
                |ago| format!("answered {} ago", span(ago)),
            );
            lines.push(format!(
                "  centre   {} (key {}), {answered}",
                identity.collector_url, identity.collector_fingerprint
            ));
            let profile = self
                .profile_version
                .map_or_else(|| "none".to_owned(), |version| format!("version {version}"));
            lines.push(format!("  profile  {profile}"));
        }
        let running = if self.daemon_running {
            "at work"
        } else {
            "not running"
        };
        lines.push(format!("  daemon   {running}"));
        lines.push(format!("  unsent   {}", self.unsent()));
        let screen = self.uplink.as_ref().and_then(|up| up.screen.as_deref());
        lines.push(format!(
            "  screen   {}",
            screen.unwrap_or("has not been heard of")
        ));
        let set = if self.clock_synchronised {
            "set"
        } else {
            "not set"
        };
        lines.push(format!("  clock    {set} by a time server"));
        lines.extend(self.findings.iter().map(Finding::text));
        if self.findings.is_empty() {
            lines.push("\nnothing is wrong".to_owned());
        }
        lines.join("\n")
    }

    fn unsent(&self) -> String {
        let Some(journal) = &self.journal else {
            return "no journal to count in".to_owned();
        };
        let oldest = self
            .uplink
            .as_ref()
            .and_then(|uplink| uplink.oldest_unsent_ms);
        let oldest = match oldest {
            Some(age) if journal.unacknowledged > 0 => {
                format!(", the oldest was sealed {} before the last try", span(age))
            }
            _ => String::new(),
        };
        format!("{}{oldest}", count(journal.unacknowledged, "record"))
    }
}

impl Finding {
    fn text(&self) -> String {
        let word = if self.is_wrong { "WRONG" } else { "note" };
        let line = |name: &str, text: &Option<String>| {
            text.as_ref()
                .map_or(String::new(), |text| format!("\n  {name:5}  {text}"))
        };
        format!(
            "\n{word}: {}{}{}\n  do     {}",
            self.what,
            line("since", &self.since),
            line("why", &self.why),
            self.next
        )
    }
}

fn journal(data: &DataDir) -> Result<Option<JournalStatus>, JournalError> {
    let reader = match Reader::open(&data.journal()) {
        Ok(reader) => reader,
        Err(JournalError::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut streams = Vec::new();
    for stored in reader.streams()? {
        let unacknowledged = reader.unacknowledged(&stored)?;
        if unacknowledged > 0 {
            streams.push(StreamStatus {
                stream: stored.id.to_string(),
                terminal: stored.terminal.to_string(),
                acknowledged: stored.acknowledged,
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
pub(crate) fn is_locked(data: &DataDir) -> bool {
    std::fs::File::open(data.path().join("sync.lock")).is_ok_and(|file| {
        matches!(
            file.try_lock_shared(),
            Err(std::fs::TryLockError::WouldBlock)
        )
    })
}

//! The tablet itself: clock, key, disk, journal, daemon.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use manyi_shared::domain::Clock;
use manyi_shared::journal::{JournalError, Reader, Verdict as StreamVerdict};
use manyi_shared::tablet::{DataDir, KeySource, UplinkStatus};

use super::Check;
use crate::link::Time;
use crate::link::time::date;
use crate::status::findings::said_at;
use crate::status::is_locked;
use crate::words::{count, size, span};

/// A year of ratings, and what else grows.
const ROOM: u64 = 128 * 1024 * 1024;

/// Less than this is full within days.
const NO_ROOM: u64 = 16 * 1024 * 1024;

/// The centre's clock, the line and the whole seconds of the header may differ by so much.
const CLOSE_MS: u64 = 120_000;

const TIME_SERVER: &str = "name a time server that this tablet reaches (NTP= in /etc/systemd/timesyncd.conf), then look \
     at `timedatectl`; ratings are taken meanwhile";

pub(super) fn clock(time: &Time, offset_ms: Option<i64>) -> Check {
    let now = time.read();
    let says = date(u64::try_from(now.wall_ms).unwrap_or(0) / 1000);
    let differs = offset_ms.map(|offset| {
        let by = offset.unsigned_abs();
        if by <= CLOSE_MS {
            return ("as the centre's does".to_owned(), true);
        }
        let side = if offset < 0 { "behind" } else { "ahead of" };
        (format!("{} {side} the centre's", span(by)), false)
    });
    let before_floor = now.wall_ms < time.floor_ms();
    match (now.synchronised, differs) {
        (true, None) => Check::ok("clock", format!("a time server has set it: {says}")),
        (true, Some((words, true))) => Check::ok(
            "clock",
            format!("a time server has set it: {says}, {words}"),
        ),
        (true, Some((words, false))) => Check::warn(
            "clock",
            format!("a time server has set it: {says}, {words}"),
            "one of the two is wrong: compare with a watch, then mend the time server or tell the \
             office",
        ),
        (false, Some((words, _))) => Check::warn(
            "clock",
            format!("no time server has set it: {says}, {words}"),
            TIME_SERVER,
        ),
        (false, None) if before_floor => Check::warn(
            "clock",
            format!("no time server has set it, and {says} is certainly wrong"),
            TIME_SERVER,
        ),
        (false, None) => Check::warn(
            "clock",
            format!("no time server has set it: {says}"),
            TIME_SERVER,
        ),
    }
}

pub(super) fn key(data: &DataDir, enrolled: bool) -> Check {
    let source = KeySource::of_service(data);
    let path = source.path();
    let mode = match fs::metadata(path) {
        Ok(found) => found.permissions().mode() & 0o777,
        Err(error) if error.kind() == ErrorKind::NotFound && !enrolled => {
            return Check::not_tried("key", "it is made when the terminal is enrolled");
        }
        Err(error) => {
            return Check::bad(
                "key",
                format!("{} cannot be read: {error}", path.display()),
                "get a code for this window from the office and run `manyi-sync enrol --again`; \
                 journal and unsent ratings stay",
            );
        }
    };
    match source.read() {
        Err(error) => Check::bad(
            "key",
            crate::chain(&error),
            "move the file away, get a code for this window and run `manyi-sync enrol --again`",
        ),
        Ok(_) if mode & 0o077 != 0 && matches!(source, KeySource::File(_)) => Check::bad(
            "key",
            format!("{} has mode {mode:03o}: others can read it", path.display()),
            format!(
                "chmod 600 {}; if a stranger may have read it: `manyi-sync rotate-key`",
                path.display()
            ),
        ),
        Ok(key) => Check::ok(
            "key",
            format!("{}, only its owner reads it", key.public().fingerprint()),
        ),
    }
}

pub(super) fn disk(data: &DataDir) -> Check {
    let folder = data.path();
    let shown = folder.display();
    if let Err(error) = probe(folder) {
        return unwritable(folder, &error);
    }
    let Ok(stat) = rustix::fs::statvfs(folder) else {
        return Check::ok("disk", format!("{shown} can be written"));
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let said = format!("{} free for {shown}, and it can be written", size(free));
    let next = "see what fills it (`du -xsh /var/*`), clear old logs (`journalctl \
                --vacuum-size=50M`); never delete journal.sqlite";
    match free {
        _ if free < NO_ROOM => Check::bad("disk", said, next),
        _ if free < ROOM => Check::warn("disk", said, next),
        _ => Check::ok("disk", said),
    }
}

/// Writes, syncs and removes a page, as a rating does.
fn probe(folder: &Path) -> io::Result<()> {
    let path = folder.join("doctor.probe");
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)
        .and_then(|mut file: File| {
            file.write_all(&[b'.'; 4096])?;
            file.sync_all()
        });
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => written.and(Err(error)),
        _ => written,
    }
}

fn unwritable(folder: &Path, error: &io::Error) -> Check {
    let shown = folder.display();
    let next = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "see what fills it (`du -xsh /var/*`), clear old logs (`journalctl --vacuum-size=50M`); \
             never delete journal.sqlite"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "the card was set read-only, mostly because it is failing: look at `dmesg`, restart \
             once, then replace the card and keep the old one"
        }
        ErrorKind::NotFound => "name the right folder with --data-dir or data_dir",
        ErrorKind::PermissionDenied => {
            "run this as the user of the service (sudo -u manyi manyi-sync doctor), or mend the \
             folder's owner"
        }
        _ => "look at `dmesg`; a failing card is replaced, and the old one kept for its ratings",
    };
    Check::bad("disk", format!("{shown} cannot be written: {error}"), next)
}

pub(super) fn journal(data: &DataDir) -> Check {
    match examine_journal(data) {
        Ok(found) => Check::ok("journal", found),
        Err(Finding::Missing) => Check::warn(
            "journal",
            "there is none yet",
            "start the terminal; it makes the journal at its first start",
        ),
        Err(Finding::Unreadable(problem)) => Check::bad(
            "journal",
            problem,
            "keep the file; restart the terminal (systemctl restart manyi-terminal): it sets a \
             damaged journal aside, saves what can be read and goes on",
        ),
        Err(Finding::Broken(problem)) => Check::bad(
            "journal",
            problem,
            "keep the file and tell the office: records were changed or lost on this card; the \
             terminal goes on",
        ),
    }
}

enum Finding {
    Missing,
    Unreadable(String),
    Broken(String),
}

impl From<JournalError> for Finding {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Missing { .. } => Self::Missing,
            error => Self::Unreadable(crate::chain(&error)),
        }
    }
}

fn examine_journal(data: &DataDir) -> Result<String, Finding> {
    let reader = Reader::open(&data.journal())?;
    reader.check_pages()?;
    let (mut records, mut unsent) = (0, 0);
    for stream in reader.streams()? {
        let report = reader.verify(&stream)?;
        let problem = match report.verdict {
            StreamVerdict::Missing(seq) => Some(format!("record {} is missing", seq.get())),
            StreamVerdict::Broken(seq) => Some(format!("the chain breaks at record {}", seq.get())),
            StreamVerdict::Undecodable(seq) => Some(format!("record {} cannot be read", seq.get())),
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(Finding::Broken(format!("stream {}: {problem}", stream.id)));
        }
        records += report.records;
        unsent += reader.unacknowledged(&stream)?;
    }
    Ok(format!(
        "{}, whole and in order; {unsent} not acknowledged yet",
        count(records, "record")
    ))
}

pub(super) fn daemon(data: &DataDir, time: &Time) -> Check {
    const LOG: &str = "journalctl -u manyi-sync -n 50";
    if !is_locked(data) {
        return Check::bad(
            "daemon",
            "is not running",
            format!("systemctl start manyi-sync; if it does not stay: {LOG}"),
        );
    }
    let now = time.read();
    let status = UplinkStatus::read(&data.uplink_status())
        .filter(|status| status.boot == now.boot.to_string());
    let Some(status) = status else {
        return Check::ok("daemon", "is running; no exchange in this boot yet");
    };
    if status.revoked {
        let since = status
            .revoked_since_ms
            .map_or_else(String::new, |ms| format!(" (said {})", said_at(ms)));
        return Check::bad(
            "daemon",
            format!("is running, but the office took this terminal's identity back{since}"),
            "if that was a mistake, get a new code and run `manyi-sync enrol --again`",
        );
    }
    if let Some(problem) = &status.problem {
        return Check::bad(
            "daemon",
            format!("is running, but its last exchange failed: {problem}"),
            format!("mend what is bad above; it tries again by itself. Else: {LOG}"),
        );
    }
    let ago = status
        .answered_uptime_ms
        .map(|at| span(now.uptime_ms.saturating_sub(at)));
    Check::ok(
        "daemon",
        format!(
            "is running; the centre answered {} ago",
            ago.unwrap_or_else(|| "not long".to_owned())
        ),
    )
}

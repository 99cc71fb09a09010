//! The journal on a removable medium: the file that `manyi-terminal journal export` prints.
//!
//! **Invariants**
//! 1. The journal is read only, beside the running terminal.
//! 2. A file of an earlier export is never replaced.
//!
//! **Crash**: the file is written under another name, synced and renamed; a cut, a full or a pulled
//! medium leaves at most a file whose name ends in `.part`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use manyi_shared::domain::{ClockReading, TerminalId};
use manyi_shared::tablet::DataDir;

use super::DoneNotice;
use crate::journal_cli::{self, Look, LookError};
use crate::recorder::chain;

/// Where media are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// The kernel's list of mounts.
    pub mounts: PathBuf,
    /// Folders below which removable media are mounted, or at which.
    pub under: Vec<PathBuf>,
}

impl Default for Media {
    /// What Linux calls them.
    fn default() -> Self {
        Self {
            mounts: "/proc/mounts".into(),
            under: ["/media", "/run/media", "/mnt"].map(PathBuf::from).into(),
        }
    }
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("could not {doing} `{path}`")]
    Io {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("could not export the journal to `{path}`")]
    Journal {
        path: PathBuf,
        #[source]
        source: Box<LookError>,
    },
}

/// The name of an export, from the terminal's id and the hall's time:
/// `manyi-journal-5b0c6f0e-20260302-094107`, without an ending. A zone that is not known is UTC.
#[must_use]
pub fn name(terminal: TerminalId, now: &ClockReading, zone: &str) -> String {
    let id: String = terminal.to_string().chars().take(8).collect();
    let at = Timestamp::from_millisecond(now.wall_ms).unwrap_or_default();
    let at = at
        .in_tz(zone)
        .unwrap_or_else(|_| at.to_zoned(jiff::tz::TimeZone::UTC));
    format!("manyi-journal-{id}-{}", at.strftime("%Y%m%d-%H%M%S"))
}

/// Exports the journal to the first medium that takes it. Takes as long as the medium does: not on
/// the conductor's thread.
#[must_use]
pub fn run(data: &DataDir, name: &str, media: &Media) -> DoneNotice {
    let mounts = match std::fs::read(&media.mounts) {
        // A mount may have any name; what is no UTF-8 cannot be told and is not taken.
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            let place = media.mounts.display();
            return DoneNotice::ExportFailed(format!("could not read `{place}`: {error}"));
        }
    };
    let mut failed = None;
    for folder in removable(&mounts, &media.under) {
        match export(data, &folder, name) {
            Ok(path) => {
                tracing::info!(path = %path.display(), "journal exported");
                return DoneNotice::Exported(path);
            }
            Err(error) => {
                let error = chain(&error);
                tracing::warn!("no export: {error}");
                failed.get_or_insert(error);
            }
        }
    }
    failed.map_or(DoneNotice::NoMedium, DoneNotice::ExportFailed)
}

/// Mount points of removable media that may be written to, in the order they were mounted.
fn removable(mounts: &str, under: &[PathBuf]) -> Vec<PathBuf> {
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_ascii_whitespace();
            let device = fields.next()?;
            let point = PathBuf::from(unescape(fields.next()?)?);
            let options = fields.nth(1)?;
            let writable = options.split(',').any(|option| option == "rw");
            let placed = under.iter().any(|folder| point.starts_with(folder));
            (device.starts_with("/dev/") && writable && placed).then_some(point)
        })
        .collect()
}

/// The kernel writes blanks and backslashes of a path as three octal digits.
fn unescape(field: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        match (byte, after) {
            (b'\\', [a, b, c, after @ ..]) => {
                let digits = [*a, *b, *c];
                let digits = std::str::from_utf8(&digits).ok()?;
                bytes.push(u8::from_str_radix(digits, 8).ok()?);
                rest = after;
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn export(data: &DataDir, folder: &Path, name: &str) -> Result<PathBuf, ExportError> {
    let path = free_name(folder, name);
    let part = path.with_extension("jsonl.part");
    let done = write(data, &part).and_then(|()| {
        std::fs::rename(&part, &path).map_err(fault("name", &path))?;
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(fault("sync folder", folder))
    });
    if done.is_err()
        && let Err(error) = std::fs::remove_file(&part)
    {
        tracing::debug!("left `{}`: {error}", part.display());
    }
    done.map(|()| path)
}

/// A clock that is not set gives the same name in every boot.
fn free_name(folder: &Path, name: &str) -> PathBuf {
    let numbered = (2_u32..).map(|n| format!("{name}-{n}.jsonl"));
    std::iter::once(format!("{name}.jsonl"))
        .chain(numbered)
        .map(|name| folder.join(name))
        .find(|path| !path.exists())
        .unwrap_or_else(|| folder.join(name))
}

fn write(data: &DataDir, part: &Path) -> Result<(), ExportError> {
    let file = File::create(part).map_err(fault("create", part))?;
    let mut out = BufWriter::new(file);
    journal_cli::run(Look::Export, &data.journal(), &mut out).map_err(|source| {
        ExportError::Journal {
            path: part.to_owned(),
            source: Box::new(source),
        }
    })?;
    out.flush().map_err(fault("write", part))?;
    out.get_ref().sync_all().map_err(fault("sync", part))
}

fn fault(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ExportError {
    let path = path.to_owned();
    move |source| ExportError::Io {
        doing,
        path,
        source,
    }
}

#[cfg(test)]
mod tests;

//! `profile.toml`: what the office wants its terminals to do, for the hall and for single windows.
//!
//! The file's top level is the hall's; `[windows.A01]` says what is different at one window. What a
//! window does not say, the hall says; what neither says, the terminal does as usual.

mod shapes;

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;

use manyi_shared::domain::WindowId;
use manyi_shared::wire::{ProfileError, ProfileOptions};

use super::faults::{Faults, HallError};
use super::files::Files;
use super::profile::blank;
use shapes::Section;

/// The file's name.
pub(super) const FILE: &str = "profile.toml";

/// Options of a hall's windows as they go into profiles.
///
/// Without the office's key, the technician's PIN and a pause by command: those are kept apart, so
/// that an import does not undo them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowOptions {
    /// What came after the profile's first version.
    pub options: ProfileOptions,
    /// How long the question stays, in seconds.
    pub ask_seconds: Option<u16>,
    /// How long the reasons page stays without a touch, in seconds.
    pub reasons_seconds: Option<u16>,
    /// How long the thanks stay, in seconds.
    pub thanks_seconds: Option<u16>,
    /// Touches within this time after a page changed do nothing, in milliseconds.
    pub guard_ms: Option<u16>,
    /// Whether the order of the levels is turned round.
    pub mirrored: Option<bool>,
    /// Whether the reasons page follows a level.
    pub ask_reasons: Option<bool>,
    /// Acknowledged records the journal keeps.
    pub keep_records: Option<u32>,
}

/// The options of a hall: its own, and those of windows that differ, whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HallOptions {
    /// Of every window that is not in `windows`; none without a file.
    pub hall: Option<WindowOptions>,
    /// Of windows that have a section of their own, with the hall's options in it.
    pub windows: BTreeMap<WindowId, WindowOptions>,
}

/// Journals smaller than this could not refill a collector that was restored from last week's
/// backup; larger ones fill a small card.
const KEEP_RECORDS: std::ops::RangeInclusive<u32> = 1_000..=1_000_000;

/// Reads and checks the file of a directory; none of it is an error when there is no file.
pub(super) fn read(
    dir: &Path,
    windows: &BTreeSet<&str>,
    files: &mut Files<'_>,
    faults: &mut Faults,
) -> Result<HallOptions, HallError> {
    let path = dir.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(HallOptions::default()),
        Err(source) => return Err(HallError::Read { path, source }),
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        let problem = "is not UTF-8; save the file as UTF-8".to_owned();
        faults.add(FILE, 1, None, problem);
        return Ok(HallOptions::default());
    };
    Ok(parse(text, windows, files, faults))
}

fn parse(
    text: &str,
    windows: &BTreeSet<&str>,
    files: &mut Files<'_>,
    faults: &mut Faults,
) -> HallOptions {
    let mut file: Section = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |text| text.matches('\n').count() as u64 + 1);
            faults.add(FILE, line, None, error.message().replace('\n', "; "));
            return HallOptions::default();
        }
    };
    let sections = std::mem::take(&mut file.windows);
    let mut checking = Checking { files, faults };
    let sound = checking.faults.count();
    let hall = checking.section(&file, "");
    // A fault of the hall's would come again with every window.
    if checking.faults.count() > sound {
        return HallOptions::default();
    }
    let mut options = HallOptions {
        hall,
        windows: BTreeMap::new(),
    };
    for (id, section) in sections {
        let field = format!("windows.{id}");
        if !section.windows.is_empty() {
            checking.fault(&field, "has `windows` in it; only the file's top level may");
        }
        let Some(window) = windows.contains(id.as_str()).then(|| WindowId::new(&id)) else {
            checking.fault(
                &field,
                "is not in windows.csv; add the window there or correct it here",
            );
            continue;
        };
        let (Ok(window), Some(own)) = (
            window,
            checking.section(&section.over(&file), &format!("{field}.")),
        ) else {
            continue;
        };
        options.windows.insert(window, own);
    }
    options
}

/// Turns sections into options and collects their faults.
struct Checking<'c, 'f> {
    files: &'c mut Files<'f>,
    faults: &'c mut Faults,
}

impl Checking<'_, '_> {
    fn section(&mut self, section: &Section, prefix: &str) -> Option<WindowOptions> {
        let before = self.faults.count();
        let mut told = Vec::new();
        let options = section.options(self.files, &mut |field, problem| {
            told.push((field, problem))
        });
        for (field, problem) in told {
            self.fault(&format!("{prefix}{field}"), problem);
        }
        if self.faults.count() > before {
            return None;
        }
        match check(&options) {
            Ok(()) => Some(options),
            Err(ProfileError::Field { field, problem }) => {
                let field = field.strip_prefix("options.").unwrap_or(&field);
                self.fault(&format!("{prefix}{field}"), problem);
                None
            }
            Err(ProfileError::Value {
                key,
                value,
                allowed,
            }) => {
                let problem = format!("is {value}, but must be {allowed}");
                self.fault(&format!("{prefix}{key}"), problem);
                None
            }
            Err(ProfileError::Envelope(_)) => None,
        }
    }

    fn fault(&mut self, field: &str, problem: impl Into<String>) {
        self.faults.add_field(FILE, field, problem.into());
    }
}

/// Checks what a terminal would check before it obeys.
fn check(options: &WindowOptions) -> Result<(), ProfileError> {
    if let Some(keep) = options.keep_records
        && !KEEP_RECORDS.contains(&keep)
    {
        return Err(ProfileError::Value {
            key: "keep_records",
            value: u64::from(keep),
            allowed: "1000 to 1000000",
        });
    }
    let mut profile = blank();
    options.apply(&mut profile);
    if let Some(options) = &mut profile.options {
        // Every centre has one; `serve` makes it.
        options.office_key = Some([0; 32]);
    }
    profile.check()
}

/// Whether a text may stand on the paused page.
///
/// # Errors
/// What is wrong with it.
pub fn check_paused(text: &str) -> Result<(), ProfileError> {
    let options = ProfileOptions {
        paused: Some(text.to_owned()),
        ..ProfileOptions::default()
    };
    check(&WindowOptions {
        options,
        ..WindowOptions::default()
    })
}

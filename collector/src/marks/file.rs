//! Thresholds from TOML: those that come with the program, or the office's own file instead.

use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

use super::rules::{Burst, NoMatter, OwnShift, Rhythm, Rules, TooSoon, TopStreak};

/// What the office's own file is called in the data directory.
pub const FILE_NAME: &str = "marks.toml";

const BUILT_IN: &str = include_str!("../../marks/rules.toml");

/// Why thresholds cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// The file could not be read.
    #[error("could not read `{file}`")]
    Read {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not TOML, or has a field that it may not have, or one with a wrong value.
    #[error("fault in `{file}`: {message}")]
    Content {
        /// The file.
        file: String,
        /// What and where.
        message: String,
    },
}

/// The office's own thresholds if it has some, else those that come with the program.
///
/// # Errors
/// [`FileFault`], which names file and field.
pub fn load(data_dir: &Path) -> Result<Rules, FileFault> {
    let path = data_dir.join(FILE_NAME);
    let file = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => read(&file, &text),
        Err(error) if error.kind() == ErrorKind::NotFound => read("rules.toml", BUILT_IN),
        Err(source) => Err(FileFault::Read { file, source }),
    }
}

/// What a file says.
///
/// # Errors
/// [`FileFault`], which names file and field.
pub fn read(file: &str, text: &str) -> Result<Rules, FileFault> {
    let fault = |message: String| FileFault::Content {
        file: file.to_owned(),
        message,
    };
    let raw: RawRules =
        toml::from_str(text).map_err(|error| fault(error.to_string().trim_end().to_owned()))?;
    raw.check()
        .map_err(|(field, allowed)| fault(format!("`{field}` must be {allowed}")))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRules {
    version: u16,
    too_soon: Option<RawTooSoon>,
    burst: Option<RawBurst>,
    rhythm: Option<RawRhythm>,
    no_matter: Option<RawNoMatter>,
    own_shift: Option<RawOwnShift>,
    top_streak: Option<RawTopStreak>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTooSoon {
    below_ms: u32,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBurst {
    ratings: usize,
    seconds: u32,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRhythm {
    intervals: usize,
    spread_ms: u32,
    at_most_seconds: u32,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNoMatter {
    usual_percent: u8,
    after_ratings: u64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOwnShift {
    ratings: u64,
    others: u64,
    one_in: u64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTopStreak {
    after_ratings: u64,
    one_in: u64,
}

/// A day has 86 400 seconds.
const DAY: u32 = 86_400;

impl RawRules {
    fn check(self) -> Result<Rules, (&'static str, &'static str)> {
        let wrong = [
            (self.version == 0, "version", "1 or more"),
            (
                self.too_soon.is_some_and(|r| r.below_ms > 60_000),
                "too_soon.below_ms",
                "at most 60000",
            ),
            (
                self.burst.is_some_and(|r| !(2..=1000).contains(&r.ratings)),
                "burst.ratings",
                "2 to 1000",
            ),
            (
                self.burst.is_some_and(|r| r.seconds > DAY),
                "burst.seconds",
                "at most 86400",
            ),
            (
                self.rhythm
                    .is_some_and(|r| !(2..=1000).contains(&r.intervals)),
                "rhythm.intervals",
                "2 to 1000",
            ),
            (
                self.rhythm.is_some_and(|r| r.at_most_seconds > DAY),
                "rhythm.at_most_seconds",
                "at most 86400",
            ),
            (
                self.no_matter.is_some_and(|r| r.usual_percent > 100),
                "no_matter.usual_percent",
                "at most 100",
            ),
            (
                self.own_shift.is_some_and(|r| r.one_in < 2),
                "own_shift.one_in",
                "2 or more",
            ),
            (
                self.top_streak.is_some_and(|r| r.one_in < 2),
                "top_streak.one_in",
                "2 or more",
            ),
        ];
        if let Some((_, field, allowed)) = wrong.into_iter().find(|(wrong, _, _)| *wrong) {
            return Err((field, allowed));
        }
        Ok(self.rules())
    }

    fn rules(self) -> Rules {
        Rules {
            version: self.version,
            too_soon: self.too_soon.map(|r| TooSoon {
                below_ms: r.below_ms,
            }),
            burst: self.burst.map(|r| Burst {
                ratings: r.ratings,
                seconds: r.seconds,
            }),
            rhythm: self.rhythm.map(|r| Rhythm {
                intervals: r.intervals,
                spread_ms: r.spread_ms,
                at_most_seconds: r.at_most_seconds,
            }),
            no_matter: self.no_matter.map(|r| NoMatter {
                usual_percent: r.usual_percent,
                after_ratings: r.after_ratings,
            }),
            own_shift: self.own_shift.map(|r| OwnShift {
                ratings: r.ratings,
                others: r.others,
                one_in: r.one_in,
            }),
            top_streak: self.top_streak.map(|r| TopStreak {
                after_ratings: r.after_ratings,
                one_in: r.one_in,
            }),
        }
    }
}

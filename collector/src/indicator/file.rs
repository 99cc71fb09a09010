//! Definitions from TOML: those that come with the program, and an office's own file.

use std::io::ErrorKind;
use std::path::Path;

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use super::composite::{Composite, Part};
use super::definition::{Guards, Indicator, Term};
use super::quantity::Quantity;
use super::set::Definitions;
use crate::day;
use crate::score::{Bilingual, Decimal, Rounding, RoundingMode, Unit};

/// What the office's own file is called in the data directory.
pub const FILE_NAME: &str = "indicators.toml";

/// What comes with the program.
const BUILT_IN: [(&str, &str); 3] = [
    (
        "ratings.toml",
        include_str!("../../indicators/ratings.toml"),
    ),
    (
        "coverage.toml",
        include_str!("../../indicators/coverage.toml"),
    ),
    (
        "rectification.toml",
        include_str!("../../indicators/rectification.toml"),
    ),
];

/// Why a file of definitions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// It could not be read.
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
    Syntax {
        /// The file.
        file: String,
        /// Line, column, what stands there and what is allowed.
        message: String,
    },
    /// A definition does not go with the others.
    #[error("fault in `{file}`, line {line}: {id}: {message}")]
    Meaning {
        /// The file.
        file: String,
        /// The line of the definition's id.
        line: usize,
        /// The indicator or composite.
        id: String,
        /// What is wrong and what to do.
        message: String,
    },
}

/// The definitions that come with the program.
///
/// # Errors
/// [`FileFault`]; a test holds that there is none.
pub fn built_in() -> Result<Definitions, FileFault> {
    let mut definitions = Definitions::default();
    for (name, text) in BUILT_IN {
        read(&mut definitions, name, text)?;
    }
    Ok(definitions)
}

/// The definitions that come with the program and those of the office's own file, if it has one.
///
/// # Errors
/// [`FileFault`], which names file, line and field.
pub fn load(data_dir: &Path) -> Result<Definitions, FileFault> {
    let mut definitions = built_in()?;
    let path = data_dir.join(FILE_NAME);
    let file = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => read(&mut definitions, &file, &text)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(source) => return Err(FileFault::Read { file, source }),
    }
    Ok(definitions)
}

/// Adds what a file says.
///
/// # Errors
/// [`FileFault`]; some of the file may have been added then.
pub fn read(definitions: &mut Definitions, file: &str, text: &str) -> Result<(), FileFault> {
    let raw: RawFile = toml::from_str(text).map_err(|error| FileFault::Syntax {
        file: file.to_owned(),
        message: error.to_string().trim_end().to_owned(),
    })?;
    let fault = |at: usize, id: &str, message: String| FileFault::Meaning {
        file: file.to_owned(),
        line: text
            .get(..at)
            .map_or(0, |before| before.matches('\n').count() + 1),
        id: id.to_owned(),
        message,
    };
    for raw in raw.indicator {
        let (at, id) = (raw.id.span().start, raw.id.get_ref().clone());
        let indicator = raw.check().map_err(|message| fault(at, &id, message))?;
        let added = definitions.add(indicator);
        added.map_err(|error| fault(at, &error.id, error.message))?;
    }
    for raw in raw.composite {
        let (at, id) = (raw.id.span().start, raw.id.get_ref().clone());
        let composite = raw.check().map_err(|message| fault(at, &id, message))?;
        let added = definitions.add_composite(composite);
        added.map_err(|error| fault(at, &error.id, error.message))?;
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    indicator: Vec<RawIndicator>,
    #[serde(default)]
    composite: Vec<RawComposite>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIndicator {
    id: Spanned<String>,
    version: u16,
    since: RawDay,
    name: RawText,
    numerator: Vec<RawTerm>,
    denominator: Vec<RawQuantity>,
    unit: RawUnit,
    rounding: RawMode,
    digits: u8,
    #[serde(default)]
    guards: Vec<RawGuard>,
    scope: RawText,
    source: Vec<String>,
    #[serde(default)]
    inferred: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawComposite {
    id: Spanned<String>,
    version: u16,
    since: RawDay,
    name: RawText,
    rounding: RawMode,
    digits: u8,
    parts: Vec<RawPart>,
    source: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPart {
    indicator: String,
    weight: RawDecimal,
    target: RawDecimal,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawText {
    zh: String,
    en: String,
}

impl From<RawText> for Bilingual {
    fn from(text: RawText) -> Self {
        Self {
            zh: text.zh.into(),
            en: text.en.into(),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawUnit {
    Points,
    Percent,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawMode {
    HalfUp,
    Truncate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawGuard {
    Whole,
    Zero,
}

/// Text that is read by a parser of its own, so that a fault has line and column.
macro_rules! read_from_text {
    ($name:ident, $of:ty, $parse:expr) => {
        #[derive(Debug, Deserialize)]
        #[serde(try_from = "String")]
        struct $name($of);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let parse: fn(&str) -> Result<$of, String> = $parse;
                parse(&text).map(Self)
            }
        }
    };
}

read_from_text!(RawDay, u32, |text| {
    let date: Result<Date, _> = text.parse();
    date.map(day::number)
        .map_err(|_| format!("`{text}` is no day such as 2026-01-01"))
});
read_from_text!(RawDecimal, Decimal, |text| text
    .parse()
    .map_err(|error: crate::score::InvalidDecimal| error.to_string()));
read_from_text!(RawQuantity, Quantity, quantity);
read_from_text!(RawTerm, Term, |text| {
    let (weight, name) = text.split_once('*').unwrap_or(("1", text));
    let weight = weight.trim().parse();
    let weight = weight.map_err(|_| format!("`{text}` is no term such as \"10 * level_5\""))?;
    let quantity = quantity(name.trim())?;
    Ok(Term { weight, quantity })
});

fn quantity(name: &str) -> Result<Quantity, String> {
    Quantity::from_name(name).ok_or_else(|| {
        let known = Quantity::ALL.map(Quantity::name).join(", ");
        format!("`{name}` is not counted; there are: {known}")
    })
}

fn rounding(mode: RawMode, digits: u8) -> Result<Rounding, String> {
    let mode = match mode {
        RawMode::HalfUp => RoundingMode::HalfUp,
        RawMode::Truncate => RoundingMode::Truncate,
    };
    Rounding::new(mode, digits).ok_or_else(|| {
        format!(
            "`digits` is {digits}, but must be 0 to {}",
            crate::score::MAX_DIGITS
        )
    })
}

/// Ids stand in addresses and column names.
fn checked_id(id: Spanned<String>) -> Result<String, String> {
    let id = id.into_inner();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if id.is_empty() || id.len() > 40 || !id.bytes().all(plain) {
        return Err("`id` must be 1 to 40 of a to z, 0 to 9 and _".to_owned());
    }
    Ok(id)
}

fn sources(sources: Vec<String>) -> Result<Vec<String>, String> {
    let web = |source: &String| source.starts_with("http://") || source.starts_with("https://");
    if sources.is_empty() || !sources.iter().all(web) {
        return Err("`source` must name at least one address (http:// or https://)".to_owned());
    }
    Ok(sources)
}

impl RawIndicator {
    fn check(self) -> Result<Indicator, String> {
        if self.numerator.is_empty() || self.denominator.is_empty() {
            return Err("`numerator` and `denominator` must name a quantity".to_owned());
        }
        Ok(Indicator {
            id: checked_id(self.id)?,
            version: self.version,
            since: self.since.0,
            name: self.name.into(),
            numerator: self.numerator.into_iter().map(|term| term.0).collect(),
            denominator: self.denominator.into_iter().map(|q| q.0).collect(),
            unit: match self.unit {
                RawUnit::Points => Unit::Points,
                RawUnit::Percent => Unit::Percent,
            },
            rounding: rounding(self.rounding, self.digits)?,
            guards: Guards {
                whole: self.guards.contains(&RawGuard::Whole),
                zero: self.guards.contains(&RawGuard::Zero),
            },
            scope: self.scope.into(),
            source: sources(self.source)?,
            inferred: self.inferred,
        })
    }
}

impl RawComposite {
    fn check(self) -> Result<Composite, String> {
        if self.parts.is_empty() {
            return Err("`parts` must name an indicator".to_owned());
        }
        let part = |part: RawPart| {
            let (weight, target) = (part.weight.0, part.target.0);
            let fits = |d: Decimal| d.digits() <= 4 && (1..=10_000_000).contains(&d.units());
            if !fits(weight) || !fits(target) {
                return Err(format!(
                    "part `{}`: `weight` and `target` must be above 0, at most 1000, with at most 4 digits \
                     after the point",
                    part.indicator
                ));
            }
            Ok(Part {
                indicator: part.indicator,
                weight,
                target,
            })
        };
        let parts: Result<Vec<Part>, String> = self.parts.into_iter().map(part).collect();
        Ok(Composite {
            id: checked_id(self.id)?,
            version: self.version,
            since: self.since.0,
            name: self.name.into(),
            parts: parts?,
            rounding: rounding(self.rounding, self.digits)?,
            source: sources(self.source)?,
        })
    }
}

//! The one table model. It can be kept as JSON, which is what a publication freezes.

use serde::{Deserialize, Serialize};

use crate::score::{Bilingual, Decimal};

/// One text in both languages of the office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Text {
    /// A text in both languages.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
        }
    }
}

impl From<Bilingual> for Text {
    fn from(text: Bilingual) -> Self {
        Self::new(text.zh, text.en)
    }
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Words or an id.
    Text,
    /// A number of things.
    Count,
    /// Points.
    Points,
    /// Hundredths, 0 to 100.
    Percent,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The name for programs, as in the API's JSON.
    pub name: String,
    /// The name for people.
    pub title: Text,
    /// What its cells are.
    pub unit: Unit,
}

impl Column {
    /// A column of this name.
    #[must_use]
    pub fn new(name: impl Into<String>, title: impl Into<Text>, unit: Unit) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            unit,
        }
    }
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Nothing: not known, or without a value. Never a zero.
    Empty,
    /// Words or an id.
    Text(String),
    /// A number of things.
    Count(u128),
    /// A printed figure, in its own or the column's unit.
    #[serde(with = "printed")]
    Decimal(Decimal),
    /// A printed figure in percent, in a column of figures with several units.
    #[serde(with = "printed")]
    Percent(Decimal),
}

impl Cell {
    /// The cell as CSV and pages print it: digits without separators, nothing for [`Cell::Empty`].
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Count(n) => n.to_string(),
            Self::Decimal(value) | Self::Percent(value) => value.to_string(),
        }
    }
}

impl From<Option<u128>> for Cell {
    fn from(count: Option<u128>) -> Self {
        count.map_or(Self::Empty, Self::Count)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        if text.is_empty() {
            return Self::Empty;
        }
        Self::Text(text.to_owned())
    }
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// One of the groups.
    Group,
    /// Everything in range and scope.
    Total,
}

impl RowKind {
    /// The word in the first column of a CSV file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Total => "total",
        }
    }
}

/// One row: a cell for each column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What it is.
    pub kind: RowKind,
    /// Its cells, in the order of the columns; those that are missing at the end are empty.
    pub cells: Vec<Cell>,
}

/// One line about the table: what was counted, how it was rounded, what a figure means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What it is about: `scope`, `range`, `time_zone`, `rounding`, `definition`, `made` …
    pub about: String,
    /// Which: a filter's or a figure's name.
    pub name: String,
    /// The line.
    pub text: Text,
}

impl Note {
    /// A line in both languages.
    #[must_use]
    pub fn new(about: &str, name: impl Into<String>, text: impl Into<Text>) -> Self {
        Self {
            about: about.to_owned(),
            name: name.into(),
            text: text.into(),
        }
    }

    /// A value that is the same in both languages.
    #[must_use]
    pub fn value(about: &str, name: impl Into<String>, value: impl Into<String>) -> Self {
        let value: String = value.into();
        Self::new(about, name, Text::new(value.clone(), value))
    }
}

/// A table with everything that is needed to read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// What it is called.
    pub title: Text,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// What must be known to read it.
    pub notes: Vec<Note>,
}

/// A decimal as the text that is printed, so that no digit is lost.
mod printed {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::score::Decimal;

    pub(super) fn serialize<S: Serializer>(value: &Decimal, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

//! A table of counts as CSV. The header row decides what the table is.

use crate::score::{Counts, Unrated};

/// A table that was read whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// `name,count`.
    Shares(Vec<(String, u64)>),
    /// `name,n5,n4,n3,n2,n1`, maybe with unrated prompts.
    Levels(Vec<(String, Counts)>),
}

/// What is wrong with a table, and where. Lines count from 1, the header included.
#[derive(Debug, thiserror::Error)]
pub(super) enum TableFault {
    #[error("line {line}: {detail}")]
    Csv { line: u64, detail: String },
    #[error("line 1: the header is `{got}`; known are `name,count` and `name,n5,n4,n3,n2,n1` with or without {}", OPTIONAL.join(", "))]
    Header { got: String },
    #[error("line 1, column {column}: `{name}` is there twice")]
    HeaderTwice { column: usize, name: String },
    #[error("line 1: `{given}` without `{missing}`: participation needs both")]
    HalfParticipation {
        given: &'static str,
        missing: &'static str,
    },
    #[error(
        "line {line}, column {column} (`{name}`): `{text}` is not a count: digits only, no thousands separators"
    )]
    Count {
        line: u64,
        column: usize,
        name: String,
        text: String,
    },
    #[error("line {line}, column 1: the name is empty")]
    Unnamed { line: u64 },
    #[error("line {line}, column 1: `{name}` is also in line {first}")]
    NameTwice { line: u64, first: u64, name: String },
    #[error("the table has no row below its header")]
    Empty,
}

const LEVELS: [&str; 5] = ["n5", "n4", "n3", "n2", "n1"];
const OPTIONAL: [&str; 5] = ["declined", "timed_out", "withdrawn", "fault", "defaulted"];

struct Row {
    name: String,
    line: u64,
    counts: Vec<u64>,
}

impl Table {
    /// Reads a whole table; nothing of a faulty one is used.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, TableFault> {
        // Spreadsheet programs begin UTF-8 files with a byte order mark.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let header = reader.headers().map_err(|e| csv_fault(&e))?.clone();
        let columns = columns(&header)?;
        let mut rows: Vec<Row> = Vec::new();
        for record in reader.records() {
            let row = row(&record.map_err(|e| csv_fault(&e))?, &columns)?;
            if let Some(first) = rows.iter().find(|r| r.name == row.name) {
                return Err(TableFault::NameTwice {
                    line: row.line,
                    first: first.line,
                    name: row.name,
                });
            }
            rows.push(row);
        }
        if rows.is_empty() {
            return Err(TableFault::Empty);
        }
        if columns == ["count"] {
            let share = |row: Row| (row.name, row.counts.first().copied().unwrap_or(0));
            return Ok(Self::Shares(rows.into_iter().map(share).collect()));
        }
        Ok(Self::Levels(
            rows.into_iter().map(|row| counts(&columns, row)).collect(),
        ))
    }
}

/// The names of the counting columns, checked.
fn columns(header: &csv::StringRecord) -> Result<Vec<String>, TableFault> {
    let names: Vec<String> = header.iter().skip(1).map(str::to_ascii_lowercase).collect();
    for (index, name) in names.iter().enumerate() {
        if names.iter().take(index).any(|earlier| earlier == name) {
            return Err(TableFault::HeaderTwice {
                column: index + 2,
                name: name.clone(),
            });
        }
    }
    if names == ["count"] {
        return Ok(names);
    }
    let (levels, optional) = names.split_at(names.len().min(LEVELS.len()));
    if levels != LEVELS
        || !optional
            .iter()
            .all(|name| OPTIONAL.contains(&name.as_str()))
    {
        return Err(TableFault::Header {
            got: header.iter().collect::<Vec<_>>().join(","),
        });
    }
    let has = |name: &str| optional.iter().any(|n| n == name);
    for (given, missing) in [("declined", "timed_out"), ("timed_out", "declined")] {
        if has(given) && !has(missing) {
            return Err(TableFault::HalfParticipation { given, missing });
        }
    }
    Ok(names)
}

fn row(record: &csv::StringRecord, columns: &[String]) -> Result<Row, TableFault> {
    let line = record.position().map_or(0, csv::Position::line);
    let name = record.get(0).unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(TableFault::Unnamed { line });
    }
    let count = |(index, column): (usize, &String)| {
        let text = record.get(index + 1).unwrap_or_default();
        text.parse::<u64>().map_err(|_| TableFault::Count {
            line,
            column: index + 2,
            name: column.clone(),
            text: text.chars().take(40).collect(),
        })
    };
    let counts = columns
        .iter()
        .enumerate()
        .map(count)
        .collect::<Result<_, _>>()?;
    Ok(Row { name, line, counts })
}

fn counts(columns: &[String], row: Row) -> (String, Counts) {
    let column = |name: &str| {
        columns
            .iter()
            .zip(&row.counts)
            .find(|(c, _)| *c == name)
            .map(|(_, n)| *n)
    };
    let or_zero = |name: &str| u128::from(column(name).unwrap_or(0));
    let mut counts = Counts::of_levels(LEVELS.map(|name| column(name).unwrap_or(0)))
        .with_defaulted(or_zero("defaulted"));
    if column("declined").is_some() {
        counts = counts.with_unrated(Unrated {
            declined: or_zero("declined"),
            timed_out: or_zero("timed_out"),
            withdrawn: or_zero("withdrawn"),
            fault: or_zero("fault"),
        });
    }
    (row.name, counts)
}

fn csv_fault(error: &csv::Error) -> TableFault {
    let line = error.position().map_or(1, csv::Position::line);
    let detail = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("{len} columns where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    TableFault::Csv { line, detail }
}

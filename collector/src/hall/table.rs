//! One CSV file: header, rows, cells.

use std::path::Path;
use std::str::FromStr;

use csv::{ByteRecord, ReaderBuilder};

use super::Lined;
use super::faults::{Faults, HallError};

/// Longest text cell in characters; the screens cannot show more.
const MAX_TEXT: usize = 200;

/// A file's name, the columns it must have, and those that may follow, in this order.
pub(super) type Shape = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

/// Reads tables and collects their faults.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) faults: Faults,
}

/// A row whose cells are taken from left to right.
pub(super) struct Row<'a> {
    file: &'static str,
    line: u64,
    columns: std::iter::Peekable<std::slice::Iter<'a, &'static str>>,
    cells: csv::ByteRecordIter<'a>,
    faults: &'a mut Faults,
}

impl Tables {
    /// All rows of a file that have no fault of their own, with their lines.
    pub(super) fn rows<T>(
        &mut self,
        dir: &Path,
        (file, needed, more): Shape,
        take: impl Fn(&mut Row<'_>) -> Option<T>,
    ) -> Result<Lined<T>, HallError> {
        let path = dir.join(file);
        let bytes = std::fs::read(&path).map_err(|source| HallError::Read { path, source })?;
        // Spreadsheets put a byte order mark in front.
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text);
        let mut record = ByteRecord::new();
        let mut rows = Vec::new();
        let mut header: Option<Vec<&'static str>> = None;
        loop {
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    self.faults
                        .add(file, line, None, format!("cannot be read: {error}"));
                    break;
                }
            }
            let line = record.position().map_or(0, csv::Position::line);
            if let Some(columns) = &header {
                rows.extend(
                    self.row(&record, line, (file, columns), &take)
                        .map(|row| (line, row)),
                );
                continue;
            }
            header = self.header(&record, line, (file, needed, more));
            if header.is_none() {
                return Ok(rows);
            }
        }
        if header.is_none() {
            let problem = format!("is empty; the first line must be `{}`", needed.join(","));
            self.faults.add(file, 1, None, problem);
        }
        Ok(rows)
    }

    /// The columns of the file, when its header is one that is known.
    fn header(
        &mut self,
        record: &ByteRecord,
        line: u64,
        (file, needed, more): Shape,
    ) -> Option<Vec<&'static str>> {
        let beyond: Vec<_> = record.iter().skip(needed.len()).collect();
        let present = |column: &&&'static str| beyond.contains(&column.as_bytes());
        let columns: Vec<_> = needed
            .iter()
            .chain(more.iter().filter(present))
            .copied()
            .collect();
        if record
            .iter()
            .eq(columns.iter().map(|column| column.as_bytes()))
        {
            return Some(columns);
        }
        let mut problem = format!("the first line must be `{}`", needed.join(","));
        if !more.is_empty() {
            problem.push_str(&format!("; `{}` may follow", more.join(",")));
        }
        self.faults.add(file, line, None, problem);
        None
    }

    fn row<T>(
        &mut self,
        record: &ByteRecord,
        line: u64,
        (file, columns): (&'static str, &[&'static str]),
        take: &impl Fn(&mut Row<'_>) -> Option<T>,
    ) -> Option<T> {
        if record.len() != columns.len() {
            let problem = format!(
                "has {} cells, not {} ({}); a comma inside a cell needs quotes round the cell",
                record.len(),
                columns.len(),
                columns.join(",")
            );
            self.faults.add(file, line, None, problem);
            return None;
        }
        take(&mut Row {
            file,
            line,
            columns: columns.iter().peekable(),
            cells: record.iter(),
            faults: &mut self.faults,
        })
    }
}

impl Row<'_> {
    /// The next cell as text, which may be empty; none after telling a fault.
    fn cell(&mut self) -> Option<(&'static str, String)> {
        let column = self.columns.next()?;
        let cell = self.cells.next()?;
        let problem = match std::str::from_utf8(cell) {
            Err(_) => "is not UTF-8; save the file as CSV UTF-8".to_owned(),
            Ok(text) if text.chars().any(char::is_control) => {
                "has a line break or another control character; take it out".to_owned()
            }
            Ok(text) if text.chars().count() > MAX_TEXT => {
                format!(
                    "has {} characters, at most {MAX_TEXT}",
                    text.chars().count()
                )
            }
            Ok(text) if text.trim() != text => {
                format!("`{text}` begins or ends with a space; take it out")
            }
            Ok(text) => return Some((column, text.to_owned())),
        };
        self.fault(column, problem);
        None
    }

    fn fault(&mut self, column: &'static str, problem: String) {
        self.faults.add(self.file, self.line, Some(column), problem);
    }

    /// The next cell when it is of this column and not empty; the file need not have the column.
    pub(super) fn beyond(&mut self, name: &str) -> Option<Option<String>> {
        if self.columns.peek().is_none_or(|column| **column != name) {
            return Some(None);
        }
        let (_, text) = self.cell()?;
        Some(Some(text).filter(|text| !text.is_empty()))
    }

    /// Tells what is wrong with a cell that was taken.
    pub(super) fn refuse(&mut self, column: &'static str, problem: String) {
        self.fault(column, problem);
    }

    /// The next cell as text that is not empty.
    pub(super) fn text(&mut self) -> Option<String> {
        self.checked("must not be empty", |text| !text.is_empty())
    }

    /// The next cell, which must satisfy `allowed`.
    pub(super) fn checked(
        &mut self,
        demand: &str,
        allowed: impl FnOnce(&str) -> bool,
    ) -> Option<String> {
        let (column, text) = self.cell()?;
        if allowed(&text) {
            return Some(text);
        }
        self.fault(column, format!("`{text}` {demand}"));
        None
    }

    /// The next cell as a code.
    pub(super) fn code<T: FromStr<Err: std::fmt::Display>>(&mut self) -> Option<T> {
        let (column, text) = self.cell()?;
        text.parse()
            .map_err(|error: T::Err| self.fault(column, error.to_string()))
            .ok()
    }

    /// The next cell as a code, or nothing when it is empty.
    pub(super) fn optional_code<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
    ) -> Option<Option<T>> {
        let (column, text) = self.cell()?;
        if text.is_empty() {
            return Some(None);
        }
        text.parse()
            .map_err(|error: T::Err| self.fault(column, error.to_string()))
            .ok()
            .map(Some)
    }
}

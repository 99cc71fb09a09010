//! What is wrong with an office's tables: file, line, column, and what to do.

use std::fmt;
use std::path::PathBuf;

use super::table::Shape;
use super::{Ids, Lined};

/// Faults told at once: enough to see a pattern, few enough to read.
pub const MOST_FAULTS: usize = 20;

/// One fault of one cell, row or file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file's name.
    pub file: &'static str,
    /// The line the row begins on, from 1; 0 when a field is named instead.
    pub line: u64,
    /// The column, when one cell is to blame.
    pub column: Option<&'static str>,
    /// The field of `profile.toml`, as a path; empty in tables.
    pub field: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, " line {}", self.line)?;
        }
        if !self.field.is_empty() {
            write!(f, ", {}", self.field)?;
        }
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// Why an office's tables cannot be loaded. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum HallError {
    /// A file cannot be read.
    #[error("could not read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The files have faults.
    #[error("the tables have faults, nothing was imported{}", list(.faults, *.more))]
    Faults {
        /// The first of them, at most [`MOST_FAULTS`].
        faults: Vec<Fault>,
        /// How many more there are.
        more: usize,
    },
}

fn list(faults: &[Fault], more: usize) -> String {
    let mut text: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
    if more > 0 {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}

/// Collects faults.
#[derive(Debug, Default)]
pub(super) struct Faults {
    told: Vec<Fault>,
    more: usize,
}

impl Faults {
    pub(super) const fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// How many faults there are, told or not.
    pub(super) const fn count(&self) -> usize {
        self.told.len() + self.more
    }

    /// A fault of a field of `profile.toml`.
    pub(super) fn add_field(&mut self, file: &'static str, field: &str, problem: String) {
        self.push(Fault {
            file,
            line: 0,
            column: None,
            field: field.to_owned(),
            problem,
        });
    }

    pub(super) fn add(
        &mut self,
        file: &'static str,
        line: u64,
        column: Option<&'static str>,
        problem: String,
    ) {
        self.push(Fault {
            file,
            line,
            column,
            field: String::new(),
            problem,
        });
    }

    fn push(&mut self, fault: Fault) {
        if self.told.len() < MOST_FAULTS {
            self.told.push(fault);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn into_error(self) -> HallError {
        HallError::Faults {
            faults: self.told,
            more: self.more,
        }
    }
}

/// Checks that no id comes twice; the ids with their lines.
pub(super) fn unique<'a, T>(
    faults: &mut Faults,
    (file, columns, _): Shape,
    rows: &'a Lined<T>,
    id: impl Fn(&T) -> &str,
) -> Ids<'a>
where
    T: 'a,
{
    let mut seen = Ids::new();
    for (line, row) in rows {
        let id = id(row);
        if let Some(first) = seen.get(id) {
            let problem = format!("`{id}` is already on line {first}; ids must be unique");
            faults.add(file, *line, columns.first().copied(), problem);
        } else {
            seen.insert(id, *line);
        }
    }
    seen
}

/// Checks that everything pointed at exists.
pub(super) fn known<'a>(
    faults: &mut Faults,
    (file, column): (&'static str, &'static str),
    references: impl Iterator<Item = (u64, &'a str)>,
    (target, ids): (&'static str, &Ids<'_>),
) {
    for (line, id) in references {
        if !ids.contains_key(id) {
            let problem = format!("`{id}` is not in {target}; add it there or correct it here");
            faults.add(file, line, Some(column), problem);
        }
    }
}

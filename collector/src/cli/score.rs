//! `manyi-collector score`: computes the figures of a published table, so that anyone can check it.
//!
//! Needs no configuration and no database.

mod table;

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::api::body::{
    ClaimBody, CountsBody, DefinitionBody, FiguresBody, SharesBody, definitions,
};
use crate::score::{
    Counts, Decimal, MAX_DIGITS, Rounding, RoundingMode, Scores, Shares, Unrated,
    check_claimed_mean,
};
use table::Table;

const AFTER_HELP: &str = "\
A CSV file has a header row, which decides what is computed. Counts are digits only.

  name,count                      shares of a list, such as ratings by channel
  name,n5,n4,n3,n2,n1             figures of each row and of their sum;
                                  n5 is 非常满意, n1 is 非常不满意
  name,n5,n4,n3,n2,n1,declined,timed_out[,withdrawn,fault]
                                  the same with participation 实际评价率
  …,defaulted                     may follow: ratings set by default, in no figure

The first column may have any name (hall, window, 单位 …).

Examples:
  manyi-collector score --levels 445832,34635,1638682,210,935 --rounding truncate --digits 4
  manyi-collector score --levels 445832,34635,1638682,210,935 --claimed-mean 7.8
  manyi-collector score --csv channels.csv";

/// Compute the figures of a published table and print them as JSON, as the API does
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// Five counts of ratings, from 非常满意 down to 非常不满意
    #[arg(long, value_name = "N5,N4,N3,N2,N1", value_parser = parse_levels, required_unless_present = "csv")]
    levels: Option<[u64; 5]>,
    /// A table as described below; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "levels")]
    csv: Option<PathBuf>,
    /// Prompts answered with 暂不评价, for the participation
    #[arg(long, value_name = "N", requires_all = ["levels", "timed_out"])]
    declined: Option<u64>,
    /// Prompts without an answer in time, for the participation
    #[arg(long, value_name = "N", requires_all = ["levels", "declined"])]
    timed_out: Option<u64>,
    /// Ratings set by default; counted, in no figure
    #[arg(long, value_name = "N", requires = "levels")]
    defaulted: Option<u64>,
    /// A published mean to check against the counts, such as 7.8
    #[arg(long, value_name = "MEAN", requires = "levels")]
    claimed_mean: Option<Decimal>,
    /// How values are rounded
    #[arg(long, value_enum, default_value = "half_up")]
    rounding: Mode,
    /// Digits after the point
    #[arg(long, value_name = "0..9", default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=i64::from(MAX_DIGITS)))]
    digits: u8,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Mode {
    #[value(name = "half_up", alias = "half-up")]
    HalfUp,
    Truncate,
}

/// What `--levels` prints.
#[derive(Debug, Serialize)]
struct LevelsOutput {
    counts: CountsBody,
    figures: FiguresBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed: Option<ClaimBody>,
    definitions: Vec<DefinitionBody>,
}

/// What a CSV file of levels prints.
#[derive(Debug, Serialize)]
struct RowsOutput {
    rows: Vec<RowOutput>,
    total: RowOutput,
    definitions: Vec<DefinitionBody>,
}

#[derive(Debug, Serialize)]
struct RowOutput {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    counts: CountsBody,
    figures: FiguresBody,
}

impl Args {
    /// Prints the figures.
    ///
    /// # Errors
    /// A file that cannot be read, or a fault in the table with its line and column.
    pub fn run(self, _globals: &super::Globals) -> anyhow::Result<()> {
        super::out::line(self.compute()?);
        Ok(())
    }

    fn compute(self) -> anyhow::Result<String> {
        let mode = match self.rounding {
            Mode::HalfUp => RoundingMode::HalfUp,
            Mode::Truncate => RoundingMode::Truncate,
        };
        let rounding = Rounding::new(mode, self.digits).context("--digits must be 0 to 9")?;
        if let Some(levels) = self.levels {
            return pretty(&self.of_levels(levels, rounding));
        }
        let path = self.csv.context("--levels or --csv is needed")?;
        let bytes = read(&path).with_context(|| format!("could not read {}", place(&path)))?;
        let table = Table::parse(&bytes).with_context(|| format!("fault in {}", place(&path)))?;
        match table {
            Table::Shares(counts) => pretty(&SharesBody::from(&Shares::of(&counts, rounding))),
            Table::Levels(rows) => pretty(&rows_output(rows, rounding)),
        }
    }

    fn of_levels(&self, levels: [u64; 5], rounding: Rounding) -> LevelsOutput {
        let mut counts =
            Counts::of_levels(levels).with_defaulted(self.defaulted.unwrap_or(0).into());
        if let (Some(declined), Some(timed_out)) = (self.declined, self.timed_out) {
            counts = counts.with_unrated(Unrated {
                declined: declined.into(),
                timed_out: timed_out.into(),
                ..Unrated::default()
            });
        }
        LevelsOutput {
            counts: (&counts).into(),
            figures: (&Scores::of(&counts, rounding)).into(),
            claimed: self
                .claimed_mean
                .map(|mean| (&check_claimed_mean(mean, &counts)).into()),
            definitions: definitions(),
        }
    }
}

fn rows_output(rows: Vec<(String, Counts)>, rounding: Rounding) -> RowsOutput {
    let output = |name: Option<String>, counts: &Counts| RowOutput {
        name,
        counts: counts.into(),
        figures: (&Scores::of(counts, rounding)).into(),
    };
    let mut total: Option<Counts> = None;
    for (_, counts) in &rows {
        match &mut total {
            Some(total) => total.merge(counts),
            None => total = Some(*counts),
        }
    }
    RowsOutput {
        total: output(None, &total.unwrap_or_default()),
        rows: rows
            .into_iter()
            .map(|(name, counts)| output(Some(name), &counts))
            .collect(),
        definitions: definitions(),
    }
}

fn place(path: &Path) -> String {
    if path.as_os_str() == "-" {
        return "standard input".to_owned();
    }
    format!("`{}`", path.display())
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(path)
}

fn pretty(output: &impl Serialize) -> anyhow::Result<String> {
    serde_json::to_string_pretty(output).context("could not write JSON")
}

fn parse_levels(text: &str) -> Result<[u64; 5], String> {
    let parse = |part: &str| {
        let part = part.trim();
        part.parse::<u64>()
            .map_err(|_| format!("`{part}` is not a count: digits only"))
    };
    let counts: Vec<u64> = text.split(',').map(parse).collect::<Result<_, _>>()?;
    let got = counts.len();
    counts.try_into().map_err(|_| {
        format!("--levels needs five counts, from 非常满意 down to 非常不满意; got {got}")
    })
}

#[cfg(test)]
mod tests;

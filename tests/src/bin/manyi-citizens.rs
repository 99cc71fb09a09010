//! Simulated citizens who rate at a real terminal with real pointer events.
//!
//! At the end the office's score is read back over HTTP and compared with what was tapped and with
//! what the tablet sealed. Exit status: 0 all equal, 1 not, 2 wrong arguments.

#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Parser;
use manyi_e2e::citizens::check::{self, Score};
use manyi_e2e::citizens::plan::{self, Habits};
use manyi_e2e::citizens::tablet::Tablet;
use manyi_e2e::citizens::{note, tally::Tally};
use manyi_e2e::http::Http;

/// A tap must be on the office's screen within 5 seconds; a busy machine gets three times that.
const COUNTED_WITHIN: Duration = Duration::from_secs(15);

/// Simulated citizens tap a terminal; then the office's score is compared with their taps
#[derive(Debug, Parser)]
#[command(name = "manyi-citizens", version)]
struct Args {
    /// The terminal's prompt API
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7310")]
    prompt_api: String,
    /// The office (collector)
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    office: String,
    /// The terminal's data directory: its profile is obeyed, its journal compared
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// File with an API token of the office; without it the variable `MANYI_TOKEN` is read
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How many citizens come
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    citizens: u32,
    /// Who comes; the same seed brings the same citizens (default: drawn)
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// The terminal's X display, such as :99 (default: DISPLAY)
    #[arg(long, value_name = ":N")]
    display: Option<String>,
    /// Let some citizens tap nothing until the time is up
    #[arg(long)]
    with_timeouts: bool,
    /// Write the comparison to this file as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            note(format_args!("manyi-citizens: {error:#}"));
            ExitCode::from(1)
        }
    }
}

fn run(args: &Args) -> anyhow::Result<bool> {
    let token = token(args.token_file.as_deref())?;
    let http = Http::new()?;
    let tablet = Tablet::find(
        &http,
        &args.prompt_api,
        &args.data_dir,
        args.display.as_deref(),
    )?;
    tablet.wait_until_ready()?;
    let before = check::office_score(&http, &args.office, &token)?;

    let seed = args.seed.unwrap_or_else(plan::any_seed);
    let habits = Habits {
        timeouts: args.with_timeouts,
    };
    let citizens = plan::draw(args.citizens, seed, tablet.profile(), habits);
    let window = &tablet.profile().window_name;
    note(format_args!(
        "{} citizens come to {window} (seed {seed}).",
        citizens.len()
    ));

    let start = Instant::now();
    let mut tapped = Vec::new();
    let mut repeated = 0;
    for (citizen, number) in citizens.into_iter().zip(1_u32..) {
        let visit = tablet
            .serve(&citizen)
            .with_context(|| format!("citizen {number}"))?;
        let item = citizen.item.as_ref().map_or("", |(_, name)| name.as_str());
        let said = check::words(&check::expected(&citizen.answer));
        note(format_args!(
            "  {number:>4}/{}  {item}: {said}",
            args.citizens
        ));
        repeated += visit.repeated;
        tapped.push((visit.prompt, citizen.answer));
    }
    let seconds = start.elapsed().as_secs_f64();
    let last_tap = Instant::now();
    let sum = check::tally_of(&tapped);
    let wanted = before.tally.plus(&sum);
    let after = check::settled_score(
        &http,
        &args.office,
        &token,
        wanted.prompts(),
        COUNTED_WITHIN,
    )?;
    let counted_after = last_tap.elapsed().as_secs_f64();
    // Also shows whether the last citizen's 提交 or 跳过 was heard.
    tablet.wait_until_ready()?;
    let sealed = check::sealed_outcomes(&args.data_dir)?;
    let differences = check::differences(&tapped, &sealed);
    let sealed = before.tally.plus(&check::tally_of_sealed(&tapped, &sealed));
    let equal = differences.is_empty()
        && after
            == (Score {
                tally: wanted,
                mean: wanted.mean(),
            });

    report(args, &before.tally, &wanted, &sealed, &after, &differences)?;
    let count = args.citizens;
    note(format_args!(
        "{count} citizens in {seconds:.1} s, {repeated} taps repeated."
    ));
    if after.tally.prompts() >= wanted.prompts() {
        note(format_args!(
            "Everything was counted {counted_after:.1} s after the last citizen left."
        ));
    } else {
        note(format_args!(
            "Not everything was counted within {counted_after:.1} s of the last citizen's leaving."
        ));
    }
    if let Some(path) = &args.json {
        let text = check::summary(&wanted, &sealed, &after, equal).to_string();
        fs::write(path, text).with_context(|| format!("could not write `{}`", path.display()))?;
    }
    note(format_args!(
        "{}",
        if equal {
            "EQUAL: the office counts exactly what was tapped."
        } else {
            "DIFFERENT: the office does not count what was tapped."
        }
    ));
    Ok(equal)
}

fn report(
    args: &Args,
    before: &Tally,
    wanted: &Tally,
    sealed: &Tally,
    after: &Score,
    differences: &[String],
) -> anyhow::Result<()> {
    note(format_args!(""));
    note(format_args!(
        "Tapped on the glass, sealed in {}, counted at {}:",
        args.data_dir.display(),
        args.office
    ));
    if before.prompts() > 0 {
        note(format_args!(
            "(with the {} prompts that the office had counted before)",
            before.prompts()
        ));
    }
    for line in check::table(wanted, sealed, after) {
        note(format_args!("{line}"));
    }
    for line in differences {
        note(format_args!("{line}"));
    }
    Ok(())
}

/// From a file or the environment, never the command line, which everybody on the machine can read.
fn token(file: Option<&Path>) -> anyhow::Result<String> {
    let text = match file {
        Some(path) => fs::read_to_string(path)
            .with_context(|| format!("could not read token `{}`", path.display()))?,
        None => std::env::var("MANYI_TOKEN")
            .context("no API token: set MANYI_TOKEN or give --token-file")?,
    };
    let token = text.trim();
    if token.is_empty() {
        bail!("the API token is empty");
    }
    Ok(token.to_owned())
}

//! A fleet of simulated tablets that comes home to a real collector in one second.
//!
//! Exit status: 0 all goals met, 1 not, 2 wrong arguments.

#![forbid(unsafe_code)]

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use manyi_e2e::citizens::note;
use manyi_e2e::fleet::{Plan, Report, Return, run};

/// Thousands of simulated tablets come back to a real collector in the same second
///
/// Each has its own key, its own connection and days of signed ratings, and decides with the daemon's
/// own code. Measured are requests a second against the rate at which the fleet drains, whether
/// Retry-After was obeyed, whether everybody got through, and the collector's memory. The collector
/// program is taken from the folder of this one, or from `MANYI_BIN_DIR`.
#[derive(Debug, Parser)]
#[command(name = "manyi-fleet", version)]
struct Args {
    /// How many tablets
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    terminals: u32,
    /// How long they were away, in hours
    #[arg(long, value_name = "HOURS", default_value_t = 72)]
    hours: u32,
    /// How many ratings each sealed in a day
    #[arg(long, value_name = "N", default_value_t = 40)]
    ratings_a_day: u32,
    /// How they come back
    #[arg(long = "return", value_name = "HOW", value_enum, default_value_t = Return::Network)]
    comes_back: Return,
    /// How many times faster than real tablets they are
    #[arg(long, value_name = "N", default_value_t = 1)]
    speed: u32,
    /// What everything is drawn from (default: drawn)
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// The longest the whole may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1200)]
    limit: u64,
    /// Exchanges that the collector works on at a time (default: its own)
    #[arg(long, value_name = "N")]
    slots: Option<u32>,
    /// Write the result to this file as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    match simulate(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            note(format_args!("manyi-fleet: {error:#}"));
            ExitCode::from(1)
        }
    }
}

fn simulate(args: &Args) -> anyhow::Result<bool> {
    let report = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run(plan(args)?, &settings(args)))?;
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report)?;
        fs::write(path, text).with_context(|| format!("could not write {}", path.display()))?;
    }
    tell(&report);
    Ok(report.faults().is_empty())
}

fn plan(args: &Args) -> anyhow::Result<Plan> {
    let ratings = u64::from(args.ratings_a_day) * u64::from(args.hours) / 24;
    let seed = args.seed.map_or_else(getrandom::u64, Ok);
    Ok(Plan {
        terminals: args.terminals as usize,
        ratings: usize::try_from(ratings)?,
        away: Duration::from_secs(u64::from(args.hours) * 3600),
        comes_back: args.comes_back,
        speed: args.speed,
        seed: seed.context("the system has no randomness to give; say --seed")?,
        limit: Duration::from_secs(args.limit),
    })
}

fn settings(args: &Args) -> Vec<(&'static str, String)> {
    let slots = args
        .slots
        .map(|slots| ("exchange_slots", slots.to_string()));
    slots.into_iter().collect()
}

/// The first minutes second by second, then one line.
fn tell(report: &Report) {
    let timeline = &report.timeline;
    let rows = timeline
        .requests
        .iter()
        .zip(&timeline.turned_away)
        .zip(&timeline.drained)
        .take(120);
    note(format_args!("second  requests  turned away  drained"));
    for (second, ((requests, turned_away), drained)) in rows.enumerate() {
        note(format_args!(
            "{second:6}  {requests:8}  {turned_away:11}  {drained:7}"
        ));
    }
    note(format_args!("{report}"));
}

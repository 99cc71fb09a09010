//! Gives a hall of a collector's data directory weeks of made-up ratings.
//!
//! Exit status: 0 done, 1 refused, 2 wrong arguments.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use manyi_e2e::citizens::note;
use manyi_e2e::history::{Past, make};

/// Weeks of made-up ratings for a hall that was imported
///
/// A tablet is enrolled at each window, and each day of it is sent as tablets send: signed records
/// at that day's times. For trying pages and exports; never for a collector in use, whose figures
/// would then be made up. No collector may run on the directory meanwhile.
#[derive(Debug, Parser)]
#[command(name = "manyi-history", version)]
struct Args {
    /// The collector's data directory
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The hall's id
    #[arg(long, value_name = "ID")]
    hall: String,
    /// How many days, ending yesterday
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Citizens at a window on a working day, on average
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=1000))]
    citizens: u32,
    /// What everything is drawn from
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    let past = Past {
        days: args.days,
        citizens: args.citizens,
        seed: args.seed,
    };
    let made = make(&args.data_dir, &args.hall, past, |window| {
        note(format_args!("window {window}"));
    });
    match made.await {
        Ok(came) => {
            note(format_args!("{came} citizens in {} days", args.days));
            ExitCode::SUCCESS
        }
        Err(error) => {
            note(format_args!("manyi-history: {error:#}"));
            ExitCode::from(1)
        }
    }
}

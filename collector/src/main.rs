//! `manyi-collector`: the program. Everything is in the library; this prints what went wrong.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match manyi_collector::cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            manyi_collector::cli::out::error(&error);
            ExitCode::FAILURE
        }
    }
}

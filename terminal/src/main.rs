//! The program `manyi-terminal`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use manyi_shared::tablet::ensure_folder;
use manyi_terminal::cli::{Cli, start_log};
use manyi_terminal::{program, screen};

fn main() -> ExitCode {
    match start() {
        Ok(code) => code,
        Err(error) => {
            // Nothing can be done when standard error is closed as well.
            writeln!(std::io::stderr(), "manyi-terminal: {error:#}").unwrap_or_default();
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let config = cli.configuration()?;
    if let Some(command) = &cli.command {
        let good = command.run(
            &config,
            &mut std::io::BufWriter::new(std::io::stdout().lock()),
        )?;
        return Ok(if good {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    start_log(&config);
    ensure_folder(&config.data_dir).context("the data folder cannot be used")?;
    set_up(&screen::prepare_fonts(&config)?, config.rotation);
    program::run(&config)?;
    Ok(ExitCode::SUCCESS)
}

#[expect(
    unsafe_code,
    reason = "fontconfig and Slint's LinuxKMS back end read these from the environment only"
)]
fn set_up(fonts: &Path, rotation: u16) {
    // SAFETY: this is the main thread and no other has been started yet.
    unsafe {
        std::env::set_var("FONTCONFIG_FILE", fonts);
        if rotation != 0 {
            std::env::set_var("SLINT_KMS_ROTATION", rotation.to_string());
        }
    }
}

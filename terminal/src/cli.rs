//! The command line.

use std::io::Write;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use manyi_shared::tablet::DataDir;

use crate::config::{Config, ConfigError, LogFormat};
use crate::journal_cli::{self, Look, LookError};

/// The rating terminal at a service window: asks, seals, thanks.
#[derive(Debug, Parser)]
#[command(name = "manyi-terminal", version, about)]
pub struct Cli {
    /// Configuration file; every key is described in terminal.example.toml.
    #[arg(long, global = true, value_name = "FILE", env = "MANYI_CONFIG")]
    pub config: Option<PathBuf>,
    /// Folder of journal, identity and profile; wins over the configuration.
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// What to do; without a command the terminal runs.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do instead of running.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the configuration and print it as it would be used.
    CheckConfig,
    /// Look at the journal without disturbing a running terminal.
    #[command(subcommand)]
    Journal(Look),
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The journal cannot be looked at.
    #[error(transparent)]
    Look(#[from] LookError),
    /// Nobody takes the output.
    #[error("could not write the output")]
    Output(#[from] std::io::Error),
}

impl Cli {
    /// The configuration as the file, the variables and the command line make it.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn configuration(&self) -> Result<Config, ConfigError> {
        Config::load(
            self.config.as_deref(),
            |name| std::env::var(name).ok(),
            self.data_dir.as_deref(),
        )
    }
}

impl Command {
    /// Does it; answers whether everything was good.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn run(&self, config: &Config, out: &mut dyn Write) -> Result<bool, CliError> {
        match self {
            Self::CheckConfig => {
                writeln!(out, "configuration is good:")?;
                writeln!(out, "  data_dir = {}", config.data_dir.display())?;
                writeln!(out, "  listen = {}", config.listen)?;
                writeln!(
                    out,
                    "  backend = {}",
                    format!("{:?}", config.backend).to_lowercase()
                )?;
                writeln!(
                    out,
                    "  width = {}, height = {}",
                    config.width, config.height
                )?;
                writeln!(out, "  fullscreen = {}", config.fullscreen)?;
                let fonts = config.fonts_dir.as_ref();
                let fonts =
                    fonts.map_or_else(|| "(found)".to_owned(), |dir| dir.display().to_string());
                writeln!(out, "  fonts_dir = {fonts}")?;
                writeln!(out, "  demo_key = {}", config.demo_key)?;
                writeln!(out, "  log = {}", config.log)?;
                let format = format!("{:?}", config.log_format).to_lowercase();
                writeln!(out, "  log_format = {format}")?;
                Ok(true)
            }
            Self::Journal(look) => {
                let looked = journal_cli::run(*look, &DataDir::new(&config.data_dir), out);
                match looked {
                    // `… | head` has seen enough.
                    Err(LookError::Output(error))
                        if error.kind() == std::io::ErrorKind::BrokenPipe =>
                    {
                        Ok(true)
                    }
                    other => Ok(other?),
                }
            }
        }
    }
}

/// Starts the log, on standard error.
pub fn start_log(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::new(&config.log);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => log
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init(),
        LogFormat::Json => log.json().init(),
    }
}

//! The command line.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use manyi_shared::tablet::DataDir;

use crate::api::token::{LanToken, TokenError};
use crate::config::{Config, ConfigError, LogFormat};
use crate::journal_cli::{self, Look, LookError};
use crate::station::Station;
use crate::voice::card::{Card, CardError};
use crate::voice::make::{self, MakeError};
use crate::voice::wave::{Wave, WaveError};
use crate::voice::{Speaker, find};

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
    Journal {
        /// What to do.
        #[command(subcommand)]
        look: Look,
        /// Another file than the present journal, such as one that was set aside as damaged.
        #[arg(long, global = true)]
        file: Option<PathBuf>,
    },
    /// The token that opens the prompt API in the hall's network. Run as the terminal's user.
    #[command(subcommand)]
    LanToken(TokenCommand),
    /// The tablet's voice.
    #[command(subcommand)]
    Voice(VoiceCommand),
}

/// What to do with the voice.
#[derive(Debug, Clone, Subcommand)]
pub enum VoiceCommand {
    /// Make the clips of every language with espeak-ng; those that are there are replaced.
    Make {
        /// Where to; without it the data folder's `voice`.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Play a WAV file on the sound card, to hear whether it works.
    Play {
        /// The file.
        file: PathBuf,
        /// How loud, 0 to 100.
        #[arg(long, default_value_t = 70, value_parser = clap::value_parser!(u8).range(0..=100))]
        volume: u8,
    },
}

/// What to do with the token.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum TokenCommand {
    /// Make a token for the window this terminal stands at and print it once; the one before it
    /// opens nothing any more.
    New,
    /// Remove the token: nobody in the network is answered any more.
    Remove,
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
    /// The token cannot be made or removed.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// There is no window to make a token for.
    #[error("no token can be made: {detail}; enrol the terminal first (manyi-sync enrol)")]
    NoWindow {
        /// Why.
        detail: String,
    },
    /// The clips cannot be made.
    #[error(transparent)]
    Make(#[from] MakeError),
    /// The file is no clip.
    #[error(transparent)]
    Wave(#[from] WaveError),
    /// The sound card does not work.
    #[error(transparent)]
    Card(#[from] CardError),
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
        let data = DataDir::new(&config.data_dir);
        match self {
            Self::CheckConfig => print_config(config, out).map(|()| true),
            Self::LanToken(command) => command.run(&data, out).map(|()| true),
            Self::Voice(command) => command.run(&data, out).map(|()| true),
            Self::Journal { look, file } => {
                match journal_cli::run(*look, &file.clone().unwrap_or_else(|| data.journal()), out)
                {
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

impl TokenCommand {
    fn run(self, data: &DataDir, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::New => {
                let station =
                    Station::load(data).map_err(|why| CliError::NoWindow { detail: why.detail })?;
                let window = station.window.clone();
                let token = LanToken::make(data, station.window)?;
                writeln!(out, "token for window {window}, shown this once:")?;
                writeln!(out, "{token}")?;
            }
            Self::Remove => {
                let removed = LanToken::remove(data)?;
                let text = if removed {
                    "the token is removed"
                } else {
                    "there was no token"
                };
                writeln!(out, "{text}")?;
            }
        }
        Ok(out.flush()?)
    }
}

impl VoiceCommand {
    fn run(&self, data: &DataDir, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::Make { dir } => {
                let dir = dir.clone().unwrap_or_else(|| find::own(data));
                Ok(make::all(&dir, out)?)
            }
            Self::Play { file, volume } => {
                let mut wave = Wave::read(file)?;
                wave.soften(*volume);
                // Nobody interrupts; a terminal that is stopped stops playing.
                let (_stay, end) = std::sync::mpsc::channel::<()>();
                Card.play(&wave, &mut |time| end.recv_timeout(time).is_ok())?;
                Ok(())
            }
        }
    }
}

/// The configuration as it would be used, a key a line.
fn print_config(config: &Config, out: &mut dyn Write) -> Result<(), CliError> {
    let word = |debug: String| debug.to_lowercase();
    let found = |dir: &Path| dir.display().to_string();
    let fonts = config.fonts_dir.as_deref();
    let door = config.lan_door().map(|door| {
        let lock = if door.tls.is_some() {
            "TLS"
        } else {
            "not encrypted"
        };
        format!("{} ({lock})", door.listen)
    });
    let gpio = config.gpio.map(|gpio| format!("{gpio:?}"));
    let keys = [
        ("data_dir", config.data_dir.display().to_string()),
        ("listen", config.listen.to_string()),
        ("lan_listen", door.unwrap_or_else(|| "(nowhere)".to_owned())),
        ("backend", word(format!("{:?}", config.backend))),
        (
            "width",
            format!("{}, height = {}", config.width, config.height),
        ),
        ("fullscreen", config.fullscreen.to_string()),
        ("rotation", config.rotation.to_string()),
        (
            "fonts_dir",
            fonts.map_or_else(|| "(found)".to_owned(), found),
        ),
        ("backlight", config.backlight.clone()),
        ("gpio", gpio.unwrap_or_else(|| "(none)".to_owned())),
        ("journal_cap_mib", config.journal_cap_mib.to_string()),
        ("demo_key", config.demo_key.to_string()),
        ("log", config.log.clone()),
        ("log_format", word(format!("{:?}", config.log_format))),
    ];
    writeln!(out, "configuration is good:")?;
    for (key, value) in keys {
        writeln!(out, "  {key} = {value}")?;
    }
    Ok(())
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

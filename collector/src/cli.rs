//! The command line. Each subcommand has its file; `out` is the only place that prints.

mod alarms;
mod audit;
mod backup;
mod check_config;
mod copy;
mod dead_letters;
mod enrol_code;
mod hall;
mod init;
mod keys;
mod marks;
mod open_sealed;
pub mod out;
mod place;
mod proof;
mod roots;
pub mod score;
mod serve;
mod technician_pin;
mod terminal;
pub mod token;
mod user;
mod verify;
mod window;

use std::future::Future;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::access::Place;
use crate::audit::{Action, By, Note};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::store::sqlite::SqliteStore;

/// The centre of Manyi: takes ratings from terminals, counts them, shows them to the office.
#[derive(Debug, Parser)]
#[command(name = "manyi-collector", version, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// Options of every subcommand.
#[derive(Debug, Clone, clap::Args)]
pub struct Globals {
    /// Configuration file (TOML); see deploy/collector.example.toml
    #[arg(long, global = true, env = "MANYI_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Directory of database and key; wins over file and environment
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

impl Globals {
    /// The configuration: defaults, file, environment, command line.
    ///
    /// # Errors
    /// When it cannot be used; names file and key.
    pub fn load(&self) -> anyhow::Result<Config> {
        let variable = |name: &str| std::env::var(name).ok();
        Ok(Config::load(
            self.config.as_deref(),
            variable,
            self.data_dir.as_deref(),
        )?)
    }

    /// Loads the configuration and opens the database it names.
    ///
    /// # Errors
    /// When either fails; before `init` the message says so.
    pub fn open(&self) -> anyhow::Result<(Config, SqliteStore)> {
        let config = self.load()?;
        let store = SqliteStore::configured(&config)?;
        Ok((config, store))
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make data directory, database, signing key and the first office user
    Init(init::Args),
    /// Serve terminals, office and partner systems
    Serve(serve::Args),
    /// Load a hall's own tables
    #[command(subcommand)]
    Hall(hall::Command),
    /// Print a one-time code that enrols a terminal at a window
    EnrolCode(enrol_code::Args),
    /// List terminals and take identities back
    #[command(subcommand)]
    Terminal(terminal::Command),
    /// Pause windows and serve them again
    #[command(subcommand)]
    Window(window::Command),
    /// Set the PIN of the terminals' page for technicians
    TechnicianPin(technician_pin::Args),
    /// List what is wrong with terminals now, and clear incidents
    Alarms(alarms::Args),
    /// List, show and read again records that are kept but not counted
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// Open what citizens left for the office, with the office's key; who did is written down
    #[command(alias = "messages")]
    OpenSealed(open_sealed::Args),
    /// Check everything that is stored of a hall against signatures and published roots
    Verify(verify::Args),
    /// Copy the database to a file, also while the collector runs, and check the copy
    Backup(backup::Args),
    /// Copy everything into another, empty database, and check the copy
    Copy(copy::Args),
    /// Publish and list the daily signed roots
    #[command(subcommand)]
    Roots(roots::Command),
    /// Write a proof of one rating that anyone can check
    Proof(proof::ProveArgs),
    /// Check a proof of one rating; needs nothing but the file
    VerifyProof(proof::CheckArgs),
    /// Compute scores from counts, to check a published table
    Score(score::Args),
    /// Look for odd ratings in a range of days, and say how many marks there are
    Marks(marks::Args),
    /// Manage API tokens
    Token(token::Args),
    /// Manage users of the office pages
    #[command(subcommand)]
    User(user::Command),
    /// Check the audit log, and drop what was kept long enough
    #[command(subcommand)]
    Audit(audit::Command),
    /// Check the configuration and print it
    CheckConfig(check_config::Args),
}

impl Cli {
    /// Runs the subcommand.
    ///
    /// # Errors
    /// Whatever went wrong, with its causes, for printing.
    pub fn run(self) -> anyhow::Result<()> {
        let globals = &self.globals;
        match self.command {
            Command::Init(args) => args.run(globals),
            Command::Serve(args) => args.run(globals),
            Command::Hall(command) => command.run(globals),
            Command::EnrolCode(args) => args.run(globals),
            Command::Terminal(command) => command.run(globals),
            Command::Window(command) => command.run(globals),
            Command::TechnicianPin(args) => args.run(globals),
            Command::Alarms(args) => args.run(globals),
            Command::DeadLetters(command) => command.run(globals),
            Command::OpenSealed(args) => args.run(globals),
            Command::Verify(args) => args.run(globals),
            Command::Backup(args) => args.run(globals),
            Command::Copy(args) => args.run(globals),
            Command::Roots(command) => command.run(globals),
            Command::Proof(args) => args.run(globals),
            Command::VerifyProof(args) => args.run(),
            Command::Score(args) => args.run(globals),
            Command::Marks(args) => args.run(globals),
            Command::Token(args) => args.run(globals),
            Command::User(command) => command.run(globals),
            Command::Audit(command) => command.run(globals),
            Command::CheckConfig(args) => args.run(globals),
        }
    }
}

/// Runs one asynchronous job on this thread.
///
/// # Errors
/// What the job returns, or that there is no runtime.
pub fn block_on<T>(job: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?
        .block_on(job)
}

/// Has the next change written down as this command's.
fn noted(store: &SqliteStore, action: Action, place: Place, object: impl Into<String>) {
    let note = Note::new(By::operator(who()), action, place, object);
    store.note_next_write(note, SystemClock.now_ms());
}

/// Who runs the program, as far as the machine knows.
fn who() -> String {
    let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER"));
    let id = rustix::process::getuid().as_raw();
    match user {
        Ok(name) if name.len() <= 64 && !name.chars().any(char::is_control) => {
            format!("{name} (uid {id})")
        }
        _ => format!("uid {id}"),
    }
}

//! `manyi-sync`: the tablet's daemon and its enrolment.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use manyi_shared::domain::Clock;
use manyi_shared::tablet::{SystemClock, ask_to_note};
use manyi_shared::wire::EnrolmentCode;
use manyi_sync::daemon::{Options, serve};
use manyi_sync::doctor::Doctor;
use manyi_sync::enrol::{Enrolment, enrol_or_hand_over};
use manyi_sync::rotation::rotate_or_hand_over;
use manyi_sync::settings::{LogFormat, Settings};
use manyi_sync::status;

/// Carries a terminal's sealed ratings to the collector.
#[derive(Debug, Parser)]
#[command(name = "manyi-sync", version)]
struct Cli {
    /// Configuration file (TOML); every key is described in deploy/sync.example.toml.
    #[arg(long, global = true, env = "MANYI_CONFIG")]
    config: Option<PathBuf>,
    /// The tablet's data folder; wins over file and environment.
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Carry ratings until stopped (the default). A terminal without an identity waits for one.
    Run,
    /// Trade a one-time code from the office for this terminal's identity. A daemon that waits for
    /// one does it.
    Enrol {
        /// The collector's address, such as `https://rate.example.cn`.
        #[arg(long, value_name = "URL")]
        collector: String,
        /// The one-time code, such as 7KX2-9QWM.
        #[arg(long, env = "MANYI_ENROL_CODE", hide_env_values = true)]
        code: EnrolmentCode,
        /// Replace the identity that is there. Unsent ratings stay and are still sent under it.
        #[arg(long)]
        again: bool,
    },
    /// Trade this terminal's key for a new one. A daemon that works here does it. A power cut at any
    /// moment is no matter: the daemon goes on with it.
    RotateKey,
    /// Read the configuration, say whether it can be obeyed, and do nothing.
    CheckConfig,
    /// Say how the uplink is: what, since when, why, what to do. Ends with 1 when something is
    /// wrong.
    Status {
        /// As JSON, for machines.
        #[arg(long)]
        json: bool,
    },
    /// Try everything that a rating needs on its way, and say what to do next. Ends with 1 when
    /// something stands in the way.
    Doctor {
        /// Another address to examine, such as `https://rate.example.cn`.
        #[arg(long, value_name = "URL")]
        collector: Option<String>,
        /// As JSON, for machines.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let error = match obey(Cli::parse()) {
        Ok(code) => return code,
        Err(error) => error,
    };
    // Not left to anyhow: a technician wants the causes, not a backtrace.
    let causes: String = error
        .chain()
        .skip(1)
        .map(|cause| format!("\n  because: {cause}"))
        .collect();
    // When standard error is gone there is nobody to tell; the exit code still says it.
    drop(writeln!(std::io::stderr(), "manyi-sync: {error}{causes}"));
    ExitCode::FAILURE
}

fn obey(cli: Cli) -> anyhow::Result<ExitCode> {
    let variable = |name: &str| std::env::var(name).ok();
    let settings = Settings::load(cli.config.as_deref(), variable, cli.data_dir.as_deref())?;
    start_log(&settings);
    match cli.command.unwrap_or(Command::Run) {
        Command::Run => run(&settings)?,
        Command::Enrol {
            collector,
            code,
            again,
        } => enrol_here(&settings, collector, code, again)?,
        Command::RotateKey => rotate_here(&settings)?,
        Command::CheckConfig => say("configuration is good")?,
        Command::Status { json } => return tell_status(&settings, json),
        Command::Doctor { collector, json } => return tell_doctor(&settings, collector, json),
    }
    Ok(ExitCode::SUCCESS)
}

fn tell_status(settings: &Settings, json: bool) -> anyhow::Result<ExitCode> {
    let clock = SystemClock::new().read();
    // For this look it may come too late, for the next it does not.
    drop(ask_to_note(&settings.data().wake_socket()));
    let status = status::read(&settings.data(), settings.collector_url.as_deref(), clock);
    if json {
        say(&serde_json::to_string_pretty(&status)?)?;
    } else {
        say(&status.text())?;
    }
    Ok(fine_or_not(status.is_fine()))
}

fn tell_doctor(
    settings: &Settings,
    collector: Option<String>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let doctor = Doctor {
        data: settings.data(),
        collector_url: collector.or_else(|| settings.collector_url.clone()),
        link: settings.link(),
        enrol_file: settings.enrol_file(),
    };
    let report = runtime()?.block_on(doctor.examine());
    if json {
        say(&serde_json::to_string_pretty(&report)?)?;
    } else {
        say(report.text().trim_end())?;
    }
    Ok(fine_or_not(report.is_fine()))
}

const fn fine_or_not(fine: bool) -> ExitCode {
    if fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the event loop")
}

fn run(settings: &Settings) -> anyhow::Result<()> {
    let options = Options {
        data: settings.data(),
        collector_url: settings.collector_url.clone(),
        link: settings.link(),
        pace: settings.pace(),
        enrol_file: settings.enrol_file(),
        prompt_api: settings.prompt_api.clone(),
    };
    runtime()?.block_on(async {
        let mut terminate = signal(tokio::signal::unix::SignalKind::terminate())?;
        let mut interrupt = signal(tokio::signal::unix::SignalKind::interrupt())?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        serve(options, stop).await?;
        Ok(())
    })
}

fn signal(kind: tokio::signal::unix::SignalKind) -> anyhow::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(kind).context("could not listen for stop signals")
}

fn enrol_here(
    settings: &Settings,
    collector_url: String,
    code: EnrolmentCode,
    again: bool,
) -> anyhow::Result<()> {
    let identity = runtime()?.block_on(enrol_or_hand_over(Enrolment {
        data: settings.data(),
        collector_url,
        code,
        again,
        link: settings.link(),
    }))?;
    say(&format!(
        "enrolled\n  terminal   {}\n  hall       {}\n  window     {}\n  collector  {}\n  its key    {}  \
         (`manyi-collector init` prints the same)",
        identity.terminal,
        identity.hall,
        identity.window,
        identity.collector_url,
        identity.collector.fingerprint(),
    ))
}

fn rotate_here(settings: &Settings) -> anyhow::Result<()> {
    let key = runtime()?.block_on(rotate_or_hand_over(
        &settings.data(),
        settings.collector_url.as_deref(),
        &settings.link(),
    ))?;
    say(&format!(
        "this terminal signs with a new key: {}",
        key.fingerprint()
    ))
}

fn say(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("could not print")
}

fn start_log(settings: &Settings) {
    // Checked when the settings were read.
    let filter = tracing_subscriber::EnvFilter::new(&settings.log);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match settings.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

//! `check-config`: whether the configuration can be used, and what it comes to.

use super::{Globals, out};
use crate::config::LogFormat;

/// No arguments of its own.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

impl Args {
    #[expect(clippy::unused_self, reason = "all subcommands run the same way")]
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let config = globals.load()?;
        out::line(format_args!("listen = \"{}\"", config.listen));
        out::line(format_args!(
            "data_dir = {:?}",
            config.data_dir.display().to_string()
        ));
        out::line(format_args!("database = {:?}", config.database.to_string()));
        out::line(format_args!("log = {:?}", config.log));
        let format = match config.log_format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        };
        out::line(format_args!("log_format = \"{format}\""));
        out::line(format_args!("session_hours = {}", config.session_hours));
        out::line(format_args!(
            "enrol_per_minute = {}",
            config.enrol_per_minute
        ));
        out::line(format_args!(
            "enrol_per_minute_total = {}",
            config.enrol_per_minute_total
        ));
        if let Some(proxy) = config.trusted_proxy {
            out::line(format_args!("trusted_proxy = \"{proxy}\""));
        }
        Ok(())
    }
}

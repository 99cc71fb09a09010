//! `alarms`: what the office should look at now.

use serde_json::json;

use super::{Globals, block_on, out};
use crate::alarm::current;
use crate::clock::{Clock, SystemClock};

/// How to print them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (_, store) = globals.open()?;
        let now_ms = SystemClock.now_ms();
        let alarms = block_on(async { Ok(current(&store, now_ms).await?) })?;
        if !self.json && alarms.is_empty() {
            out::note("nothing is wrong");
        }
        for alarm in alarms {
            if self.json {
                out::line(json!({
                    "hall": alarm.hall,
                    "window": alarm.window,
                    "terminal": alarm.terminal,
                    "cause": alarm.cause.name(),
                    "text": alarm.cause.text(),
                }));
            } else {
                let (hall, window, text) = (alarm.hall, alarm.window, alarm.cause.text());
                out::line(format_args!("{hall}\t{window}\t{}\t{text}", alarm.terminal));
            }
        }
        Ok(())
    }
}

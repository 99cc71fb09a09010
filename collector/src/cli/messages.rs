//! `messages`: what citizens left for the office, opened with the office's key.
//!
//! For those who call back. Who reads is written down in the database; nothing of it goes into a
//! log.

use manyi_shared::wire::OfficeSecret;
use serde_json::json;

use super::{Globals, block_on, keys, out, who};
use crate::clock::{Clock, SystemClock};
use crate::store::{LeftMessage, OfficeStore};

/// How to print them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (config, store) = globals.open()?;
        let secret = keys::read_office_key(&config.data_dir)?;
        let now_ms = SystemClock.now_ms();
        let messages = block_on(async { Ok(store.messages(who(), now_ms).await?) })?;
        if !self.json && messages.is_empty() {
            out::note("no citizen has left anything yet");
        }
        for message in &messages {
            out::line(self.line(message, &secret)?);
        }
        Ok(())
    }

    fn line(&self, message: &LeftMessage, secret: &OfficeSecret) -> anyhow::Result<String> {
        let opened = secret.open(&message.sealed, message.stream, message.target);
        let at = jiff::Timestamp::from_millisecond(message.at_ms)?;
        let local = at.in_tz(&message.time_zone)?;
        if self.json {
            return Ok(json!({
                "hall": message.hall,
                "window": message.window,
                "at": local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
                "what": message.what.name(),
                "level": message.level.number(),
                "case_number": message.case_number,
                "text": opened.as_ref().ok(),
                "problem": opened.as_ref().err().map(ToString::to_string),
            })
            .to_string());
        }
        // What a citizen typed must not steer the clerk's screen.
        let text = match opened {
            Ok(text) => text
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect(),
            Err(error) => format!("({error})"),
        };
        Ok(format!(
            "{}\t{}\t{}\t{}\t{}\t{text}",
            local.strftime("%Y-%m-%d %H:%M"),
            message.hall,
            message.window,
            message.what.name(),
            message.level.name_zh(),
        ))
    }
}

//! `alarms`: what the office should look at now, and what somebody has dealt with.

use serde_json::json;

use super::{Globals, block_on, noted, out, who};
use crate::access::Place;
use crate::alarm::{Alarm, Cause, current};
use crate::audit::Action;
use crate::clock::{Clock, SystemClock};
use crate::store::FaultStore;

/// How to print them, or which to clear.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
    /// Say that an incident was dealt with: the beginning of its id is enough
    ///
    /// It stays in the database, with the account that cleared it and when.
    #[arg(long, value_name = "ID", conflicts_with = "json")]
    clear: Option<String>,
}

impl Args {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (_, store) = globals.open()?;
        let now_ms = SystemClock.now_ms();
        if let Some(id) = self.clear {
            let object = format!("incident:{id}");
            noted(&store, Action::ClearIncident, Place::Everywhere, object);
            let cleared = store.clear_incident(id, who(), now_ms);
            let incident = block_on(async { Ok(cleared.await?) })??;
            let (window, id) = (&incident.window, incident.id_text());
            out::line(format_args!(
                "incident {id} of window {window} is cleared: {}",
                incident.detail
            ));
            return Ok(());
        }
        let alarms = block_on(async { Ok(current(&store, now_ms).await?) })?;
        if !self.json && alarms.is_empty() {
            out::note("nothing is wrong");
        }
        for alarm in alarms {
            if self.json {
                out::line(as_json(&alarm));
            } else {
                let (hall, window, text) = (&alarm.hall, &alarm.window, alarm.cause.text());
                let id = match &alarm.cause {
                    Cause::Incident(incident) => format!("\t{}", incident.id_text()),
                    _ => String::new(),
                };
                out::line(format_args!(
                    "{hall}\t{window}\t{}\t{text}{id}",
                    alarm.terminal
                ));
            }
        }
        Ok(())
    }
}

fn as_json(alarm: &Alarm) -> serde_json::Value {
    let mut line = json!({
        "hall": alarm.hall,
        "window": alarm.window,
        "terminal": alarm.terminal,
        "cause": alarm.cause.name(),
        "text": alarm.cause.text(),
    });
    if let (Cause::Incident(incident), Some(line)) = (&alarm.cause, line.as_object_mut()) {
        let at = |ms: Option<i64>| {
            let at = ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
            at.map(|at| format!("{at:.0}"))
        };
        line.insert("incident".to_owned(), incident.id_text().into());
        line.insert("at".to_owned(), at(Some(incident.at_ms)).into());
        line.insert("earliest".to_owned(), at(incident.earliest_ms).into());
        line.insert("latest".to_owned(), at(incident.latest_ms).into());
    }
    line
}

//! `open-sealed`: what citizens left for the office, opened with the office's key.
//!
//! For those who call back. Who opens what is written down in the database before anything is
//! printed; nothing of it goes into a log.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use base64::Engine as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use manyi_shared::domain::{HallId, Seq, StreamId, WindowId};
use manyi_shared::wire::{Message, OfficeSecret, Record, RecordBody};
use serde::Deserialize;
use serde_json::json;

use super::place::{chosen, has};
use super::{Globals, block_on, keys, noted, out, who};
use crate::access::Place;
use crate::audit::Action;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::store::sqlite::SqliteStore;
use crate::store::{LeftMessage, MessageAccess, MessageFilter, OfficeStore};

/// Which messages, and how to print them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this hall's
    #[arg(long)]
    hall: Option<HallId>,
    /// Only those left at this window
    #[arg(long)]
    window: Option<WindowId>,
    /// Only those left from this day on, as 2026-03-24 in the hall's zone
    #[arg(long, value_name = "DAY")]
    from: Option<Date>,
    /// Only those left up to this day, it included
    #[arg(long, value_name = "DAY")]
    to: Option<Date>,
    /// The office's key, where it is not kept beside the database
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Open those of a tablet's exported journal instead (`manyi-terminal journal export`)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["hall", "window", "from", "to"])]
    export: Option<PathBuf>,
    /// List who opened what and when, and open nothing
    #[arg(long, conflicts_with_all = ["key", "export", "window", "from", "to"])]
    accesses: bool,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (config, store) = globals.open()?;
        if self.accesses {
            return self.list_accesses(&store);
        }
        let secret = self.secret(&config)?;
        match &self.export {
            Some(file) => self.open_export(&store, file, &secret),
            None => self.open_stored(&store, &secret),
        }
    }

    fn secret(&self, config: &Config) -> anyhow::Result<OfficeSecret> {
        match &self.key {
            Some(path) => keys::read_office_key_at(path),
            None => keys::read_office_key(&config.data_dir),
        }
    }

    fn open_stored(&self, store: &SqliteStore, secret: &OfficeSecret) -> anyhow::Result<()> {
        let now_ms = SystemClock.now_ms();
        let messages = block_on(async {
            let filter = self.filter(store).await?;
            let hall = filter.hall.clone().map_or(Place::Everywhere, Place::Hall);
            noted(store, Action::OpenMessages, hall, "messages");
            Ok(store.messages(filter, who(), now_ms).await?)
        })?;
        if !self.json && messages.is_empty() {
            out::note("no citizen has left anything there");
        }
        for message in &messages {
            out::line(self.line(message, secret)?);
        }
        Ok(())
    }

    async fn filter(&self, store: &SqliteStore) -> anyhow::Result<MessageFilter> {
        let narrow = self.window.is_some() || self.from.is_some() || self.to.is_some();
        if self.hall.is_none() && !narrow {
            return Ok(MessageFilter::default());
        }
        // Windows and days are a hall's own.
        let hall = chosen(store, self.hall.as_ref()).await?;
        if let Some(window) = &self.window {
            has(&hall, window)?;
        }
        let zone = TimeZone::get(&hall.time_zone)?;
        let midnight = |day: Date| -> anyhow::Result<i64> {
            let at = day.to_zoned(zone.clone())?;
            Ok(at.timestamp().as_millisecond())
        };
        let until = self.to.map(Date::tomorrow).transpose()?;
        Ok(MessageFilter {
            hall: Some(hall.id),
            window: self.window.clone(),
            from_ms: self.from.map(midnight).transpose()?,
            until_ms: until.map(midnight).transpose()?,
        })
    }

    fn open_export(
        &self,
        store: &SqliteStore,
        file: &Path,
        secret: &OfficeSecret,
    ) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("could not read `{}`", file.display()))?;
        let left = exported(&text)
            .with_context(|| format!("`{}` is no export of a tablet's journal", file.display()))?;
        let about = format!("the exported journal `{}`", file.display());
        let n = left.len() as u64;
        let now_ms = SystemClock.now_ms();
        noted(store, Action::OpenMessages, Place::Everywhere, "messages");
        block_on(async { Ok(store.note_message_access(who(), n, about, now_ms).await?) })?;
        for (stream, message) in left {
            let opened = secret.open(&message.sealed, stream, message.target);
            let (what, target) = (message.what.name(), message.target);
            if self.json {
                out::line(json!({
                    "stream": stream,
                    "target": target.get(),
                    "what": what,
                    "text": opened.as_ref().ok(),
                    "problem": opened.as_ref().err().map(ToString::to_string),
                }));
            } else {
                let text = opened.map_or_else(|error| format!("({error})"), |t| printable(&t));
                out::line(format_args!("{stream}\t{target}\t{what}\t{text}"));
            }
        }
        Ok(())
    }

    fn list_accesses(&self, store: &SqliteStore) -> anyhow::Result<()> {
        let hall = self.hall.clone();
        let accesses = block_on(async { Ok(store.message_accesses(hall).await?) })?;
        if !self.json && accesses.is_empty() {
            out::note("nobody has opened anything yet");
        }
        accesses.iter().try_for_each(|access| {
            out::line(self.access_line(access)?);
            Ok(())
        })
    }

    fn access_line(&self, access: &MessageAccess) -> anyhow::Result<String> {
        let at = jiff::Timestamp::from_millisecond(access.at_ms)?;
        Ok(if self.json {
            json!({
                "at": format!("{at:.0}"),
                "reader": access.reader,
                "hall": access.hall,
                "messages": access.messages,
                "about": access.about,
            })
            .to_string()
        } else {
            let MessageAccess {
                reader,
                hall,
                messages,
                about,
                ..
            } = access;
            let hall = hall.as_deref().unwrap_or("-");
            format!("{at:.0}\t{reader}\t{hall}\t{messages}\t{about}")
        })
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
        let text = opened.map_or_else(|error| format!("({error})"), |text| printable(&text));
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

/// What a citizen typed must not steer the clerk's screen.
fn printable(text: &str) -> String {
    let steering = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(steering).collect()
}

/// A line of an exported journal, as far as it matters here.
#[derive(Deserialize)]
struct ExportedLine {
    stream: StreamId,
    seq: u64,
    bytes: String,
}

/// The messages of an exported journal, each with its stream.
fn exported(text: &str) -> anyhow::Result<Vec<(StreamId, Message)>> {
    let mut left = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line: ExportedLine =
            serde_json::from_str(line).with_context(|| format!("line {number}"))?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(&line.bytes);
        let bytes = bytes.with_context(|| format!("line {number}: `bytes`"))?;
        if Seq::new(line.seq).is_none() {
            bail!("line {number}: `seq` is no position");
        }
        // What is no record here was none on the tablet either.
        if let Ok(Record {
            body: RecordBody::Message(message),
            ..
        }) = Record::decode(&bytes)
        {
            left.push((line.stream, message));
        }
    }
    Ok(left)
}

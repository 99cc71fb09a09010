//! `dead-letters`: records that are kept but not counted; read again when a newer program, or more
//! of their stream, makes them count.

use anyhow::bail;
use clap::Subcommand;
use manyi_shared::domain::{Seq, StreamId};
use manyi_shared::wire::Record;
use serde_json::json;

use super::{Globals, block_on, noted, out, who};
use crate::access::Place;
use crate::audit::Action;
use crate::clock::{Clock, SystemClock};
use crate::store::FaultStore;
use crate::store::faults::KeptLetter;

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print every dead letter on a line
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
        /// Those, too, that have found their place since
        #[arg(long)]
        all: bool,
    },
    /// Print one with its bytes and what this program reads in them
    Show {
        /// Its stream
        stream: StreamId,
        /// Its position there
        #[arg(value_parser = position)]
        seq: Seq,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Read dead letters again and count what can be counted now, once
    ///
    /// All that are still kept, or one. What cannot be counted stays. Who did it and when is kept.
    Replay {
        /// The stream of the one
        #[arg(requires = "seq")]
        stream: Option<StreamId>,
        /// Its position there
        #[arg(value_parser = position)]
        seq: Option<Seq>,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
}

fn position(text: &str) -> Result<Seq, String> {
    let number = text.parse().ok().and_then(Seq::new);
    number.ok_or_else(|| "a position is a number from 1 on".to_owned())
}

impl Command {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (_, store) = globals.open()?;
        match self {
            Self::List { json, all } => {
                let letters = block_on(async { Ok(store.dead_letters(all).await?) })?;
                if !json && letters.is_empty() {
                    out::note("there are no dead letters");
                }
                print(&letters, json);
            }
            Self::Show { stream, seq, json } => {
                let found = block_on(async { Ok(store.dead_letter(stream, seq).await?) })?;
                let Some((letter, bytes)) = found else {
                    bail!("position {seq} of stream {stream} is no dead letter");
                };
                show(&letter, &bytes, json);
            }
            Self::Replay { stream, seq, json } => {
                let (all, object) = (Place::Everywhere, "dead letters");
                noted(&store, Action::ReplayDeadLetters, all, object);
                let replayed = store.replay(stream.zip(seq), who(), SystemClock.now_ms());
                let letters = block_on(async { Ok(replayed.await?) })?;
                if let Some((stream, seq)) = stream.zip(seq)
                    && letters.is_empty()
                {
                    bail!("position {seq} of stream {stream} is no dead letter that is kept");
                }
                print(&letters, json);
                let taken = letters.iter().filter(|letter| letter.taken).count();
                out::note(format_args!(
                    "{} read again: {taken} found their place, {} stay",
                    letters.len(),
                    letters.len() - taken
                ));
            }
        }
        Ok(())
    }
}

fn print(letters: &[KeptLetter], json: bool) {
    for letter in letters {
        if json {
            out::line(as_json(letter));
        } else {
            out::line(format_args!(
                "{}\t{}\t{}\t{}\t{}\t{}\t{}",
                at(letter.received_ms),
                letter.hall,
                letter.window,
                letter.stream,
                letter.seq,
                if letter.taken {
                    "taken"
                } else {
                    &letter.reason
                },
                letter.detail
            ));
        }
    }
}

fn show(letter: &KeptLetter, bytes: &[u8], json: bool) {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let read = Record::decode(bytes);
    if json {
        let mut line = as_json(letter);
        if let Some(line) = line.as_object_mut() {
            line.insert("bytes".to_owned(), hex.into());
            line.insert("readable".to_owned(), read.is_ok().into());
        }
        out::line(line);
        return;
    }
    print(std::slice::from_ref(letter), false);
    if let (Some(ms), Some(by)) = (letter.replayed_ms, &letter.replayed_by) {
        out::line(format_args!("read again\t{}\t{by}", at(ms)));
    }
    out::line(format_args!("bytes\t{hex}"));
    match read {
        // A message in it is sealed; nothing else in a record is secret from the operator.
        Ok(record) => out::line(format_args!("reads as\t{:?}", record.body)),
        Err(error) => out::line(format_args!("cannot be read\t{error}")),
    }
}

fn as_json(letter: &KeptLetter) -> serde_json::Value {
    json!({
        "hall": letter.hall,
        "window": letter.window,
        "terminal": letter.terminal,
        "stream": letter.stream,
        "seq": letter.seq,
        "reason": letter.reason,
        "detail": letter.detail,
        "received_at": at(letter.received_ms),
        "taken": letter.taken,
        "replayed_at": letter.replayed_ms.map(at),
        "replayed_by": letter.replayed_by,
    })
}

fn at(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| format!("{at:.0}"))
}

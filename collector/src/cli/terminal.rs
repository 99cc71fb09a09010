//! `terminal list`, `terminal revoke` and `terminal rotate`.

use anyhow::bail;
use clap::Subcommand;
use manyi_shared::domain::TerminalId;

use super::{Globals, block_on, noted, out};
use crate::access::Place;
use crate::audit::Action;
use crate::store::{IdentityStore, IngestStore, TerminalSummary};

/// What to do with terminals.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print every terminal as one JSON object a line
    List,
    /// Take a terminal's identity back for good, because it was stolen, copied or retired
    ///
    /// What it sent stays; what it has not sent is refused from now on. Enrol it again with a new
    /// code to use it again.
    Revoke {
        /// The terminal's id, as `list` prints it
        id: TerminalId,
    },
    /// Have a terminal make itself a new key
    ///
    /// It is told with its next exchange and goes on by itself; a power cut at any moment locks it
    /// out of nothing. The old key is taken until the new one is used, and never after.
    Rotate {
        /// The terminal's id, as `list` prints it
        id: TerminalId,
    },
}

impl Command {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (_, store) = globals.open()?;
        match self {
            Self::List => {
                let terminals = block_on(async { Ok(store.terminals().await?) })?;
                terminals.iter().try_for_each(|terminal| {
                    out::line(line(terminal)?);
                    Ok(())
                })
            }
            Self::Revoke { id } => {
                let object = format!("terminal:{id} revoke");
                noted(&store, Action::ChangeTerminal, Place::Everywhere, object);
                if !block_on(async { Ok(store.revoke(id).await?) })? {
                    bail!("there is no terminal `{id}`");
                }
                out::line(format_args!("terminal {id} is revoked"));
                Ok(())
            }
            Self::Rotate { id } => {
                let object = format!("terminal:{id} rotate");
                noted(&store, Action::ChangeTerminal, Place::Everywhere, object);
                if !block_on(async { Ok(store.want_rotation(id).await?) })? {
                    bail!("no terminal `{id}` is in use");
                }
                out::line(format_args!(
                    "terminal {id} is asked for a new key with its next exchange"
                ));
                Ok(())
            }
        }
    }
}

fn line(terminal: &TerminalSummary) -> anyhow::Result<serde_json::Value> {
    let seen = terminal
        .last_seen_ms
        .map(jiff::Timestamp::from_millisecond)
        .transpose()?;
    Ok(serde_json::json!({
        "id": terminal.id,
        "hall": terminal.hall,
        "window": terminal.window,
        "state": terminal.state.name(),
        "last_seen_at": seen.map(|at| format!("{at:.0}")),
        "backlog": terminal.backlog,
        "software": terminal.software,
    }))
}

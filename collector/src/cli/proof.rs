//! `proof` and `verify-proof`.

use std::path::PathBuf;

use anyhow::{Context, bail};
use manyi_shared::domain::{HallId, PromptId, StreamId, TerminalId};

use super::place::chosen;
use super::{Globals, block_on, out};
use crate::roots::proof::Proof;
use crate::store::sqlite::SqliteStore;
use crate::store::{ProofStore, RecordId};

/// Which rating.
#[derive(Debug, clap::Args)]
pub(super) struct ProveArgs {
    /// The hall; may be left out when there is just one
    #[arg(long)]
    hall: Option<HallId>,
    /// The prompt's id, as the terminal's API gave it
    #[arg(long, conflicts_with_all = ["terminal", "stream", "seq"], required_unless_present_all = ["terminal", "stream", "seq"])]
    prompt: Option<PromptId>,
    /// The terminal
    #[arg(long)]
    terminal: Option<TerminalId>,
    /// The stream
    #[arg(long)]
    stream: Option<StreamId>,
    /// The position of the rating in its stream
    #[arg(long)]
    seq: Option<u64>,
    /// The file to write; standard output when left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl ProveArgs {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (_, store) = globals.open()?;
        let proof = block_on(async {
            let hall = chosen(&store, self.hall.as_ref()).await?.id;
            let record = self.record(&store, &hall).await?;
            let evidence = store.evidence(hall.clone(), record).await??;
            let place = (record.terminal, record.stream, record.seq);
            Ok(Proof::new(hall, place, evidence)?)
        })?;
        // What would not convince anyone else is not written.
        proof.check(&[], &[])?;
        let text = serde_json::to_string_pretty(&proof)?;
        match &self.out {
            Some(path) => std::fs::write(path, text + "\n")
                .with_context(|| format!("could not write `{}`", path.display())),
            None => {
                out::line(text);
                Ok(())
            }
        }
    }

    async fn record(&self, store: &SqliteStore, hall: &HallId) -> anyhow::Result<RecordId> {
        if let Some(prompt) = self.prompt {
            let found = store.outcome_of(hall.clone(), prompt.stream, prompt.ordinal);
            return found
                .await?
                .with_context(|| format!("no outcome of prompt {prompt} is here"));
        }
        match (self.terminal, self.stream, self.seq) {
            (Some(terminal), Some(stream), Some(seq)) => Ok(RecordId {
                terminal,
                stream,
                seq,
            }),
            _ => bail!("--terminal, --stream and --seq are needed together"),
        }
    }
}

/// Which proof.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status 0: the proof holds. 1: it does not.

Without --key and --root it is checked by itself, and what was trusted is printed for comparing by eye.")]
pub(super) struct CheckArgs {
    /// The file that `manyi-collector proof` wrote; `-` reads standard input
    file: PathBuf,
    /// A published root in hexadecimal; may be given several times
    #[arg(long, value_name = "ROOT")]
    root: Vec<String>,
    /// The fingerprint of a key of the collector, as the office publishes it, or the key in base64;
    /// may be given several times
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
}

impl CheckArgs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let name = self.file.display();
        let bytes = if self.file.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(&self.file)
        };
        let text = bytes.with_context(|| format!("could not read `{name}`"))?;
        let proof: Proof =
            serde_json::from_str(&text).with_context(|| format!("`{name}` is no proof"))?;
        let shown = proof
            .check(&self.key, &self.root)
            .with_context(|| format!("`{name}` proves nothing"))?;
        let words = shown.text(!self.key.is_empty(), !self.root.is_empty());
        out::line(words.trim_end());
        Ok(())
    }
}

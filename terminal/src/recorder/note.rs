//! The note of the prompt whose question is on the screen, so that one that is cut short by a crash of
//! the program gets its fault outcome from the next start.
//!
//! It is written over in place and never synced: the kernel keeps it when the program is killed, and
//! that is what it is for. After a power cut an older note may be there, or half of one. An older one
//! belongs to a prompt whose outcome is in the journal, and half of one is no note; then a question
//! that nobody had answered yet is left without an outcome, and no rating is touched by that. A synced
//! note would cost the card more than the rating itself, for every prompt.
//!
//! It also remembers how far the stream was when the question was shown: a witness, should the card
//! give back an older journal.

use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;

use manyi_shared::domain::{Call, PromptId, Seq, ServiceEvent};
use manyi_shared::journal::Witness;
use manyi_shared::tablet::DataDir;
use serde::{Deserialize, Serialize};

use crate::flow::{Names, Prompt};

/// The shortest note, in bytes: filled up with blanks, so that it covers the one before.
const LENGTH: usize = 1024;

#[derive(Debug, Serialize, Deserialize)]
struct OpenPrompt {
    id: String,
    event: ServiceEvent,
    #[serde(default)]
    call: Call,
    /// The last position that was on the card when the question was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tip: Option<u64>,
}

/// Where the note lies.
#[derive(Debug)]
pub(super) struct Note(PathBuf);

impl Note {
    pub(super) fn of(data: &DataDir) -> Self {
        Self(data.path().join("open-prompt.json"))
    }

    /// Notes a prompt. It goes on if that fails: only a crash right now would leave it without an
    /// outcome.
    pub(super) fn write(&self, prompt: &Prompt, tip: Option<Seq>) {
        let note = OpenPrompt {
            id: prompt.id.to_string(),
            event: prompt.event.clone(),
            call: prompt.call,
            tip: tip.map(Seq::get),
        };
        let written = serde_json::to_vec(&note)
            .map_err(std::io::Error::from)
            .and_then(|text| self.put(text));
        if let Err(error) = written {
            tracing::warn!("could not note the open prompt: {error}");
        }
    }

    fn put(&self, mut text: Vec<u8>) -> std::io::Result<()> {
        let file = std::fs::File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&self.0)?;
        let before = usize::try_from(file.metadata()?.len()).unwrap_or(0);
        text.resize(text.len().max(LENGTH).max(before.min(4 * LENGTH)), b' ');
        file.write_all_at(&text, 0)
    }

    /// Removes the note of a prompt that an earlier start had left open.
    pub(super) fn forget(&self) {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!("could not remove the note of the open prompt: {error}");
            }
            _ => {}
        }
    }

    /// Where the stream of that prompt was then. Only while the prompt is still called by its own
    /// stream's name: one that an earlier start had left open is sealed in another.
    pub(super) fn witness(&self) -> Option<Witness> {
        let note = self.open()?;
        let id: PromptId = note.id.parse().ok()?;
        let tip = note.tip.and_then(Seq::new)?;
        Some(Witness {
            stream: id.stream,
            tip,
        })
    }

    fn open(&self) -> Option<OpenPrompt> {
        let text = std::fs::read(&self.0).ok()?;
        serde_json::from_slice(&text)
            .inspect_err(|error| tracing::warn!("note of the open prompt is damaged: {error}"))
            .ok()
    }

    /// The prompt that was noted last; whether it ended, the journal knows.
    pub(super) fn read(&self) -> Option<Prompt> {
        let note = self.open()?;
        let id: PromptId = note.id.parse().ok()?;
        Some(Prompt {
            id,
            ordinal: id.ordinal,
            event: note.event,
            call: note.call,
            names: Names::default(),
        })
    }
}

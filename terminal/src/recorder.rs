//! The recorder: the one thread that writes the journal. Owns the [`Writer`].
//!
//! **Invariants**
//! 1. [`Event::Sealed`] is answered only after the append returned, that is, after the record is on
//!    the card.
//! 2. After a failed append the writer is dropped; nothing is sealed until the journal is opened
//!    anew, with a new stream.
//! 3. The order of answers is the order of jobs.
//!
//! **Crash**: the note of the open prompt is a small file, replaced as a whole before the citizen can
//! have answered and removed without a sync after the seal. A cut leaves the note, or the record, or
//! both; the next start compares them, and a note without its record becomes a fault outcome.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use manyi_shared::domain::{Call, CallerKey, Clock, PromptId, Seq, ServiceEvent, StreamId};
use manyi_shared::journal::{JournalError, Opening, Reader, Writer};
use manyi_shared::tablet::{DataDir, replace, wake};
use manyi_shared::wire::{Message, MessageKind, OfficeKey, RecordBody};
use serde::{Deserialize, Serialize};

use crate::flow::{Event, Names, Prompt, Reason, Why};

/// What the recorder is asked to do.
#[derive(Debug)]
pub enum Job {
    /// Open the journal and a new stream in it.
    Open(Opening),
    /// Seal a record.
    Seal(RecordBody),
    /// Encrypt a text to the office's key and seal it as a message.
    SealText {
        /// Whose eyes it is for.
        key: OfficeKey,
        /// The rating it belongs to.
        target: Seq,
        /// What it is.
        what: MessageKind,
        /// The text.
        text: String,
    },
    /// Remember that this prompt's question is on the screen.
    Note(Prompt),
}

/// What the recorder answers.
#[derive(Debug)]
pub enum Answer {
    /// To a job.
    Event(Event),
    /// Right before [`Event::Opened`]: the callers' keys of the newest prompts, oldest first.
    Keys(Vec<(CallerKey, PromptId)>),
}

/// How many earlier streams are searched for callers' keys: a business system that repeats a call
/// does so within minutes, which a few restarts may fall into.
const STREAMS_WITH_KEYS: usize = 3;

/// The note of the prompt whose question is on the screen.
#[derive(Debug, Serialize, Deserialize)]
struct OpenPrompt {
    id: String,
    event: ServiceEvent,
    #[serde(default)]
    call: Call,
}

/// Starts the recorder; `answer` is called on its thread. It ends when all senders are gone.
///
/// # Errors
/// When the system has no thread for it.
pub fn start(
    data: DataDir,
    clock: Arc<dyn Clock>,
    answer: impl Fn(Answer) + Send + 'static,
) -> std::io::Result<(Sender<Job>, std::thread::JoinHandle<()>)> {
    let (jobs, inbox) = std::sync::mpsc::channel();
    let recorder = Recorder {
        data,
        clock,
        writer: None,
        failed: None,
        answer,
    };
    let thread = std::thread::Builder::new()
        .name("recorder".to_owned())
        .spawn(move || recorder.run(&inbox))?;
    Ok((jobs, thread))
}

struct Recorder<A> {
    data: DataDir,
    clock: Arc<dyn Clock>,
    writer: Option<Writer>,
    /// Where a failed append would have put its record.
    failed: Option<(StreamId, Seq)>,
    answer: A,
}

impl<A: Fn(Answer)> Recorder<A> {
    fn run(mut self, inbox: &Receiver<Job>) {
        for job in inbox {
            match job {
                Job::Open(opening) => {
                    let event = self.open(&opening);
                    // Before the first prompt can be taken: it may be a call that is repeated.
                    if matches!(event, Event::Opened { .. }) {
                        (self.answer)(Answer::Keys(self.earlier_keys()));
                    }
                    (self.answer)(Answer::Event(event));
                }
                Job::Seal(body) => {
                    let event = self.seal(body);
                    (self.answer)(Answer::Event(event));
                }
                Job::SealText {
                    key,
                    target,
                    what,
                    text,
                } => {
                    let event = self.seal_text(key, target, what, &text);
                    (self.answer)(Answer::Event(event));
                }
                Job::Note(prompt) => self.note(&prompt),
            }
        }
    }

    fn open(&mut self, opening: &Opening) -> Event {
        // The old writer holds the lock.
        self.writer = None;
        let path = self.data.journal();
        let opened = Writer::open(&path, opening, self.clock.read())
            .and_then(|writer| Ok((self.look_back(&path)?, writer)));
        match opened {
            Ok(((kept, interrupted), writer)) => {
                let stream = writer.stream();
                tracing::info!(%stream, window = %opening.window, "stream opened");
                self.writer = Some(writer);
                self.failed = None;
                self.wake();
                Event::Opened {
                    stream,
                    kept,
                    interrupted,
                }
            }
            Err(error) => {
                let why = why(&error);
                tracing::error!(reason = why.reason.name(), "journal: {}", why.detail);
                Event::OpenFailed(why)
            }
        }
    }

    /// Whether the record of a failed append is there, and which prompt an earlier start left open.
    fn look_back(&self, path: &Path) -> Result<(bool, Option<Prompt>), JournalError> {
        let note = self.left_over();
        if self.failed.is_none() && note.is_none() {
            return Ok((false, None));
        }
        let reader = Reader::open(path)?;
        let kept = match self.failed {
            Some((stream, seq)) => any_record(&reader, stream, |record| record.seq == seq)?,
            None => false,
        };
        let Some(prompt) = note.filter(|_| self.failed.is_none()) else {
            return Ok((kept, None));
        };
        let ended = any_record(&reader, prompt.id.stream, |record| {
            matches!(
                record.decode().map(|r| r.body),
                Ok(RecordBody::Outcome(o)) if o.ordinal == prompt.id.ordinal
            )
        })?;
        Ok((kept, (!ended).then_some(prompt)))
    }

    fn left_over(&self) -> Option<Prompt> {
        let text = std::fs::read(self.note_path()).ok()?;
        let note: OpenPrompt = serde_json::from_slice(&text)
            .inspect_err(|error| tracing::warn!("note of the open prompt is damaged: {error}"))
            .ok()?;
        let id: PromptId = note.id.parse().ok()?;
        Some(Prompt {
            id,
            ordinal: id.ordinal,
            event: note.event,
            call: note.call,
            names: Names::default(),
        })
    }

    fn seal(&mut self, body: RecordBody) -> Event {
        let ends = matches!(body, RecordBody::Outcome(_));
        let now = self.clock.read();
        let Some(writer) = &mut self.writer else {
            return Event::SealFailed(why(&JournalError::Spent));
        };
        match writer.append(body, &now) {
            Ok(appended) => {
                if ends {
                    self.forget_note();
                }
                self.wake();
                Event::Sealed(appended.seq)
            }
            Err(error) => {
                self.failed = Some((writer.stream(), writer.tip().plus(1)));
                self.writer = None;
                let why = why(&error);
                tracing::error!(
                    reason = why.reason.name(),
                    "a record is not kept: {}",
                    why.detail
                );
                Event::SealFailed(why)
            }
        }
    }

    /// A text that cannot be encrypted is not kept, and never kept as it is.
    fn seal_text(&mut self, key: OfficeKey, target: Seq, what: MessageKind, text: &str) -> Event {
        let sealed = match &self.writer {
            None => return Event::SealFailed(why(&JournalError::Spent)),
            Some(writer) => key.seal(text, writer.stream(), target),
        };
        match sealed {
            Ok(sealed) => self.seal(RecordBody::Message(Message {
                target,
                what,
                sealed,
            })),
            Err(error) => {
                self.writer = None;
                tracing::error!("a message is not kept: {error}");
                Event::SealFailed(Why {
                    reason: Reason::Other,
                    detail: error.to_string(),
                })
            }
        }
    }

    /// The keys of prompts of earlier starts. One that cannot be read is only asked again.
    fn earlier_keys(&self) -> Vec<(CallerKey, PromptId)> {
        let mut keys = Vec::new();
        let read = Reader::open(&self.data.journal()).and_then(|reader| {
            let streams = reader.streams()?;
            let newest = streams.len().saturating_sub(STREAMS_WITH_KEYS);
            for stored in streams.iter().skip(newest) {
                reader.for_each_record(stored, |record| {
                    if let Ok(RecordBody::Outcome(outcome)) = record.decode().map(|r| r.body)
                        && let Some(key) = outcome.call.key
                    {
                        let id = PromptId {
                            stream: stored.id,
                            ordinal: outcome.ordinal,
                        };
                        keys.push((key, id));
                    }
                })?;
            }
            Ok(())
        });
        if let Err(error) = read {
            tracing::warn!(
                "callers' keys of earlier starts are not known: {}",
                chain(&error)
            );
        }
        keys
    }

    fn note(&self, prompt: &Prompt) {
        let note = OpenPrompt {
            id: prompt.id.to_string(),
            event: prompt.event.clone(),
            call: prompt.call,
        };
        let written = serde_json::to_vec(&note)
            .map_err(|error| error.to_string())
            .and_then(|text| replace(&self.note_path(), &text).map_err(|e| chain(&e)));
        if let Err(error) = written {
            // The prompt goes on: only a crash right now would leave it without an outcome.
            tracing::warn!("could not note the open prompt: {error}");
        }
    }

    fn forget_note(&self) {
        match std::fs::remove_file(self.note_path()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!("could not remove the note of the open prompt: {error}");
            }
            _ => {}
        }
    }

    fn note_path(&self) -> PathBuf {
        self.data.path().join("open-prompt.json")
    }

    /// A daemon that is not running finds the record by its timer when it starts.
    fn wake(&self) {
        if let Err(error) = wake(&self.data.wake_socket()) {
            tracing::debug!("nobody to wake: {error}");
        }
    }
}

fn any_record(
    reader: &Reader,
    stream: StreamId,
    wanted: impl Fn(&manyi_shared::journal::StoredRecord) -> bool,
) -> Result<bool, JournalError> {
    let mut found = false;
    for stored in reader
        .streams()?
        .iter()
        .filter(|stored| stored.id == stream)
    {
        reader.for_each_record(stored, |record| found |= wanted(&record))?;
    }
    Ok(found)
}

/// What the screen and the health endpoint say about a journal's error.
fn why(error: &JournalError) -> Why {
    let reason = match error {
        JournalError::Unreadable { .. }
        | JournalError::Foreign { .. }
        | JournalError::Damaged { .. } => Reason::JournalUnreadable,
        JournalError::Newer { .. } => Reason::JournalNewer,
        JournalError::Append { source, .. } | JournalError::Sqlite { source, .. }
            if source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) =>
        {
            Reason::StorageFull
        }
        JournalError::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
            Reason::StorageFull
        }
        _ => Reason::Other,
    };
    Why {
        reason,
        detail: chain(error),
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;

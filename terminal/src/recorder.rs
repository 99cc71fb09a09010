//! The recorder: the one thread that writes the journal. Owns the [`Writer`].
//!
//! **Invariants**
//! 1. [`Event::Sealed`] is answered only after the append returned, that is, after the record is on
//!    the card.
//! 2. After a failed append the writer is dropped; nothing is sealed until the journal is opened
//!    anew, with a new stream.
//! 3. The order of answers is the order of jobs.
//!
//! A damaged journal is set aside while it is opened; what can be saved of it is put back between
//! jobs, in steps of some 20 ms. When records were not kept, the first thing that the next stream says
//! is how many.
//!
//! **Crash**: what is sealed is sealed; a salvage begins again with the next start. For the prompt on
//! the screen see `note`.

mod note;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::{Duration, Instant};

use manyi_shared::domain::{CallerKey, Clock, ClockReading, PromptId, Seq, StreamId};
use manyi_shared::journal::{
    JournalError, Limits, Opening, Reader, SalvageWork, Writer, open_or_set_aside,
};
use manyi_shared::tablet::{DataDir, wake};
use manyi_shared::wire::{Loss, LossCause, Message, MessageKind, OfficeKey, RecordBody};

use crate::flow::{Event, Prompt, Reason, Why};
use note::Note;

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

/// How long a salvage may hold up the first prompt. Enough for most journals to be whole again before
/// anything looks into them; a larger one is put back behind the prompts.
const SALVAGE_FIRST: Duration = Duration::from_secs(2);

/// How often the clock is looked at while records of this boot wait for it to become right.
const CLOCK_LOOK: Duration = Duration::from_secs(60);

/// Records that the journal did not take.
#[derive(Debug, Clone, Copy)]
struct NotKept {
    /// Where the first would have been; none when no stream was open.
    place: Option<(StreamId, Seq)>,
    /// Whether the first was on its way to the card: its commit may be there although it failed.
    in_doubt: bool,
    records: u64,
    since_ms: i64,
}

/// Starts the recorder; `answer` is called on its thread. It ends when all senders are gone.
///
/// # Errors
/// When the system has no thread for it.
pub fn start(
    data: DataDir,
    limits: Limits,
    clock: Arc<dyn Clock>,
    answer: impl Fn(Answer) + Send + 'static,
) -> std::io::Result<(Sender<Job>, std::thread::JoinHandle<()>)> {
    let (jobs, inbox) = std::sync::mpsc::channel();
    let recorder = Recorder {
        note: Note::of(&data),
        data,
        limits,
        clock,
        writer: None,
        salvage: None,
        failed: None,
        unanchored: false,
        handed_over: false,
        answer,
    };
    let thread = std::thread::Builder::new()
        .name("recorder".to_owned())
        .spawn(move || recorder.run(&inbox))?;
    Ok((jobs, thread))
}

struct Recorder<A> {
    data: DataDir,
    limits: Limits,
    clock: Arc<dyn Clock>,
    writer: Option<Writer>,
    /// What is left to be saved of damaged journals.
    salvage: Option<SalvageWork>,
    failed: Option<NotKept>,
    /// Whether there are records of this boot from before the clock was right.
    unanchored: bool,
    note: Note,
    /// Whether the prompt of an earlier start's note was handed over and is still to be sealed.
    handed_over: bool,
    answer: A,
}

impl<A: Fn(Answer)> Recorder<A> {
    fn run(mut self, inbox: &Receiver<Job>) {
        loop {
            let job = if self.salvage.is_some() {
                match inbox.try_recv() {
                    Err(TryRecvError::Disconnected) => return,
                    job => job.ok(),
                }
            } else if self.unanchored {
                match inbox.recv_timeout(CLOCK_LOOK) {
                    Err(RecvTimeoutError::Disconnected) => return,
                    job => job.ok(),
                }
            } else {
                let Ok(job) = inbox.recv() else { return };
                Some(job)
            };
            match job {
                Some(job) => self.work(job),
                None => self.step_of_salvage(),
            }
            self.anchor();
            self.make_room();
        }
    }

    fn work(&mut self, job: Job) {
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
            Job::Note(prompt) => {
                let writer = self.writer.as_ref();
                let own = writer.filter(|writer| writer.stream() == prompt.id.stream);
                self.note.write(&prompt, own.map(Writer::tip));
            }
        }
    }

    fn open(&mut self, opening: &Opening) -> Event {
        // The old writer holds the lock.
        self.writer = None;
        self.salvage = None;
        let path = self.data.journal();
        match self.open_and_look_back(&path, opening) {
            Ok((stream, kept, interrupted)) => {
                tracing::info!(%stream, window = %opening.window, "stream opened");
                self.failed = None;
                self.wake();
                Event::Opened {
                    stream,
                    kept,
                    interrupted,
                }
            }
            Err(error) => {
                self.writer = None;
                self.salvage = None;
                let why = why(&error);
                tracing::error!(reason = why.reason.name(), "journal: {}", why.detail);
                Event::OpenFailed(why)
            }
        }
    }

    fn open_and_look_back(
        &mut self,
        path: &Path,
        opening: &Opening,
    ) -> Result<(StreamId, bool, Option<Prompt>), JournalError> {
        let now = self.clock.read();
        let (mut writer, work) = open_or_set_aside(path, opening, now)?;
        writer.limit(self.limits);
        let quiet = work.is_done() && work.so_far().losses.is_empty();
        let stream = writer.stream();
        self.writer = Some(writer);
        self.notice_clock(&now);
        if !work.is_done() {
            for file in &work.so_far().set_aside {
                tracing::error!(file = %file.display(), "a damaged journal was set aside; saving what can be read");
            }
            self.salvage = Some(work);
            let begun = Instant::now();
            while self.salvage.is_some() && begun.elapsed() < SALVAGE_FIRST {
                self.step_of_salvage();
            }
        }
        self.hear_witness(quiet, &now)?;
        let (taken, interrupted) = self.look_back(path)?;
        let kept = taken && self.failed.is_some_and(|failed| failed.in_doubt);
        self.handed_over |= interrupted.is_some();
        self.tell_not_kept(taken, kept)?;
        Ok((stream, kept, interrupted))
    }

    /// Tells of it when the journal is older than the note beside it. Where the journal was damaged as
    /// well, the losses that are told of it include what the note remembers.
    fn hear_witness(&mut self, quiet: bool, now: &ClockReading) -> Result<(), JournalError> {
        let (Some(writer), Some(witness)) = (&mut self.writer, self.note.witness()) else {
            return Ok(());
        };
        if !quiet {
            if let Some(prompt) = self.note.read() {
                self.note.write(&prompt, None);
            }
        } else if let Some(loss) = writer.hear(witness, now)? {
            let from = loss.from.map_or(0, Seq::get);
            tracing::error!(
                stream = %witness.stream, from, noted = witness.tip.get(),
                "the card gave back an older journal; from here on records may be missing"
            );
        }
        Ok(())
    }

    /// Seals how many records were not kept, if any. `taken` says that something lies where the first
    /// would have been, `kept` that it is this first one.
    fn tell_not_kept(&mut self, taken: bool, kept: bool) -> Result<(), JournalError> {
        let Some(failed) = self.failed else {
            return Ok(());
        };
        let records = failed.records.saturating_sub(u64::from(kept));
        let now = self.clock.read();
        let (Some(writer), 1..) = (&mut self.writer, records) else {
            return Ok(());
        };
        let from = failed.place.map(|(_, seq)| seq.plus(u64::from(taken)));
        let loss = Loss {
            cause: LossCause::NotKept,
            stream: failed.place.map(|(stream, _)| stream),
            from,
            until: from.map(|from| from.plus(records - 1)),
            earliest_ms: Some(failed.since_ms),
            latest_ms: Some(now.wall_ms),
            records: Some(records),
        };
        writer.append(RecordBody::Loss(loss), &now).map(drop)
    }

    /// A little of the salvage. What cannot be done now is done by the next start.
    fn step_of_salvage(&mut self) {
        let (Some(writer), Some(work)) = (&mut self.writer, &mut self.salvage) else {
            self.salvage = None;
            return;
        };
        match work.step(writer, &self.clock.read()) {
            Ok(true) => {}
            Ok(false) => {
                let done = work.so_far();
                tracing::info!(
                    saved = done.saved,
                    rescued = done.rescued,
                    losses = done.losses.len(),
                    unfinished = done.unfinished,
                    "salvage"
                );
                self.salvage = None;
                self.wake();
            }
            Err(error) => {
                tracing::error!("salvage: {}; the next start goes on", chain(&error));
                self.salvage = None;
            }
        }
    }

    /// Keeps the journal below its cap. Not while a salvage puts back records: what comes later may
    /// still point at what would be folded.
    fn make_room(&mut self) {
        let Some(writer) = self.writer.as_mut().filter(|_| self.salvage.is_none()) else {
            return;
        };
        match writer.make_room() {
            Ok(room) if room.folded > 0 => tracing::warn!(
                pruned = room.pruned,
                folded = room.folded,
                "the journal is full; its oldest unsent records are kept as counts"
            ),
            Ok(room) if room.pruned > 0 => {
                tracing::info!(pruned = room.pruned, "pruned sent records to make room");
            }
            Ok(_) => {}
            Err(error) => tracing::error!("making room: {}", chain(&error)),
        }
    }

    /// Remembers that records of this boot are sealed before the clock is right.
    const fn notice_clock(&mut self, now: &ClockReading) {
        self.unanchored |= !now.synchronised;
    }

    /// Once the clock is right, one record says so for all that were sealed in this boot before.
    fn anchor(&mut self) {
        if !self.unanchored {
            return;
        }
        let now = self.clock.read();
        let Some(writer) = self.writer.as_mut().filter(|_| now.synchronised) else {
            return;
        };
        self.unanchored = false;
        match writer.append(RecordBody::ClockSet, &now) {
            Ok(_) => self.wake(),
            // The next seal finds the writer spent and says so on the screen.
            Err(error) => tracing::error!("clock: {}", chain(&error)),
        }
    }

    /// Whether a record lies where the first that failed would have been, and which prompt an earlier
    /// start left open.
    fn look_back(&self, path: &Path) -> Result<(bool, Option<Prompt>), JournalError> {
        let note = self.note.read();
        if self.failed.is_none() && note.is_none() {
            return Ok((false, None));
        }
        let reader = Reader::open(path)?;
        let taken = match self.failed.and_then(|failed| failed.place) {
            Some((stream, seq)) => any_record(&reader, stream, |record| record.seq == seq)?,
            None => false,
        };
        // While a salvage goes on, the outcome may still be among what is to be put back; if it is
        // not, it is among what is told as lost.
        let Some(prompt) = note.filter(|_| self.failed.is_none() && self.salvage.is_none()) else {
            return Ok((taken, None));
        };
        let ended = any_record(&reader, prompt.id.stream, |record| {
            matches!(
                record.decode().map(|r| r.body),
                Ok(RecordBody::Outcome(o)) if o.ordinal == prompt.id.ordinal
            )
        })?;
        Ok((taken, (!ended).then_some(prompt)))
    }

    fn seal(&mut self, body: RecordBody) -> Event {
        let ends = matches!(body, RecordBody::Outcome(_));
        let now = self.clock.read();
        let Some(writer) = &mut self.writer else {
            return self.not_kept(why(&JournalError::Spent), false);
        };
        match writer.append(body, &now) {
            Ok(appended) => {
                // Its outcome is in another stream than its name says; the next start could not find it.
                if ends && std::mem::take(&mut self.handed_over) {
                    self.note.forget();
                }
                self.notice_clock(&now);
                self.wake();
                Event::Sealed(appended.seq)
            }
            // A writer that was spent by something else has not even tried.
            Err(error) => {
                let in_doubt = !matches!(error, JournalError::Spent);
                self.not_kept(why(&error), in_doubt)
            }
        }
    }

    /// Counts a record that is not kept, so that the next stream tells of it. The writer goes: the flow
    /// opens the journal anew.
    fn not_kept(&mut self, why: Why, in_doubt: bool) -> Event {
        tracing::error!(
            reason = why.reason.name(),
            "a record is not kept: {}",
            why.detail
        );
        let place = self
            .writer
            .take()
            .map(|writer| (writer.stream(), writer.tip().plus(1)));
        match &mut self.failed {
            Some(failed) => failed.records += 1,
            none => {
                *none = Some(NotKept {
                    place,
                    in_doubt,
                    records: 1,
                    since_ms: self.clock.read().wall_ms,
                });
            }
        }
        Event::SealFailed(why)
    }

    /// A text that cannot be encrypted is not kept, and never kept as it is.
    fn seal_text(&mut self, key: OfficeKey, target: Seq, what: MessageKind, text: &str) -> Event {
        let sealed = match &self.writer {
            None => return self.not_kept(why(&JournalError::Spent), false),
            Some(writer) => key.seal(text, writer.stream(), target),
        };
        match sealed {
            Ok(sealed) => self.seal(RecordBody::Message(Message {
                target,
                what,
                sealed,
            })),
            Err(error) => {
                let why = Why {
                    reason: Reason::Other,
                    detail: error.to_string(),
                };
                self.not_kept(why, false)
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

//! The journal as the daemon uses it: it may not be there yet, may be unreadable for a while, and
//! may be another file than before. The daemon never makes, repairs or deletes it.
//!
//! Calls are made on the loop's own thread: each takes milliseconds, and while the journal has not
//! answered there is nothing else the loop could do.
//!
//! **Invariants**
//! 1. A fault is logged once, when it appears, and its end once.
//! 2. After any fault the file is opened anew before it is used again.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use manyi_shared::domain::{Seq, StreamId, TerminalId};
use manyi_shared::journal::{Backlog, JournalError, PendingRun, Reader};
use manyi_shared::wire::limits::{MAX_EXCHANGE_BYTES, MAX_TEXT_BYTES};
use manyi_shared::wire::{Claim, Fold};

use crate::uplink::{Mark, NotNoted, Order, Turn};

/// Record bytes for one exchange: even if they do not compress at all, the exchange stays below
/// its limit.
const RUN_BYTES: usize = MAX_EXCHANGE_BYTES - 16 * 1024;

/// Between two tries to open a journal that could not be read: a person must act first, and every
/// try reads the card.
const REOPEN: Duration = Duration::from_secs(30);

/// The journal, as far as it is there.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    open: Option<Open>,
    fault: Option<Fault>,
    not_before: Duration,
    /// What the centre lost and this journal no longer has, to be told to it.
    gone: Vec<PendingFold>,
}

/// What comes next from the journal.
#[derive(Debug, Clone)]
pub enum Pending {
    /// Records.
    Run(PendingRun),
    /// A fold in their place.
    Fold(PendingFold),
}

/// A fold to be sent.
#[derive(Debug, Clone)]
pub struct PendingFold {
    /// Whose stream it is.
    pub terminal: TerminalId,
    /// The fold.
    pub fold: Fold,
    /// Whether the stream has more after it.
    pub more: bool,
}

impl Pending {
    /// Whose stream it is.
    #[must_use]
    pub const fn terminal(&self) -> TerminalId {
        match self {
            Self::Run(run) => run.terminal,
            Self::Fold(fold) => fold.terminal,
        }
    }
}

#[derive(Debug)]
struct Open {
    backlog: Backlog,
    file: FileId,
}

/// Why the journal is not used as it should be.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// It is not there yet.
    Missing,
    /// It cannot be read.
    Unreadable(String),
    /// It can be read, but takes no notes.
    Unwritable(String),
}

/// Device and inode: the terminal may set a damaged journal aside and begin another.
type FileId = (u64, u64);

impl Journal {
    /// The journal at `path`; nothing is opened yet.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self {
            path,
            open: None,
            fault: None,
            not_before: Duration::ZERO,
            gone: Vec::new(),
        }
    }

    /// What comes next; none when there is nothing, when nothing is asked for, or when there is no
    /// journal to ask.
    pub fn next(&mut self, order: &Order, now: Duration) -> Option<Pending> {
        self.refresh(now);
        if order.bare {
            return None;
        }
        let gone = |fold: &&PendingFold| !order.skip.contains(&fold.fold.stream);
        if let Some(fold) = self.gone.iter().find(gone) {
            return Some(Pending::Fold(fold.clone()));
        }
        let backlog = &self.open.as_ref()?.backlog;
        match backlog.next_run(order.max_records, RUN_BYTES, &order.skip) {
            Ok(run) => run.map(Pending::Run),
            Err(error) => {
                self.failed(&error, now);
                None
            }
        }
    }

    /// What the centre acknowledged, beginning with this turn; none when there is no journal to ask.
    pub fn claims(&mut self, turn: Turn, now: Duration) -> Option<Vec<Claim>> {
        let _ = (turn, now);
        None
    }

    /// How many records are not acknowledged; none when there is no journal to ask.
    pub fn unacknowledged(&mut self, now: Duration) -> Option<u64> {
        let counted = self.open.as_ref()?.backlog.unacknowledged();
        counted.map_err(|error| self.failed(&error, now)).ok()
    }

    /// Reserves exchange numbers; none when there is no journal that keeps the reserve.
    pub fn reserve_numbers(&mut self, count: u32, at_least: u64) -> Option<u64> {
        let open = self.open.as_mut()?;
        match open.backlog.reserve_exchange_numbers(count, at_least) {
            Ok(first) => {
                self.fault = None;
                Some(first)
            }
            Err(error) => {
                // The card may be full; sending still works, and it is what empties the card.
                let fault = Fault::Unwritable(crate::chain(&error));
                if self.fault.as_ref() != Some(&fault) {
                    tracing::warn!(
                        error = crate::chain(&error),
                        "no reserve of exchange numbers; taking one alone"
                    );
                    self.fault = Some(fault);
                }
                None
            }
        }
    }

    /// Why the journal cannot be read or written, in at most 200 bytes. One that the terminal has
    /// not made yet is no problem.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let text = match self.fault.as_ref()? {
            Fault::Missing => return None,
            Fault::Unreadable(text) => format!("cannot be used: {text}"),
            Fault::Unwritable(text) => format!("cannot be written: {text}"),
        };
        let line = crate::one_line(&text, MAX_TEXT_BYTES);
        Some(crate::within(line, MAX_TEXT_BYTES))
    }

    /// Notes what the centre holds.
    ///
    /// # Errors
    /// [`NotNoted`]; nothing is noted then.
    pub fn acknowledge(&mut self, mark: &Mark, now: Duration) -> Result<(), NotNoted> {
        match (self.note(mark, now), mark.or_else) {
            (Err(NotNoted::Missing | NotNoted::OtherHistory), Some((watermark, hash))) => {
                tracing::error!(
                    stream = %mark.stream, watermark = mark.watermark.get(), ours = watermark.get(),
                    "the centre holds more of this stream than this journal, or goes on otherwise: \
                     the card was put back in time or cloned"
                );
                self.note(
                    &Mark {
                        watermark,
                        hash,
                        ..*mark
                    },
                    now,
                )
            }
            (noted, _) => noted,
        }
    }

    /// Notes that the centre holds less than was noted.
    ///
    /// # Errors
    /// [`NotNoted::Missing`] when the records that the centre asks for were pruned; nothing is
    /// noted then.
    pub fn rewind(&mut self, mark: &Mark, now: Duration) -> Result<(), NotNoted> {
        let wanted = mark.watermark.next();
        match self.first_kept(mark.stream) {
            Ok(Some(first)) if first <= wanted => self.note(mark, now),
            Ok(_) => {
                tracing::error!(
                    stream = %mark.stream, wanted = wanted.get(),
                    "the centre asks for records that this journal no longer has"
                );
                Err(NotNoted::Missing)
            }
            Err(error) => {
                self.failed(&error, now);
                Err(NotNoted::Journal)
            }
        }
    }

    /// Removes acknowledged records beyond the newest `keep`.
    pub fn prune(&mut self, keep: u64, now: Duration) {
        let Some(open) = &mut self.open else { return };
        match open.backlog.prune(keep) {
            Ok(pruned) if pruned.records > 0 => {
                tracing::info!(
                    records = pruned.records,
                    keep,
                    "pruned acknowledged records"
                );
            }
            Ok(_) => {}
            Err(error) => self.failed(&error, now),
        }
    }

    /// Whether there is a journal that can be read.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    fn note(&mut self, mark: &Mark, now: Duration) -> Result<(), NotNoted> {
        let Some(open) = &mut self.open else {
            return Err(NotNoted::Journal);
        };
        let noted = open
            .backlog
            .acknowledge(mark.stream, mark.watermark, mark.hash);
        noted.map_err(|error| match error {
            JournalError::Unknown { .. } => NotNoted::Missing,
            JournalError::OtherHistory { .. } => NotNoted::OtherHistory,
            error => {
                self.failed(&error, now);
                NotNoted::Journal
            }
        })
    }

    /// The first record of a stream that was not pruned. Reads the whole stream; asked only after
    /// a gap, which a healthy centre never reports.
    fn first_kept(&self, stream: StreamId) -> Result<Option<Seq>, JournalError> {
        let reader = Reader::open(&self.path)?;
        let mut first = None;
        for stored in reader
            .streams()?
            .iter()
            .filter(|stored| stored.id == stream)
        {
            reader.for_each_record(stored, |record| {
                first.get_or_insert(record.seq);
            })?;
        }
        Ok(first)
    }

    /// Opens the journal when it is not open, or not the file that lies there now.
    fn refresh(&mut self, now: Duration) {
        let file = std::fs::metadata(&self.path)
            .ok()
            .map(|found| (found.dev(), found.ino()));
        if self
            .open
            .as_ref()
            .is_some_and(|open| Some(open.file) != file)
        {
            tracing::warn!(path = %self.path.display(), "the journal was replaced; opening the new one");
            self.open = None;
        }
        if self.open.is_some() || now < self.not_before {
            return;
        }
        match (Backlog::open(&self.path), file) {
            (Ok(backlog), Some(file)) => {
                tracing::info!(path = %self.path.display(), "journal opened");
                self.fault = None;
                self.open = Some(Open { backlog, file });
            }
            // It appeared between the two looks; the next one finds it.
            (Ok(_), None) => {}
            (Err(JournalError::Missing { .. }), _) => self.missing(),
            (Err(error), _) => self.failed(&error, now),
        }
    }

    /// No journal yet is no fault: the terminal makes it at its first start.
    fn missing(&mut self) {
        if self.fault != Some(Fault::Missing) {
            tracing::info!(path = %self.path.display(), "no journal yet; waiting for the terminal to make it");
            self.fault = Some(Fault::Missing);
        }
    }

    fn failed(&mut self, error: &JournalError, now: Duration) {
        let fault = Fault::Unreadable(crate::chain(error));
        if self.fault.as_ref() != Some(&fault) {
            tracing::error!(
                error = crate::chain(error),
                "journal cannot be used; heartbeats go on, ratings wait in it"
            );
            self.fault = Some(fault);
        }
        self.open = None;
        self.not_before = now.saturating_add(REOPEN);
    }
}

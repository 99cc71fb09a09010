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

use manyi_shared::journal::{Backlog, JournalError, Pending, PendingFold, is_suspect};
use manyi_shared::wire::Claim;
use manyi_shared::wire::limits::{MAX_CLAIMS, MAX_EXCHANGE_BYTES, MAX_TEXT_BYTES};

use crate::uplink::{Mark, NotNoted, Order, Turn};

/// Record bytes for one exchange: even if they do not compress at all, the exchange stays below
/// its limit.
const RUN_BYTES: usize = MAX_EXCHANGE_BYTES - 16 * 1024;

/// Acknowledged records that may be sent again after a power cut, at most.
const MOST_OWED: u64 = 256;

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
    /// What is acknowledged and not written down.
    owed: Option<Owed>,
}

/// Acknowledgements that are not written down yet.
#[derive(Debug, Clone, Copy)]
struct Owed {
    since: Duration,
    records: u64,
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
            owed: None,
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
        match backlog.next(order.max_records, RUN_BYTES, &order.skip) {
            Ok(pending) => pending,
            // The other streams go on, and the terminal will open its journal anew.
            Err(error @ JournalError::Damaged { .. }) => {
                self.found_damage(&error);
                None
            }
            Err(error) => {
                self.failed(&error, now);
                None
            }
        }
    }

    /// What the centre acknowledged, beginning with this turn; none when there is no journal to ask.
    pub fn claims(&mut self, turn: Turn, now: Duration) -> Option<Vec<Claim>> {
        let claims = self.open.as_ref()?.backlog.claims(MAX_CLAIMS, turn.after);
        claims.map_err(|error| self.failed(&error, now)).ok()
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
                self.fault
                    .take_if(|fault| matches!(fault, Fault::Unwritable(_)));
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
        let text = match self.fault.as_ref() {
            None if is_suspect(&self.path) => {
                "a part of it is damaged; the terminal saves it when nobody is at the screen"
                    .to_owned()
            }
            None | Some(Fault::Missing) => return None,
            Some(Fault::Unreadable(text)) => format!("cannot be used: {text}"),
            Some(Fault::Unwritable(text)) => format!("cannot be written: {text}"),
        };
        let line = crate::one_line(&text, MAX_TEXT_BYTES);
        Some(crate::within(line, MAX_TEXT_BYTES))
    }

    /// Takes note of what the centre holds, `records` more than before. Written down by the next
    /// [`Self::write_notes`], at once when it goes back.
    ///
    /// # Errors
    /// [`NotNoted`]; nothing is noted then.
    pub fn acknowledge(
        &mut self,
        mark: &Mark,
        records: u64,
        now: Duration,
    ) -> Result<(), NotNoted> {
        let noted = self.acknowledge_first(mark, now);
        if noted.is_ok() {
            let owed = self.owed.get_or_insert(Owed {
                since: now,
                records: 0,
            });
            owed.records = owed.records.saturating_add(records);
        }
        noted
    }

    fn acknowledge_first(&mut self, mark: &Mark, now: Duration) -> Result<(), NotNoted> {
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

    /// Notes that the centre holds less than was noted. What it asks for and was pruned is told as
    /// gone with the next look, so that the stream can go on.
    ///
    /// # Errors
    /// [`NotNoted`]; nothing is noted then.
    pub fn rewind(&mut self, mark: &Mark, now: Duration) -> Result<(), NotNoted> {
        let Some(open) = &self.open else {
            return Err(NotNoted::Journal);
        };
        let gone = open.backlog.gone(mark.stream, mark.watermark, mark.hash);
        self.gone.retain(|fold| fold.fold.stream != mark.stream);
        match gone {
            Ok(None) => self.note(mark, now),
            Ok(Some(fold)) => {
                tracing::error!(
                    stream = %mark.stream, first = fold.fold.first.get(), last = fold.fold.last.get(),
                    "the centre asks for records that this journal no longer has; it is told so, and \
                     gets the ones after them"
                );
                self.gone.push(fold);
                Ok(())
            }
            Err(error) => Err(self.not_noted(&error, now)),
        }
    }

    /// Writes down what is acknowledged when it is time: so long after the first of it, when it is
    /// many records, or `at_once`.
    pub fn write_notes(&mut self, every: Duration, at_once: bool, now: Duration) {
        let due = self.owed.is_some_and(|owed| {
            at_once || owed.records >= MOST_OWED || now >= owed.since.saturating_add(every)
        });
        if !due {
            return;
        }
        self.owed = None;
        let noted = self.open.as_mut().map(|open| open.backlog.note());
        if let Some(Err(error)) = noted {
            self.failed(&error, now);
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
            .acknowledge_later(mark.stream, mark.watermark, mark.hash);
        match noted {
            Ok(()) => {
                // What is told as gone ends where the note is now, or below it.
                self.gone.retain(|fold| {
                    fold.fold.stream != mark.stream || mark.watermark < fold.fold.last.into()
                });
                Ok(())
            }
            Err(error) => Err(self.not_noted(&error, now)),
        }
    }

    fn not_noted(&mut self, error: &JournalError, now: Duration) -> NotNoted {
        match error {
            JournalError::Unknown { .. } => NotNoted::Missing,
            JournalError::OtherHistory { .. } => NotNoted::OtherHistory,
            error => {
                self.failed(error, now);
                NotNoted::Journal
            }
        }
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
            self.gone.clear();
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
        self.found_damage(error);
        self.open = None;
        self.not_before = now.saturating_add(REOPEN);
    }

    fn found_damage(&mut self, error: &JournalError) {
        let fault = Fault::Unreadable(crate::chain(error));
        if self.fault.as_ref() != Some(&fault) {
            tracing::error!(
                error = crate::chain(error),
                "journal cannot be used as it should; heartbeats go on, ratings wait in it"
            );
            self.fault = Some(fault);
        }
    }
}

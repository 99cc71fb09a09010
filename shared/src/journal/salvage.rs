//! When a journal is damaged: it is set aside, a new one takes its place at once, and everything
//! that can still be read and proved is put back.
//!
//! | module | what it does |
//! |---|---|
//! | [`aside`] | renames files, finds those that were set aside |
//! | [`wal`] | finds commits that SQLite would drop without a word |
//! | [`image`], [`pages`] | rows out of pages, without SQLite |
//! | [`found`], [`prove`], [`plan`] | what of them is genuine, what is rescued, what may be lost (pure) |
//! | [`import`] | puts it back |
//!
//! **Invariants**
//! 1. A damaged file is renamed and from then on only read.
//! 2. A (stream, position) gets back the bytes that its chain proves, or none.
//! 3. What cannot be proved travels as a rescued record, what cannot be read is told as a loss.
//!
//! **Crash**: a salvage that was cut short begins again at the next start, from the same files. What
//! was put back is recognised, losses are noted in the commit that tells them, rescued records are
//! remembered in the commit that seals them.

mod aside;
mod found;
mod image;
mod import;
mod pages;
mod plan;
mod prove;
mod wal;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;

use crate::domain::ClockReading;
use crate::files::replace;
use crate::wire::{Loss, LossCause, RecordBody, Rescued, StreamTip};

use aside::Aside;
use found::Found;
use image::Image;
use plan::Plan;

use super::open::{self, Role};
use super::writer::{self, Begin};
use super::{JournalError, Limits, Opening, Writer, ballast, cap, check, size, suspect};

pub(super) use import::put_fold;
pub(super) use wal::{Rest, unreplayed};

/// Set-aside files up to this size, in bytes, are examined before the first prompt: it takes a second
/// or two, and the new stream can then name its predecessor.
const EXAMINED_FIRST: u64 = 80 * 1024 * 1024;

/// Rescued records in one commit.
const RESCUED_AT_ONCE: usize = 100;

/// Losses in one commit; more of them in one file are told as one.
const MOST_LOSSES: usize = 100;

/// While less than this is free on the card, in bytes, nothing is put back: new ratings need it.
const KEPT_FREE: u64 = 16 * 1024 * 1024;

/// What opening a journal has led to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Salvage {
    /// Files that were set aside just now, or earlier and were still to be salvaged.
    pub set_aside: Vec<PathBuf>,
    /// Records put back into their streams.
    pub saved: u64,
    /// Records sealed as rescued.
    pub rescued: u64,
    /// Losses that were sealed.
    #[serde(skip)]
    pub losses: Vec<Loss>,
    /// Whether something is left to be done.
    pub unfinished: bool,
}

/// Opens the journal at `path` for a terminal, whatever state it is in.
///
/// A damaged one is set aside, a new one is begun, and what can be saved is saved before this returns.
/// For a prompt within seconds use [`open_or_set_aside`] and do the work later.
///
/// # Errors
/// As [`open_or_set_aside`].
pub fn open_or_salvage(
    path: &Path,
    opening: &Opening,
    now: ClockReading,
) -> Result<(Writer, Salvage), JournalError> {
    let (mut writer, mut work) = open_or_set_aside(path, opening, now)?;
    while work.step(&mut writer, &now)? {}
    Ok((writer, work.so_far))
}

/// Opens the journal at `path` for a terminal, whatever state it is in, and tells what is left to be
/// salvaged.
///
/// # Errors
/// [`JournalError::InUse`], [`JournalError::Newer`] and [`JournalError::Foreign`]: the file was left as
/// it is. [`JournalError::Append`], [`JournalError::Sqlite`] and [`JournalError::Io`]: the card does not
/// take or give anything at the moment; nothing is lost by trying again.
pub fn open_or_set_aside(
    path: &Path,
    opening: &Opening,
    now: ClockReading,
) -> Result<(Writer, SalvageWork), JournalError> {
    let mut lock = writer::lock(path)?;
    let was_here = has_mark(&mut lock);
    let mut set_aside = aside::finish(path)?;
    let length = path.metadata().map(|m| m.len()).ok();
    if length == Some(0) && was_here {
        aside::set(path)?;
        set_aside = true;
    }
    let conn = match open_whole(path) {
        Err(JournalError::Unreadable { .. }) => {
            aside::set(path)?;
            set_aside = true;
            open_whole(path)?
        }
        other => other?,
    };
    ballast::take(path);
    if ballast::is_scarce(path) {
        // What cannot be done now is tried again between the records.
        drop(cap::make_room(&conn, path, None, Limits::default()));
    }
    let mut work = SalvageWork::find(path, &conn, now.wall_ms)?;
    // Gone without a trace, and not because it was set aside.
    let vanished = length.is_none() && was_here && !set_aside && work.tasks.is_empty();
    let (losses, notes) = work.first_words(vanished, now.wall_ms);
    let previous = writer::previous(&conn, path)?.or_else(|| work.tip());
    let bodies: Vec<RecordBody> = losses.iter().cloned().map(RecordBody::Loss).collect();
    let begin = Begin {
        previous,
        bodies: &bodies,
        notes: &notes,
    };
    let mut mark = lock
        .try_clone()
        .map_err(|source| io("lock", path, source))?;
    let writer = Writer::begin(conn, lock, path, opening, now, &begin)?;
    suspect::clear(path);
    work.so_far.losses = losses;
    if !was_here {
        set_mark(&mut mark).map_err(|source| io("mark", path, source))?;
    }
    Ok((writer, work))
}

/// The damaged journals that were set aside beside the one at `path`, oldest first. They are kept for a
/// person to look at; nothing needs them once they are salvaged.
#[must_use]
pub fn set_aside(path: &Path) -> Vec<PathBuf> {
    let all = aside::all(path).unwrap_or_default();
    all.into_iter().map(|aside| aside.path).collect()
}

/// Whether a journal that was set aside is still to be put back, as far as the folder can be read.
pub(super) fn is_under_way(path: &Path) -> bool {
    let all = aside::all(path).unwrap_or_default();
    all.iter().any(|aside| !aside.report().exists())
}

/// Opens a journal in which nothing is wrong, and takes up a record that only its log still has.
fn open_whole(path: &Path) -> Result<Connection, JournalError> {
    let rest = unreplayed(path);
    let conn = open::open(path, Role::Writer)?;
    let fault = |error| open::judge(path, error);
    if !is_under_way(path) && check::half_a_stream(&conn).map_err(fault)? {
        open::keep_log(&conn, true).map_err(fault)?;
        return Err(JournalError::Unreadable {
            path: path.to_owned(),
            problem: "it has a stream without its opening".to_owned(),
        });
    }
    match rest.judge(&conn).map_err(fault)? {
        Rest::Nothing => Ok(conn),
        Rest::One {
            stream_no,
            seq,
            bytes,
            hash,
        } => {
            writer::insert(&conn, stream_no, seq, &bytes, hash).map_err(fault)?;
            Ok(conn)
        }
        Rest::Commits(commits) => {
            // The log must stay as it is: closing would write it into the database and delete it.
            open::keep_log(&conn, true).map_err(fault)?;
            Err(JournalError::Unreadable {
                path: path.to_owned(),
                problem: format!("its log has {commits} commits behind a damaged place"),
            })
        }
    }
}

/// The lock file says whether there ever was a journal: an empty database is a first start that was
/// cut short, or a journal that the card has swallowed.
fn has_mark(lock: &mut File) -> bool {
    let mut mark = [0];
    matches!(lock.read(&mut mark), Ok(1))
}

fn set_mark(lock: &mut File) -> std::io::Result<()> {
    lock.write_all(b"1")?;
    lock.sync_all()
}

/// What is left to be done after a journal was set aside. Small steps: a prompt can be sealed between
/// any two.
#[derive(Debug)]
pub struct SalvageWork {
    tasks: VecDeque<Task>,
    so_far: Salvage,
}

/// One set-aside file.
#[derive(Debug)]
struct Task {
    aside: Aside,
    /// None until it was examined.
    plan: Option<Plan>,
    /// Whether its losses are told.
    told: bool,
    /// Whether its streams are made, and how far they are filled.
    made: bool,
    stream: usize,
    piece: usize,
    saved: u64,
    rescued: u64,
}

impl SalvageWork {
    fn find(path: &Path, conn: &Connection, now_ms: i64) -> Result<Self, JournalError> {
        let mut tasks = VecDeque::new();
        let mut so_far = Salvage::default();
        // The newest first: its streams come right before the present one.
        for aside in aside::all(path)?.into_iter().rev() {
            if aside.report().exists() {
                continue;
            }
            let length: u64 = [&aside.path, &aside.wal()]
                .iter()
                .filter_map(|file| file.metadata().ok())
                .map(|file| file.len())
                .sum();
            let mut task = Task {
                told: writer::is_marked(conn, &told(&aside)).map_err(|e| open::judge(path, e))?,
                aside,
                plan: None,
                made: false,
                stream: 0,
                piece: 0,
                saved: 0,
                rescued: 0,
            };
            if length <= EXAMINED_FIRST {
                task.plan = Some(task.examine(now_ms));
            }
            so_far.set_aside.push(task.aside.path.clone());
            tasks.push_back(task);
        }
        so_far.unfinished = !tasks.is_empty();
        Ok(Self { tasks, so_far })
    }

    /// What the first records of the new stream say, and the notes that they were said.
    fn first_words(&mut self, vanished: bool, now_ms: i64) -> (Vec<Loss>, Vec<String>) {
        let mut losses = Vec::new();
        let mut notes = Vec::new();
        if vanished {
            losses.push(plan::nothing_left(now_ms));
        }
        for task in &mut self.tasks {
            if let Some(plan) = task.plan.as_ref().filter(|_| !task.told) {
                losses.extend(few(&plan.losses));
                notes.push(told(&task.aside));
                task.told = true;
            }
        }
        (losses, notes)
    }

    fn tip(&self) -> Option<StreamTip> {
        self.tasks.front()?.plan.as_ref()?.tip
    }

    /// Whether nothing is left to be done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.tasks.is_empty()
    }

    /// What was done so far.
    #[must_use]
    pub const fn so_far(&self) -> &Salvage {
        &self.so_far
    }

    /// Does a little of the work, some 20 ms on a card; answers whether more is to be done now. While
    /// the card is nearly full nothing is done, and the next start goes on.
    ///
    /// # Errors
    /// As for [`Writer::append`]: after [`JournalError::Append`] the writer is spent. The work can go on
    /// with the next one.
    pub fn step(&mut self, writer: &mut Writer, now: &ClockReading) -> Result<bool, JournalError> {
        let Some(task) = self.tasks.front_mut() else {
            return Ok(false);
        };
        if size::free(writer.path()).is_some_and(|free| free < KEPT_FREE) {
            return Ok(false);
        }
        let done = task.step(writer, now, &mut self.so_far)?;
        if done {
            self.tasks.pop_front();
            self.so_far.unfinished = !self.tasks.is_empty();
        }
        Ok(!self.tasks.is_empty())
    }
}

impl Task {
    fn examine(&self, now_ms: i64) -> Plan {
        let image = Image::read(&self.aside.path, &self.aside.wal());
        let mut found = Found::default();
        image.rows(|row| found.take(row));
        drop(image);
        plan::make(found, now_ms)
    }

    /// One step; answers whether the file is done.
    fn step(
        &mut self,
        writer: &mut Writer,
        now: &ClockReading,
        so_far: &mut Salvage,
    ) -> Result<bool, JournalError> {
        let path = writer.path().to_owned();
        let fault = |source| JournalError::Sqlite {
            doing: "put back records",
            path: path.clone(),
            source,
        };
        let Some(mut plan) = self.plan.take() else {
            self.plan = Some(self.examine(now.wall_ms));
            return Ok(false);
        };
        if !self.told {
            let losses = few(&plan.losses);
            let bodies = losses.iter().cloned().map(RecordBody::Loss);
            let note = told(&self.aside);
            let done = writer.append_all(bodies, now, |tx| writer::mark(tx, &note));
            self.plan = Some(plan);
            done?;
            self.told = true;
            so_far.losses.extend(losses);
            return Ok(false);
        }
        if !self.made {
            let made = import::streams(writer.conn(), &plan.streams, plan.next_exchange);
            self.plan = Some(plan);
            made.map_err(fault)?;
            self.made = true;
            return Ok(false);
        }
        if let Some(proved) = plan.streams.get(self.stream) {
            let imported = import::pieces(writer.conn(), proved, self.piece);
            let length = proved.pieces.len();
            if let Ok(imported) = &imported {
                plan.rescued.extend(imported.in_conflict.iter().cloned());
                self.piece = imported.done;
                self.saved += imported.records;
                so_far.saved += imported.records;
                if self.piece >= length {
                    (self.stream, self.piece) = (self.stream + 1, 0);
                }
            }
            self.plan = Some(plan);
            return imported.map(|_| false).map_err(fault);
        }
        let left = plan.rescued.len().saturating_sub(RESCUED_AT_ONCE);
        let batch = plan.rescued.split_off(left);
        if batch.is_empty() {
            self.report()?;
            return Ok(true);
        }
        let sealed = rescue(writer, now, &batch);
        if sealed.is_err() {
            plan.rescued.extend(batch);
        }
        self.plan = Some(plan);
        let sealed = sealed?;
        self.rescued += sealed;
        so_far.rescued += sealed;
        Ok(false)
    }

    /// Writes down that everything was saved; without it the next start would do it again.
    fn report(&self) -> Result<(), JournalError> {
        let path = self.aside.report();
        let text = serde_json::json!({ "saved": self.saved, "rescued": self.rescued });
        replace(&path, text.to_string().as_bytes()).map_err(|error| JournalError::Io {
            doing: "write",
            path,
            source: error.source,
        })
    }
}

/// Seals records as rescued, but for those that already are; answers how many.
fn rescue(writer: &mut Writer, now: &ClockReading, batch: &[Rescued]) -> Result<u64, JournalError> {
    let mut fresh = Vec::new();
    for rescued in batch {
        let known = import::was_rescued(writer.conn(), rescued);
        if !known.map_err(|e| open::judge(writer.path(), e))? {
            fresh.push(rescued.clone());
        }
    }
    if fresh.is_empty() {
        return Ok(0);
    }
    let bodies = fresh.iter().cloned().map(RecordBody::Rescued);
    writer.append_all(bodies, now, |tx| import::remember(tx, &fresh))?;
    Ok(fresh.len() as u64)
}

fn told(aside: &Aside) -> String {
    format!("told.{}", aside.number)
}

/// A file with very many holes says one thing: that it is full of holes.
fn few(losses: &[Loss]) -> Vec<Loss> {
    if losses.len() <= MOST_LOSSES {
        return losses.to_vec();
    }
    let total = losses.iter().map(|loss| loss.records);
    vec![Loss {
        cause: LossCause::DamagedJournal,
        stream: None,
        from: None,
        until: None,
        earliest_ms: losses.iter().filter_map(|loss| loss.earliest_ms).min(),
        latest_ms: losses.iter().filter_map(|loss| loss.latest_ms).max(),
        records: total.sum(),
    }]
}

fn io(doing: &'static str, path: &Path, source: std::io::Error) -> JournalError {
    JournalError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

//! Opens what a lying disk left, as the terminal does, and checks what it saved and what it admits.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use manyi_shared::domain::{Level, Outcome, Seq, ServiceEvent, StreamId};
use manyi_shared::journal::{Backlog, Reader, Salvage, Witness, open_or_salvage};
use manyi_shared::wire::{Loss, OutcomeRecord, RecordBody};
use rusqlite::{Connection, OpenFlags};

use super::disk::{Files, lay_out};
use super::judge::{Content, Findings};
use super::ledger::{Fate, Ledger, Moment};
use super::story::{JOURNAL, opening, reading};

/// A terminal must be able to seal a rating so soon after its start.
pub const USABLE_WITHIN: Duration = Duration::from_secs(5);

/// Milliseconds after the boot of the story: later than all of it.
const LATER: u64 = 1_000_000_000;

/// What a start on a lying disk led to.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// What was not as it must be.
    pub findings: Findings,
    /// Whether files were set aside.
    pub set_aside: bool,
    /// Records that were thanked for, are nowhere, and lie in a range that is told as a loss.
    pub told: usize,
    /// Records that were thanked for and are nowhere, in a journal in which nothing is wrong: the
    /// disk went back to an earlier moment, whole.
    pub traceless: usize,
    /// Records right behind a hole that SQLite alone could still read. No chain proves their bytes, so
    /// they are told as lost: the one kind of readable record that is not saved.
    pub behind_holes: usize,
    /// Other records that SQLite alone could still read, and that were told as lost instead of saved.
    pub missed: usize,
    /// Rescued records that are not as they were sealed.
    pub unproved: usize,
    /// How long it took until a rating could be sealed.
    pub took: Duration,
    /// What was missed or is unproved, a line each.
    pub doubts: Vec<String>,
}

/// What the note of the open prompt remembers after a cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Note {
    /// How far which stream was; none when the note is gone.
    pub witness: Option<Witness>,
    /// Whether it is the newest there was.
    pub is_newest: bool,
}

/// What a journal holds after the start.
#[derive(Debug, Default)]
struct Held {
    records: Content,
    rescued: Content,
    losses: Vec<Loss>,
    unproved: Vec<String>,
}

impl Held {
    fn has(&self, place: &(StreamId, Seq), bytes: &[u8]) -> bool {
        let is = |content: &Content| content.get(place).is_some_and(|held| held == bytes);
        is(&self.records) || is(&self.rescued)
    }

    fn tells_the_loss_of(&self, (stream, seq): (StreamId, Seq)) -> bool {
        self.losses.iter().any(|loss| {
            loss.stream.is_none_or(|of| of == stream)
                && loss.from.is_none_or(|from| from <= seq)
                && loss.until.is_none_or(|until| until >= seq)
        })
    }
}

/// Starts a terminal on these files, seals a rating, and compares with the ledger of a story that was
/// cut at this moment. `copy` is another folder, for looking at the files with SQLite alone.
///
/// # Errors
/// When the files cannot be laid out.
pub fn start(
    folder: &Path,
    copy: &Path,
    files: &Files,
    ledger: &Ledger,
    cut: Moment,
    note: Note,
) -> anyhow::Result<Start> {
    clear(folder)?;
    lay_out(folder, files)?;
    lay_out(copy, files)?;
    if ledger
        .entries
        .values()
        .any(|entry| entry.thanked.is_some_and(|at| at <= cut))
    {
        // As the first start left it.
        std::fs::write(folder.join("journal.lock"), "1")?;
    }
    let readable = readable(copy, ledger);
    let mut start = Start::default();
    if let Err(error) = look(folder, files, (ledger, cut, note), &readable, &mut start) {
        start.findings.unreadable.push(format!("{error:#}"));
    }
    Ok(start)
}

fn clear(folder: &Path) -> anyhow::Result<()> {
    lay_out(folder, &Files::new()).context("the folder of the last state")
}

fn look(
    folder: &Path,
    files: &Files,
    (ledger, cut, note): (&Ledger, Moment, Note),
    readable: &Content,
    start: &mut Start,
) -> anyhow::Result<()> {
    let journal = folder.join(JOURNAL);
    let began = Instant::now();
    let (mut writer, salvage) = open_or_salvage(&journal, &opening()?, reading(LATER))?;
    // As the recorder does it.
    let quiet = salvage.set_aside.is_empty() && salvage.losses.is_empty();
    if let Some(witness) = note.witness.filter(|_| quiet) {
        writer.hear(witness, &reading(LATER + 1_000))?;
    }
    writer.append(rating(), &reading(LATER + 2_000))?;
    start.took = began.elapsed();
    start.set_aside = !salvage.set_aside.is_empty();
    ensure!(
        start.took <= USABLE_WITHIN,
        "a rating could be sealed after {:?}",
        start.took
    );
    are_kept(folder, files, &salvage, &mut start.findings)?;
    let held = held(&journal, ledger, cut, writer.stream(), &mut start.findings)?;
    start.unproved = held.unproved.len();
    start.doubts.extend(held.unproved.iter().cloned());
    for (place, bytes) in readable {
        let sent = ledger.entries.get(place).is_some_and(|e| e.is_sent(cut));
        if sent || held.has(place, bytes) {
            continue;
        }
        if held.tells_the_loss_of(*place) {
            if is_behind_a_hole(place, readable, &held) {
                start.behind_holes += 1;
                continue;
            }
            start.missed += 1;
            let line = format!("missed: {place:?}; told: {:?}", held.losses);
            start.doubts.push(line);
        } else {
            let line = format!("{place:?} can be read and was not saved");
            start.findings.lost.push(line);
        }
    }
    for (place, entry) in &ledger.entries {
        let promised = entry.fate(cut) == Fate::Promised && !entry.is_sent(cut);
        if !promised || held.has(place, &entry.bytes) {
            continue;
        }
        if held.tells_the_loss_of(*place) {
            start.told += 1;
        } else if start.set_aside {
            let line = format!(
                "{place:?} is gone, and no loss tells of it: {:?}",
                held.losses
            );
            start.findings.lost.push(line);
        } else if note.is_newest {
            let line = format!(
                "{place:?} is gone, the note remembers {:?}, and no loss tells of it: {:?}",
                note.witness, held.losses
            );
            start.findings.lost.push(line);
        } else {
            start.traceless += 1;
        }
    }
    // The daemon can send what there is.
    let backlog = Backlog::open(&journal)?;
    backlog.unacknowledged()?;
    Ok(())
}

/// Whether the record before this one is neither here nor readable.
fn is_behind_a_hole((stream, seq): &(StreamId, Seq), readable: &Content, held: &Held) -> bool {
    let before = seq.get().checked_sub(1).and_then(Seq::new);
    before.is_some_and(|before| {
        let place = (*stream, before);
        !readable.contains_key(&place)
            && !held.records.contains_key(&place)
            && !held.rescued.contains_key(&place)
    })
}

/// A rating, the least that a terminal seals.
#[must_use]
pub fn rating() -> RecordBody {
    RecordBody::Outcome(OutcomeRecord {
        ordinal: 1,
        outcome: Outcome::Rated {
            level: Level::Satisfied,
            tags: Vec::new(),
        },
        tag_set: None,
        response_ms: None,
        event: ServiceEvent::default(),
        call: manyi_shared::domain::Call::default(),
    })
}

/// Every damaged file is still there, under whatever name, byte for byte.
fn are_kept(
    folder: &Path,
    files: &Files,
    salvage: &Salvage,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    if salvage.set_aside.is_empty() {
        return Ok(());
    }
    let mut there = Vec::new();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            let content = std::fs::read(&path)?;
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            names.push(format!("{name} ({} bytes)", content.len()));
            there.push(content);
        }
    }
    for (name, content) in files {
        let journals = name.starts_with(JOURNAL) && !content.is_empty();
        if journals && !there.contains(content) {
            let line = format!(
                "`{name}` ({} bytes) was set aside, and its bytes are gone; there are {}",
                content.len(),
                names.join(", ")
            );
            findings.altered.push(line);
        }
    }
    Ok(())
}

/// Reads the new journal whole; nothing in it may be other than what was sealed.
fn held(
    journal: &Path,
    ledger: &Ledger,
    cut: Moment,
    fresh: StreamId,
    findings: &mut Findings,
) -> anyhow::Result<Held> {
    let reader = Reader::open(journal)?;
    let mut held = Held::default();
    let mut carried: Vec<RecordBody> = Vec::new();
    for stream in reader.streams()? {
        let verdict = reader.verify(&stream)?.verdict;
        if !verdict.is_good() {
            let line = format!("stream {} does not hold: {verdict:?}", stream.id);
            findings.altered.push(line);
        }
        reader.for_each_record(&stream, |record| {
            if stream.id == fresh {
                carried.extend(record.decode().map(|record| record.body));
            } else {
                held.records.insert((stream.id, record.seq), record.bytes);
            }
        })?;
    }
    for body in carried {
        match body {
            RecordBody::Loss(loss) => held.losses.push(loss),
            RecordBody::Rescued(rescued) => {
                let place = (rescued.stream, rescued.seq);
                held.rescued.insert(place, rescued.bytes);
            }
            _ => {}
        }
    }
    let mut held_unproved = Vec::new();
    let unproved = |place: &(StreamId, Seq)| {
        let before = place.1.get().checked_sub(1).and_then(Seq::new);
        let before = before.map(|seq| (place.0, seq));
        let is_there = |place| held.records.contains_key(place) || held.rescued.contains_key(place);
        held.rescued.contains_key(place) && !before.as_ref().is_some_and(is_there)
    };
    for (place, bytes) in held.records.iter().chain(&held.rescued) {
        match ledger.entries.get(place) {
            Some(entry) if entry.fate(cut) == Fate::Unborn => findings
                .altered
                .push(format!("{place:?} is there before it was sealed")),
            Some(entry) if entry.bytes != *bytes && unproved(place) => {
                held_unproved.push(format!("unproved: {place:?}"));
            }
            Some(entry) if entry.bytes != *bytes => findings
                .altered
                .push(format!("{place:?} has other bytes than before")),
            Some(_) => {}
            None if was_moved(place, bytes, &held, ledger) => {}
            None => findings.altered.push(format!("{place:?} was never sealed")),
        }
    }
    held.unproved = held_unproved;
    Ok(held)
}

/// Whether a rescued record is genuine but for its position, in which a bit was flipped: nothing near
/// it says so. It must not be held at its own position as well, or it would count twice.
fn was_moved(place: &(StreamId, Seq), bytes: &[u8], held: &Held, ledger: &Ledger) -> bool {
    let of_stream = ledger.entries.iter().filter(|((id, _), _)| *id == place.0);
    let mut genuine = of_stream.filter(|(_, entry)| entry.bytes == bytes);
    held.rescued.contains_key(place) && genuine.next().is_some_and(|(own, _)| !held.has(own, bytes))
}

/// The records that SQLite alone still gives, from either end of each stream, and that are as they
/// were sealed: the least that must be saved. Only of streams whose own row is there: a record alone
/// does not say whose it is.
fn readable(copy: &Path, ledger: &Ledger) -> Content {
    let mut readable = Content::new();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(conn) = Connection::open_with_flags(copy.join(JOURNAL), flags) else {
        return readable;
    };
    let streams = rows(
        &conn,
        "SELECT stream_no, stream_id FROM stream NOT INDEXED",
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 16]>(1)?)),
    );
    let streams: BTreeMap<i64, StreamId> = streams
        .into_iter()
        .map(|(number, id)| (number, StreamId::from_bytes(id)))
        .collect();
    for (number, stream) in streams {
        for order in ["", "DESC"] {
            let query = format!(
                "SELECT seq, bytes, hash FROM record WHERE stream_no = {number} ORDER BY seq {order}"
            );
            for (seq, bytes, hash) in rows(&conn, &query, |row| {
                Ok((
                    row.get::<_, u64>(0)?,
                    row.get::<_, Vec<u8>>(1)?,
                    row.get::<_, [u8; 32]>(2)?,
                ))
            }) {
                let Some(seq) = Seq::new(seq) else { continue };
                let entry = ledger.entries.get(&(stream, seq));
                if entry.is_some_and(|e| e.bytes == bytes && *e.hash.as_bytes() == hash) {
                    readable.insert((stream, seq), bytes);
                }
            }
        }
    }
    readable
}

/// The rows of a query up to the first that cannot be read.
fn rows<T>(
    conn: &Connection,
    query: &str,
    mut row: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Vec<T> {
    let mut read = Vec::new();
    let Ok(mut statement) = conn.prepare(query) else {
        return read;
    };
    let Ok(mut found) = statement.query([]) else {
        return read;
    };
    while let Ok(Some(next)) = found.next() {
        match row(next) {
            Ok(next) => read.push(next),
            Err(_) => break,
        }
    }
    read
}

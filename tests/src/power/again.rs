//! The power fails again while a salvage is under way: the next start ends where an undisturbed one
//! does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use manyi_shared::domain::{Seq, StreamId};
use manyi_shared::journal::{Reader, open_or_salvage};
use manyi_shared::wire::{Loss, RecordBody};

use super::campaign::{Recording, scratch};
use super::cut::survivors;
use super::disk::{Disk, Files, lay_out};
use super::judge::Findings;
use super::liars::left;
use super::story::{JOURNAL, opening, reading};
use super::tape::Tape;

/// Milliseconds after the boot of the story: later than all of it.
const LATER: u64 = 1_000_000_000;

/// The name under which a first damaged journal is set aside.
const ASIDE: &str = "journal.damaged-1.sqlite";

/// What cuts of one salvage led to.
#[derive(Debug, Default)]
pub struct Again {
    /// Starts after a cut.
    pub states: u64,
    /// Records that an undisturbed salvage puts back.
    pub saved: usize,
    /// Records that it seals as rescued.
    pub rescued: usize,
    /// What was not as an undisturbed salvage has it.
    pub findings: Findings,
}

/// What a journal holds of the time before the salvage.
#[derive(Debug, Default, PartialEq, Eq)]
struct Saved {
    records: BTreeMap<(StreamId, Seq), Vec<u8>>,
    /// With how often each was sealed.
    rescued: BTreeMap<(StreamId, Seq, Vec<u8>), usize>,
    losses: Vec<String>,
}

/// Salvages what a lying disk left of a story, and again after so many cuts, each at another moment of
/// the salvage's own writes and with other survivors.
///
/// # Errors
/// When the files cannot be laid out, or the undisturbed salvage fails.
pub fn cut_again(recording: &Recording, variant: u64, cuts: usize) -> anyhow::Result<Again> {
    let mut left = left(recording, variant)?;
    let aside = set_aside(left.files);
    let old: BTreeSet<StreamId> = recording.ledger().streams.iter().copied().collect();
    let (first, second) = (scratch()?, scratch()?);
    prepare(first.path(), &aside)?;
    let tape = Tape::start(first.path())?;
    salvage(first.path()).context("the undisturbed salvage")?;
    let events = tape.stop();
    let whole = saved(first.path(), &old)?;
    let mut again = Again {
        saved: whole.records.len(),
        rescued: whole.rescued.len(),
        ..Again::default()
    };
    for _ in 0..cuts {
        let at = left.dice.index(events.len() + 1);
        let mut disk = Disk::default();
        events.iter().take(at).for_each(|event| disk.apply(event));
        let pieces = disk.pieces();
        let number = left.dice.index(64);
        let survivors = survivors(&disk, &pieces, number, &mut left.dice);
        let mut files = disk.after(&pieces, &survivors);
        // Renamed and synced before the first of these writes, and from then on only read.
        files.extend(aside.clone());
        prepare(second.path(), &files)?;
        let found = salvage(second.path()).and_then(|()| saved(second.path(), &old));
        again.states += 1;
        let place = format!("{}, cut again at {at}", left.state);
        match found {
            Err(error) => again
                .findings
                .unreadable
                .push(format!("{place}: {error:#}")),
            Ok(found) => compare(&place, &whole, &found, &mut again.findings),
        }
    }
    Ok(again)
}

/// The files as they lie once a start has set them aside.
fn set_aside(files: Files) -> Files {
    let aside = files.into_iter().filter_map(|(name, content)| {
        let ending = name.strip_prefix(JOURNAL)?;
        (ending != "-shm").then(|| (format!("{ASIDE}{ending}").into(), content))
    });
    let mut aside: Files = aside.collect();
    aside.entry(ASIDE.into()).or_default();
    aside
}

fn prepare(folder: &Path, files: &Files) -> anyhow::Result<()> {
    lay_out(folder, files)?;
    std::fs::write(folder.join("journal.lock"), "1").context("the lock file")
}

fn salvage(folder: &Path) -> anyhow::Result<()> {
    let (writer, salvage) = open_or_salvage(&folder.join(JOURNAL), &opening()?, reading(LATER))?;
    drop(writer);
    anyhow::ensure!(!salvage.unfinished, "the salvage is not finished");
    anyhow::ensure!(
        salvage.set_aside.len() <= 1,
        "a cut in the salvage has damaged the new journal: {:?}",
        salvage.set_aside
    );
    Ok(())
}

fn saved(folder: &Path, old: &BTreeSet<StreamId>) -> anyhow::Result<Saved> {
    let reader = Reader::open(&folder.join(JOURNAL))?;
    let mut saved = Saved::default();
    for stream in reader.streams()? {
        let verdict = reader.verify(&stream)?.verdict;
        anyhow::ensure!(verdict.is_good(), "stream {}: {verdict:?}", stream.id);
        reader.for_each_record(&stream, |record| {
            if old.contains(&stream.id) {
                saved
                    .records
                    .insert((stream.id, record.seq), record.bytes.clone());
            }
            match record.decode().map(|record| record.body) {
                Ok(RecordBody::Rescued(r)) => {
                    *saved.rescued.entry((r.stream, r.seq, r.bytes)).or_default() += 1;
                }
                Ok(RecordBody::Loss(loss)) => {
                    // A later start knows a later end.
                    let loss = Loss {
                        latest_ms: None,
                        ..loss
                    };
                    saved.losses.push(format!("{loss:?}"));
                }
                _ => {}
            }
        })?;
    }
    saved.losses.sort_unstable();
    Ok(saved)
}

fn compare(place: &str, whole: &Saved, found: &Saved, findings: &mut Findings) {
    for (key, bytes) in &whole.records {
        match found.records.get(key) {
            None => findings
                .lost
                .push(format!("{place}: {key:?} is not put back")),
            Some(other) if other != bytes => findings
                .altered
                .push(format!("{place}: {key:?} has other bytes")),
            Some(_) => {}
        }
    }
    if found.records.len() > whole.records.len() {
        let line = format!("{place}: more is put back than there was");
        findings.altered.push(line);
    }
    for (key, count) in &found.rescued {
        if !whole.rescued.contains_key(key) || *count > 1 {
            let line = format!("{place}: {:?} is rescued {count} times", (key.0, key.1));
            findings.duplicated.push(line);
        }
    }
    for key in whole.rescued.keys() {
        if !found.rescued.contains_key(key) {
            let line = format!("{place}: {:?} is not rescued", (key.0, key.1));
            findings.lost.push(line);
        }
    }
    if whole.losses != found.losses {
        let line = format!(
            "{place}: losses {:?} instead of {:?}",
            found.losses, whole.losses
        );
        findings.lost.push(line);
    }
}

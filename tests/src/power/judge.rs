//! Opens what an end left, as the programs do, and compares it with the ledger.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use manyi_shared::domain::{Seq, StreamId};
use manyi_shared::journal::{Backlog, Reader, Verdict, Writer};
use manyi_shared::wire::{RecordBody, StreamTip};

use super::ledger::{Fate, Ledger, Moment};
use super::story::{JOURNAL, opening, reading};

/// What is wrong with a state, by the guarantee that it breaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Thanked for, and not there.
    pub lost: Vec<String>,
    /// There in two places, or sent twice as two.
    pub duplicated: Vec<String>,
    /// There with other bytes, out of nowhere, or in a broken chain.
    pub altered: Vec<String>,
    /// The programs could not open or read it.
    pub unreadable: Vec<String>,
}

impl Findings {
    /// Whether everything was as promised.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.lost.is_empty()
            && self.duplicated.is_empty()
            && self.altered.is_empty()
            && self.unreadable.is_empty()
    }

    /// All findings, one line each.
    #[must_use]
    pub fn lines(&self) -> String {
        let kinds = [
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
            ("altered", &self.altered),
            ("unreadable", &self.unreadable),
        ];
        let mut lines = String::new();
        for (kind, found) in kinds {
            for line in found {
                if writeln!(lines, "  {kind}: {line}").is_err() {
                    return lines;
                }
            }
        }
        lines
    }
}

/// The records of a journal, by stream and position.
pub type Content = BTreeMap<(StreamId, Seq), Vec<u8>>;

/// Starts a terminal and a daemon on what a cut at this moment left in a folder. Says what is wrong,
/// and what the journal holds as far as it could be read.
#[must_use]
pub fn judge(folder: &Path, ledger: &Ledger, cut: Moment) -> (Findings, Content) {
    let mut findings = Findings::default();
    let opened = opening().and_then(|opening| {
        let writer = Writer::open(&folder.join(JOURNAL), &opening, reading(1_000))?;
        let fresh = writer.stream();
        let reader = Reader::open(&folder.join(JOURNAL))?;
        let content = content(&reader, ledger, cut, fresh, &mut findings)?;
        previous_is_named(&content, fresh, &reader, ledger, &mut findings)?;
        the_centre_gets_everything(folder, ledger, cut, fresh, &mut findings)?;
        Ok(content)
    });
    let content = opened.unwrap_or_else(|error| {
        findings.unreadable.push(format!("{error:#}"));
        Content::new()
    });
    (findings, content)
}

/// Reads a journal whole and compares it with what must, may and cannot be there. The ledger need
/// not know the `fresh` stream.
fn content(
    reader: &Reader,
    ledger: &Ledger,
    cut: Moment,
    fresh: StreamId,
    findings: &mut Findings,
) -> anyhow::Result<Content> {
    let mut content = Content::new();
    for stream in reader.streams()? {
        let verdict = reader.verify(&stream)?.verdict;
        match verdict {
            Verdict::Whole | Verdict::PrunedBefore(_) => {}
            _ => findings
                .altered
                .push(format!("stream {} does not hold: {verdict:?}", stream.id)),
        }
        reader.for_each_record(&stream, |record| {
            let place = (stream.id, record.seq);
            if stream.id != fresh {
                match ledger.entries.get(&place) {
                    Some(entry) if entry.fate(cut) == Fate::Unborn => findings
                        .altered
                        .push(format!("{place:?} is there before it was sealed")),
                    Some(entry) if entry.bytes != record.bytes || entry.hash != record.hash => {
                        findings.altered.push(format!("{place:?} has other bytes"));
                    }
                    Some(_) => {}
                    None => findings.altered.push(format!("{place:?} was never sealed")),
                }
            }
            if content.insert(place, record.bytes).is_some() {
                findings
                    .duplicated
                    .push(format!("{place:?} is there twice"));
            }
        })?;
        let known = ledger
            .entries
            .iter()
            .rev()
            .find(|((id, _), entry)| *id == stream.id && entry.is_sent(cut));
        let held = known.map_or(0, |((_, seq), _)| seq.get());
        if stream.acknowledged > held {
            findings.altered.push(format!(
                "stream {} is acknowledged up to {}, and the centre has {held}",
                stream.id, stream.acknowledged
            ));
        }
    }
    for (place, entry) in &ledger.entries {
        if entry.fate(cut) == Fate::Promised && !content.contains_key(place) {
            findings.lost.push(format!("{place:?} is not there"));
        }
    }
    Ok(content)
}

/// The new stream names the end of the one before, so that the centre notices what is missing.
fn previous_is_named(
    content: &Content,
    fresh: StreamId,
    reader: &Reader,
    ledger: &Ledger,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let streams = reader.streams()?;
    let own = streams.iter().find(|stream| stream.id == fresh);
    let first = reader.record(own.context("the new stream is not there")?, Seq::FIRST)?;
    let first = first.context("the new stream has no opening")?.decode()?;
    let RecordBody::StreamOpened(opened) = first.body else {
        bail!("the new stream does not begin with an opening");
    };
    let before = streams.iter().rev().find(|stream| stream.id != fresh);
    let wanted = before.and_then(|stream| {
        let last = content.keys().rev().find(|(id, _)| *id == stream.id);
        let seq = last.map(|(_, seq)| *seq);
        let seq = seq.max(Seq::new(stream.acknowledged))?;
        let hash = ledger.entries.get(&(stream.id, seq))?.hash;
        Some(StreamTip {
            stream: stream.id,
            seq,
            hash,
        })
    });
    if opened.previous != wanted {
        findings.altered.push(format!(
            "the new stream names {:?} as the end of the one before, not {wanted:?}",
            opened.previous
        ));
    }
    Ok(())
}

/// What the centre has and what the daemon would send now make up every promised record, each once,
/// and no exchange number comes a second time.
fn the_centre_gets_everything(
    folder: &Path,
    ledger: &Ledger,
    cut: Moment,
    fresh: StreamId,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let mut centre: Content = ledger
        .entries
        .iter()
        .filter(|(_, entry)| entry.is_sent(cut))
        .map(|(place, entry)| (*place, entry.bytes.clone()))
        .collect();
    let mut backlog = Backlog::open(&folder.join(JOURNAL))?;
    let mut done = vec![fresh];
    while let Some(run) = backlog.next_run(usize::MAX, usize::MAX, &done)? {
        ensure!(!done.contains(&run.stream), "the daemon turns in circles");
        done.push(run.stream);
        for (place, bytes) in run.records.into_iter().enumerate() {
            let place = (run.stream, run.first.plus(place as u64));
            match centre.get(&place) {
                Some(held) if *held != bytes => findings
                    .duplicated
                    .push(format!("{place:?} is sent again with other bytes")),
                Some(_) => {}
                None => drop(centre.insert(place, bytes)),
            }
        }
    }
    for (place, entry) in &ledger.entries {
        let thanked = entry.thanked.is_some_and(|at| at <= cut);
        if thanked && centre.get(place) != Some(&entry.bytes) {
            findings
                .lost
                .push(format!("{place:?} never gets to the centre"));
        }
    }
    let (next, given) = (
        backlog.reserve_exchange_numbers(1, 1)?,
        ledger.next_number(cut),
    );
    if next < given {
        findings.duplicated.push(format!(
            "exchange number {next} comes again, {given} was given"
        ));
    }
    Ok(())
}

//! What was sealed against what the centre holds, record by record and level by level.
//!
//! Both sides are read from their files by code of this package's own: a comparison by the programs'
//! own ideas would not notice a fault that both share.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::Context as _;
use manyi_shared::domain::{StreamId, TerminalId};
use manyi_shared::journal::Reader;
use manyi_shared::wire::{ChainHash, Record, RecordBody};
use rusqlite::{Connection, OpenFlags};

/// Which record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Who sealed it.
    pub terminal: TerminalId,
    /// In which stream.
    pub stream: StreamId,
    /// At which position.
    pub seq: u64,
}

/// Records by their place; each place holds every sequence of bytes that was found there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    records: BTreeMap<Place, Vec<Vec<u8>>>,
}

/// How many prompts ended how: outcome and level by their numbers (level 0: no rating).
pub type Counts = BTreeMap<(u8, u8), u64>;

impl Ledger {
    /// Adds a record.
    pub fn add(&mut self, place: Place, bytes: Vec<u8>) {
        self.records.entry(place).or_default().push(bytes);
    }

    /// Adds everything that a journal has.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn add_journal(&mut self, journal: &Path) -> anyhow::Result<()> {
        let reader = Reader::open(journal)?;
        for stream in reader.streams()? {
            reader.for_each_record(&stream, |record| {
                let place = Place {
                    terminal: stream.terminal,
                    stream: stream.id,
                    seq: record.seq.get(),
                };
                self.add(place, record.bytes);
            })?;
        }
        Ok(())
    }

    /// Everything that a collector's database holds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_centre(database: &Path) -> anyhow::Result<Self> {
        let centre = open(database)?;
        let mut query = centre.prepare("SELECT terminal_id, stream_id, seq, bytes FROM record")?;
        let mut rows = query.query([])?;
        let mut ledger = Self::default();
        while let Some(row) = rows.next()? {
            let place = Place {
                terminal: TerminalId::from_bytes(row.get(0)?),
                stream: StreamId::from_bytes(row.get(1)?),
                seq: row.get(2)?,
            };
            ledger.add(place, row.get(3)?);
        }
        Ok(ledger)
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.values().map(Vec::len).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// What the other ledger has too little, too much or otherwise; a line each, at most so many.
    #[must_use]
    pub fn differences(&self, other: &Self, most: usize) -> Vec<String> {
        let places = self.records.keys().chain(other.records.keys());
        let mut places: Vec<&Place> = places.collect();
        places.sort_unstable();
        places.dedup();
        let differs = places.into_iter().filter_map(|place| {
            let (here, there) = (self.records.get(place), other.records.get(place));
            let count = |found: Option<&Vec<Vec<u8>>>| found.map_or(0, Vec::len);
            (here != there).then(|| {
                format!(
                    "terminal {} stream {} record {}: here {} times, there {} times{}",
                    place.terminal,
                    place.stream,
                    place.seq,
                    count(here),
                    count(there),
                    if count(here) == count(there) {
                        ", other bytes"
                    } else {
                        ""
                    }
                )
            })
        });
        differs.take(most).collect()
    }

    /// The chain of every stream and its length.
    ///
    /// # Errors
    /// When a stream does not begin at 1 or has a gap or two records at one place.
    pub fn chains(&self) -> anyhow::Result<HashMap<(TerminalId, StreamId), (u64, ChainHash)>> {
        let mut chains = HashMap::new();
        for (place, found) in &self.records {
            let Place {
                terminal,
                stream,
                seq,
            } = *place;
            let [bytes] = found.as_slice() else {
                anyhow::bail!("{} records at one place: {place:?}", found.len());
            };
            let (tip, hash) = chains
                .entry((terminal, stream))
                .or_insert_with(|| (0, ChainHash::genesis(terminal, stream)));
            anyhow::ensure!(seq == *tip + 1, "after record {tip} comes {place:?}");
            *tip = seq;
            *hash = hash.extend(bytes);
        }
        Ok(chains)
    }

    /// A recount: every outcome as it stands after its last amendment.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn recount(&self) -> anyhow::Result<Counts> {
        let mut outcomes: HashMap<Place, (u8, u8)> = HashMap::new();
        for (place, found) in &self.records {
            for bytes in found {
                let record = Record::decode(bytes).with_context(|| format!("{place:?}"))?;
                match record.body {
                    RecordBody::Outcome(outcome) => {
                        let level = outcome.outcome.level().map_or(0, |level| level.number());
                        outcomes.insert(*place, (outcome.outcome.kind().number(), level));
                    }
                    RecordBody::Amendment(amendment) => {
                        let target = Place {
                            seq: amendment.target.get(),
                            ..*place
                        };
                        let amended = outcomes.get_mut(&target);
                        let (_, level) = amended.context("an amendment of nothing")?;
                        *level = amendment.level.number();
                    }
                    _ => {}
                }
            }
        }
        let mut counts = Counts::new();
        for counted in outcomes.into_values() {
            *counts.entry(counted).or_default() += 1;
        }
        Ok(counts)
    }
}

/// What the collector's tally says.
///
/// # Errors
/// When it cannot be read.
pub fn tally(database: &Path) -> anyhow::Result<Counts> {
    let centre = open(database)?;
    let mut query =
        centre.prepare("SELECT outcome, level, SUM(n) FROM tally GROUP BY outcome, level")?;
    let rows = query.query_map([], |row| {
        Ok(((row.get(0)?, row.get(1)?), row.get::<_, u64>(2)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What the collector says each stream's end is: watermark and chain.
///
/// # Errors
/// When it cannot be read.
pub fn watermarks(
    database: &Path,
) -> anyhow::Result<HashMap<(TerminalId, StreamId), (u64, ChainHash)>> {
    let centre = open(database)?;
    let mut query = centre.prepare("SELECT terminal_id, stream_id, watermark, hash FROM stream")?;
    let rows = query.query_map([], |row| {
        let whose = (
            TerminalId::from_bytes(row.get(0)?),
            StreamId::from_bytes(row.get(1)?),
        );
        Ok((whose, (row.get(2)?, ChainHash::from_bytes(row.get(3)?))))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How many rows a table of the collector has.
///
/// # Errors
/// When it cannot be read.
pub fn rows(database: &Path, table: &str) -> anyhow::Result<u64> {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    Ok(open(database)?.query_row(&sql, [], |row| row.get(0))?)
}

fn open(database: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY);
    connection.with_context(|| format!("could not open {}", database.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(seq: u64) -> Place {
        Place {
            terminal: TerminalId::from_bytes([1; 16]),
            stream: StreamId::from_bytes([2; 16]),
            seq,
        }
    }

    fn ledger(records: &[(u64, &str)]) -> Ledger {
        let mut ledger = Ledger::default();
        for (seq, bytes) in records {
            ledger.add(place(*seq), bytes.as_bytes().to_vec());
        }
        ledger
    }

    #[rstest::rstest]
    #[case::missing(&[(1, "a")], "here 1 times, there 0 times")]
    #[case::twice(&[(1, "a"), (2, "b"), (2, "b")], "here 1 times, there 2 times")]
    #[case::altered(&[(1, "a"), (2, "c")], "other bytes")]
    #[case::invented(&[(1, "a"), (2, "b"), (3, "c")], "here 0 times, there 1 times")]
    fn every_difference_is_told(#[case] there: &[(u64, &str)], #[case] words: &str) {
        let here = ledger(&[(1, "a"), (2, "b")]);
        assert_eq!(here.differences(&here.clone(), 9), Vec::<String>::new());
        let found = here.differences(&ledger(there), 9);
        assert!(found.iter().any(|line| line.contains(words)), "{found:?}");
    }

    #[test]
    fn a_gap_a_late_beginning_and_two_records_at_one_place_are_no_chain() {
        ledger(&[(1, "a"), (2, "b")]).chains().expect("a chain");
        for wrong in [
            [(1, "a"), (3, "c")],
            [(2, "b"), (3, "c")],
            [(1, "a"), (1, "a")],
        ] {
            ledger(&wrong).chains().expect_err("no chain");
        }
    }
}

//! A seeded life of a terminal and its daemon with the real journal, and a ledger of what it promised.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use manyi_shared::domain::{
    BootId, Call, ClockReading, HallId, Level, Outcome, Seq, ServiceEvent, StreamId, TerminalId,
    Watermark, WindowId, national_tags,
};
use manyi_shared::journal::{Backlog, Opening, Reader, Writer};
use manyi_shared::wire::{
    Amendment, ChainHash, Misuse, OutcomeRecord, Record, RecordBody, RecordTime,
};
use rusqlite::{Connection, OpenFlags};

use super::ledger::{Entry, Ledger, Moment};
use super::tape::Tape;
use crate::dice::Dice;

/// The journal's name in the folder of a story.
pub const JOURNAL: &str = "journal.sqlite";

/// The terminal of every story.
#[must_use]
pub fn terminal() -> TerminalId {
    TerminalId::from_bytes([0x51; 16])
}

/// How the terminal of every story opens its journal.
///
/// # Errors
/// Never, as the names in it are allowed.
pub fn opening() -> anyhow::Result<Opening> {
    Ok(Opening {
        suite: manyi_shared::wire::Suite::Ed25519Sha256,
        terminal: terminal(),
        hall: HallId::new("371581-01")?,
        window: WindowId::new("A01")?,
        software: "manyi-terminal power cuts".to_owned(),
    })
}

/// The clocks so many milliseconds after the boot.
#[must_use]
pub fn reading(uptime_ms: u64) -> ClockReading {
    ClockReading {
        wall_ms: 1_795_000_000_000_i64.saturating_add_unsigned(uptime_ms),
        uptime_ms,
        boot: BootId::from_bytes([0x52; 16]),
        synchronised: false,
    }
}

/// A life that is being recorded.
#[derive(Debug)]
pub struct Story<'a> {
    journal: PathBuf,
    tape: &'a Tape,
    /// The moment at which the tape began.
    base: Moment,
    ledger: Ledger,
    dice: Dice,
    terminal: Option<Terminal>,
    daemon: Option<Backlog>,
    uptime_ms: u64,
}

#[derive(Debug)]
struct Terminal {
    writer: Writer,
    opened: ClockReading,
    hash: ChainHash,
    ordinal: u32,
    ratings: Vec<(Seq, Level)>,
}

impl<'a> Story<'a> {
    /// Begins, or goes on after an end at moment `base`, in a folder that `tape` records.
    #[must_use]
    pub fn new(folder: &Path, tape: &'a Tape, base: Moment, ledger: Ledger, dice: Dice) -> Self {
        Self {
            journal: folder.join(JOURNAL),
            tape,
            base,
            ledger,
            dice,
            terminal: None,
            daemon: None,
            uptime_ms: 1_000,
        }
    }

    fn now(&self) -> Moment {
        self.base + self.tape.position()
    }

    /// Lives so many steps and hands the ledger over. Both programs end in order at the end.
    ///
    /// # Errors
    /// When the journal refuses anything: nothing is broken in a story, so nothing may be refused.
    pub fn live(mut self, steps: usize) -> anyhow::Result<Ledger> {
        self.open_terminal()?;
        for _ in 0..steps {
            self.step()?;
        }
        self.terminal = None;
        self.daemon = None;
        Ok(self.ledger)
    }

    fn step(&mut self) -> anyhow::Result<()> {
        match self.dice.below(100) {
            0..=54 => self.append(),
            55..=72 => self.send(),
            73..=77 => self.prune(),
            78..=81 => self.reserve(),
            82..=88 => self.checkpoint(),
            89..=93 => {
                // Often the last connection, which then checkpoints and removes the log.
                self.daemon = None;
                Ok(())
            }
            _ => {
                self.terminal = None;
                self.open_terminal()
            }
        }
    }

    fn open_terminal(&mut self) -> anyhow::Result<()> {
        self.uptime_ms += 500;
        let opened = reading(self.uptime_ms);
        let begun = self.now();
        let writer = Writer::open(&self.journal, &opening()?, opened)?;
        let thanked = self.now();
        let stream = writer.stream();
        let reader = Reader::open(&self.journal)?;
        let stored = reader.streams()?.into_iter().find(|s| s.id == stream);
        let stored = stored.context("the new stream is not in the journal")?;
        let first = reader.record(&stored, Seq::FIRST)?;
        let first = first.context("the new stream has no first record")?;
        self.ledger.streams.push(stream);
        let hash = ChainHash::genesis(terminal(), stream).extend(&first.bytes);
        self.enter(stream, Seq::FIRST, first.bytes, hash, begun, thanked);
        self.terminal = Some(Terminal {
            writer,
            opened,
            hash,
            ordinal: 0,
            ratings: Vec::new(),
        });
        Ok(())
    }

    fn enter(
        &mut self,
        stream: StreamId,
        seq: Seq,
        bytes: Vec<u8>,
        hash: ChainHash,
        begun: Moment,
        thanked: Moment,
    ) {
        self.ledger.entries.insert(
            (stream, seq),
            Entry {
                bytes,
                hash,
                begun,
                thanked: Some(thanked),
                sent: None,
                pruned: None,
            },
        );
    }

    fn append(&mut self) -> anyhow::Result<()> {
        let begun = self.now();
        self.uptime_ms += 1 + u64::from(self.dice.below(90_000));
        let now = reading(self.uptime_ms);
        let Some(terminal) = &mut self.terminal else {
            return Ok(());
        };
        let body = terminal.next_body(&mut self.dice);
        // The bytes are worked out here once more, so that the journal is not its own witness.
        let bytes = Record {
            at: RecordTime::between(&terminal.opened, &now),
            body: body.clone(),
        }
        .encode()?;
        let appended = terminal.writer.append(body, &now)?;
        terminal.hash = terminal.hash.extend(&bytes);
        anyhow::ensure!(appended.hash == terminal.hash, "the chain is another one");
        let (stream, hash) = (terminal.writer.stream(), terminal.hash);
        let thanked = self.now();
        self.enter(stream, appended.seq, bytes, hash, begun, thanked);
        Ok(())
    }

    /// The daemon sends a run; the centre takes it, or only its first part.
    fn send(&mut self) -> anyhow::Result<()> {
        let at_most = 1 + self.dice.index(8);
        self.open_daemon()?;
        let Some(daemon) = &mut self.daemon else {
            return Ok(());
        };
        let Some(run) = daemon.next_run(at_most, 64 * 1024, &[])? else {
            return Ok(());
        };
        let taken = 1 + self.dice.index(run.records.len());
        let sent = self.base + self.tape.position();
        let mut hash = run.base;
        for (place, bytes) in run.records.iter().take(taken).enumerate() {
            hash = hash.extend(bytes);
            let seq = run.first.plus(place as u64);
            let entry = self.ledger.entries.get_mut(&(run.stream, seq));
            let entry = entry.context("the daemon sends what was never sealed")?;
            anyhow::ensure!(entry.bytes == *bytes, "the daemon sends other bytes");
            entry.sent = entry.sent.or(Some(sent));
        }
        let watermark = Watermark::new(run.first.get() + taken as u64 - 1);
        daemon.acknowledge(run.stream, watermark, hash)?;
        Ok(())
    }

    fn prune(&mut self) -> anyhow::Result<()> {
        let keep = u64::from(self.dice.below(6));
        let begun = self.now();
        self.open_daemon()?;
        let before = self.present()?;
        let Some(daemon) = &mut self.daemon else {
            return Ok(());
        };
        daemon.prune(keep)?;
        let after = self.present()?;
        for key in before.difference(&after) {
            let entry = self.ledger.entries.get_mut(key);
            let entry = entry.context("something was pruned that was never sealed")?;
            anyhow::ensure!(entry.sent.is_some(), "pruned before the centre had it");
            entry.pruned = entry.pruned.or(Some(begun));
        }
        Ok(())
    }

    fn present(&self) -> anyhow::Result<BTreeSet<(StreamId, Seq)>> {
        let reader = Reader::open(&self.journal)?;
        let mut present = BTreeSet::new();
        for stream in reader.streams()? {
            reader.for_each_record(&stream, |record| {
                present.insert((stream.id, record.seq));
            })?;
        }
        Ok(present)
    }

    fn reserve(&mut self) -> anyhow::Result<()> {
        let count = 1 + self.dice.below(1000);
        self.open_daemon()?;
        let Some(daemon) = &mut self.daemon else {
            return Ok(());
        };
        let first = daemon.reserve_exchange_numbers(count, 1)?;
        let lowest = self.ledger.next_number(usize::MAX);
        anyhow::ensure!(first >= lowest, "number {first} was given out before");
        let below = first + u64::from(count);
        self.ledger.numbers.push((self.now(), below));
        Ok(())
    }

    /// What happens by itself after a thousand pages, and what an export does.
    fn checkpoint(&mut self) -> anyhow::Result<()> {
        let how = ["PASSIVE", "PASSIVE", "RESTART", "TRUNCATE"];
        let how = self.dice.pick(&how).copied().unwrap_or("PASSIVE");
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(&self.journal, flags)?;
        conn.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(()))?;
        Ok(())
    }

    fn open_daemon(&mut self) -> anyhow::Result<()> {
        if self.daemon.is_none() {
            self.daemon = Some(Backlog::open(&self.journal)?);
        }
        Ok(())
    }
}

impl Terminal {
    /// What is sealed next: mostly a rating, sometimes something about an earlier one.
    fn next_body(&mut self, dice: &mut Dice) -> RecordBody {
        let about = match dice.below(10) {
            0..=2 => dice.pick(&self.ratings).copied(),
            _ => None,
        };
        match about {
            Some((target, _)) if dice.percent(30) => RecordBody::Misuse(Misuse {
                target,
                kinds: Misuse::BURST,
                touches: 3,
                span_ms: 400,
            }),
            Some((target, level)) => RecordBody::Amendment(Amendment {
                target,
                level,
                tags: national_tags()
                    .of_level(level)
                    .take(1 + dice.index(3))
                    .map(|tag| tag.code)
                    .collect(),
                tag_set: None,
            }),
            None => {
                let level = dice.pick(&Level::ALL).copied();
                let level = level.unwrap_or(Level::VerySatisfied);
                self.ordinal += 1;
                self.ratings.push((self.writer.tip().plus(1), level));
                RecordBody::Outcome(OutcomeRecord {
                    ordinal: self.ordinal,
                    outcome: Outcome::Rated {
                        level,
                        tags: Vec::new(),
                    },
                    tag_set: None,
                    response_ms: Some(dice.below(9_000)),
                    event: ServiceEvent::default(),
                    call: Call::default(),
                })
            }
        }
    }
}

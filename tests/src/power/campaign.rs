//! Many stories, many cuts, one verdict.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Mutex;

use anyhow::{Context as _, anyhow};
use tempfile::TempDir;

use super::cut::survivors;
use super::disk::{Disk, Files, lay_out};
use super::judge::{Findings, judge};
use super::ledger::Ledger;
use super::story::{JOURNAL, Story};
use super::tape::{Event, Tape};
use crate::dice::Dice;

/// Which state: the story, how much of its tape was reached, and which way the unsynced survived.
/// Written as `story.cut.variant`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateId {
    /// The story's number under its seed.
    pub story: u64,
    /// How many events of the tape happened.
    pub cut: usize,
    /// Which survivors.
    pub variant: usize,
}

impl fmt::Display for StateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.story, self.cut, self.variant)
    }
}

impl FromStr for StateId {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mut parts = text.split('.');
        let mut part = || parts.next().and_then(|part| part.parse::<u64>().ok());
        let (Some(story), Some(cut), Some(variant)) = (part(), part(), part()) else {
            return Err(anyhow!("`{text}` is not of the form story.cut.variant"));
        };
        Ok(Self {
            story,
            cut: usize::try_from(cut)?,
            variant: usize::try_from(variant)?,
        })
    }
}

/// A sync that the disk only pretends to do: shows that the test finds what it looks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Sabotage {
    /// None: every sync is done.
    #[default]
    None,
    /// The write-ahead log is never synced; like `synchronous=OFF`, and for commits like `NORMAL`.
    Log,
    /// The database is never synced.
    Database,
    /// The folder is never synced.
    Folder,
}

impl Sabotage {
    fn swallows(self, event: &Event) -> bool {
        match self {
            Self::None => false,
            Self::Log => event.syncs(&format!("{JOURNAL}-wal")),
            Self::Database => event.syncs(JOURNAL),
            Self::Folder => *event == Event::SyncFolder,
        }
    }
}

/// A state in which something was not as promised.
#[derive(Debug, Clone)]
pub struct Failure {
    /// How to see it again.
    pub state: StateId,
    /// What was wrong.
    pub findings: Findings,
}

/// What a campaign found.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// States that were opened and compared.
    pub states: u64,
    /// Places at which the power was cut.
    pub cuts: u64,
    /// Thank-yous in the stories.
    pub thanked: u64,
    /// What was not as promised; at most [`MAX_FAILURES`] of them.
    pub failures: Vec<Failure>,
}

/// Steps of a story that touches everything a journal does.
pub const STEPS: usize = 40;

/// A campaign ends early with so many failures: they are all the same one by then.
pub const MAX_FAILURES: usize = 20;

impl Verdict {
    /// What failed, with the numbers to see it again.
    #[must_use]
    pub fn lines(&self, seed: u64) -> String {
        let failure = |failure: &Failure| {
            format!(
                "MANYI_POWER_SEED={seed} MANYI_POWER_STATE={}\n{}",
                failure.state,
                failure.findings.lines()
            )
        };
        self.failures.iter().map(failure).collect()
    }

    /// Counts another's states and failures as well.
    pub fn add(&mut self, other: Self) {
        self.states += other.states;
        self.cuts += other.cuts;
        self.thanked += other.thanked;
        self.failures.extend(other.failures);
    }
}

/// A story's tape and what it promised.
#[derive(Debug)]
pub struct Recording {
    number: u64,
    seed: u64,
    events: Vec<Event>,
    ledger: Ledger,
}

/// A folder in memory, where a sync costs nothing; in the usual place if the system has none.
///
/// # Errors
/// When neither can be made.
pub fn scratch() -> anyhow::Result<TempDir> {
    let in_memory = Path::new("/dev/shm");
    tempfile::tempdir_in(in_memory)
        .or_else(|_| tempfile::tempdir())
        .context("could not make a folder for the states")
}

/// Lives story `number` of a seed and records it.
///
/// # Errors
/// When the journal refuses something though nothing is broken.
pub fn record(seed: u64, number: u64, steps: usize) -> anyhow::Result<Recording> {
    let folder = scratch()?;
    let tape = Tape::start(folder.path())?;
    let dice = Dice::of(seed, number);
    let story = Story::new(folder.path(), &tape, 0, Ledger::default(), dice);
    let ledger = story
        .live(steps)
        .with_context(|| format!("story {number} of seed {seed}"))?;
    Ok(Recording {
        number,
        seed,
        events: tape.stop(),
        ledger,
    })
}

impl Recording {
    /// The seed it was told from.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Its number under the seed.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// What SQLite did.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What was promised.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How many places there are to cut at: before each event and after the last.
    #[must_use]
    pub fn cuts(&self) -> usize {
        self.events.len() + 1
    }

    /// How many thank-yous it has.
    #[must_use]
    pub fn thanked(&self) -> u64 {
        self.ledger.entries.len() as u64
    }

    /// What happened last before a cut, a line for each event.
    #[must_use]
    pub fn last_events(&self, cut: usize, lines: usize) -> Vec<String> {
        let numbered = self.events.iter().enumerate().take(cut);
        numbered
            .skip(cut.saturating_sub(lines))
            .map(|(number, event)| format!("{number:6} {event}"))
            .collect()
    }

    /// The disk at a cut, with the syncs that were really done.
    fn disk_at(&self, cut: usize, sabotage: Sabotage) -> Disk {
        let mut disk = Disk::default();
        for event in self.events.iter().take(cut) {
            if !sabotage.swallows(event) {
                disk.apply(event);
            }
        }
        disk
    }

    fn files(&self, disk: &Disk, cut: usize, variant: usize) -> Files {
        let pieces = disk.pieces();
        let number = (cut as u64) << 32 | variant as u64;
        let mut dice = Dice::of(self.seed ^ self.number.rotate_left(32), number);
        disk.after(&pieces, &survivors(disk, &pieces, variant, &mut dice))
    }

    fn look(&self, folder: &Path, files: &Files, cut: usize) -> anyhow::Result<Findings> {
        lay_out(folder, files)?;
        Ok(judge(folder, &self.ledger, cut).0)
    }

    /// One state again.
    ///
    /// # Errors
    /// When the files cannot be laid out.
    pub fn replay(&self, state: StateId, sabotage: Sabotage) -> anyhow::Result<(Files, Findings)> {
        let folder = scratch()?;
        let disk = self.disk_at(state.cut, sabotage);
        let files = self.files(&disk, state.cut, state.variant);
        let findings = self.look(folder.path(), &files, state.cut)?;
        Ok((files, findings))
    }

    /// Every cut, each in several variants; the cuts are shared out among threads. `done` hears of
    /// each cut how many states it was.
    ///
    /// # Errors
    /// When files cannot be laid out.
    pub fn cut_everywhere(
        &self,
        shape: Shape,
        done: &(dyn Fn(u64) + Sync),
    ) -> anyhow::Result<Verdict> {
        let threads = shape.threads.max(1);
        let verdict = Mutex::new(Verdict {
            thanked: self.thanked(),
            ..Verdict::default()
        });
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|own| {
                    let verdict = &verdict;
                    scope.spawn(move || {
                        self.share(own, shape, done)
                            .map(|found| locked(verdict).add(found))
                    })
                })
                .collect();
            workers.into_iter().try_for_each(|worker| {
                let ended = worker.join();
                ended.unwrap_or_else(|_| Err(anyhow!("a thread of the campaign panicked")))
            })
        })?;
        let mut verdict = std::mem::take(&mut *locked(&verdict));
        verdict.failures.sort_by_key(|failure| failure.state);
        Ok(verdict)
    }

    /// Every so manieth cut as there are threads, from `own` on.
    fn share(
        &self,
        own: usize,
        shape: Shape,
        done: &(dyn Fn(u64) + Sync),
    ) -> anyhow::Result<Verdict> {
        let Shape {
            variants, sabotage, ..
        } = shape;
        let folder = scratch()?;
        let mut verdict = Verdict::default();
        let mut disk = Disk::default();
        for cut in 0..self.cuts() {
            if cut % shape.threads.max(1) == own {
                for variant in 0..variants {
                    let files = self.files(&disk, cut, variant);
                    let findings = self.look(folder.path(), &files, cut)?;
                    if !findings.is_clean() {
                        let state = StateId {
                            story: self.number,
                            cut,
                            variant,
                        };
                        verdict.failures.push(Failure { state, findings });
                    }
                }
                verdict.cuts += 1;
                verdict.states += variants as u64;
                done(variants as u64);
                if verdict.failures.len() >= MAX_FAILURES {
                    break;
                }
            }
            if let Some(event) = self.events.get(cut).filter(|e| !sabotage.swallows(e)) {
                disk.apply(event);
            }
        }
        Ok(verdict)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Stories one after the other, each cut everywhere, until so many states were seen.
///
/// # Errors
/// When a story or a state cannot be made.
pub fn campaign(
    seed: u64,
    states: u64,
    shape: Shape,
    done: &(dyn Fn(u64) + Sync),
) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut number = 0;
    while verdict.states < states && verdict.failures.len() < MAX_FAILURES {
        let recording = record(seed, number, shape.steps)?;
        verdict.add(recording.cut_everywhere(shape, done)?);
        number += 1;
    }
    Ok(verdict)
}

/// How a campaign spends its states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Steps of a story.
    pub steps: usize,
    /// Ways of surviving at each cut.
    pub variants: usize,
    /// Threads.
    pub threads: usize,
    /// A sync that is only pretended.
    pub sabotage: Sabotage,
}

/// One tablet that dies again and again: by a power cut with any survivors, or killed, after which
/// the unsynced stays unsynced. What was promised in any life is looked for after every end.
///
/// # Errors
/// When a story or a state cannot be made, or the journal refuses something in a life.
pub fn many_deaths(seed: u64, number: u64, lives: usize, steps: usize) -> anyhow::Result<Verdict> {
    let mut dice = Dice::of(seed, number);
    let (living, looked_at) = (scratch()?, scratch()?);
    let mut verdict = Verdict::default();
    let mut disk = Disk::default();
    let (mut base, mut ledger) = (0, Ledger::default());
    for _ in 0..lives {
        lay_out(living.path(), &disk.visible())?;
        let tape = Tape::start(living.path())?;
        let own = Dice::new(dice.word());
        let story = Story::new(living.path(), &tape, base, ledger.clone(), own);
        let promised = story.live(steps)?;
        let events = tape.stop();
        let cut = dice.index(events.len() + 1);
        events.iter().take(cut).for_each(|event| disk.apply(event));
        base += cut;
        let killed = dice.percent(30);
        let variant = dice.index(64);
        let pieces = disk.pieces();
        let files = if killed {
            disk.visible()
        } else {
            disk.after(&pieces, &survivors(&disk, &pieces, variant, &mut dice))
        };
        lay_out(looked_at.path(), &files)?;
        let (findings, content) = judge(looked_at.path(), &promised, base);
        verdict.states += 1;
        verdict.cuts += 1;
        if !findings.is_clean() {
            let state = StateId {
                story: number,
                cut,
                variant,
            };
            verdict.failures.push(Failure { state, findings });
            break;
        }
        if killed {
            ledger = promised.after(base, None);
        } else {
            ledger = promised.after(
                base,
                Some(&|stream, seq| content.contains_key(&(stream, seq))),
            );
            disk = Disk::holding(files);
        }
    }
    verdict.thanked = ledger.entries.len() as u64;
    Ok(verdict)
}

//! Many stories on disks that lie, one verdict.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use manyi_shared::journal::Witness;

use super::campaign::{MAX_FAILURES, Recording, StateId, record, scratch};
use super::disk::Files;
use super::ledger::{Ledger, Moment};
use super::lie::{Lies, tell};
use super::salvage::{Note, Start, start};
use crate::dice::Dice;

/// States of one story.
const OF_A_STORY: u64 = 250;

/// A state in which something was not as it must be.
#[derive(Debug, Clone)]
pub struct Failure {
    /// How to see it again.
    pub state: StateId,
    /// How the disk lied.
    pub lies: Lies,
    /// What was wrong.
    pub start: Start,
}

/// What starts on lying disks led to.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// Starts.
    pub states: u64,
    /// Starts at which files were set aside.
    pub set_aside: u64,
    /// Records that are nowhere and are told as lost.
    pub told: usize,
    /// Records that are nowhere, in a journal in which nothing is wrong.
    pub traceless: usize,
    /// Readable records right behind a hole, which nothing proves: told as lost.
    pub behind_holes: usize,
    /// Other records that SQLite alone could still read, and that were told as lost instead of saved.
    pub missed: usize,
    /// Rescued records that are not as they were sealed.
    pub unproved: usize,
    /// The longest time until a rating could be sealed.
    pub slowest: Duration,
    /// What was not as it must be.
    pub failures: Vec<Failure>,
    /// States in which something was missed or is unproved.
    pub doubtful: Vec<Failure>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} starts on lying disks, {} of them set files aside: {} lost records told of, {} gone \
             without a trace, {} behind a hole, {} other readable ones not saved, {} rescued with other bytes, a rating sealed after {:?} at the latest, {} not as they must be",
            self.states,
            self.set_aside,
            self.told,
            self.traceless,
            self.behind_holes,
            self.missed,
            self.unproved,
            self.slowest,
            self.failures.len()
        )
    }
}

impl Verdict {
    fn add(&mut self, state: StateId, lies: Lies, start: Start) {
        self.states += 1;
        self.set_aside += u64::from(start.set_aside);
        self.told += start.told;
        self.traceless += start.traceless;
        self.behind_holes += start.behind_holes;
        self.missed += start.missed;
        self.unproved += start.unproved;
        self.slowest = self.slowest.max(start.took);
        if !start.findings.is_clean() {
            self.failures.push(Failure { state, lies, start });
        } else if !start.doubts.is_empty() {
            self.doubtful.push(Failure { state, lies, start });
        }
    }

    /// What failed, with the numbers to see it again.
    #[must_use]
    pub fn lines(&self, seed: u64) -> String {
        let failure = |failure: &Failure| {
            format!(
                "MANYI_POWER_SEED={seed} MANYI_POWER_LIE={} ({})\n{}{}\n",
                failure.state,
                failure.lies,
                failure.start.findings.lines(),
                failure.start.doubts.join("\n")
            )
        };
        let all = self.failures.iter().chain(&self.doubtful);
        all.map(failure).collect()
    }
}

/// One state: what a disk made of a story, and the start on it.
///
/// # Errors
/// When the files cannot be laid out.
pub fn one(recording: &Recording, variant: u64) -> anyhow::Result<(StateId, Lies, Start)> {
    let (folder, copy) = (scratch()?, scratch()?);
    let mut left = left(recording, variant)?;
    let ledger = recording.ledger();
    let cut = left.state.cut;
    let note = note(ledger, cut, &mut left.dice);
    let start = start(folder.path(), copy.path(), &left.files, ledger, cut, note)?;
    Ok((left.state, left.lies, start))
}

/// What a lying disk left of a story.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) state: StateId,
    pub(super) files: Files,
    pub(super) lies: Lies,
    pub(super) dice: Dice,
}

pub(super) fn left(recording: &Recording, variant: u64) -> anyhow::Result<Left> {
    let mut dice = Dice::of(
        recording.seed() ^ 0x11e5,
        (recording.number() << 32) | variant,
    );
    let cut = dice.index(recording.cuts());
    let (files, lies) = tell(recording.events(), cut, &mut dice);
    Ok(Left {
        state: StateId {
            story: recording.number(),
            cut,
            variant: usize::try_from(variant)?,
        },
        files,
        lies,
        dice,
    })
}

/// The note of the open prompt, as a cut may leave it: it is written when a question is shown and never
/// synced, so it may be the newest, an older one, or none.
fn note(ledger: &Ledger, cut: Moment, dice: &mut Dice) -> Note {
    let mut sealed: Vec<_> = ledger
        .entries
        .iter()
        .filter_map(|(place, entry)| Some((entry.thanked.filter(|at| *at <= cut)?, *place)))
        .collect();
    sealed.sort_unstable();
    let newest = sealed.last().copied();
    let left = match dice.below(10) {
        0..=6 => newest,
        7..=8 => dice.pick(&sealed).copied(),
        _ => None,
    };
    Note {
        witness: left.map(|(_, (stream, tip))| Witness { stream, tip }),
        is_newest: left.is_some() && left == newest,
    }
}

/// So many states, shared out among threads.
///
/// # Errors
/// When a story or a state cannot be made.
pub fn campaign(
    seed: u64,
    states: u64,
    steps: usize,
    threads: usize,
    done: &(dyn Fn(u64) + Sync),
) -> anyhow::Result<Verdict> {
    let verdict = Mutex::new(Verdict::default());
    let next = AtomicU64::new(0);
    let work = || -> anyhow::Result<()> {
        loop {
            let story = next.fetch_add(1, Ordering::Relaxed);
            let first = story * OF_A_STORY;
            if first >= states || found(&verdict) >= MAX_FAILURES {
                return Ok(());
            }
            let recording = record(seed, story, steps)?;
            for variant in 0..OF_A_STORY.min(states - first) {
                let (state, lies, start) = one(&recording, variant)?;
                verdict
                    .lock()
                    .map_err(|_| anyhow!("another thread panicked"))?
                    .add(state, lies, start);
                done(1);
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            let ended = worker.join();
            ended.unwrap_or_else(|_| Err(anyhow!("a thread of the campaign panicked")))
        })
    })?;
    verdict
        .into_inner()
        .map_err(|_| anyhow!("a thread of the campaign panicked"))
}

fn found(verdict: &Mutex<Verdict>) -> usize {
    verdict
        .lock()
        .map_or(usize::MAX, |verdict| verdict.failures.len())
}

//! Terminal, daemon and collector killed at random moments while citizens tap.
//!
//! A rating counts as thanked for once the prompt API said "ended", which is what puts the thanks on
//! the screen. Every visit has a case number of its own, by which its records are found again.
//!
//! `MANYI_KILLS` sets how many (`sh tests/run --long kills`: 1,000), `MANYI_KILLS_SEED` the seed. The
//! moments are drawn from the seed; what the programs do at these moments is theirs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use manyi_e2e::citizens::check;
use manyi_e2e::citizens::note;
use manyi_e2e::citizens::plan::{Answer, Citizen};
use manyi_e2e::citizens::tablet::Tablet;
use manyi_e2e::citizens::tally::Tally;
use manyi_e2e::dice::Dice;
use manyi_e2e::programs::Program;
use manyi_e2e::progress::bar;
use manyi_e2e::wait::{pause, wait_for};
use manyi_shared::domain::{Level, Outcome, PromptId};
use manyi_shared::journal::Reader;
use manyi_shared::tablet::DataDir;
use manyi_shared::wire::RecordBody;

use crate::office::hall;
use crate::rig::{COUNTED, Rig};

/// Kills in the suite; a fifth of them are the terminal's, which takes longest to come up again.
const KILLS: u32 = 100;

/// Quick pages, so that many citizens come; nothing beside the rating.
const PROFILE: &str = "ask_reasons = false\nguard_ms = 50\nthanks_seconds = 1\nask_seconds = 120\n\
                       heartbeat_seconds = 5\n";

/// How far a visit got before somebody died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// The terminal did not say that it took the prompt.
    Unposted,
    /// It took the prompt, and nobody has tapped.
    Posted,
    /// A level was tapped, and the terminal did not say that the prompt has ended.
    Tapped,
    /// The citizen was thanked.
    Thanked,
}

#[derive(Debug)]
struct Visit {
    case: String,
    level: Level,
    seen: Seen,
}

fn number_of(name: &str, usual: u32) -> u32 {
    std::env::var(name).map_or(usual, |number| number.parse().unwrap())
}

#[test]
fn whoever_is_killed_and_when_the_office_counts_what_citizens_were_thanked_for() {
    let kills = number_of("MANYI_KILLS", KILLS);
    let seed = u64::from(number_of("MANYI_KILLS_SEED", 1));
    let of_terminal = kills.div_ceil(5);
    let progress = bar(u64::from(kills), "kills");
    let mut rig = Rig::with_hall(hall(PROFILE).path()).unwrap();
    rig.enrol().unwrap();
    rig.start_sync().unwrap();
    rig.wait_for_profile().unwrap();
    let programs = (rig.collector.take().unwrap(), rig.sync.take().unwrap());
    let visits = std::thread::scope(|scope| {
        let shared = &rig;
        let others = scope.spawn(|| {
            let kills = kills - of_terminal;
            behind_the_glass(shared, programs, kills, Dice::of(seed, 1), &|| {
                progress.inc(1)
            })
        });
        let visits = at_the_glass(shared, of_terminal, Dice::of(seed, 2), &|| progress.inc(1));
        others.join().unwrap().unwrap();
        visits.unwrap()
    });
    progress.finish_and_clear();

    rig.start_collector().unwrap();
    rig.start_sync().unwrap();
    // Whoever was at the glass when the terminal died last is noted by its next start.
    rig.start_terminal().unwrap();
    let sealed = outcomes_by_case(&rig).unwrap();
    assert_eq!(
        faults(&visits, &sealed),
        Vec::<String>::new(),
        "seed {seed}"
    );
    let mut tally = Tally::default();
    sealed
        .values()
        .flatten()
        .for_each(|outcome| tally.add(outcome));
    let score = rig.score_of(tally.prompts()).unwrap();
    assert_eq!(
        (score.tally, score.mean),
        (tally, tally.mean()),
        "seed {seed}"
    );
    // The chain of every stream holds, and no amendment points nowhere.
    check::sealed_outcomes(&rig.tablet_dir()).unwrap();
    let with = |seen| visits.iter().filter(|visit| visit.seen == seen).count();
    assert!(with(Seen::Thanked) > 0, "nobody was thanked");
    note(format_args!(
        "kills: {kills}, {of_terminal} of them the terminal's; {} thanked, {} cut off after the tap, \
         {} before it: the office counts exactly what was sealed, and everything thanked for (seed {seed})",
        with(Seen::Thanked),
        with(Seen::Tapped),
        with(Seen::Posted) + with(Seen::Unposted),
    ));
}

/// Kills collector or daemon, starts it again, and leaves it a random time to do something. None of
/// them may end by itself.
fn behind_the_glass(
    rig: &Rig,
    (mut collector, mut sync): (Program, Program),
    kills: u32,
    mut dice: Dice,
    killed: &dyn Fn(),
) -> anyhow::Result<()> {
    for _ in 0..kills {
        pause(Duration::from_millis(50 + u64::from(dice.below(700))));
        collector.check_runs()?;
        sync.check_runs()?;
        if dice.percent(50) {
            collector.kill()?;
            collector = rig.launch_collector()?;
        } else {
            sync.kill()?;
            sync = rig.launch_sync()?;
        }
        killed();
    }
    Ok(())
}

/// Citizens come one after the other; at every second visit the terminal dies, and sometimes while it
/// starts.
fn at_the_glass(
    rig: &Rig,
    kills: u32,
    mut dice: Dice,
    killed: &dyn Fn(),
) -> anyhow::Result<Vec<Visit>> {
    let mut visits = Vec::new();
    for number in 1..=kills {
        if dice.percent(20) {
            // While it opens its journal, or looks back at what an earlier death left.
            let mut terminal = rig.launched_terminal()?;
            pause(Duration::from_millis(u64::from(dice.below(600))));
            terminal.check_runs()?;
            terminal.kill()?;
            killed();
            continue;
        }
        let mut terminal = rig.running_terminal()?;
        for (fatal, which) in [(false, "A"), (true, "B")] {
            let tablet = rig.tablet()?;
            let mut visit = Visit {
                case: format!("{which}-{number}"),
                level: dice.pick(&Level::ALL).copied().context("no level")?,
                seen: Seen::Unposted,
            };
            let dead = AtomicBool::new(false);
            if fatal {
                let moment = Duration::from_millis(u64::from(dice.below(450)));
                std::thread::scope(|scope| {
                    let killer = scope.spawn(|| {
                        pause(moment);
                        dead.store(true, Ordering::SeqCst);
                        terminal.kill()
                    });
                    let seen = go_through(&tablet, &mut visit, &dead);
                    killer.join().map_err(|_| anyhow::anyhow!("no killer"))??;
                    seen
                })?;
                killed();
            } else {
                go_through(&tablet, &mut visit, &dead)?;
                tablet.wait_until_ready()?;
            }
            visits.push(visit);
        }
    }
    Ok(visits)
}

/// One visit, as far as it gets. It is only an error when the terminal lives.
fn go_through(tablet: &Tablet<'_>, visit: &mut Visit, dead: &AtomicBool) -> anyhow::Result<()> {
    let is_dead = || dead.load(Ordering::SeqCst);
    let citizen = Citizen {
        item: None,
        staff: None,
        case_number: visit.case.clone(),
        answer: Answer::LeaveIt,
        look_ms: 0,
    };
    let prompt = match tablet.post(&citizen) {
        Ok(prompt) => prompt,
        Err(_) if is_dead() => return Ok(()),
        Err(error) => return Err(error),
    };
    visit.seen = Seen::Posted;
    if !comes_to(tablet, prompt, "asking", &is_dead)? {
        return Ok(());
    }
    pause(Duration::from_millis(
        u64::from(tablet.profile().guard_ms) + 60,
    ));
    // Several times, as people do: an early one may fall into the guard time.
    loop {
        if is_dead() {
            return Ok(());
        }
        visit.seen = Seen::Tapped;
        tablet.tap(tablet.layout().level(visit.level))?;
        let limit = Duration::from_millis(1500);
        let ended = wait_for("the thanks", limit, || {
            let ended = tablet.state(prompt).is_ok_and(|state| state == "ended");
            Ok((ended || is_dead()).then_some(ended))
        });
        if ended.is_ok_and(|ended| ended) {
            visit.seen = Seen::Thanked;
            return Ok(());
        }
    }
}

/// Whether a prompt comes to stand like this; not when the terminal dies before.
fn comes_to(
    tablet: &Tablet<'_>,
    prompt: PromptId,
    state: &str,
    is_dead: &dyn Fn() -> bool,
) -> anyhow::Result<bool> {
    wait_for(&format!("{prompt} to be {state}"), COUNTED, || {
        let stands = tablet.state(prompt).is_ok_and(|now| now == state);
        Ok((stands || is_dead()).then_some(stands))
    })
}

/// Every outcome in the tablet's journal by its case number.
fn outcomes_by_case(rig: &Rig) -> anyhow::Result<BTreeMap<String, Vec<Outcome>>> {
    let reader = Reader::open(&DataDir::new(rig.tablet_dir()).journal())?;
    let mut cases: BTreeMap<String, Vec<Outcome>> = BTreeMap::new();
    for stream in reader.streams()? {
        let mut odd = None;
        reader.for_each_record(&stream, |record| match record.decode() {
            Ok(record) => {
                if let RecordBody::Outcome(outcome) = record.body {
                    let case = outcome.event.case_number;
                    let case = case.map_or_else(String::new, |case| case.as_str().to_owned());
                    cases.entry(case).or_default().push(outcome.outcome);
                }
            }
            Err(error) => odd = Some(error),
        })?;
        ensure!(odd.is_none(), "a record cannot be read: {odd:?}");
    }
    Ok(cases)
}

/// What is not as the visits went.
fn faults(visits: &[Visit], sealed: &BTreeMap<String, Vec<Outcome>>) -> Vec<String> {
    let mut faults: Vec<String> = visits
        .iter()
        .filter_map(|visit| {
            let outcomes = sealed.get(&visit.case).map_or(&[][..], Vec::as_slice);
            let rated = Outcome::Rated {
                level: visit.level,
                tags: Vec::new(),
            };
            let good = match (visit.seen, outcomes) {
                (Seen::Thanked, [one]) => *one == rated,
                (Seen::Tapped, [one]) => *one == rated || matches!(one, Outcome::Fault(_)),
                (Seen::Posted | Seen::Unposted, [one]) => matches!(one, Outcome::Fault(_)),
                (Seen::Posted | Seen::Unposted, []) => true,
                _ => false,
            };
            (!good).then(|| format!("{visit:?} is sealed as {outcomes:?}"))
        })
        .collect();
    for (case, outcomes) in sealed {
        if !visits.iter().any(|visit| visit.case == *case) {
            faults.push(format!("nobody came as {case:?}: {outcomes:?}"));
        }
    }
    faults
}

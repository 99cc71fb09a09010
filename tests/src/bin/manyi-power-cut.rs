//! Cuts the power of the journal as often as asked and says whether anything was lost.
//!
//! Exit status: 0 nothing lost, doubled or altered; 1 something; 2 wrong arguments.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use manyi_e2e::citizens::{note, plan::any_seed};
use manyi_e2e::power::campaign::{
    self, Failure, Sabotage, Shape, StateId, Verdict, many_deaths, record,
};
use manyi_e2e::power::liars;
use manyi_e2e::progress::bar;

/// Lives of a deadly tablet, and steps in each.
const LIVES: usize = 12;
const STEPS_OF_A_LIFE: usize = 12;

/// Simulated power cuts of the journal, each opened by the real code and compared
#[derive(Debug, Parser)]
#[command(name = "manyi-power-cut", version)]
struct Args {
    /// How many states to look at
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    states: u64,
    /// Which stories are told; the same seed tells the same (default: drawn)
    #[arg(long, value_name = "S", env = "MANYI_POWER_SEED")]
    seed: Option<u64>,
    /// Look at this one state (story.cut.variant, as a failure prints it) and say what is in it
    #[arg(long, value_name = "ID", env = "MANYI_POWER_STATE")]
    state: Option<StateId>,
    /// Ways in which the unsynced survives, at each cut
    #[arg(long, value_name = "N", default_value_t = 60)]
    variants: usize,
    /// Disks that lie instead of cuts: pretended syncs, flipped bits, lost sectors
    #[arg(long)]
    lies: bool,
    /// A sync that the disk shall only pretend to do: shows that losses are found
    #[arg(long, value_name = "SYNC", value_enum, default_value_t = Sabotage::None)]
    leave_out: Sabotage,
    /// Steps of a story
    #[arg(long, value_name = "N", default_value_t = campaign::STEPS)]
    steps: usize,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            note(format_args!("power-cut: {error:#}"));
            ExitCode::from(1)
        }
    }
}

fn run(args: &Args) -> anyhow::Result<bool> {
    let seed = args.seed.unwrap_or_else(any_seed);
    match args.state {
        Some(state) if args.lies => return one_lie(seed, state, args),
        Some(state) => return one(seed, state, args),
        None => {}
    }
    note(format_args!("seed {seed}"));
    if args.lies {
        return lies(seed, args);
    }
    let shape = Shape {
        steps: args.steps,
        variants: args.variants,
        sabotage: args.leave_out,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    };
    let bar = bar(args.states, "states");
    let verdict = campaign::campaign(seed, args.states, shape, &|states| bar.inc(states))?;
    bar.finish_and_clear();
    let deaths = deaths(seed, args.states)?;
    for (kind, found) in [("cuts", &verdict), ("deaths", &deaths)] {
        if !found.failures.is_empty() {
            note(format_args!("{kind}:\n{}", found.lines(seed)));
        }
    }
    let [lost, doubled, altered, unreadable] = count(&verdict, &deaths);
    note(format_args!(
        "power-cut: {} states of {} cuts and {} deaths in a row, {} thank-yous: {lost} lost, \
         {doubled} doubled, {altered} altered, {unreadable} unreadable (seed {seed})",
        verdict.states, verdict.cuts, deaths.states, verdict.thanked,
    ));
    Ok(verdict.failures.is_empty() && deaths.failures.is_empty())
}

fn lies(seed: u64, args: &Args) -> anyhow::Result<bool> {
    let bar = bar(args.states, "starts on lying disks");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let verdict = liars::campaign(seed, args.states, args.steps, threads, &|states| {
        bar.inc(states)
    })?;
    bar.finish_and_clear();
    let lines = verdict.lines(seed);
    if !lines.is_empty() {
        note(format_args!("{lines}"));
    }
    note(format_args!("power-cut: {verdict} (seed {seed})"));
    Ok(verdict.failures.is_empty())
}

/// One in a hundred states is spent on tablets that die again and again.
fn deaths(seed: u64, states: u64) -> anyhow::Result<Verdict> {
    let tablets = states.div_ceil(100 * LIVES as u64);
    let bar = bar(tablets, "tablets that die again and again");
    let mut all = Verdict::default();
    for number in 0..tablets {
        all.add(many_deaths(seed, number, LIVES, STEPS_OF_A_LIFE)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(all)
}

fn count(cuts: &Verdict, deaths: &Verdict) -> [usize; 4] {
    let failures = || cuts.failures.iter().chain(&deaths.failures);
    let with = |pick: fn(&Failure) -> bool| failures().filter(|failure| pick(failure)).count();
    [
        with(|failure| !failure.findings.lost.is_empty()),
        with(|failure| !failure.findings.duplicated.is_empty()),
        with(|failure| !failure.findings.altered.is_empty()),
        with(|failure| !failure.findings.unreadable.is_empty()),
    ]
}

fn one_lie(seed: u64, state: StateId, args: &Args) -> anyhow::Result<bool> {
    let recording = record(seed, state.story, args.steps)?;
    let (_, lies, start) = liars::one(&recording, u64::try_from(state.variant)?)?;
    note(format_args!(
        "{lies}: files set aside: {}, {} lost records told of, {} gone without a trace\n{}{}",
        start.set_aside,
        start.told,
        start.traceless,
        start.findings.lines(),
        start.doubts.join("\n")
    ));
    Ok(start.findings.is_clean())
}

fn one(seed: u64, state: StateId, args: &Args) -> anyhow::Result<bool> {
    let recording = record(seed, state.story, args.steps)?;
    for line in recording.last_events(state.cut, 12) {
        note(format_args!("{line}"));
    }
    let (files, findings) = recording.replay(state, args.leave_out)?;
    for (name, content) in &files {
        note(format_args!("{name}: {} bytes", content.len()));
    }
    let verdict = if findings.is_clean() {
        "as promised"
    } else {
        "not as promised"
    };
    note(format_args!(
        "state {state} of seed {seed}: {verdict}\n{}",
        findings.lines()
    ));
    Ok(findings.is_clean())
}

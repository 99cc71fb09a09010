//! What the terminal costs: time from process start to the first frame, memory, and idle time.
//!
//! `cargo build --release -p manyi-terminal && cargo bench -p manyi-e2e --bench terminal [-- STARTS]`
//!
//! Starts the built terminal under Xvfb with the software renderer, as often as asked (default 10).
//! Each time: the time to the first frame as the terminal logs it, then memory on the idle page, then
//! on the page with the question after it has been shown in all eight languages, one after the other,
//! by taps on the language switch. In the last start, 60 seconds on the idle page without
//! announcements follow. Memory is PSS from `/proc/PID/smaps_rollup`; pages of libraries that other
//! processes map count in part. Processor time is from `/proc/PID/stat`.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench"
)]

mod common;

use std::time::{Duration, Instant};

use common::{SOON, Terminal};
use manyi_e2e::canvas::Canvas;
use manyi_e2e::display::Display;
use manyi_e2e::figures::Figures;
use manyi_e2e::invented;
use manyi_e2e::layout::{Layout, Point};
use manyi_e2e::places::{self, Reading};
use manyi_e2e::pointer::Pointer;
use manyi_e2e::usage::{cpu_seconds, pss_kib};
use manyi_e2e::wait::{pause, wait_for};
use manyi_shared::domain::Language;

/// How long the idle terminal is watched.
const IDLE: Duration = Duration::from_secs(60);

/// One start's figures.
struct Start {
    first_frame_ms: f64,
    idle_mib: f64,
    asking_mib: f64,
    /// Of one core.
    idle_percent: Option<f64>,
}

/// A terminal whose glass is touched.
struct Hand<'a> {
    canvas: &'a Canvas,
    pointer: Pointer,
    guard: Duration,
}

impl Hand<'_> {
    /// Waits until a page is painted.
    fn page(&self, what: &str) {
        wait_for(what, SOON, || {
            let painted = self.canvas.painted()?;
            Ok(painted.filter(|p| self.canvas.is_page(*p)).map(drop))
        })
        .unwrap();
    }

    fn tap(&self, at: Point) {
        pause(self.guard + Duration::from_millis(50));
        while self.canvas.painted().unwrap().is_some() {}
        let area = self.pointer.window().unwrap().unwrap();
        self.pointer.tap(area, at).unwrap();
    }
}

fn mib(terminal: &Terminal) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "kilobytes of one process")]
    let kib = pss_kib(terminal.program.id()).unwrap() as f64;
    kib / 1024.0
}

fn start_once(display: &str, watch_idle: bool) -> Start {
    let folder = tempfile::tempdir().unwrap();
    let profile = invented::profile();
    let canvas = Canvas::watch(display).unwrap();
    let mut terminal = Terminal::launch(display, folder.path(), &profile);
    let first_frame_ms = wait_for("the first frame", SOON, || {
        terminal.program.check_runs()?;
        let log = format!("{}{}", terminal.program.stdout(), terminal.program.stderr());
        Ok(log.lines().find_map(|line| {
            let (_, rest) = line.split_once("since_process_start_ms=")?;
            rest.split_whitespace().next()?.parse().ok()
        }))
    })
    .unwrap();
    terminal.wait_until_ready();
    let idle_mib = mib(&terminal);
    let idle_percent = watch_idle.then(|| idle_percent(&terminal));
    let hand = Hand {
        canvas: &canvas,
        pointer: Pointer::connect(Some(display)).unwrap(),
        guard: Duration::from_millis(profile.guard_ms.into()),
    };
    while canvas.painted().unwrap().is_some() {}
    terminal.ask();
    hand.page("the question");
    let asking_mib = after_all_languages(&terminal, &hand);
    // The question must still be there: whoever taps beside the switch has measured something else.
    let decline = Layout::of(1280, 800, false).unwrap().decline();
    hand.tap(decline);
    terminal.wait_until_ready();
    Start {
        first_frame_ms,
        idle_mib,
        asking_mib,
        idle_percent,
    }
}

/// The most that the terminal has while every language is shown once, and the first one again.
fn after_all_languages(terminal: &Terminal, hand: &Hand<'_>) -> f64 {
    let mut reading = Reading::FromLeft;
    let mut most = mib(terminal);
    let round = Language::ALL.iter().skip(1).chain([&Language::ZhHans]);
    for wanted in round {
        hand.tap(places::languages(reading));
        hand.page("the choice of languages");
        hand.tap(places::language(*wanted, reading));
        hand.page(wanted.code());
        reading = Reading::of(*wanted);
        most = most.max(mib(terminal));
    }
    most
}

/// Processor time of a minute on the idle page, in percent of one core.
fn idle_percent(terminal: &Terminal) -> f64 {
    // What the start left to do is done by then.
    pause(Duration::from_secs(5));
    let used = || cpu_seconds(terminal.program.id()).unwrap();
    let (before, start) = (used(), Instant::now());
    pause(IDLE);
    100.0 * (used() - before) / start.elapsed().as_secs_f64()
}

fn main() {
    let starts: usize = std::env::args()
        .filter_map(|a| a.parse().ok())
        .next()
        .unwrap_or(10)
        .max(1);
    let folder = tempfile::tempdir().unwrap();
    let display = Display::start(1280, 800, folder.path()).unwrap();
    // The first start reads the program from disk and fills fontconfig's cache; it is not counted.
    start_once(display.name(), false);
    let runs: Vec<Start> = (1..=starts)
        .map(|n| start_once(display.name(), n == starts))
        .collect();
    let report = |what: &str, pick: fn(&Start) -> f64| {
        let figures = Figures::of(runs.iter().map(pick)).unwrap();
        println!("{what:<42}{figures}");
        figures
    };
    report("process start to first frame, ms", |r| r.first_frame_ms);
    report("memory on the idle page, MiB", |r| r.idle_mib);
    let asking = report("memory asking, after eight languages, MiB", |r| {
        r.asking_mib
    });
    let idle = runs.last().and_then(|r| r.idle_percent).unwrap();
    println!("idle, of one core over {IDLE:?}: {idle:.3} %");
    let verdict = |good: bool| if good { "met" } else { "NOT MET" };
    println!(
        "goal, memory at most 40 MiB: {}",
        verdict(asking.percentile(100) <= 40.0)
    );
    println!("goal, idle under 1 %: {}", verdict(idle < 1.0));
}

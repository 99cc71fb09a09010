//! What the terminal costs: time from process start to the first frame, and memory.
//!
//! `cargo build --release -p manyi-terminal && cargo bench -p manyi-e2e --bench terminal [-- STARTS]`
//!
//! Starts the built terminal under Xvfb with the software renderer, as often as asked (default 10),
//! and reports the median and the range. Memory is PSS from `/proc/PID/smaps_rollup` once the first
//! frame is drawn; pages of libraries that other processes map count in part.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench"
)]

use std::process::Command;
use std::time::Duration;

use manyi_e2e::display::Display;
use manyi_e2e::programs::{Program, binary};
use manyi_e2e::wait::wait_for;

const SOON: Duration = Duration::from_secs(60);

/// Milliseconds to the first frame, and PSS in KiB.
fn start_once(display: &str, number: usize) -> (u64, u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary("manyi-terminal").unwrap());
    command
        .arg("--data-dir")
        .arg(folder.path().join("data"))
        .env("DISPLAY", display)
        .env("MANYI_BACKEND", "window")
        .env(
            "MANYI_LISTEN",
            format!("127.0.0.1:{}", manyi_e2e::programs::free_port().unwrap()),
        );
    let mut program =
        Program::start(&format!("terminal-{number}"), &mut command, folder.path()).unwrap();
    let first_frame = wait_for("the first frame", SOON, || {
        program.check_runs()?;
        let log = format!("{}{}", program.stdout(), program.stderr());
        Ok(log.lines().find_map(|line| {
            let (_, rest) = line.split_once("since_process_start_ms=")?;
            rest.split_whitespace().next()?.parse().ok()
        }))
    });
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", program.id())).unwrap();
    let pss = rollup.lines().find_map(|line| {
        line.strip_prefix("Pss:")?
            .trim()
            .trim_end_matches("kB")
            .trim()
            .parse()
            .ok()
    });
    (first_frame.unwrap(), pss.unwrap())
}

fn report(what: &str, unit: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let median = values.get(values.len() / 2).copied().unwrap_or_default();
    let (low, high) = (values.first().unwrap(), values.last().unwrap());
    println!(
        "{what:<22} median {median:7.1} {unit}, range {low:.1} to {high:.1}, {} starts",
        values.len()
    );
}

fn main() {
    let starts: usize = std::env::args()
        .filter_map(|a| a.parse().ok())
        .next()
        .unwrap_or(10);
    let folder = tempfile::tempdir().unwrap();
    let display = Display::start(1280, 800, folder.path()).unwrap();
    // The first start reads the program from disk and fills fontconfig's cache; it is not counted.
    start_once(display.name(), 0);
    let runs: Vec<(u64, u64)> = (1..=starts)
        .map(|n| start_once(display.name(), n))
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "small figures")]
    let of =
        |pick: fn(&(u64, u64)) -> u64, by: f64| runs.iter().map(|r| pick(r) as f64 / by).collect();
    report("start to first frame", "ms", of(|r| r.0, 1.0));
    report("memory (PSS)", "MiB", of(|r| r.1, 1024.0));
}

//! The terminal's start beside that of Chromium with a comparable page; `sh tests/cold-start` runs it.
//!
//! Both are started anew, in turns, under the same Xvfb, with fresh folders each time. Time runs from
//! just before the process is started to the first painting after which the screen shows words: the
//! same eye, DAMAGE and pixels, for both. The page cache is warm for both, because only root may empty
//! it; the first start of each is not counted.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    reason = "a bench, which needs only a part of what benches share"
)]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{SOON, Terminal};
use manyi_e2e::canvas::Canvas;
use manyi_e2e::display::Display;
use manyi_e2e::figures::Figures;
use manyi_e2e::invented;
use manyi_e2e::programs::Program;
use manyi_e2e::wait::{pause, wait_until};

/// A still page with the same question: as little work for a browser as possible.
const PAGE: &str = r#"<!doctype html>
<html lang="zh-Hans"><meta charset="utf-8"><title>满意</title>
<style>
body { margin: 0; background: #f7f8fa; font-family: sans-serif; text-align: center }
h1 { margin: 80px 40px; font-size: 44px }
main { display: flex; gap: 24px; margin: 0 40px }
button { flex: 1; height: 340px; font-size: 36px; background: #fff; border: 2px solid #1f4e79 }
</style>
<h1>您好，您的业务已全部办结，请对我们的服务进行评价，谢谢！</h1>
<main><button>非常满意</button><button>满意</button><button>基本满意</button><button>不满意</button><button>非常不满意</button></main>
"#;

/// Waits until the screen shows words; answers when they were painted.
fn words_on(canvas: &Canvas, program: &mut Program, start: Instant) -> Duration {
    loop {
        // Of rectangles that came together the last: by then all of them are there.
        let mut last = None;
        while let Some(painted) = canvas.painted().unwrap() {
            last = Some(painted.at);
        }
        if let Some(at) = last
            && canvas.shows_something().unwrap()
        {
            return at.saturating_duration_since(start);
        }
        program.check_runs().unwrap();
        assert!(start.elapsed() < SOON, "nothing was painted");
        pause(Duration::from_micros(200));
    }
}

/// The screen as it was before anything ran.
fn wait_until_empty(canvas: &Canvas) {
    wait_until("an empty screen", SOON, || {
        !canvas.shows_something().unwrap()
    })
    .unwrap();
}

fn terminal(display: &str, canvas: &Canvas, folder: &Path) -> Duration {
    let profile = invented::profile();
    let start = Instant::now();
    let mut terminal = Terminal::launch(display, folder, &profile);
    let took = words_on(canvas, &mut terminal.program, start);
    // What was so quick is a terminal that asks.
    terminal.wait_until_ready();
    terminal.ask();
    took
}

fn chromium(program: &str, display: &str, canvas: &Canvas, folder: &Path) -> Duration {
    let page = folder.join("page.html");
    std::fs::write(&page, PAGE).unwrap();
    let mut command = Command::new(program);
    command
        .args(["--kiosk", "--no-sandbox", "--no-first-run"])
        .args(["--no-default-browser-check", "--window-size=1280,800"])
        .arg(format!("--user-data-dir={}", folder.join("user").display()))
        .arg(format!("file://{}", page.display()))
        .env("DISPLAY", display);
    let start = Instant::now();
    let mut browser = Program::start("chromium", &mut command, folder).unwrap();
    words_on(canvas, &mut browser, start)
}

fn main() {
    let starts: usize = std::env::args()
        .filter_map(|a| a.parse().ok())
        .next()
        .unwrap_or(10);
    let program = std::env::var("CHROMIUM").unwrap_or_else(|_| "chromium".to_owned());
    let folder = tempfile::tempdir().unwrap();
    let display = Display::start(1280, 800, folder.path()).unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for n in 0..=starts {
        for own in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let canvas = Canvas::watch(display.name()).unwrap();
            wait_until_empty(&canvas);
            let time = if own {
                terminal(display.name(), &canvas, folder.path())
            } else {
                chromium(&program, display.name(), &canvas, folder.path())
            };
            if n > 0 {
                if own { &mut ours } else { &mut theirs }.push(time);
            }
        }
    }
    let ours = Figures::of_times(ours).unwrap();
    let theirs = Figures::of_times(theirs).unwrap();
    println!("terminal   ms  {ours}");
    println!("chromium   ms  {theirs}");
    let part = ours.median() / theirs.median();
    println!(
        "the terminal's median is {:.1} % of Chromium's",
        100.0 * part
    );
    let verdict = if part <= 0.1 { "met" } else { "NOT MET" };
    println!("goal, at most a tenth: {verdict}");
}

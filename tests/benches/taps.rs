//! From a tap on a level to the next frame, to the next page, and to the record on the disk.
//!
//! `cargo build --release -p manyi-terminal && cargo bench -p manyi-e2e --bench taps [-- TAPS]`
//!
//! The built terminal runs in a window of 1280x800 under Xvfb with the software renderer; a finger is
//! an XTEST button. All times begin just before the request that lifts the finger is sent:
//!
//! - **frame**: the first rectangle that is painted afterwards (DAMAGE events);
//! - **page**: the first one that covers more than half of the screen, which is the next page;
//! - **durable**: another connection's `PRAGMA data_version` changes. `SQLite` makes a commit visible
//!   to others only after the log is synced (WAL with `synchronous=FULL`), so what is seen is durable.
//!
//! It looks about every tenth of a millisecond. Beside every tap, one row is committed to a fresh
//! database in the same folder, with the same settings, by this program: what the machine itself
//! needs. The folder is under `CARGO_TARGET_TMPDIR`, because `/tmp` is in memory on many machines.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench"
)]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{SOON, Terminal};
use manyi_e2e::canvas::Canvas;
use manyi_e2e::display::Display;
use manyi_e2e::figures::Figures;
use manyi_e2e::invented;
use manyi_e2e::layout::Layout;
use manyi_e2e::pointer::Pointer;
use manyi_e2e::wait::{pause, wait_for};
use manyi_shared::domain::Level;
use manyi_shared::tablet::DataDir;
use rusqlite::{Connection, OpenFlags};

/// How often everything is looked at.
const LOOK: Duration = Duration::from_micros(50);
/// How long the finger rests on the glass.
const TAP: Duration = Duration::from_millis(60);
/// Taps before the first one that counts.
const WARM_UP: usize = 20;
/// What `shared` writes for one rating, in bytes, roughly; the bare commit writes as much.
const RECORD_BYTES: usize = 100;

/// One tap's times.
#[derive(Debug, Clone, Copy)]
struct Tap {
    frame: Duration,
    page: Duration,
    durable: Duration,
    bare: Duration,
}

struct Bench {
    terminal: Terminal,
    canvas: Canvas,
    pointer: Pointer,
    layout: Layout,
    guard: Duration,
    journal: Connection,
    bare: Connection,
    _display: Display,
}

impl Bench {
    fn start(folder: &Path) -> Self {
        let display = Display::start(1280, 800, folder).unwrap();
        let canvas = Canvas::watch(display.name()).unwrap();
        let profile = invented::profile();
        let mut terminal = Terminal::launch(display.name(), folder, &profile);
        terminal.wait_until_ready();
        let path = DataDir::new(folder.join("data")).journal();
        let journal = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        Self {
            terminal,
            canvas,
            pointer: Pointer::connect(Some(display.name())).unwrap(),
            layout: Layout::of(1280, 800, profile.mirrored).unwrap(),
            guard: Duration::from_millis(profile.guard_ms.into()),
            journal,
            bare: bare_database(&folder.join("bare.sqlite")),
            _display: display,
        }
    }

    /// Asks, waits for the question, and taps.
    fn tap(&mut self, level: Level) -> Tap {
        let bare = self.commit();
        self.drain();
        self.terminal.ask();
        wait_for("the question", SOON, || {
            let page = self.canvas.painted()?.filter(|p| self.canvas.is_page(*p));
            Ok(page.map(drop))
        })
        .unwrap();
        pause(self.guard + Duration::from_millis(30));
        let area = self.pointer.window().unwrap().unwrap();
        self.pointer
            .move_to(area, self.layout.level(level))
            .unwrap();
        self.pointer.press().unwrap();
        pause(TAP);
        self.drain();
        let before = self.data_version();
        let start = Instant::now();
        self.pointer.release().unwrap();
        let (mut frame, mut page, mut durable) = (None, None, None);
        while page.is_none() || durable.is_none() {
            if durable.is_none() && self.data_version() != before {
                durable = Some(start.elapsed());
            }
            while let Some(painted) = self.canvas.painted().unwrap() {
                let at = painted.at.saturating_duration_since(start);
                frame.get_or_insert(at);
                if self.canvas.is_page(painted) {
                    page.get_or_insert(at);
                }
            }
            assert!(start.elapsed() < SOON, "{frame:?} {page:?} {durable:?}");
            pause(LOOK);
        }
        Tap {
            frame: frame.unwrap(),
            page: page.unwrap(),
            durable: durable.unwrap(),
            bare,
        }
    }

    fn drain(&self) {
        while self.canvas.painted().unwrap().is_some() {}
    }

    fn data_version(&self) -> i64 {
        let mut version = self.journal.prepare_cached("PRAGMA data_version").unwrap();
        version.query_row([], |row| row.get(0)).unwrap()
    }

    /// The time of one bare commit.
    fn commit(&self) -> Duration {
        let mut insert = self
            .bare
            .prepare_cached("INSERT INTO record (bytes) VALUES (?1)")
            .unwrap();
        let bytes = [7_u8; RECORD_BYTES];
        let start = Instant::now();
        insert.execute([bytes.as_slice()]).unwrap();
        start.elapsed()
    }
}

fn bare_database(path: &Path) -> Connection {
    let database = Connection::open(path).unwrap();
    let mode: String = database
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    database.execute_batch("PRAGMA synchronous = FULL").unwrap();
    database
        .execute_batch("CREATE TABLE record (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT")
        .unwrap();
    database
}

fn main() {
    let taps: usize = std::env::args()
        .filter_map(|a| a.parse().ok())
        .next()
        .unwrap_or(1000);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut bench = Bench::start(folder.path());
    let mut measured = Vec::with_capacity(taps);
    for n in 0..WARM_UP + taps {
        let tap = bench.tap(Level::ALL[n % Level::ALL.len()]);
        if n >= WARM_UP {
            measured.push(tap);
        }
    }
    let report = |what: &str, pick: fn(&Tap) -> Duration| {
        let figures = Figures::of_times(measured.iter().map(pick)).unwrap();
        println!("{what:<28} ms  {figures}");
        figures
    };
    report("tap to next frame", |tap| tap.frame);
    let page = report("tap to next page", |tap| tap.page);
    let durable = report("tap to durable", |tap| tap.durable);
    let bare = report("bare commit, WAL and FULL", |tap| tap.bare);
    for percent in [50, 99] {
        let (a, b) = (durable.percentile(percent), bare.percentile(percent));
        println!(
            "p{percent} of tap to durable is {:.2} times the bare commit's",
            a / b
        );
    }
    let verdict = |good: bool| if good { "met" } else { "NOT MET" };
    let ratio = durable.percentile(99) / bare.percentile(99);
    println!(
        "goal, p99 of tap to durable at most 1.5 times: {}",
        verdict(ratio <= 1.5)
    );
    println!(
        "goal, p99 of tap to page under 50 ms: {}",
        verdict(page.percentile(99) < 50.0)
    );
}

//! The real program in a real window: an idle page proves that it paints, and one that cannot paint
//! does not.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use manyi_shared::tablet::{DataDir, MAX_WAKE_BYTES, Told, WakeListener};
use manyi_shared::wire::{Painting, SCREEN_STALE_MS, Screen, ShownPage};

#[path = "common/office.rs"]
mod office;
#[path = "common/profile.rs"]
mod profile;

/// Three tellings on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// Ended on drop, also when it was stopped.
struct Running(Child);

impl Running {
    fn signal(&self, signal: rustix::process::Signal) {
        let id = i32::try_from(self.0.id()).expect("a process id");
        let process = rustix::process::Pid::from_raw(id).expect("a process id");
        rustix::process::kill_process(process, signal).expect("a signal is sent");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap_or_default();
        self.0.wait().map(drop).unwrap_or_default();
    }
}

fn display() -> (Running, String) {
    let mut server = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "800x500x24"])
        .args(["-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Xvfb is installed");
    let mut number = String::new();
    let output = server.stdout.take().expect("it was piped");
    BufReader::new(output)
        .read_line(&mut number)
        .expect("Xvfb says its number");
    (Running(server), format!(":{}", number.trim()))
}

fn terminal(data: &Path, display: &str) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_manyi-terminal"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MANYI_") {
            command.env_remove(name);
        }
    }
    let started = command
        .arg("--data-dir")
        .arg(data)
        .env("MANYI_LISTEN", "127.0.0.1:0")
        .env("MANYI_WIDTH", "800")
        .env("MANYI_HEIGHT", "500")
        .env("MANYI_BACKEND", "window")
        .env("DISPLAY", display)
        .stderr(Stdio::null())
        .spawn();
    Running(started.expect("the program starts"))
}

/// The next telling about the screen that fits.
fn next(ear: &UnixDatagram, fits: impl Fn(&Screen) -> bool) -> Screen {
    let mut datagram = [0; MAX_WAKE_BYTES];
    let mut last = None;
    for _ in 0..20 {
        let length = match ear.recv(&mut datagram) {
            Ok(length) => length,
            Err(error) => panic!("nothing more is told: {error}; last {last:?}"),
        };
        if let Told::Screen(screen) = Told::read(datagram.get(..length).unwrap_or_default()) {
            if fits(&screen) {
                return *screen;
            }
            last = Some(screen);
        }
    }
    panic!("never told; last {last:?}");
}

#[test]
fn an_untouched_page_goes_on_proving_that_it_paints_until_its_display_hangs() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = DataDir::new(folder.path());
    office::enrol(&data, &profile::profile());
    let ear = WakeListener::bind(&data.wake_socket()).expect("a socket");
    let ear = ear.into_inner();
    ear.set_nonblocking(false).expect("a socket");
    ear.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let (server, name) = display();
    let _terminal = terminal(folder.path(), &name);

    let idle = |screen: &Screen| screen.shown() == Some(ShownPage::Idle);
    let first = next(&ear, |screen| idle(screen) && screen.frames > 0);
    assert_eq!(first.painting(first.uptime_ms), Painting::Paints);
    let second = next(&ear, |screen| screen.frames > first.frames);
    assert!(idle(&second) && second.drawn_uptime_ms > first.drawn_uptime_ms);
    assert!(second.frames <= second.turns, "{second:?}");

    server.signal(rustix::process::Signal::STOP);
    // The frame that was under way may still count.
    let stopped = next(&ear, |screen| {
        screen.turns > second.turns || screen.uptime_ms > second.uptime_ms
    });
    let later = next(&ear, |_| true);
    let latest = next(&ear, |_| true);
    assert!(
        later.uptime_ms > stopped.uptime_ms,
        "the program still speaks"
    );
    assert_eq!(latest.frames, later.frames, "{later:?} {latest:?}");
    let due = latest.drawn_uptime_ms.expect("it painted before") + SCREEN_STALE_MS + 1;
    assert_eq!(
        Screen {
            uptime_ms: due,
            ..latest
        }
        .painting(due),
        Painting::Stands
    );

    server.signal(rustix::process::Signal::CONT);
    let again = next(&ear, |screen| screen.frames > later.frames);
    assert_eq!(again.painting(again.uptime_ms), Painting::Paints);
}

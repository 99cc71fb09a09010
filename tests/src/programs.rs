//! Running the built programs so that none outlives the test.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::wait::wait_for;

/// Where the built program of this name is.
///
/// In the folder `MANYI_BIN_DIR`, else beside the running program, which is where cargo puts it.
///
/// # Errors
/// When it is not there; says how to build it.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let dir = bin_dir()?;
    let path = dir.join(name);
    if !path.is_file() {
        bail!(
            "`{}` is not built; run `cargo build --workspace` first, or set MANYI_BIN_DIR",
            path.display()
        );
    }
    Ok(path)
}

/// A program of ours without any setting of the person's own shell.
///
/// # Errors
/// When it is not built.
pub fn bare(name: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(binary(name)?);
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("MANYI_") {
            command.env_remove(key);
        }
    }
    Ok(command)
}

fn bin_dir() -> anyhow::Result<PathBuf> {
    if let Some(dir) = std::env::var_os("MANYI_BIN_DIR") {
        return Ok(dir.into());
    }
    let exe = std::env::current_exe().context("could not tell where this program is")?;
    let dir = exe.parent().context("this program is in no folder")?;
    // Tests run from `deps`, one below the programs.
    let dir = if dir.file_name() == Some(OsStr::new("deps")) {
        dir.parent()
    } else {
        Some(dir)
    };
    Ok(dir.context("this program is in no folder")?.to_owned())
}

/// The checkout that this package was built from.
#[must_use]
pub fn checkout() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// A TCP port on loopback that nobody listens on now. Take it soon: it is not reserved.
///
/// From below the range that the system gives to outgoing connections, beginning at a place of this
/// process's own: tests that run side by side do not get in each other's way.
///
/// # Errors
/// When none is free.
pub fn free_port() -> anyhow::Result<u16> {
    const LOW: u32 = 12_000;
    const SPAN: u32 = 20_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let own = std::process::id().wrapping_mul(37);
    for _ in 0..SPAN {
        let offset = own.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % SPAN;
        let port = u16::try_from(LOW + offset)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port between {LOW} and {} is free", LOW + SPAN)
}

/// A program that was started. Dropping it kills it and everything it started.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Program {
    /// Starts a program in a process group of its own, its output in `NAME.out` and `NAME.err` of
    /// `log_dir`. A second program of the same name goes on in the same files.
    ///
    /// # Errors
    /// When the files cannot be written or the program cannot be started.
    pub fn start(name: &str, command: &mut Command, log_dir: &Path) -> anyhow::Result<Self> {
        let log = |suffix: &str| -> anyhow::Result<(PathBuf, File)> {
            let path = log_dir.join(format!("{name}.{suffix}"));
            let file = File::options().create(true).append(true).open(&path);
            let file = file.with_context(|| format!("could not write log `{}`", path.display()))?;
            Ok((path, file))
        };
        let ((stdout, out), (stderr, err)) = (log("out")?, log("err")?);
        command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0);
        let program = command.get_program().to_owned();
        let child = command.spawn();
        let child = child.with_context(|| format!("could not start {}", program.display()))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            stdout,
            stderr,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written to standard output.
    #[must_use]
    pub fn stdout(&self) -> String {
        read_lossy(&self.stdout)
    }

    /// Everything it has written to standard error.
    #[must_use]
    pub fn stderr(&self) -> String {
        read_lossy(&self.stderr)
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Fails when the program has ended, with the end of what it said.
    ///
    /// # Errors
    /// See above.
    pub fn check_runs(&mut self) -> anyhow::Result<()> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => bail!(
                "{} ended with {status}; it said:\n{}",
                self.name,
                self.last_words()
            ),
        }
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// When it has not ended within `limit`.
    pub fn stop(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let what = format!("{} to end", self.name);
        wait_for(&what, limit, || Ok(self.child.try_wait()?))
    }

    /// Ends it at once (SIGKILL), as a power cut would.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::KILL)?;
        Ok(self.child.wait()?)
    }

    /// Sends a signal to the program and everything it started.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        // A number that was waited for may belong to a stranger by now.
        if self.ended()?.is_none() {
            let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
            kill_process_group(group.context("no process id")?, signal)
                .with_context(|| format!("could not signal {}", self.name))?;
        }
        Ok(())
    }

    /// The last lines it wrote.
    #[must_use]
    pub fn last_words(&self) -> String {
        let text = format!("{}{}", self.stdout(), self.stderr());
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(30);
        lines.get(from..).unwrap_or_default().join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.kill().is_err() {
            // Nothing left to do; the test's own result matters more.
        }
        if std::thread::panicking() {
            crate::citizens::note(format_args!("--- {}:\n{}", self.name, self.last_words()));
        }
    }
}

/// Runs a command to its end and hands over what it printed.
///
/// # Errors
/// When it cannot be started or fails; the message has its standard error.
pub fn run(command: &mut Command) -> anyhow::Result<String> {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start {}", command.get_program().display()))?;
    if !status.success() {
        let said = String::from_utf8_lossy(&stderr);
        bail!(
            "{} ended with {status}: {}",
            command.get_program().display(),
            said.trim()
        );
    }
    String::from_utf8(stdout).context("the program printed bytes that are no text")
}

fn read_lossy(path: &Path) -> String {
    fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::wait_until;

    fn sleeper(dir: &Path) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]);
        Program::start("sleeper", &mut command, dir).expect("sh starts")
    }

    #[test]
    fn a_dropped_program_takes_its_children_with_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let program = sleeper(dir.path());
        let second = Duration::from_secs(10);
        let child = wait_for("the child's number", second, || {
            Ok(program.stdout().trim().parse::<u32>().ok())
        });
        let state = PathBuf::from(format!("/proc/{}/stat", child.expect("a number")));
        assert!(state.exists());
        drop(program);
        let gone = || !fs::read_to_string(&state).is_ok_and(|text| !text.contains(") Z "));
        wait_until("the child to be gone", second, gone).expect("it is gone");
    }

    #[test]
    fn a_program_that_ended_is_reported_with_its_last_words() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("sh");
        command.args(["-c", "echo no card >&2; exit 3"]);
        let mut program = Program::start("gone", &mut command, dir.path()).expect("sh starts");
        let error = wait_for("the end", Duration::from_secs(10), || {
            Ok(program.check_runs().err())
        });
        let message = error.expect("it ended").to_string();
        assert!(
            message.contains("exit status: 3") && message.contains("no card"),
            "{message}"
        );
    }
}

//! Runs the program, as a technician would.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::demo_data;

pub(crate) fn program(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_manyi-collector"));
    command.env_clear().args(args).arg("--data-dir").arg(dir);
    // Where the database is a server's.
    let config = dir.join("collector.toml");
    if config.exists() {
        command.env("MANYI_CONFIG", config);
    }
    command
}

pub(crate) fn run(dir: &Path, args: &[&str]) -> Output {
    program(dir, args).output().expect("the program")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a failing run says.
pub(crate) fn fails(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args);
    assert!(
        !output.status.success(),
        "{args:?} went well: {}",
        text(&output.stdout)
    );
    text(&output.stderr)
}

pub(crate) fn succeeds(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args);
    assert!(
        output.status.success(),
        "{args:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

pub(crate) fn initialised() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    succeeds(dir.path(), &["init"]);
    dir
}

pub(crate) fn import_demo(dir: &Path) {
    let data = demo_data();
    succeeds(dir, &["hall", "import", data.to_str().expect("a path")]);
}

//! A real collector with an invented hall, and codes to enrol at its windows.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use manyi_shared::wire::EnrolmentCode;
use serde_json::Value;
use tempfile::TempDir;

use crate::programs::{Program, bare, free_port, run};
use crate::wait::wait_for;

/// Longest wait for the collector to come up on a busy machine.
const UP: Duration = Duration::from_secs(60);

/// The hall's id.
pub const HALL: &str = "371581-01";

/// The id of the invented hall's `n`-th window, from 0.
#[must_use]
pub fn window(n: usize) -> String {
    format!("W{n:05}")
}

/// Writes the tables of a hall with so many windows.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_hall(folder: &Path, windows: usize) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let department = "11371581MB9Y1037XH";
    let mut rows = "window_id,block,number,name,department_id,staff_id\n".to_owned();
    for n in 0..windows {
        let id = window(n);
        rows.extend([
            &id,
            ",综合受理区,",
            &id,
            ",综合受理窗口,",
            department,
            ",\n",
        ]);
    }
    let tables = [
        (
            "hall.csv",
            format!(
                "hall_id,name,region_code,time_zone,contact\n\
                 {HALL},临清市政务服务中心,371581,Asia/Shanghai,大厅服务台\n"
            ),
        ),
        (
            "departments.csv",
            format!("department_id,name\n{department},临清市行政审批服务局\n"),
        ),
        (
            "staff.csv",
            "staff_id,name,post,department_id,stars\n".to_owned(),
        ),
        (
            "items.csv",
            format!(
                "item_code,name,department_id\n\
                 11371581MB9Y1037XH4000101001001,企业设立登记,{department}\n"
            ),
        ),
        ("windows.csv", rows),
    ];
    for (name, text) in tables {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))?;
    }
    Ok(())
}

/// A collector's folder and port, and the program while it runs. Everything ends with it.
#[derive(Debug)]
pub struct Office {
    program: Option<Program>,
    port: u16,
    settings: Vec<(String, String)>,
    /// The one-time password that `init` printed.
    password: String,
    folder: TempDir,
}

impl Office {
    /// A collector with a hall of so many windows; it does not run yet. It trusts a proxy on this
    /// machine, so that terminals behind one are not all taken for one guesser of codes.
    ///
    /// # Errors
    /// When it cannot be set up; what the programs said is in the message.
    pub fn new(windows: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let hall = folder.path().join("hall");
        write_hall(&hall, windows)?;
        Self::with_hall(&hall, folder)
    }

    /// A collector with the demo's hall; it does not run yet.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_the_demo() -> anyhow::Result<Self> {
        let hall = crate::programs::checkout().join("deploy/demo-data");
        Self::with_hall(&hall, tempfile::tempdir()?)
    }

    fn with_hall(hall: &Path, folder: TempDir) -> anyhow::Result<Self> {
        let mut office = Self {
            program: None,
            port: free_port()?,
            settings: vec![
                ("MANYI_TRUSTED_PROXY".to_owned(), "127.0.0.1".to_owned()),
                ("MANYI_ENROL_PER_MINUTE_TOTAL".to_owned(), "600".to_owned()),
            ],
            password: String::new(),
            folder,
        };
        let said = run(office.command()?.arg("init"))?;
        let password = said.lines().find_map(|line| line.strip_prefix("password:"));
        let password = password.and_then(|rest| rest.split_whitespace().next());
        password
            .context("no password was printed")?
            .clone_into(&mut office.password);
        run(office.command()?.args(["hall", "import"]).arg(hall))?;
        Ok(office)
    }

    /// The first user's one-time password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Sets a configuration key for every command from now on.
    pub fn set(&mut self, key: &str, value: impl std::fmt::Display) {
        let name = format!("MANYI_{}", key.to_uppercase());
        self.settings.push((name, value.to_string()));
    }

    /// A collector command with this office's folder and port.
    ///
    /// # Errors
    /// When the program is not built.
    pub fn command(&self) -> anyhow::Result<Command> {
        let mut command = bare("manyi-collector")?;
        command
            .arg("--data-dir")
            .arg(self.data_dir())
            .env("MANYI_LISTEN", self.address().to_string())
            .envs(self.settings.iter().map(|(key, value)| (key, value)));
        Ok(command)
    }

    /// Starts `serve` and waits until it answers.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(&mut self) -> anyhow::Result<()> {
        let mut command = self.command()?;
        let program = Program::start("collector", command.arg("serve"), self.folder.path())?;
        let program = self.program.insert(program);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        wait_for("the collector to listen", UP, || {
            program.check_runs()?;
            std::net::TcpStream::connect(address)?;
            Ok(Some(()))
        })
    }

    /// Asks it to end and waits.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut program) = self.program.take() else {
            return Ok(());
        };
        program.stop(UP).map(drop)
    }

    /// The running program.
    #[must_use]
    pub const fn program(&mut self) -> Option<&mut Program> {
        self.program.as_mut()
    }

    /// A fresh code for a window.
    ///
    /// # Errors
    /// When the collector refuses.
    pub fn code(&self, window: &str) -> anyhow::Result<EnrolmentCode> {
        let mut command = self.command()?;
        let printed = run(command.args(["enrol-code", "--window", window, "--json"]))?;
        let code: Value = serde_json::from_str(&printed)?;
        let code = code.get("code").and_then(Value::as_str);
        Ok(code.context("no code was printed")?.parse()?)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("office")
    }

    /// Its folder, for what else a test has to put somewhere.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

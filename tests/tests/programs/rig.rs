//! A whole small city: a collector with the demo hall, an enrolled tablet with its daemon, and the
//! terminal in a real window under Xvfb. Everything ends with it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use manyi_e2e::citizens::check::{self, Score};
use manyi_e2e::citizens::tablet::Tablet;
use manyi_e2e::display::Display;
use manyi_e2e::http::Http;
pub(crate) use manyi_e2e::programs::bare;
use manyi_e2e::programs::{Program, checkout, free_port, run};
use manyi_e2e::wait::wait_for;
use manyi_shared::tablet::{DataDir, Identity, read_profile};
use manyi_shared::wire::{AssetDigest, Suite};
use serde_json::Value;
use tempfile::TempDir;

/// Longest wait for a program to come up on a busy machine.
pub(crate) const UP: Duration = Duration::from_secs(60);
/// Longest wait for a rating to be counted on a busy machine.
pub(crate) const COUNTED: Duration = Duration::from_secs(30);

/// The programs, their folders and ports. Fields are ended in this order.
pub(crate) struct Rig {
    pub(crate) terminal: Option<Program>,
    pub(crate) sync: Option<Program>,
    pub(crate) collector: Option<Program>,
    pub(crate) display: Display,
    pub(crate) http: Http,
    pub(crate) office_port: u16,
    pub(crate) prompt_port: u16,
    pub(crate) token: String,
    /// What the office has chosen for new terminals.
    pub(crate) suite: Suite,
    pub(crate) folder: TempDir,
    /// Where the programs' output goes.
    pub(crate) logs: PathBuf,
}

impl Rig {
    /// Everything up, enrolled at window A01, and ready to ask.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let mut rig = Self::enrolled()?;
        rig.start_sync()?;
        rig.start_terminal()?;
        Ok(rig)
    }

    /// The office up, a tablet enrolled and its profile there with all its files; neither daemon nor
    /// terminal runs.
    pub(crate) fn enrolled() -> anyhow::Result<Self> {
        let mut rig = Self::unenrolled()?;
        rig.enrol()?;
        // The profile names a picture, so it is obeyed once the daemon has fetched that.
        rig.start_sync()?;
        rig.wait_for_profile()?;
        rig.sync = None;
        Ok(rig)
    }

    /// Enrols the tablet at window A01.
    pub(crate) fn enrol(&self) -> anyhow::Result<()> {
        let (code, office) = (self.code("A01")?, self.office());
        let mut enrol = self.sync_command()?;
        run(enrol.args(["enrol", "--collector", &office, "--code", &code])).map(drop)
    }

    /// Waits until the daemon has put a profile there whose files are all on the card.
    pub(crate) fn wait_for_profile(&mut self) -> anyhow::Result<()> {
        let data = DataDir::new(self.tablet_dir());
        let sync = self.sync.as_mut().context("no daemon runs")?;
        wait_for("the profile and its files", UP, || {
            sync.check_runs()?;
            let profile = read_profile(&data, &Identity::read(&data.identity())?)?;
            let there = |digest: &AssetDigest| data.asset(digest).exists();
            let all = profile.assets().iter().all(|(_, _, digest)| there(digest));
            Ok(all.then_some(()))
        })
    }

    /// A fresh code for a window.
    pub(crate) fn code(&self, window: &str) -> anyhow::Result<String> {
        let mut command = self.collector_command()?;
        let printed = run(command.args(["enrol-code", "--window", window, "--json"]))?;
        let code: Value = serde_json::from_str(&printed)?;
        Ok(code["code"].as_str().context("no code")?.to_owned())
    }

    /// The office up with the demo hall, and nothing else.
    pub(crate) fn unenrolled() -> anyhow::Result<Self> {
        Self::with_hall(&checkout().join("deploy/demo-data"))
    }

    /// The office up with a hall of the test's own, and nothing else.
    pub(crate) fn with_hall(hall: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let display = Display::start(1280, 800, folder.path())?;
        let mut rig = Self {
            terminal: None,
            sync: None,
            collector: None,
            display,
            http: Http::new()?,
            office_port: free_port()?,
            prompt_port: free_port()?,
            token: String::new(),
            suite: Suite::default(),
            logs: folder.path().to_owned(),
            folder,
        };
        run(rig.collector_command()?.arg("init"))?;
        run(rig.collector_command()?.args(["hall", "import"]).arg(hall))?;
        rig.token = run(rig
            .collector_command()?
            .args(["token", "create", "--name", "e2e"]))?
        .trim()
        .to_owned();
        rig.start_collector()?;
        Ok(rig)
    }

    pub(crate) fn office(&self) -> String {
        format!("http://127.0.0.1:{}", self.office_port)
    }

    pub(crate) fn prompts(&self) -> String {
        format!("http://127.0.0.1:{}", self.prompt_port)
    }

    pub(crate) fn tablet_dir(&self) -> PathBuf {
        self.folder.path().join("tablet")
    }

    /// A collector command with this rig's folder and port.
    pub(crate) fn collector_command(&self) -> anyhow::Result<Command> {
        let mut command = bare("manyi-collector")?;
        command
            .arg("--data-dir")
            .arg(self.folder.path().join("office"))
            .env("MANYI_LISTEN", format!("127.0.0.1:{}", self.office_port))
            .env("MANYI_SUITE", self.suite.name());
        Ok(command)
    }

    pub(crate) fn sync_command(&self) -> anyhow::Result<Command> {
        let mut command = bare("manyi-sync")?;
        command
            .arg("--data-dir")
            .arg(self.tablet_dir())
            .env("MANYI_PROMPT_API", format!("{}/v1/prompts", self.prompts()));
        Ok(command)
    }

    pub(crate) fn terminal_command(&self) -> anyhow::Result<Command> {
        let mut command = bare("manyi-terminal")?;
        command
            .arg("--data-dir")
            .arg(self.tablet_dir())
            .env("MANYI_LISTEN", format!("127.0.0.1:{}", self.prompt_port))
            .env("DISPLAY", self.display.name());
        Ok(command)
    }

    pub(crate) fn start_collector(&mut self) -> anyhow::Result<()> {
        let mut program = self.launch_collector()?;
        let url = format!("{}/readyz", self.office());
        wait_for("the collector to be ready", UP, || {
            program.check_runs()?;
            Ok((self.http.get(&url, None)?.status == 200).then_some(()))
        })?;
        self.collector = Some(program);
        Ok(())
    }

    /// Starts a collector and does not wait.
    pub(crate) fn launch_collector(&self) -> anyhow::Result<Program> {
        let mut command = self.collector_command()?;
        Program::start("collector", command.arg("serve"), &self.logs)
    }

    pub(crate) fn start_sync(&mut self) -> anyhow::Result<()> {
        self.sync = Some(self.launch_sync()?);
        Ok(())
    }

    /// Starts a daemon.
    pub(crate) fn launch_sync(&self) -> anyhow::Result<Program> {
        let mut command = self.sync_command()?;
        Program::start("sync", command.arg("run"), &self.logs)
    }

    /// Starts the terminal and waits until it can ask.
    pub(crate) fn start_terminal(&mut self) -> anyhow::Result<()> {
        self.terminal = Some(self.running_terminal()?);
        Ok(())
    }

    /// Starts the terminal and does not wait.
    pub(crate) fn launch_terminal(&mut self) -> anyhow::Result<()> {
        self.terminal = Some(self.launched_terminal()?);
        Ok(())
    }

    /// A terminal that can ask, for a caller who wants to end it.
    pub(crate) fn running_terminal(&self) -> anyhow::Result<Program> {
        let mut terminal = self.launched_terminal()?;
        self.health_of(&mut terminal, "ready")?;
        Ok(terminal)
    }

    /// The same, as soon as it is started.
    pub(crate) fn launched_terminal(&self) -> anyhow::Result<Program> {
        let mut command = self.terminal_command()?;
        Program::start("terminal", &mut command, &self.logs)
    }

    /// Waits until the terminal's health has this status, and hands the health over.
    pub(crate) fn wait_for_health(&mut self, status: &str) -> anyhow::Result<Value> {
        let mut terminal = self.terminal.take().context("no terminal runs")?;
        let health = self.health_of(&mut terminal, status);
        self.terminal = Some(terminal);
        health
    }

    fn health_of(&self, terminal: &mut Program, status: &str) -> anyhow::Result<Value> {
        let url = format!("{}/v1/health", self.prompts());
        wait_for(&format!("the terminal to be {status}"), UP, || {
            terminal.check_runs()?;
            let health: Value = serde_json::from_str(&self.http.get(&url, None)?.body)?;
            Ok((health["status"] == status).then_some(health))
        })
    }

    pub(crate) fn tablet(&self) -> anyhow::Result<Tablet<'_>> {
        Tablet::find(
            &self.http,
            &self.prompts(),
            &self.tablet_dir(),
            Some(self.display.name()),
        )
    }

    /// The office's score once it has counted so many prompts; what it has when time is up.
    pub(crate) fn score_of(&self, prompts: u64) -> anyhow::Result<Score> {
        check::settled_score(&self.http, &self.office(), &self.token, prompts, COUNTED)
    }
}

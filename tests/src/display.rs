//! An X server without a screen.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::programs::Program;
use crate::wait::wait_for;

/// An Xvfb of its own, ended on drop.
#[derive(Debug)]
pub struct Display {
    server: Program,
    name: String,
}

impl Display {
    /// Starts Xvfb with a screen of this size on a display number that it finds free itself.
    ///
    /// # Errors
    /// When Xvfb is not installed or does not come up within 20 seconds.
    pub fn start(width: u16, height: u16, log_dir: &Path) -> anyhow::Result<Self> {
        let screen = format!("{width}x{height}x24");
        let mut command = Command::new("Xvfb");
        // 96 dots per inch: programs then scale by 1.
        command.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            &screen,
            "-dpi",
            "96",
            "-nolisten",
            "tcp",
        ]);
        let mut server = Program::start("xvfb", &mut command, log_dir)?;
        let number = wait_for("Xvfb's display number", Duration::from_secs(20), || {
            server.check_runs()?;
            // The line end tells that the number is whole.
            let text = server.stdout();
            Ok(text
                .lines()
                .last()
                .filter(|_| text.ends_with('\n'))
                .and_then(|line| line.trim().parse::<u32>().ok()))
        })?;
        Ok(Self {
            server,
            name: format!(":{number}"),
        })
    }

    /// What `DISPLAY` must say, such as `:99`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server, to stop or signal it.
    pub const fn server(&mut self) -> &mut Program {
        &mut self.server
    }
}

//! The built terminal in a window under Xvfb, enrolled at an invented office.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use manyi_e2e::http::Http;
use manyi_e2e::invented;
use manyi_e2e::programs::{Program, binary, free_port};
use manyi_e2e::wait::wait_for;
use manyi_shared::wire::Profile;
use serde_json::Value;

/// Longest wait for a program on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A running terminal.
pub(crate) struct Terminal {
    pub(crate) program: Program,
    http: Http,
    base: String,
}

impl Terminal {
    /// Starts it with its data and logs in `folder`, and does not wait.
    pub(crate) fn launch(display: &str, folder: &Path, profile: &Profile) -> Self {
        let data = folder.join("data");
        invented::enrol(&data, profile).unwrap();
        let listen = format!("127.0.0.1:{}", free_port().unwrap());
        let mut command = Command::new(binary("manyi-terminal").unwrap());
        command
            .arg("--data-dir")
            .arg(&data)
            .env("DISPLAY", display)
            .env("MANYI_BACKEND", "window")
            .env("MANYI_LISTEN", &listen);
        Self {
            program: Program::start("terminal", &mut command, folder).unwrap(),
            http: Http::new().unwrap(),
            base: format!("http://{listen}/v1"),
        }
    }

    /// Waits until nobody is at the screen.
    pub(crate) fn wait_until_ready(&mut self) {
        self.wait_for_status("ready");
    }

    fn wait_for_status(&mut self, status: &str) {
        wait_for(&format!("the terminal to be {status}"), SOON, || {
            self.program.check_runs()?;
            let health = self.http.get(&format!("{}/health", self.base), None)?;
            let health: Value = serde_json::from_str(&health.body)?;
            let is = health.get("status").and_then(Value::as_str);
            Ok((is == Some(status)).then_some(()))
        })
        .unwrap();
    }

    /// Asks the next citizen; returns when the question is on its way to the screen.
    pub(crate) fn ask(&mut self) {
        let body = serde_json::json!({ "item_name": "居民身份证到期换领" });
        let answer = self.http.post(&format!("{}/prompts", self.base), &body);
        answer.unwrap().json().unwrap();
    }
}

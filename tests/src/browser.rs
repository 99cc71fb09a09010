//! A real browser on the office's pages: headless Chromium, driven by its own driver program.
//!
//! Both are Debian's packages `chromium` and `chromium-driver`; `sh tests/run` installs them, and
//! fetches axe, which looks for what people with a keyboard or a screen reader cannot use. One
//! [`Browser`] is one browser with a profile of its own; it ends with the value.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::programs::{Program, free_port};
use crate::wait::wait_for;

/// Longest wait for the driver to come up on a busy machine.
const UP: Duration = Duration::from_secs(60);

/// How often a page is asked whether it is there.
const LOOK: Duration = Duration::from_millis(20);

/// Where axe's source is, when it is not where `tests/run` puts it.
const AXE: &str = "MANYI_AXE";

/// A size of the page in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Of the viewport.
    pub width: u32,
    /// Of the viewport.
    pub height: u32,
}

impl Size {
    /// A desk.
    pub const DESK: Self = Self {
        width: 1280,
        height: 900,
    };
    /// A phone.
    pub const PHONE: Self = Self {
        width: 390,
        height: 844,
    };
}

/// Which colours the person prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// What axe found: a rule that the page breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// axe's name of the rule.
    pub rule: String,
    /// `minor`, `moderate`, `serious` or `critical`.
    pub impact: String,
    /// What is wrong, and the elements.
    pub what: String,
}

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    driver: Program,
    folder: TempDir,
}

impl Browser {
    /// Starts a browser. It speaks Chinese first, as the office's do.
    ///
    /// # Errors
    /// When Chromium or its driver is not installed, or does not start.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let mut command = std::process::Command::new("chromedriver");
        command
            .arg(format!("--port={port}"))
            .env("HOME", folder.path());
        let mut driver = Program::start("chromedriver", &mut command, folder.path())
            .context("Debian's package chromium-driver is needed; `sh tests/run` installs it")?;
        wait_for("chromedriver to listen", UP, || {
            driver.check_runs()?;
            std::net::TcpStream::connect(("127.0.0.1", port))?;
            Ok(Some(()))
        })?;
        let capabilities = capabilities(folder.path())?;
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .context("the browser did not start")?;
        let browser = Self {
            client,
            driver,
            folder,
        };
        browser.show_as(Size::DESK, Scheme::Light).await?;
        Ok(browser)
    }

    /// The client, for what this type has no word for.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Sets size and colours.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn show_as(&self, size: Size, scheme: Scheme) -> anyhow::Result<()> {
        let metrics = json!({
            "width": size.width, "height": size.height, "deviceScaleFactor": 1,
            "mobile": size.width < 600,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await?;
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// Opens an address and waits until the page is loaded.
    ///
    /// # Errors
    /// When nobody answers there.
    pub async fn open(&self, url: &str) -> anyhow::Result<()> {
        self.client
            .goto(url)
            .await
            .with_context(|| format!("could not open {url}"))
    }

    /// Logs in at the office's login page.
    ///
    /// # Errors
    /// When the page is another, or stays there.
    pub async fn log_in(&self, office: &str, user: &str, password: &str) -> anyhow::Result<()> {
        self.open(&format!("{office}/login")).await?;
        self.fill("input[name=user]", user).await?;
        self.fill("input[name=password]", password).await?;
        self.follow("main form button[type=submit]").await?;
        let at = self.client.current_url().await?;
        ensure!(at.path() != "/login", "the login was refused");
        Ok(())
    }

    /// Logs in for the first time, with the one-time password, and changes it.
    ///
    /// # Errors
    /// When a page is another than expected.
    pub async fn first_log_in(
        &self,
        office: &str,
        user: &str,
        one_time: &str,
        own: &str,
    ) -> anyhow::Result<()> {
        self.log_in(office, user, one_time).await?;
        self.fill("input[name=current]", one_time).await?;
        self.fill("input[name=new]", own).await?;
        self.fill("input[name=repeat]", own).await?;
        self.follow("main form button[type=submit]").await?;
        let at = self.client.current_url().await?;
        ensure!(
            at.path() != "/account/password",
            "the password was not changed"
        );
        Ok(())
    }

    /// Types into a field, instead of what is in it.
    ///
    /// # Errors
    /// When there is no such field.
    pub async fn fill(&self, css: &str, text: &str) -> anyhow::Result<()> {
        let field = self.client.find(Locator::Css(css)).await;
        let field = field.with_context(|| format!("there is no field `{css}`"))?;
        field.clear().await?;
        field.send_keys(text).await?;
        Ok(())
    }

    /// Clicks something.
    ///
    /// # Errors
    /// When there is no such thing.
    pub async fn press(&self, css: &str) -> anyhow::Result<()> {
        let target = self.client.find(Locator::Css(css)).await;
        let target = target.with_context(|| format!("there is nothing like `{css}` to press"))?;
        target.click().await?;
        Ok(())
    }

    /// Clicks something that leads to another page, or to this one anew, and waits for it.
    ///
    /// # Errors
    /// When there is no such thing, or no page follows.
    pub async fn follow(&self, css: &str) -> anyhow::Result<()> {
        // What a script leaves on a page is gone with the page.
        let leave = "window.beforeTheClick = true;";
        self.client.execute(leave, Vec::new()).await?;
        self.press(css).await?;
        let arrived = "return !window.beforeTheClick && document.readyState === 'complete';";
        let begin = Instant::now();
        while begin.elapsed() < UP {
            // Between two pages there is none to ask.
            let answer = self.client.execute(arrived, Vec::new()).await;
            if answer.is_ok_and(|answer| answer == Value::Bool(true)) {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("no page followed the click on `{css}`")
    }

    /// The text of an element, as a person sees it.
    ///
    /// # Errors
    /// When there is no such element.
    pub async fn text(&self, css: &str) -> anyhow::Result<String> {
        let element = self.client.find(Locator::Css(css)).await;
        let element = element.with_context(|| format!("there is no `{css}` on the page"))?;
        Ok(element.text().await?)
    }

    /// How many CSS pixels the page is wider than the window; 0 when nothing sticks out.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn sticks_out(&self) -> anyhow::Result<i64> {
        let script = "const page = document.documentElement;\
                      return page.scrollWidth - page.clientWidth;";
        let wider = self.client.execute(script, Vec::new()).await?;
        wider.as_i64().context("the page has no width")
    }

    /// What the browser complained about since the last time it was asked: scripts that failed,
    /// what the page's own policy kept out, files that are missing.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn complaints(&self) -> anyhow::Result<Vec<String>> {
        let log = Command {
            path: "se/log",
            body: json!({ "type": "browser" }),
        };
        let lines = self.client.issue_cmd(log).await?;
        let lines = lines.as_array().context("the browser keeps no log")?;
        let text = |line: &Value| {
            line.get("message")
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        Ok(lines.iter().filter_map(text).collect())
    }

    /// What axe finds on the page as it is now, by the rules of WCAG 2.2 A and AA and its best
    /// practices.
    ///
    /// # Errors
    /// When axe is not there; says how to get it.
    pub async fn axe(&self) -> anyhow::Result<Vec<Finding>> {
        self.client.execute(&axe_source()?, Vec::new()).await?;
        let script = "const done = arguments[arguments.length - 1];\
            axe.run(document, { resultTypes: ['violations'] })\
            .then(found => done({ violations: found.violations }), error => done({ error: String(error) }));";
        let answer = self.client.execute_async(script, Vec::new()).await?;
        if let Some(error) = answer.get("error") {
            bail!("axe failed: {error}");
        }
        let found = answer.get("violations").and_then(Value::as_array);
        Ok(found
            .context("axe gave no list")?
            .iter()
            .map(finding)
            .collect())
    }

    /// A picture of the whole page as PNG.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn picture(&self) -> anyhow::Result<Vec<u8>> {
        let how = json!({ "format": "png", "captureBeyondViewport": true });
        let answer = self.devtools("Page.captureScreenshot", how).await?;
        let data = answer.get("data").and_then(Value::as_str);
        Ok(STANDARD.decode(data.context("no picture came")?)?)
    }

    /// The page as a PDF, as a person would print it.
    ///
    /// # Errors
    /// When the browser has gone.
    pub async fn print(&self) -> anyhow::Result<Vec<u8>> {
        let how = json!({ "printBackground": true, "preferCSSPageSize": true });
        let answer = self.devtools("Page.printToPDF", how).await?;
        let data = answer.get("data").and_then(Value::as_str);
        Ok(STANDARD.decode(data.context("nothing was printed")?)?)
    }

    /// Ends the browser.
    ///
    /// # Errors
    /// When the driver does not end.
    pub async fn quit(mut self) -> anyhow::Result<()> {
        // A page that is half loaded must not keep the test.
        drop(self.client.clone().close().await);
        self.driver.stop(UP)?;
        self.folder.close()?;
        Ok(())
    }

    async fn devtools(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        let command = Command {
            path: "goog/cdp/execute",
            body: json!({ "cmd": method, "params": params }),
        };
        let answer = self.client.issue_cmd(command).await;
        answer.with_context(|| format!("the browser refused {method}"))
    }
}

fn capabilities(folder: &Path) -> anyhow::Result<serde_json::Map<String, Value>> {
    let profile = folder.join("profile");
    let mut args = vec![
        "--headless=new".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        "--disable-gpu".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--no-first-run".to_owned(),
        "--no-proxy-server".to_owned(),
        "--hide-scrollbars".to_owned(),
        "--lang=zh-CN".to_owned(),
    ];
    if rustix::process::getuid().is_root() {
        // Chromium's own sandbox refuses root; containers build as root.
        args.push("--no-sandbox".to_owned());
    }
    let wanted = json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "args": args },
        "goog:loggingPrefs": { "browser": "WARNING" },
        "timeouts": { "script": 120_000, "pageLoad": 120_000 },
    });
    match wanted {
        Value::Object(wanted) => Ok(wanted),
        _ => bail!("capabilities are an object"),
    }
}

/// axe as a text, from where `tests/run` has put it.
fn axe_source() -> anyhow::Result<String> {
    let usual = || crate::programs::checkout().join("target/tools/axe.min.js");
    let path = std::env::var_os(AXE).map_or_else(usual, PathBuf::from);
    std::fs::read_to_string(&path).with_context(|| {
        format!(
            "could not read axe from `{}`; `sh tests/run` fetches it, or set {AXE}",
            path.display()
        )
    })
}

fn finding(violation: &Value) -> Finding {
    let text = |name| {
        let value = violation.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let nodes = violation.get("nodes").and_then(Value::as_array);
    let html = |node: &Value| node.get("html").and_then(Value::as_str).map(str::to_owned);
    let why = |node: &Value| {
        let why = node.get("failureSummary").and_then(Value::as_str);
        why.unwrap_or_default().replace('\n', " ")
    };
    let elements: Vec<String> = nodes
        .into_iter()
        .flatten()
        .filter_map(|node| Some(format!("{} ({})", html(node)?, why(node))))
        .take(5)
        .collect();
    Finding {
        rule: text("id"),
        impact: text("impact"),
        what: format!("{}: {}", text("help"), elements.join("; ")),
    }
}

/// A command of Chromium's driver that the standard does not have.
#[derive(Debug)]
struct Command {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Command {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/{}", self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

//! A tablet from the outside: its prompt API for the business system, its glass for the citizen.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use manyi_shared::domain::PromptId;
use manyi_shared::tablet::{DataDir, Identity, read_profile};
use manyi_shared::wire::Profile;
use serde_json::{Value, json};

use super::plan::{Answer, Citizen};
use crate::http::Http;
use crate::layout::{Layout, Point};
use crate::pointer::{Area, Pointer};
use crate::wait::{pause, wait_for};

/// How long the terminal may take to show or to seal something.
const SOON: Duration = Duration::from_secs(15);
/// A tap that changed nothing for this long is repeated: it fell into the guard time.
const REPEAT: Duration = Duration::from_millis(1500);
/// A person would give up, too.
const TRIES: usize = 4;

/// A running terminal with its window.
#[derive(Debug)]
pub struct Tablet<'a> {
    http: &'a Http,
    prompts: String,
    health: String,
    pointer: Pointer,
    area: Area,
    layout: Layout,
    profile: Profile,
}

/// How one citizen's visit went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The prompt.
    pub prompt: PromptId,
    /// Taps that had to be repeated.
    pub repeated: usize,
}

impl<'a> Tablet<'a> {
    /// Finds the terminal that answers at `prompt_api`, has its data in `data` and its window on
    /// `display` (`None`: of the environment).
    ///
    /// # Errors
    /// When there is no profile, no X server, or no window within 30 seconds.
    pub fn find(
        http: &'a Http,
        prompt_api: &str,
        data: &Path,
        display: Option<&str>,
    ) -> anyhow::Result<Self> {
        let data = DataDir::new(data);
        let identity = Identity::read(&data.identity()).context("the tablet is not enrolled")?;
        let profile = read_profile(&data, &identity)?;
        let pointer = Pointer::connect(display)?;
        let area = wait_for("the terminal's window", Duration::from_secs(30), || {
            pointer.window()
        })?;
        let mut layout = Layout::of(area.width, area.height, profile.mirrored)?;
        if profile.options().supplement.is_some() {
            layout = layout.with_code();
        }
        let base = prompt_api.trim_end_matches('/');
        Ok(Self {
            http,
            prompts: format!("{base}/v1/prompts"),
            health: format!("{base}/v1/health"),
            pointer,
            area,
            layout,
            profile,
        })
    }

    /// What the terminal shows and obeys.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The window's place on the screen.
    #[must_use]
    pub const fn area(&self) -> Area {
        self.area
    }

    /// The targets' places in the window.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The finger.
    #[must_use]
    pub const fn pointer(&self) -> &Pointer {
        &self.pointer
    }

    /// Posts a prompt as a business system does.
    ///
    /// # Errors
    /// When it is not accepted.
    pub fn post(&self, citizen: &Citizen) -> anyhow::Result<PromptId> {
        let mut body = json!({ "case_number": citizen.case_number });
        if let Some(fields) = body.as_object_mut() {
            fields.extend(
                citizen
                    .item
                    .iter()
                    .map(|(code, _)| ("item".to_owned(), Value::from(code.clone()))),
            );
            fields.extend(
                citizen
                    .staff
                    .iter()
                    .map(|id| ("staff".to_owned(), Value::from(id.clone()))),
            );
        }
        let answer = self
            .http
            .post(&self.prompts, &body)?
            .json()
            .context("the prompt was not accepted")?;
        let id = answer
            .get("id")
            .and_then(Value::as_str)
            .context("the accepted prompt has no id")?;
        id.parse()
            .with_context(|| format!("`{id}` is no prompt id"))
    }

    /// Where a prompt stands: `waiting`, `asking` or `ended`.
    ///
    /// # Errors
    /// When the terminal does not answer or does not know the prompt.
    pub fn state(&self, prompt: PromptId) -> anyhow::Result<String> {
        let answer = self
            .http
            .get(&format!("{}/{prompt}", self.prompts), None)?
            .json()?;
        let state = answer.get("state").and_then(Value::as_str);
        state.map(str::to_owned).context("the prompt has no state")
    }

    /// How the terminal is: `ready`, `asking` and so on.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn status(&self) -> anyhow::Result<String> {
        // Out of service is told by the HTTP status as well, so the body is read whatever it is.
        let answer = self.http.get(&self.health, None)?;
        let body: Value =
            serde_json::from_str(&answer.body).context("the terminal's health is not JSON")?;
        let status = body.get("status").and_then(Value::as_str);
        status
            .map(str::to_owned)
            .context("the terminal's health has no status")
    }

    /// Waits until a prompt stands like this.
    ///
    /// # Errors
    /// When it does not within `limit`.
    pub fn wait_for_state(
        &self,
        prompt: PromptId,
        state: &str,
        limit: Duration,
    ) -> anyhow::Result<()> {
        let what = format!("prompt {prompt} to be {state}");
        wait_for(&what, limit, || {
            Ok((self.state(prompt)? == state).then_some(()))
        })
    }

    /// Waits until nobody is at the screen.
    ///
    /// # Errors
    /// When that does not come about within the times of the profile.
    pub fn wait_until_ready(&self) -> anyhow::Result<()> {
        // Less than the reasons page stays, so a missed 提交 shows here.
        let limit =
            Duration::from_secs(u64::from(self.profile.thanks_seconds)) + Duration::from_secs(8);
        wait_for("the terminal to be ready", limit, || {
            Ok((self.status()? == "ready").then_some(()))
        })
    }

    /// One citizen from prompt to end, with real taps.
    ///
    /// # Errors
    /// When the terminal does not do its part in time; says which.
    pub fn serve(&self, citizen: &Citizen) -> anyhow::Result<Visit> {
        let prompt = self.post(citizen)?;
        self.wait_for_state(prompt, "asking", SOON)?;
        let repeated = match &citizen.answer {
            Answer::Rate { level, tags } => {
                let repeated = self.tap_until_ended(prompt, citizen, self.layout.level(*level))?;
                if self.profile.ask_reasons {
                    self.give_reasons(citizen, tags)?;
                }
                repeated
            }
            Answer::Decline => self.tap_until_ended(prompt, citizen, self.layout.decline())?,
            Answer::LeaveIt => {
                let limit = Duration::from_secs(u64::from(self.profile.ask_seconds)) + SOON;
                self.wait_for_state(prompt, "ended", limit)?;
                0
            }
        };
        Ok(Visit { prompt, repeated })
    }

    fn tap_until_ended(
        &self,
        prompt: PromptId,
        citizen: &Citizen,
        at: Point,
    ) -> anyhow::Result<usize> {
        let mut last = None;
        for repeated in 0..TRIES {
            self.look(citizen);
            self.tap(at)?;
            // A slow seal must not be taken for a missed tap: the last try waits longest.
            let limit = if repeated + 1 == TRIES { SOON } else { REPEAT };
            match self.wait_for_state(prompt, "ended", limit) {
                Ok(()) => return Ok(repeated),
                Err(error) => last = Some(error),
            }
            // A terminal that is gone will not hear the next tap either.
            self.status()?;
        }
        let last = last.unwrap_or_else(|| anyhow::anyhow!("nothing was tried"));
        Err(last.context(format!(
            "{TRIES} taps at {at:?} did not end the prompt; is the layout still the one of ui/pages?"
        )))
    }

    fn give_reasons(
        &self,
        citizen: &Citizen,
        tags: &[manyi_shared::domain::TagCode],
    ) -> anyhow::Result<()> {
        self.look(citizen);
        for tag in tags {
            let chip = self
                .layout
                .chip(*tag)
                .with_context(|| format!("the pages have no chip {tag}"))?;
            self.tap(chip)?;
        }
        self.tap(if tags.is_empty() {
            self.layout.skip()
        } else {
            self.layout.submit()
        })
    }

    /// Lets the guard time pass, and a person's moment.
    fn look(&self, citizen: &Citizen) {
        pause(Duration::from_millis(
            u64::from(self.profile.guard_ms) + citizen.look_ms,
        ));
    }

    /// One tap at a point of the window.
    ///
    /// # Errors
    /// When the X server does not answer.
    pub fn tap(&self, at: Point) -> anyhow::Result<()> {
        self.pointer.tap(self.area, at)
    }
}

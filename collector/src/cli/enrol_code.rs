//! `enrol-code`: a one-time code for a new terminal.

use anyhow::{Context, bail};
use manyi_shared::domain::{HallId, WindowId};
use manyi_shared::wire::{EnrolmentCode, Suite};

use super::place::chosen;
use super::{Globals, block_on, out};
use crate::clock::{Clock, SystemClock};
use crate::store::sqlite::SqliteStore;
use crate::store::{IngestStore, NewCode};

/// How long a code is good for, in minutes: enough to walk to the window and type it.
const MINUTES: i64 = 10;

/// Where the new terminal will stand.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The window, such as A01
    #[arg(long)]
    window: WindowId,
    /// The hall; may be left out when there is just one
    #[arg(long)]
    hall: Option<HallId>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (config, store) = globals.open()?;
        block_on(self.issue(&store, config.suite))
    }

    async fn issue(self, store: &SqliteStore, suite: Suite) -> anyhow::Result<()> {
        let hall = chosen(store, self.hall.as_ref()).await?;
        let code =
            EnrolmentCode::generate(suite).context("the system has no randomness to give")?;
        let expires_ms = SystemClock.now_ms() + MINUTES * 60_000;
        let fresh = NewCode {
            hall: hall.id.clone(),
            window: self.window.clone(),
            digest: code.digest(),
            expires_ms,
        };
        if !store.add_code(fresh).await? {
            bail!("hall `{}` has no window `{}`", hall.id, self.window);
        }
        let expires = jiff::Timestamp::from_millisecond(expires_ms)?;
        if self.json {
            out::line(serde_json::json!({
                "code": code.to_string(),
                "hall": hall.id,
                "window": self.window,
                "expires_at": format!("{expires:.0}"),
            }));
        } else {
            out::line(format_args!("code:    {code}"));
            out::line(format_args!("window:  {} ({})", self.window, hall.name));
            let local = expires
                .in_tz(&hall.time_zone)?
                .strftime("%Y-%m-%d %H:%M:%S");
            out::line(format_args!(
                "expires: {local} {} ({MINUTES} minutes)",
                hall.time_zone
            ));
        }
        Ok(())
    }
}

//! `window pause` and `window resume`: what a terminal shows while its window is not served.

use clap::Subcommand;
use manyi_shared::domain::{HallId, WindowId};

use super::place::{chosen, has};
use super::{Globals, block_on, noted, out};
use crate::audit::Action;
use crate::hall::check_paused;
use crate::store::OfficeStore;

/// What to do with windows.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Let a window's terminal say that it takes no ratings now
    ///
    /// The terminal is told with its next exchange. Its ratings that are not sent yet still come.
    Pause {
        #[command(flatten)]
        place: Place,
        /// What the terminal shows, at most 200 characters; its own words when left out
        #[arg(long, default_value = "", hide_default_value = true)]
        text: String,
    },
    /// End a window's pause
    Resume {
        #[command(flatten)]
        place: Place,
    },
}

/// Which window.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// The window, such as A01
    #[arg(long)]
    window: WindowId,
    /// The hall; may be left out when there is just one
    #[arg(long)]
    hall: Option<HallId>,
}

impl Command {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (_, store) = globals.open()?;
        block_on(async move {
            let (Self::Pause { place, .. } | Self::Resume { place }) = &self;
            let hall = chosen(&store, place.hall.as_ref()).await?;
            has(&hall, &place.window)?;
            let window = place.window.clone();
            let at = crate::access::Place::Window(hall.id.clone(), window.clone());
            let doing = match &self {
                Self::Pause { .. } => "pause",
                Self::Resume { .. } => "resume",
            };
            noted(&store, Action::PauseWindow, at, doing);
            let (done, version) = match &self {
                Self::Pause { text, .. } => {
                    check_paused(text)?;
                    let paused = store.pause_window(hall.id, window.clone(), text.clone());
                    ("is paused", paused.await?)
                }
                Self::Resume { .. } => {
                    let resumed = store.resume_window(hall.id, window.clone());
                    ("is served again", resumed.await??)
                }
            };
            out::line(format_args!(
                "window {window} {done}; terminals get profile version {version}"
            ));
            Ok(())
        })
    }
}

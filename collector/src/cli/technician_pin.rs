//! `technician-pin`: what opens the technician's page of the terminals.

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, bail};
use manyi_shared::domain::{HallId, WindowId};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::place::{chosen, has};
use super::{Globals, block_on, noted, out};
use crate::access::Place;
use crate::audit::Action;
use crate::office::secret;
use crate::store::OfficeStore;

/// For which terminals.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The hall; may be left out when there is just one
    #[arg(long)]
    hall: Option<HallId>,
    /// One window only; its PIN then stands instead of the hall's
    #[arg(long)]
    window: Option<WindowId>,
    /// Take the PIN away: without one the technician's page stays closed
    #[arg(long)]
    remove: bool,
}

impl Args {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (_, store) = globals.open()?;
        block_on(async move {
            let hall = chosen(&store, self.hall.as_ref()).await?;
            if let Some(window) = &self.window {
                has(&hall, window)?;
            }
            let hash = if self.remove {
                None
            } else {
                Some(secret::hash(ask()?).await?)
            };
            let done = if self.remove { "is removed" } else { "is set" };
            let whose = self
                .window
                .as_ref()
                .map_or_else(|| format!("hall {}", hall.id), |w| format!("window {w}"));
            let at = Place::Hall(hall.id.clone());
            noted(&store, Action::SetTechnicianPin, at, whose.clone());
            let set = store.set_technician_pin(hall.id, self.window, hash);
            let version = set.await?;
            out::line(format_args!(
                "the PIN of {whose} {done}; terminals get profile version {version}"
            ));
            Ok(())
        })
    }
}

/// Reads the PIN: typed twice without being shown, or one line from a pipe.
fn ask() -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        return checked(&read()?);
    }
    out::note("PIN (6 to 12 digits, not shown):");
    let pin = checked(&hidden()?)?;
    out::note("again:");
    if hidden()?.trim() != pin {
        bail!("the two PINs differ; nothing was changed");
    }
    Ok(pin)
}

fn checked(line: &str) -> anyhow::Result<String> {
    let pin = line.trim();
    if !(6..=12).contains(&pin.len()) || !pin.bytes().all(|b| b.is_ascii_digit()) {
        bail!("a PIN has 6 to 12 digits; nothing was changed");
    }
    Ok(pin.to_owned())
}

fn read() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("could not read the PIN from standard input")?;
    Ok(line)
}

/// Puts the terminal's settings back, whatever happens.
struct Quiet(Termios);

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0) {
            out::note(format_args!(
                "could not switch the echo on again ({error}); type `stty sane`"
            ));
        }
    }
}

fn hidden() -> anyhow::Result<String> {
    let before = tcgetattr(std::io::stdin()).context("could not read the terminal's settings")?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    let restore = Quiet(before);
    tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent)
        .context("could not switch the echo off")?;
    let line = read();
    drop(restore);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("123456\n", Some("123456"))]
    #[case("123456789012", Some("123456789012"))]
    #[case("12345\n", None)]
    #[case("1234567890123\n", None)]
    #[case("12345a\n", None)]
    #[case("", None)]
    fn a_pin_is_6_to_12_digits(#[case] line: &str, #[case] pin: Option<&str>) {
        assert_eq!(checked(line).ok().as_deref(), pin);
    }
}

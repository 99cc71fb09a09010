//! `enrol-code`: a one-time code for a new terminal.

use anyhow::{Context, bail};
use manyi_shared::domain::{HallId, WindowId};
use manyi_shared::wire::{EnrolmentCode, Suite};

use super::place::chosen;
use super::{Globals, block_on, noted, out};
use crate::access::Place;
use crate::audit::Action;
use crate::clock::{Clock, SystemClock};
use crate::store::sqlite::SqliteStore;
use crate::store::{IdentityStore, IngestStore, NewCode};

/// How long a code may be good for. Guessing stays hopeless: with the usual 60 tries a minute from
/// all addresses together there are 2.6 million tries in 30 days, and 2^40 codes: one chance in
/// 420 000 that a guesser finds a given code. In ten minutes it is one in two thousand million.
const LONGEST_MS: i64 = 30 * 86_400_000;

/// Where the new terminal will stand.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The window, such as A01
    #[arg(long)]
    window: WindowId,
    /// The hall; may be left out when there is just one
    #[arg(long)]
    hall: Option<HallId>,
    /// How long the code is good for: a number and m, h or d, such as 7d for a tablet that goes by
    /// post; at most 30d
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = parse_valid)]
    valid: Valid,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// How long a code is good for.
#[derive(Debug, Clone)]
struct Valid {
    ms: i64,
    words: String,
}

/// A time as people write it: `10m`, `12h`, `7d`.
fn parse_valid(text: &str) -> Result<Valid, String> {
    let allowed = "a whole number and m, h or d, such as 10m or 7d; at most 30d";
    let fault = || format!("must be {allowed}");
    let unit = text.chars().last().ok_or_else(fault)?;
    let (ms, name) = match unit {
        'm' => (60_000, "minute"),
        'h' => (3_600_000, "hour"),
        'd' => (86_400_000, "day"),
        _ => return Err(fault()),
    };
    let number = text.strip_suffix(unit).and_then(|n| n.parse::<u32>().ok());
    let number = i64::from(number.filter(|n| *n > 0).ok_or_else(fault)?);
    let total = number.checked_mul(ms).filter(|total| *total <= LONGEST_MS);
    let plural = if number == 1 { "" } else { "s" };
    Ok(Valid {
        ms: total.ok_or_else(fault)?,
        words: format!("{number} {name}{plural}"),
    })
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
        let expires_ms = SystemClock.now_ms() + self.valid.ms;
        let fresh = NewCode {
            hall: hall.id.clone(),
            window: self.window.clone(),
            digest: code.digest(),
            expires_ms,
        };
        let at = Place::Window(hall.id.clone(), self.window.clone());
        noted(store, Action::MakeEnrolmentCode, at, "enrolment code");
        if !store.add_code(fresh).await? {
            bail!("hall `{}` has no window `{}`", hall.id, self.window);
        }
        let place = (hall.id.clone(), self.window.clone());
        let standing = store.standing_at(place.0, place.1).await?;
        let expires = jiff::Timestamp::from_millisecond(expires_ms)?;
        if self.json {
            out::line(serde_json::json!({
                "code": code.to_string(),
                "hall": hall.id,
                "window": self.window,
                "expires_at": format!("{expires:.0}"),
                "replaces": standing,
            }));
        } else {
            out::line(format_args!("code:    {code}"));
            out::line(format_args!("window:  {} ({})", self.window, hall.name));
            let local = expires
                .in_tz(&hall.time_zone)?
                .strftime("%Y-%m-%d %H:%M:%S");
            out::line(format_args!(
                "expires: {local} {} ({})",
                hall.time_zone, self.valid.words
            ));
            for terminal in &standing {
                out::line(format_args!(
                    "replaces: terminal {terminal}, which stands at the window now; once the code is \
                     used it may only deliver what it has"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("10m", Some(600_000))]
    #[case("1h", Some(3_600_000))]
    #[case("30d", Some(LONGEST_MS))]
    #[case("31d", None)]
    #[case("721h", None)]
    #[case("0m", None)]
    #[case("-1d", None)]
    #[case("7", None)]
    #[case("7天", None)]
    #[case("", None)]
    #[case("99999999999d", None)]
    fn a_code_is_good_for_at_most_thirty_days(#[case] text: &str, #[case] ms: Option<i64>) {
        assert_eq!(parse_valid(text).ok().map(|valid| valid.ms), ms);
    }
}

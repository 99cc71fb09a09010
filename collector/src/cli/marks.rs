//! `marks`: looks for odd ratings in a range of days.

use anyhow::Context;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use manyi_shared::domain::HallId;

use super::place::chosen;
use super::{Globals, block_on, out};
use crate::clock::{Clock, SystemClock};
use crate::marks::{file, task};
use crate::store::MarkStore;

/// Look for odd ratings in a range of days, and say how many marks there are
///
/// `serve` looks at what is new by itself. Use this after thresholds were changed, or for time before
/// marks were made. Looking twice gives the same marks; what a person decided stays decided.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The hall; may be left out when there is just one
    #[arg(long)]
    hall: Option<HallId>,
    /// The first day, such as 2026-10-01
    #[arg(long)]
    from: Date,
    /// The last day, inclusive
    #[arg(long)]
    to: Date,
}

impl Args {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (config, store) = globals.open()?;
        let rules = file::load(&config.data_dir)?;
        block_on(async {
            let hall = chosen(&store, self.hall.as_ref()).await?;
            let zone = TimeZone::get(&hall.time_zone)
                .with_context(|| format!("the zone `{}` is not known here", hall.time_zone))?;
            let start = |day: Date| day.to_zoned(zone.clone()).and_then(|at| at.start_of_day());
            let from = start(self.from)?.timestamp().as_millisecond();
            let to = start(self.to.tomorrow()?)?.timestamp().as_millisecond();
            anyhow::ensure!(from < to, "--from must not be after --to");
            let now_ms = SystemClock.now_ms();
            let kept = task::mark_range(&store, &hall, &rules, from..to, now_ms).await?;
            out::note(format_args!(
                "{} marks opened, {} lapsed; now in {}:",
                kept.opened, kept.lapsed, hall.id
            ));
            for (rule, state, n) in store.mark_counts(hall.id.clone()).await? {
                out::line(format_args!("{}\t{}\t{n}", rule.name(), state.name()));
            }
            Ok(())
        })
    }
}

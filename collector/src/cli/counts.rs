//! `counts check` and `counts roll-up`.

use anyhow::bail;
use clap::Subcommand;

use super::{Globals, block_on, out};
use crate::store::ScoreStore;

/// What to do with counts.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Compare counts with a recount of all records, and roll-ups with the counts
    ///
    /// Reads everything; ends with an error when something differs.
    Check,
    /// Make roll-ups that are missing
    ///
    /// `serve` does it by itself. Scores are right without, only slower.
    RollUp {
        /// Forget those there are and make all of them anew
        #[arg(long)]
        anew: bool,
    },
}

impl Command {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (_, store) = globals.open()?;
        block_on(async {
            match self {
                Self::Check => {
                    let differences = store.tally_differences().await?;
                    if differences > 0 {
                        bail!("{differences} counts differ from a recount of all records");
                    }
                    out::note("every count is what the records come to");
                }
                Self::RollUp { anew } => {
                    if anew {
                        store.forget_rollups().await?;
                    }
                    let mut steps = 0_u64;
                    while store.roll_up().await? {
                        steps += 1;
                    }
                    out::note(format_args!("done in {steps} steps"));
                }
            }
            Ok(())
        })
    }
}

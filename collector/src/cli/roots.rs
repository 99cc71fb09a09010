//! `roots publish` and `roots list`.

use clap::Subcommand;
use manyi_shared::domain::HallId;
use manyi_shared::wire::SignedDayRoot;
use serde_json::json;

use super::place::chosen;
use super::{Globals, block_on, keys, out};
use crate::clock::{Clock, SystemClock};
use crate::roots::proof::hex;
use crate::roots::{PublishedRoot, publish};
use crate::store::ProofStore;

/// What to do with roots.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Publish the roots of all days that are over
    ///
    /// `serve` does it by itself soon after each hall's midnight.
    Publish {
        /// The hall; may be left out when there is just one
        #[arg(long)]
        hall: Option<HallId>,
    },
    /// List what was published, the newest first
    List {
        /// The hall; may be left out when there is just one
        #[arg(long)]
        hall: Option<HallId>,
        /// How many days
        #[arg(long, default_value_t = 31)]
        days: usize,
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (config, store) = globals.open()?;
        let keys = keys::read_keys(&config.data_dir, config.suite)?;
        block_on(async {
            match self {
                Self::Publish { hall } => {
                    let hall = chosen(&store, hall.as_ref()).await?.id;
                    let now_ms = SystemClock.now_ms();
                    let published = publish(&store, keys.chosen(), &[hall], now_ms).await?;
                    if published.is_empty() {
                        out::note("no day is over that was not published before");
                    }
                    for root in published {
                        let day = crate::day::name(root.day);
                        let (leaves, root) = (root.leaves, hex(&root.root));
                        out::line(format_args!("{day}\t{leaves}\t{root}"));
                    }
                    Ok(())
                }
                Self::List { hall, days, json } => {
                    let hall = chosen(&store, hall.as_ref()).await?.id;
                    let roots = store.roots(hall.clone(), None, days).await?;
                    roots.iter().try_for_each(|root| line(&hall, root, json))
                }
            }
        })
    }
}

fn line(hall: &HallId, published: &PublishedRoot, as_json: bool) -> anyhow::Result<()> {
    let signed = SignedDayRoot::parse(&published.signed)?;
    let root = signed.open(&signed.claimed_key())?;
    let (day, leaves, hash) = (crate::day::name(root.day), root.leaves, hex(&root.root));
    if as_json {
        out::line(json!({
            "hall": hall,
            "day": root.day,
            "leaves": leaves,
            "root": hash,
            "previous": root.previous.map(|previous| hex(&previous)),
        }));
    } else {
        out::line(format_args!("{day}\t{leaves}\t{hash}"));
    }
    Ok(())
}

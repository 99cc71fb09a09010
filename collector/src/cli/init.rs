//! `init`: everything a collector needs before it can serve.
//!
//! **Crash** each step leaves a state that the next `init` goes on from: the directory, the database,
//! the keys (each written beside its place, synced, then moved), the first user.

use std::fs;
use std::os::unix::fs::DirBuilderExt;

use anyhow::Context;

use super::{Globals, block_on, keys, out};
use crate::clock::{Clock, SystemClock};
use crate::office::users::{FIRST_USER, create_first_user};
use crate::store::sqlite::SqliteStore;

/// No arguments of its own.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

impl Args {
    #[expect(clippy::unused_self, reason = "all subcommands run the same way")]
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let config = globals.load()?;
        let dir = &config.data_dir;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .with_context(|| format!("could not make directory `{}`", dir.display()))?;
        let store = SqliteStore::create_configured(&config)?;
        let key = keys::read_or_make_key(dir, config.suite)?;
        let (_, adopted) = block_on(keys::adopt_office_key(dir, &store))?;
        out::line(format_args!("data directory:  {}", dir.display()));
        out::line(format_args!(
            "key fingerprint: {}",
            key.public().fingerprint()
        ));
        out::line(format_args!("suite:           {}", config.suite));
        if adopted {
            out::line("office key:      new; keep a copy of office.key apart from the database");
        }
        first_user(&store)
    }
}

fn first_user(store: &SqliteStore) -> anyhow::Result<()> {
    let now_ms = SystemClock.now_ms();
    let first = block_on(async { Ok(create_first_user(store, now_ms).await?) })?;
    match first {
        Some(password) => {
            out::line(format_args!("user:            {FIRST_USER}"));
            out::line(format_args!(
                "password:        {password}  (one-time; it must be changed at the first login)"
            ));
        }
        None => out::line("user:            there is one already; its password stands"),
    }
    Ok(())
}

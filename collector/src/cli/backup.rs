//! `backup`: the database in one file, while the collector runs.

use std::path::PathBuf;

use anyhow::bail;

use super::{Globals, out};
use crate::store::sqlite::backup::backup;

/// Where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The file appears only when the copy is whole, was read through and holds as many rows of every table as \
the database. A file that is there already is never replaced.

The keys are not in it: keep copies of collector.key (and collector.gm.key) and of office.key, too, the \
latter apart from the database.

To restore: stop the collector, put the file in the data directory as collector.sqlite, remove \
collector.sqlite-wal and collector.sqlite-shm, start the collector. Terminals send again what it lacks.")]
pub(super) struct Args {
    /// The file to make
    file: PathBuf,
}

impl Args {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let config = globals.load()?;
        if config.database.is_postgres() {
            bail!(
                "the database is on a PostgreSQL server; back it up with the server's own tools \
                 (pg_basebackup, pg_dump)"
            )
        }
        let mut told = 0;
        let copied = backup(&config.data_dir, &self.file, &mut |done, all| {
            let percent = done.saturating_mul(100).checked_div(all).unwrap_or(100);
            // A line for every tenth: a copy of gigabytes takes minutes.
            if percent >= told + 10 && percent < 100 {
                told = percent;
                out::note(format_args!("{percent} %"));
            }
        })?;
        out::line(format_args!(
            "{}: schema version {}, {} rows in {} tables, {} KiB; the copy was read through and fits",
            self.file.display(),
            copied.version,
            copied.rows,
            copied.tables,
            copied.bytes.div_ceil(1024)
        ));
        Ok(())
    }
}

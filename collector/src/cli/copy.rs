//! `copy`: everything into another, empty database.

use std::path::PathBuf;
use std::str::FromStr;

use manyi_shared::wire::SecretKey;

use super::{Globals, block_on, keys, out};
use crate::config::{Config, DatabaseAddress, PostgresSettings};
use crate::store::copy::copy;
use crate::store::{Database, StoreError};

/// From where to where.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The source is one moment of a database that may be in use; it is brought up to this program's schema \
first, and otherwise only read. The copy counts only when this ends with status 0: then every table \
has as many rows there, and the check of every hall says the same there as here. After that stop the \
collector, and start it on the copy. What terminals sent meanwhile they send again.

A server's password is read from the file that `database_password_file` names. Keys are not in a \
database: the data directory's stay in use.")]
pub(super) struct Args {
    /// The database to read: `sqlite:DIR` or `postgres://USER@HOST/DATABASE`
    #[arg(long, value_name = "DATABASE")]
    from: Place,
    /// The empty database to fill, named in the same way
    #[arg(long, value_name = "DATABASE")]
    to: Place,
    /// Go on with a copy that was cut off
    #[arg(long)]
    resume: bool,
}

/// Where a database is.
#[derive(Debug, Clone)]
enum Place {
    /// In a file of this directory.
    Sqlite(PathBuf),
    /// On a server.
    Postgres(DatabaseAddress),
}

impl Place {
    /// Opens it, or also makes it.
    fn open(self, config: &Config, make: bool) -> Result<Database, StoreError> {
        match (self, make) {
            (Self::Sqlite(dir), false) => Database::open(&dir),
            (Self::Sqlite(dir), true) => Database::create(&dir),
            (Self::Postgres(address), make) => {
                // Password and authorities as for the collector's own database.
                let settings = PostgresSettings {
                    address,
                    password_file: config.database_password_file.clone(),
                    ca_file: config.database_ca_file.clone(),
                };
                if make {
                    Database::create_postgres(&settings)
                } else {
                    Database::open_postgres(&settings)
                }
            }
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("sqlite", dir)) if !dir.is_empty() => Ok(Self::Sqlite(dir.into())),
            Some(("postgres" | "postgresql", _)) => {
                let address = text.parse::<DatabaseAddress>();
                address.map(Self::Postgres).map_err(|e| e.to_string())
            }
            _ => Err("name it as sqlite:DIR or postgres://USER@HOST/DATABASE".to_owned()),
        }
    }
}

impl Args {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let config = globals.load()?;
        let keys = keys::read_keys(&config.data_dir, config.suite)?;
        let keys = keys.all().map(SecretKey::public).collect();
        let from = self.from.open(&config, false)?;
        let to = self.to.open(&config, true)?;
        let mut last = None;
        let mut told = |now: crate::store::copy::Progress<'_>| {
            let tenth = now.done.saturating_mul(10).checked_div(now.all);
            let line = (now.table.to_owned(), tenth);
            if now.all > 0 && last.as_ref() != Some(&line) {
                out::note(format_args!("{}: {} of {}", now.table, now.done, now.all));
                last = Some(line);
            }
        };
        let moved = block_on(async {
            let copied = copy(&from, &to, keys, self.resume, &mut told).await;
            Ok(copied?)
        })?;
        out::line(format_args!(
            "{} rows of {} tables are there; the check says the same of {} halls",
            moved.rows,
            moved.tables,
            moved.halls.len()
        ));
        for (hall, report) in &moved.halls {
            if !report.is_good() {
                out::note(format_args!(
                    "hall {hall}: what did not fit before does not fit now; see `verify`"
                ));
            }
        }
        Ok(())
    }
}

//! `hall import`: an office's own tables.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Globals, block_on, noted, out};
use crate::access::Place;
use crate::audit::Action;
use crate::hall::HallTables;
use crate::store::IngestStore;

/// What to do with halls.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Load hall.csv, departments.csv, staff.csv, windows.csv and items.csv of a directory
    ///
    /// And profile.toml, when there is one, with what terminals show and do. All files are checked
    /// first, pictures included; with any fault nothing is imported. Importing again
    /// replaces the hall's tables, and terminals get the new names with their next exchange. A
    /// window that is no longer in the table is removed, and its ratings stay; a window where a
    /// terminal is enrolled cannot be removed before that terminal is revoked.
    Import {
        /// The directory
        dir: PathBuf,
    },
}

impl Command {
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let Self::Import { dir } = self;
        // Before the database is touched: a faulty table changes nothing.
        let tables = HallTables::read(&dir)?;
        let (_, store) = globals.open()?;
        let summary = format!(
            "{} {}: {} departments, {} clerks, {} windows, {} items, {} windows with options of \
             their own, {} files",
            tables.hall.id,
            tables.hall.name,
            tables.departments.len(),
            tables.staff.len(),
            tables.windows.len(),
            tables.items.len(),
            tables.options.windows.len(),
            tables.assets.len(),
        );
        let at = Place::Hall(tables.hall.id.clone());
        noted(&store, Action::ImportHall, at, "tables");
        let imported = block_on(async { Ok(store.import_hall(tables).await?) })??;
        out::line(summary);
        for window in &imported.removed_windows {
            out::line(format_args!("window {window} is gone"));
        }
        let version = imported.profile_version;
        if imported.changed {
            out::line(format_args!(
                "imported; terminals get profile version {version}"
            ));
        } else {
            out::line(format_args!(
                "nothing is different; profile version stays {version}"
            ));
        }
        Ok(())
    }
}

//! `init`: everything a collector needs before it can serve.
//!
//! **Crash** each step leaves a state that the next `init` goes on from: the directory, the key
//! (written beside its place, synced, then moved), the database, the first user.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use manyi_shared::wire::SecretKey;

use super::{Globals, block_on, out};
use crate::clock::{Clock, SystemClock};
use crate::office::users::{FIRST_USER, create_first_user};
use crate::store::sqlite::SqliteStore;

/// The signing key's file name inside the data directory: a raw 32-byte Ed25519 seed.
pub(crate) const KEY_FILE: &str = "collector.key";

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
        let store = SqliteStore::create(dir)?;
        let key = match read_key(dir) {
            Ok(key) => key,
            Err(error) if is_missing(&error) => make_key(dir)?,
            Err(error) => return Err(error),
        };
        out::line(format_args!("data directory:  {}", dir.display()));
        out::line(format_args!(
            "key fingerprint: {}",
            key.public().fingerprint()
        ));
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

fn is_missing(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<std::io::Error>();
    cause.is_some_and(|e| e.kind() == ErrorKind::NotFound)
}

/// Reads the collector's signing key.
///
/// # Errors
/// When the file is missing (says that `init` makes it), or is no key.
pub(crate) fn read_key(dir: &Path) -> anyhow::Result<SecretKey> {
    let path = dir.join(KEY_FILE);
    let bytes = fs::read(&path).with_context(|| {
        format!(
            "could not read key `{}`; `manyi-collector init` makes it",
            path.display()
        )
    })?;
    let Ok(seed) = <[u8; 32]>::try_from(bytes.as_slice()) else {
        bail!(
            "key `{}` has {} bytes, not 32; put the key's backup in its place: terminals trust no \
             other",
            path.display(),
            bytes.len()
        );
    };
    Ok(SecretKey::from_seed(&seed))
}

fn make_key(dir: &Path) -> anyhow::Result<SecretKey> {
    let key = SecretKey::generate().context("the system has no randomness to give")?;
    let (path, fresh) = (dir.join(KEY_FILE), dir.join("collector.key.new"));
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(&key.seed())?;
        file.sync_all()?;
        // A hard link fails where the key already exists: it is never overwritten.
        fs::hard_link(&fresh, &path)?;
        fs::remove_file(&fresh)?;
        fs::File::open(dir)?.sync_all()
    };
    write().with_context(|| format!("could not write key `{}`", path.display()))?;
    Ok(key)
}

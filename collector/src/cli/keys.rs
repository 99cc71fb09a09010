//! The two secrets of the data directory: the key that signs, and the key that opens what citizens
//! left.
//!
//! **Invariants**
//! 1. A key file that is there is never overwritten, whatever is in it.
//! 2. Only its owner reads it (mode 0600).

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use manyi_shared::wire::{OfficeSecret, SecretKey, Suite};

use crate::clock::{Clock, SystemClock};
use crate::store::OfficeStore;

/// The signing key's file name inside the data directory: a raw 32-byte Ed25519 seed.
const KEY_FILE: &str = "collector.key";

/// The office's key: 32 raw bytes of an X25519 secret.
const OFFICE_KEY_FILE: &str = "office.key";

/// Reads the collector's signing key.
///
/// # Errors
/// When the file is missing (says that `init` makes it), or is no key.
pub(super) fn read_key(dir: &Path) -> anyhow::Result<SecretKey> {
    let seed = read(dir, KEY_FILE, "terminals trust no other")?;
    Ok(SecretKey::from_seed(&seed))
}

/// Reads the collector's signing key, and makes it when there is none.
///
/// # Errors
/// When there is a file that is no key, or none can be made.
pub(super) fn read_or_make_key(dir: &Path) -> anyhow::Result<SecretKey> {
    match read_key(dir) {
        Err(error) if is_missing(&error) => {
            let key = SecretKey::generate(Suite::Ed25519Sha256)
                .context("the system has no randomness to give")?;
            write(dir, KEY_FILE, &key.to_bytes())?;
            Ok(key)
        }
        other => other,
    }
}

/// Reads the key that opens what citizens left.
///
/// # Errors
/// When the file is missing (says that `init` makes it), or is no key.
pub(super) fn read_office_key(dir: &Path) -> anyhow::Result<OfficeSecret> {
    let bytes = read(
        dir,
        OFFICE_KEY_FILE,
        "what citizens left opens with no other",
    )?;
    OfficeSecret::from_bytes(&bytes)
        .with_context(|| format!("`{}` is no X25519 key", dir.join(OFFICE_KEY_FILE).display()))
}

/// Reads the office's key, makes it when there is none, and lets profiles carry its public half;
/// whether it is another than before.
///
/// # Errors
/// When there is a file that is no key, none can be made, or the database cannot be written.
pub(super) async fn adopt_office_key(
    dir: &Path,
    store: &impl OfficeStore,
) -> anyhow::Result<(OfficeSecret, bool)> {
    let secret = match read_office_key(dir) {
        Err(error) if is_missing(&error) => {
            let key = OfficeSecret::generate().context("the system has no randomness to give")?;
            write(dir, OFFICE_KEY_FILE, &key.to_bytes())?;
            key
        }
        other => other?,
    };
    let adopted = store.adopt_office_key(secret.public(), SystemClock.now_ms());
    Ok((secret, adopted.await?))
}

fn is_missing(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<std::io::Error>();
    cause.is_some_and(|e| e.kind() == ErrorKind::NotFound)
}

fn read(dir: &Path, name: &str, why: &str) -> anyhow::Result<[u8; 32]> {
    let path = dir.join(name);
    let bytes = fs::read(&path).with_context(|| {
        format!(
            "could not read key `{}`; `manyi-collector init` makes it",
            path.display()
        )
    })?;
    let Ok(key) = <[u8; 32]>::try_from(bytes.as_slice()) else {
        bail!(
            "key `{}` has {} bytes, not 32; put the key's backup in its place: {why}",
            path.display(),
            bytes.len()
        );
    };
    Ok(key)
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let (path, fresh) = (dir.join(name), dir.join(format!("{name}.new")));
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // A hard link fails where the key already exists: it is never overwritten.
        fs::hard_link(&fresh, &path)?;
        fs::remove_file(&fresh)?;
        fs::File::open(dir)?.sync_all()
    };
    write().with_context(|| format!("could not write key `{}`", path.display()))
}

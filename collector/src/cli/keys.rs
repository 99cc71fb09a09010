//! The secrets of the data directory: the keys that sign, one for each suite in use, and the key that
//! opens what citizens left.
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
use crate::keys::SigningKeys;
use crate::store::{IngestStore, OfficeStore};

/// The signing keys' file names inside the data directory: a raw 32-byte Ed25519 seed, and an SM2
/// key of 33 bytes.
const fn key_file(suite: Suite) -> &'static str {
    match suite {
        Suite::Ed25519Sha256 => "collector.key",
        Suite::Sm2Sm3 => "collector.gm.key",
    }
}

/// The office's key: 32 raw bytes of an X25519 secret.
const OFFICE_KEY_FILE: &str = "office.key";

/// Reads the collector's signing keys: that of the chosen suite, and those of other suites as far as
/// there are any.
///
/// # Errors
/// When the chosen suite's is missing (says that `init` makes it), or a file is no key of its suite.
pub(super) fn read_keys(dir: &Path, chosen: Suite) -> anyhow::Result<SigningKeys> {
    let mut others = Vec::new();
    for suite in Suite::ALL.into_iter().filter(|suite| *suite != chosen) {
        match read_key(dir, suite) {
            Ok(key) => others.push(key),
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(SigningKeys::new(read_key(dir, chosen)?, others))
}

/// Sees that there is a key for every suite that terminals in use were enrolled with.
///
/// # Errors
/// When one is missing, or the database cannot be read.
pub(super) async fn check_in_use(
    dir: &Path,
    keys: &SigningKeys,
    store: &impl IngestStore,
) -> anyhow::Result<()> {
    for suite in store.suites().await? {
        if keys.of(suite).is_none() {
            bail!(
                "terminals of suite {suite} are enrolled, but there is no `{}`; put the key's \
                 backup in its place: these terminals trust no other",
                dir.join(key_file(suite)).display()
            );
        }
    }
    Ok(())
}

fn read_key(dir: &Path, suite: Suite) -> anyhow::Result<SecretKey> {
    let (name, why) = (key_file(suite), "terminals trust no other");
    let bytes = read(dir, name)?;
    let key = SecretKey::from_bytes(&bytes).filter(|key| key.suite() == suite);
    key.with_context(|| {
        let (path, length) = (dir.join(name), bytes.len());
        format!(
            "`{}` of {length} bytes is no key of suite {suite}; put the key's backup in its place: {why}",
            path.display()
        )
    })
}

/// Reads the collector's signing key of a suite, and makes it when there is none.
///
/// # Errors
/// When there is a file that is no key, or none can be made.
pub(super) fn read_or_make_key(dir: &Path, suite: Suite) -> anyhow::Result<SecretKey> {
    match read_key(dir, suite) {
        Err(error) if is_missing(&error) => {
            let key = SecretKey::generate(suite).context("the system has no randomness to give")?;
            write(dir, key_file(suite), &key.to_bytes())?;
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
    let bytes = read(dir, OFFICE_KEY_FILE)?;
    office_key(&bytes, &dir.join(OFFICE_KEY_FILE))
}

/// Reads the office's key from a file of its holder's.
///
/// # Errors
/// When it cannot be read, or is no key.
pub(super) fn read_office_key_at(path: &Path) -> anyhow::Result<OfficeSecret> {
    let bytes =
        fs::read(path).with_context(|| format!("could not read key `{}`", path.display()))?;
    office_key(&bytes, path)
}

fn office_key(bytes: &[u8], path: &Path) -> anyhow::Result<OfficeSecret> {
    let key = bytes.try_into().ok().and_then(OfficeSecret::from_bytes);
    key.with_context(|| {
        let length = bytes.len();
        format!(
            "`{}` of {length} bytes is no X25519 key; put the key's backup in its place: what \
             citizens left opens with no other",
            path.display()
        )
    })
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

fn read(dir: &Path, name: &str) -> anyhow::Result<Vec<u8>> {
    let path = dir.join(name);
    fs::read(&path).with_context(|| {
        format!(
            "could not read key `{}`; `manyi-collector init` makes it",
            path.display()
        )
    })
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

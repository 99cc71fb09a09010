//! Another key for the terminal: made here, taken by the collector, then put in the old one's place.
//!
//! **Invariants**
//! 1. The new key is on the card, synced, before the collector hears of it.
//! 2. It takes the old one's place only after the collector's signed answer, and signs exchanges
//!    only after that is synced. The collector knows both until the first such exchange.
//! 3. So at every moment one of the keys on the card is one that the collector takes.
//!
//! **Crash**: a start that finds `identity.key.next` asks again, with the key in place and, should
//! the collector not know that any more, with the next one. `cuts` tries every moment.
//!
//! A collector that was restored from a backup may know only the key before the last rotation. It is
//! kept, and asks for the present one then ([`regain`]).
//!
//! A stream that an earlier identity of this tablet sealed is sent as that terminal, with the same
//! key; so every terminal in the journal gets the new one. Records are chained, not signed: those
//! sealed before stay valid.

mod ask;
mod card;
#[cfg(test)]
mod cuts;
mod hand_over;

use std::path::{Path, PathBuf};

use manyi_shared::domain::TerminalId;
use manyi_shared::journal::{JournalError, Reader};
use manyi_shared::tablet::{DataDir, FileError, Identity, IdentityError, KeySource};
use manyi_shared::wire::{SecretKey, Suite};

use crate::exchange::ExchangeError;
use crate::link::Link;

use ask::{Ask, Collector};
use card::{Card, Disk};
pub use hand_over::rotate_or_hand_over;

/// Why the key is still the old one.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The key is not ours to replace.
    #[error(
        "the key comes from a systemd credential (`{path}`), which this program cannot replace: \
         make a new credential and enrol again with a code from the office"
    )]
    ReadOnly {
        /// The credential.
        path: PathBuf,
    },
    /// The key cannot be read or made.
    #[error(transparent)]
    Key(#[from] IdentityError),
    /// The card cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It cannot be seen whose streams are in the journal.
    #[error("the journal must be read to know every terminal that signs with this key")]
    Journal(#[source] JournalError),
    /// The collector did not take it, or not yet.
    #[error("the collector has not taken the new key")]
    Collector(#[source] ExchangeError),
    /// The key that lies on the card is not the one that was asked for.
    #[error("`{path}` is another key than the one that was asked for; trying again")]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A daemon is at work in the data folder.
    #[error(transparent)]
    Lock(#[from] crate::lock::LockError),
    /// The way to the collector cannot be prepared.
    #[error(transparent)]
    Link(#[from] crate::link::LinkError),
    /// The daemon that works here tried, and this is what it says.
    #[error("the daemon could not rotate the key yet: {detail}; it tries again by itself")]
    ByDaemon {
        /// What the daemon says.
        detail: String,
    },
    /// The daemon that works here does not answer.
    #[error("the daemon that works here does not take the order; look at its log")]
    NoWord,
}

impl RotateError {
    /// Whether trying again may help without anybody acting.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        !matches!(self, Self::ReadOnly { .. })
    }
}

/// The files of the key.
#[derive(Debug, Clone)]
struct Keys {
    key: PathBuf,
    next: PathBuf,
    previous: PathBuf,
}

impl Keys {
    /// # Errors
    /// [`RotateError::ReadOnly`] when they are not ours.
    fn of(data: &DataDir) -> Result<Self, RotateError> {
        match KeySource::of_service(data) {
            KeySource::Credential(path) => Err(RotateError::ReadOnly { path }),
            KeySource::File(key) => Ok(Self {
                key,
                next: data.next_key(),
                previous: data.previous_key(),
            }),
        }
    }
}

/// Rotates the key, or goes on where a cut ended it. Gives the key that is in place then.
///
/// # Errors
/// [`RotateError`]; the key that was in place is still taken by the collector.
pub async fn rotate(
    data: &DataDir,
    identity: &Identity,
    link: &Link,
) -> Result<SecretKey, RotateError> {
    let (keys, others, collector) = set_up(data, identity, link)?;
    exchange_keys(&Disk, &keys, &collector, identity.terminal, &others).await
}

/// Makes the present key known to a collector that knows only the one before it. Gives the present
/// key.
///
/// # Errors
/// [`RotateError`]; nothing was changed here.
pub async fn regain(
    data: &DataDir,
    identity: &Identity,
    link: &Link,
) -> Result<SecretKey, RotateError> {
    let (keys, others, collector) = set_up(data, identity, link)?;
    make_known_again(&Disk, &keys, &collector, identity.terminal, &others).await
}

/// The files of the key, the earlier terminals that sign with it, and whom to ask.
fn set_up<'a>(
    data: &DataDir,
    identity: &'a Identity,
    link: &'a Link,
) -> Result<(Keys, Vec<TerminalId>, Collector<'a>), RotateError> {
    let keys = Keys::of(data)?;
    let others = other_terminals(&data.journal(), identity.terminal)?;
    let collector = Collector {
        link,
        key: &identity.collector,
    };
    Ok((keys, others, collector))
}

/// Whether there is a key before the present one.
#[must_use]
pub fn has_previous(data: &DataDir) -> bool {
    data.previous_key().exists()
}

/// Whether a rotation was begun and not ended.
#[must_use]
pub fn is_under_way(data: &DataDir) -> bool {
    data.next_key().exists()
}

/// Earlier identities of this tablet that have streams in the journal.
fn other_terminals(journal: &Path, own: TerminalId) -> Result<Vec<TerminalId>, RotateError> {
    let reader = match Reader::open(journal) {
        Ok(reader) => reader,
        Err(JournalError::Missing { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(RotateError::Journal(error)),
    };
    let streams = reader.streams().map_err(RotateError::Journal)?;
    let mut others = Vec::new();
    for stream in streams {
        if stream.terminal != own && !others.contains(&stream.terminal) {
            others.push(stream.terminal);
        }
    }
    Ok(others)
}

async fn exchange_keys(
    card: &impl Card,
    keys: &Keys,
    collector: &impl Ask,
    own: TerminalId,
    others: &[TerminalId],
) -> Result<SecretKey, RotateError> {
    let current = key_at(card, &keys.key)?.ok_or_else(|| IdentityError::NotEnrolled {
        path: keys.key.clone(),
    })?;
    let next = next_key(card, keys, current.suite())?;
    if next.public() == current.public() {
        // It was answered and put in place; a cut or a fault came before the end.
        finish(card, keys)?;
        return Ok(next);
    }
    for &terminal in others {
        // One that the office revoked or never knew is sent nothing as, whatever its key.
        if let Err(error) = known_by(collector, terminal, &current, &next).await
            && !ask::is_refusal(&error)
        {
            return Err(RotateError::Collector(error));
        }
    }
    known_by(collector, own, &current, &next)
        .await
        .map_err(RotateError::Collector)?;
    replace(card, &keys.previous, &current)?;
    card.sync_folder(&keys.previous)?;
    put_in_place(card, keys, &next)?;
    finish(card, keys)?;
    Ok(next)
}

async fn make_known_again(
    card: &impl Card,
    keys: &Keys,
    collector: &impl Ask,
    own: TerminalId,
    others: &[TerminalId],
) -> Result<SecretKey, RotateError> {
    let needed = |path: &Path| {
        let path = path.to_owned();
        move || IdentityError::NotEnrolled { path }
    };
    let current = key_at(card, &keys.key)?.ok_or_else(needed(&keys.key))?;
    let previous = key_at(card, &keys.previous)?.ok_or_else(needed(&keys.previous))?;
    for &terminal in others {
        if let Err(error) = collector.ask(terminal, &current, &previous).await
            && !ask::is_refusal(&error)
        {
            return Err(RotateError::Collector(error));
        }
    }
    let asked = collector.ask(own, &current, &previous).await;
    asked.map_err(RotateError::Collector)?;
    Ok(current)
}

/// Asks with the key in place, and with the next one when the collector does not know that any
/// more: a card that loses what it had synced leaves this behind.
async fn known_by(
    collector: &impl Ask,
    terminal: TerminalId,
    current: &SecretKey,
    next: &SecretKey,
) -> Result<(), ExchangeError> {
    match collector.ask(terminal, next, current).await {
        Err(error) if ask::is_refusal(&error) => collector.ask(terminal, next, next).await,
        answered => answered,
    }
}

/// The next key as it lies on the card, or a fresh one that does then. One that cannot be read was
/// never asked for: it is synced before that.
fn next_key(card: &impl Card, keys: &Keys, suite: Suite) -> Result<SecretKey, RotateError> {
    if let Ok(Some(next)) = key_at(card, &keys.next) {
        // An earlier try may have failed before this.
        card.sync_folder(&keys.next)?;
        return Ok(next);
    }
    let next = SecretKey::generate(suite).map_err(IdentityError::from)?;
    replace(card, &keys.next, &next)?;
    card.sync_folder(&keys.next)?;
    Ok(next)
}

/// From here on the next start signs with it. It stays where it was, too, until that is certain.
fn put_in_place(card: &impl Card, keys: &Keys, next: &SecretKey) -> Result<(), RotateError> {
    let lies_there = key_at(card, &keys.next)?.map(|key| key.public());
    if lies_there != Some(next.public()) {
        let path = keys.next.clone();
        return Err(RotateError::Changed { path });
    }
    replace(card, &keys.key, next)
}

/// Makes what was put in place survive a cut, and only then lets go of the next key's file.
fn finish(card: &impl Card, keys: &Keys) -> Result<(), RotateError> {
    card.sync_folder(&keys.key)?;
    Ok(card.remove(&keys.next)?)
}

fn replace(card: &impl Card, path: &Path, key: &SecretKey) -> Result<(), RotateError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".making");
    let beside = PathBuf::from(beside);
    card.write(&beside, &key.to_bytes())?;
    card.sync(&beside)?;
    Ok(card.rename(&beside, path)?)
}

fn key_at(card: &impl Card, path: &Path) -> Result<Option<SecretKey>, RotateError> {
    let Some(bytes) = card.read(path)? else {
        return Ok(None);
    };
    let damaged = || IdentityError::Damaged {
        path: path.to_owned(),
        problem: format!("its {} bytes are no key", bytes.len()),
    };
    Ok(Some(SecretKey::from_bytes(&bytes).ok_or_else(damaged)?))
}

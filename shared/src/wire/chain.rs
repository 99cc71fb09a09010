//! The chain that makes a stream tamper-evident: `hash(n) = H(hash(n-1) || bytes(n))`.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::domain::{StreamId, TerminalId};

use super::suite::Suite;

impl Suite {
    /// The hash before the first record of a stream of this suite: it binds the chain to terminal
    /// and stream, so records cannot be moved into another stream unseen.
    #[must_use]
    pub fn genesis(self, terminal: TerminalId, stream: StreamId) -> ChainHash {
        let parts = [self.context(), terminal.as_bytes(), stream.as_bytes()];
        ChainHash::of(self, self.digest_of(&parts))
    }

    /// Separates this use of the hash from every other. Frozen.
    const fn context(self) -> &'static [u8] {
        match self {
            Self::Ed25519Sha256 => b"manyi/chain/1",
            Self::Sm2Sm3 => b"manyi/chain/2",
        }
    }
}

/// The hash after a record; commits to every record of the stream up to it.
///
/// It knows the suite of its stream, so that the chain goes on with the right hash function. Two
/// hashes are equal when their bytes are: a reader who only compares needs no suite.
#[derive(Clone, Copy)]
pub struct ChainHash {
    suite: Suite,
    bytes: [u8; 32],
}

impl ChainHash {
    /// The hash before the first record of a stream of the first suite; see [`Suite::genesis`].
    #[must_use]
    pub fn genesis(terminal: TerminalId, stream: StreamId) -> Self {
        Suite::Ed25519Sha256.genesis(terminal, stream)
    }

    /// The hash after one more record.
    #[must_use]
    pub fn extend(self, record: &[u8]) -> Self {
        let bytes = self.suite.digest_of(&[&self.bytes, record]);
        Self::of(self.suite, bytes)
    }

    /// The hash after a run of records.
    #[must_use]
    pub fn extend_all<'a>(self, records: impl IntoIterator<Item = &'a [u8]>) -> Self {
        records.into_iter().fold(self, Self::extend)
    }

    /// The hash of a suite's chain with exactly these bytes.
    #[must_use]
    pub const fn of(suite: Suite, bytes: [u8; 32]) -> Self {
        Self { suite, bytes }
    }

    /// The hash with exactly these bytes: enough to compare, and to go on with a chain of the first
    /// suite. To go on with any other, use [`Self::of`].
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self::of(Suite::Ed25519Sha256, bytes)
    }

    /// The suite whose hash function goes on from here.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The same hash, going on with a suite's hash function.
    #[must_use]
    pub const fn in_suite(self, suite: Suite) -> Self {
        Self::of(suite, self.bytes)
    }

    /// The hash's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl PartialEq for ChainHash {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for ChainHash {}

impl Hash for ChainHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({self})")
    }
}

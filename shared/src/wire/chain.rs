//! The chain that makes a stream tamper-evident: `hash(n) = H(hash(n-1) || bytes(n))`.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::domain::{StreamId, TerminalId};

/// Separates this use of the hash from every other. Frozen.
const GENESIS_CONTEXT: &[u8] = b"manyi/chain/1";

/// The hash after a record; commits to every record of the stream up to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// The hash before the first record of a stream: it binds the chain to terminal and stream, so
    /// records cannot be moved into another stream unseen.
    #[must_use]
    pub fn genesis(terminal: TerminalId, stream: StreamId) -> Self {
        let mut hash = Sha256::new();
        hash.update(GENESIS_CONTEXT);
        hash.update(terminal.as_bytes());
        hash.update(stream.as_bytes());
        Self(hash.finalize().into())
    }

    /// The hash after one more record.
    #[must_use]
    pub fn extend(self, record: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(record);
        Self(hash.finalize().into())
    }

    /// The hash after a run of records.
    #[must_use]
    pub fn extend_all<'a>(self, records: impl IntoIterator<Item = &'a [u8]>) -> Self {
        records.into_iter().fold(self, Self::extend)
    }

    /// The hash with exactly these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({self})")
    }
}

//! Claims: what a terminal believes that the centre holds. A centre that came back from a backup
//! learns from them what it has lost, and asks for it again.

use minicbor::{Decode, Encode};

use crate::domain::{StreamId, Watermark};

use super::chain::ChainHash;
use super::suite::Suite;

/// How far a stream is held by the centre, with the chain there.
///
/// In an exchange: what was acknowledged. In a reply: what is really held, where that is less;
/// watermark 0 stands with the chain at the stream's genesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The stream.
    pub stream: StreamId,
    /// Everything up to here.
    pub watermark: Watermark,
    /// The chain there, of the stream's suite.
    pub hash: ChainHash,
}

/// The frozen shape of a claim.
#[derive(Encode, Decode)]
pub(super) struct RawClaim {
    #[cbor(n(0), with = "minicbor::bytes")]
    stream: [u8; 16],
    #[n(1)]
    watermark: u64,
    #[cbor(n(2), with = "minicbor::bytes")]
    hash: [u8; 32],
    /// The suite of the stream's chain; left out for the first.
    #[n(3)]
    suite: Option<u8>,
}

impl RawClaim {
    /// The shapes of a list; nothing for an empty one.
    pub(super) fn all(claims: &[Claim]) -> Option<Vec<Self>> {
        let raw = claims.iter().map(|claim| Self {
            stream: *claim.stream.as_bytes(),
            watermark: claim.watermark.get(),
            hash: *claim.hash.as_bytes(),
            suite: claim.hash.suite().field(),
        });
        (!claims.is_empty()).then(|| raw.collect())
    }

    pub(super) fn into_domain(self) -> Result<Claim, String> {
        let suite = Suite::from_field(self.suite)?;
        Ok(Claim {
            stream: StreamId::from_bytes(self.stream),
            watermark: Watermark::new(self.watermark),
            hash: ChainHash::of(suite, self.hash),
        })
    }
}

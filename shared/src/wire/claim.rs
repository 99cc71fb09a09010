//! Claims: what a terminal believes that the centre holds. A centre that came back from a backup
//! learns from them what it has lost, and asks for it again.

use minicbor::{Decode, Encode};

use crate::domain::{StreamId, Watermark};

use super::chain::ChainHash;

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
    /// The chain there.
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
}

impl RawClaim {
    /// The shapes of a list; nothing for an empty one.
    pub(super) fn all(claims: &[Claim]) -> Option<Vec<Self>> {
        let raw = claims.iter().map(|claim| Self {
            stream: *claim.stream.as_bytes(),
            watermark: claim.watermark.get(),
            hash: *claim.hash.as_bytes(),
        });
        (!claims.is_empty()).then(|| raw.collect())
    }

    pub(super) const fn into_domain(self) -> Claim {
        Claim {
            stream: StreamId::from_bytes(self.stream),
            watermark: Watermark::new(self.watermark),
            hash: ChainHash::from_bytes(self.hash),
        }
    }
}

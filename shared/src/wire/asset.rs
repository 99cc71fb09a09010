//! Asking the collector for a file of the profile (a picture, a sound) by its digest.
//!
//! The request is signed, because pictures of clerks are not for everybody. The answer is the file
//! itself: whoever knows the digest knows whether it is the right one. A replayed request gets the
//! same file again and changes nothing.

use minicbor::{Decode, Encode};

use crate::domain::TerminalId;

use super::envelope::Purpose;
use super::signed::{Signed, TerminalMessage};

/// SHA-256 of a file.
pub type AssetDigest = [u8; 32];

/// Which file a terminal wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssetRequest {
    /// Who asks.
    pub terminal: TerminalId,
    /// SHA-256 of the file.
    pub digest: AssetDigest,
}

/// A request as it came in: taken apart, not yet trusted.
pub type SignedAssetRequest = Signed<AssetRequest>;

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawRequest {
    #[cbor(n(0), with = "minicbor::bytes")]
    digest: [u8; 32],
}

impl TerminalMessage for AssetRequest {
    const PURPOSE: Purpose = Purpose::Asset;

    fn terminal(&self) -> TerminalId {
        self.terminal
    }

    fn payload(&self) -> Vec<u8> {
        let digest = self.digest;
        super::to_cbor(&RawRequest { digest })
    }

    fn read(terminal: TerminalId, payload: &[u8]) -> Result<Self, String> {
        let raw: RawRequest = minicbor::decode(payload).map_err(|e| e.to_string())?;
        Ok(Self {
            terminal,
            digest: raw.digest,
        })
    }
}

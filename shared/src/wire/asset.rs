//! Asking the collector for a file of the profile (a picture, a sound) by its digest.
//!
//! The request is signed, because pictures of clerks are not for everybody. The answer is the file
//! itself: whoever knows the digest knows whether it is the right one. A replayed request gets the
//! same file again and changes nothing.

use minicbor::{Decode, Encode};

use crate::domain::TerminalId;

use super::envelope::{Envelope, EnvelopeError, Purpose};
use super::keys::{PublicKey, SecretKey};

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

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawRequest {
    #[cbor(n(0), with = "minicbor::bytes")]
    digest: [u8; 32],
}

/// A request as it came in: taken apart, not yet trusted.
#[derive(Debug)]
pub struct SignedAssetRequest {
    envelope: Envelope,
    terminal: TerminalId,
}

impl AssetRequest {
    /// Signs the request.
    #[must_use]
    pub fn seal(&self, key: &SecretKey) -> Vec<u8> {
        let raw = RawRequest {
            digest: self.digest,
        };
        Envelope::seal(
            Purpose::Asset,
            self.terminal.as_bytes(),
            super::to_cbor(&raw),
            key,
        )
    }
}

impl SignedAssetRequest {
    /// Takes a request apart without trusting it.
    ///
    /// # Errors
    /// [`EnvelopeError`] when the bytes are no request.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope = Envelope::parse(bytes)?;
        let terminal = TerminalId::from_bytes(envelope.key_id()?);
        Ok(Self { envelope, terminal })
    }

    /// Who claims to ask, for looking up the key.
    #[must_use]
    pub const fn claimed_terminal(&self) -> TerminalId {
        self.terminal
    }

    /// What is wanted, once the signature fits.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn open(&self, key: &PublicKey) -> Result<AssetRequest, EnvelopeError> {
        let payload = self.envelope.open(Purpose::Asset, key)?;
        let content = |e: String| EnvelopeError::Content(e);
        super::deterministic::check(payload).map_err(|e| content(e.to_string()))?;
        let raw: RawRequest = minicbor::decode(payload).map_err(|e| content(e.to_string()))?;
        Ok(AssetRequest {
            terminal: self.terminal,
            digest: raw.digest,
        })
    }
}

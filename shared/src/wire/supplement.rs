//! The supplement token: what the QR code on the reasons page carries. It opens the collector's
//! page for one rating on the citizen's own phone.
//!
//! Signed by the terminal, because the tablet may be without a network when it shows the code. It
//! names the rating, says nothing of it, and is not secret: whoever photographs the code may add to
//! that rating, as whoever stands at the window may.

use minicbor::{Decode, Encode};

use crate::domain::{Seq, StreamId, TerminalId};

use super::envelope::{Envelope, EnvelopeError, Purpose};
use super::keys::{PublicKey, SecretKey};

/// Which rating may be added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supplement {
    /// The terminal that took the rating.
    pub terminal: TerminalId,
    /// The stream the rating is in.
    pub stream: StreamId,
    /// The rating's position in it.
    pub target: Seq,
    /// For how many hours after the rating was sealed the page may be used.
    pub hours: u16,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawSupplement {
    #[cbor(n(0), with = "minicbor::bytes")]
    stream: [u8; 16],
    #[n(1)]
    target: u64,
    #[n(2)]
    hours: u16,
}

/// A token as it came in: taken apart, not yet trusted.
#[derive(Debug)]
pub struct SignedSupplement {
    envelope: Envelope,
    terminal: TerminalId,
}

impl Supplement {
    /// Signs the token.
    #[must_use]
    pub fn seal(&self, key: &SecretKey) -> Vec<u8> {
        let raw = RawSupplement {
            stream: *self.stream.as_bytes(),
            target: self.target.get(),
            hours: self.hours,
        };
        Envelope::seal(
            Purpose::Supplement,
            self.terminal.as_bytes(),
            super::to_cbor(&raw),
            key,
        )
    }
}

impl SignedSupplement {
    /// Takes a token apart without trusting it.
    ///
    /// # Errors
    /// [`EnvelopeError`] when the bytes are no token.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope = Envelope::parse(bytes)?;
        let terminal = TerminalId::from_bytes(envelope.key_id()?);
        Ok(Self { envelope, terminal })
    }

    /// Who claims to have signed it, for looking up the key.
    #[must_use]
    pub const fn claimed_terminal(&self) -> TerminalId {
        self.terminal
    }

    /// Which rating may be added to, once the signature fits.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn open(&self, key: &PublicKey) -> Result<Supplement, EnvelopeError> {
        let payload = self.envelope.open(Purpose::Supplement, key)?;
        let content = |e: String| EnvelopeError::Content(e);
        super::deterministic::check(payload).map_err(|e| content(e.to_string()))?;
        let raw: RawSupplement = minicbor::decode(payload).map_err(|e| content(e.to_string()))?;
        Ok(Supplement {
            terminal: self.terminal,
            stream: StreamId::from_bytes(raw.stream),
            target: Seq::new(raw.target)
                .ok_or_else(|| content("a position is at least 1".to_owned()))?,
            hours: raw.hours,
        })
    }
}

//! The supplement token: what the QR code on the reasons page carries. It opens the collector's
//! page for one rating on the citizen's own phone.
//!
//! Signed by the terminal, because the tablet may be without a network when it shows the code. It
//! names the rating, says nothing of it, and is not secret: whoever photographs the code may add to
//! that rating, as whoever stands at the window may.

use minicbor::{Decode, Encode};

use crate::domain::{Seq, StreamId, TerminalId};

use super::envelope::Purpose;
use super::signed::{Signed, TerminalMessage};

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
pub type SignedSupplement = Signed<Supplement>;

impl TerminalMessage for Supplement {
    const PURPOSE: Purpose = Purpose::Supplement;

    fn terminal(&self) -> TerminalId {
        self.terminal
    }

    fn payload(&self) -> Vec<u8> {
        super::to_cbor(&RawSupplement {
            stream: *self.stream.as_bytes(),
            target: self.target.get(),
            hours: self.hours,
        })
    }

    fn read(terminal: TerminalId, payload: &[u8]) -> Result<Self, String> {
        let raw: RawSupplement = minicbor::decode(payload).map_err(|e| e.to_string())?;
        Ok(Self {
            terminal,
            stream: StreamId::from_bytes(raw.stream),
            target: Seq::new(raw.target).ok_or("a position is at least 1")?,
            hours: raw.hours,
        })
    }
}

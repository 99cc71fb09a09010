//! Key rotation: a terminal trades its key for a new one, made on the tablet like the first.
//!
//! **A cut at any step locks nobody out.** The tablet keeps the new key beside the old one before
//! it asks; the centre takes either until the new one has signed an exchange, and answers the same
//! request the same way as often as it comes.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::domain::TerminalId;

use super::envelope::{Envelope, EnvelopeError, Purpose};
use super::keys::{PublicKey, SecretKey};
use super::signed::{Signed, TerminalMessage};

const VERSION: u8 = 1;

/// A terminal's request to know it by another key from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The terminal.
    pub terminal: TerminalId,
    /// Its new key.
    pub new_key: PublicKey,
    /// The new key's signature that its owner asks for this: an envelope over the terminal's id.
    proof: Vec<u8>,
}

/// A request as it came in.
pub type SignedRotation = Signed<Rotation>;

/// The collector's answer: the new key is known from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationReply {
    /// The terminal.
    pub terminal: TerminalId,
    /// The digest of the request it answers.
    pub request: [u8; 32],
    /// The key that is known from now on.
    pub new_key: PublicKey,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawRotation {
    #[n(0)]
    version: u8,
    #[n(1)]
    new_key: ByteVec,
    #[n(2)]
    proof: ByteVec,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawRotationReply {
    #[n(0)]
    version: u8,
    #[cbor(n(1), with = "minicbor::bytes")]
    terminal: [u8; 16],
    #[cbor(n(2), with = "minicbor::bytes")]
    request: [u8; 32],
    #[n(3)]
    new_key: ByteVec,
}

impl Rotation {
    /// A request for this new key, with the proof that it is at hand. Sign it with the key in force
    /// ([`TerminalMessage::seal`]).
    #[must_use]
    pub fn new(terminal: TerminalId, new_key: &SecretKey) -> Self {
        let public = new_key.public();
        let proof = Envelope::seal(
            Purpose::RotateProof,
            public.as_bytes(),
            terminal.as_bytes().to_vec(),
            new_key,
        );
        Self {
            terminal,
            new_key: public,
            proof,
        }
    }
}

impl TerminalMessage for Rotation {
    const PURPOSE: Purpose = Purpose::Rotate;

    fn terminal(&self) -> TerminalId {
        self.terminal
    }

    fn payload(&self) -> Vec<u8> {
        super::to_cbor(&RawRotation {
            version: VERSION,
            new_key: self.new_key.as_bytes().to_vec().into(),
            proof: self.proof.clone().into(),
        })
    }

    /// Reads a request and checks that whoever asks has the new key's secret half.
    fn read(terminal: TerminalId, payload: &[u8]) -> Result<Self, String> {
        let raw: RawRotation = minicbor::decode(payload).map_err(|error| error.to_string())?;
        check_version(raw.version)?;
        let new_key = key(&raw.new_key)?;
        let proof = Envelope::parse(&raw.proof).map_err(|error| error.to_string())?;
        let signed = proof
            .open(Purpose::RotateProof, &new_key)
            .map_err(|error| format!("proof of the new key: {error}"))?;
        if signed != terminal.as_bytes() {
            return Err("the proof of the new key names another terminal".to_owned());
        }
        Ok(Self {
            terminal,
            new_key,
            proof: raw.proof.into(),
        })
    }
}

impl RotationReply {
    /// Signs the reply with the collector's key.
    #[must_use]
    pub fn seal(&self, collector: &SecretKey) -> Vec<u8> {
        let raw = RawRotationReply {
            version: VERSION,
            terminal: *self.terminal.as_bytes(),
            request: self.request,
            new_key: self.new_key.as_bytes().to_vec().into(),
        };
        Envelope::seal(
            Purpose::RotateReply,
            collector.public().as_bytes(),
            super::to_cbor(&raw),
            collector,
        )
    }

    /// Verifies that `bytes` are the collector's answer to the request with digest `request`.
    ///
    /// # Errors
    /// See [`EnvelopeError`].
    pub fn open(
        bytes: &[u8],
        collector: &PublicKey,
        request: &[u8; 32],
    ) -> Result<Self, EnvelopeError> {
        let envelope = Envelope::parse(bytes)?;
        let payload = envelope.open(Purpose::RotateReply, collector)?;
        super::deterministic::check(payload)
            .map_err(|error| EnvelopeError::Content(error.to_string()))?;
        let raw: RawRotationReply =
            minicbor::decode(payload).map_err(|error| EnvelopeError::Content(error.to_string()))?;
        check_version(raw.version).map_err(EnvelopeError::Content)?;
        if &raw.request != request {
            return Err(EnvelopeError::Content(
                "reply answers another request".to_owned(),
            ));
        }
        Ok(Self {
            terminal: TerminalId::from_bytes(raw.terminal),
            request: raw.request,
            new_key: key(&raw.new_key).map_err(EnvelopeError::Content)?,
        })
    }
}

fn check_version(version: u8) -> Result<(), String> {
    if version == VERSION {
        Ok(())
    } else {
        Err(format!("rotation format {version} is not known here"))
    }
}

fn key(bytes: &[u8]) -> Result<PublicKey, String> {
    PublicKey::from_bytes(bytes).ok_or_else(|| "the new key is no key".to_owned())
}

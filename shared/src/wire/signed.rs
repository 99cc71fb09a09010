//! Small messages that a terminal signs by itself, outside an exchange.

use std::marker::PhantomData;

use crate::domain::TerminalId;

use super::envelope::{Envelope, EnvelopeError, Purpose};
use super::keys::{PublicKey, SecretKey};

/// A message that a terminal signs by itself. The terminal is named by the envelope's key id and not
/// repeated in the payload.
pub trait TerminalMessage: Sized {
    /// What it is for; signed with it.
    const PURPOSE: Purpose;

    /// Who signs.
    fn terminal(&self) -> TerminalId;

    /// The payload, as deterministic CBOR.
    fn payload(&self) -> Vec<u8>;

    /// Reads a payload whose signature fits.
    ///
    /// # Errors
    /// What is wrong with it.
    fn read(terminal: TerminalId, payload: &[u8]) -> Result<Self, String>;

    /// Signs the message.
    #[must_use]
    fn seal(&self, key: &SecretKey) -> Vec<u8> {
        Envelope::seal(
            Self::PURPOSE,
            self.terminal().as_bytes(),
            self.payload(),
            key,
        )
    }
}

/// A message as it came in: taken apart, not yet trusted.
#[derive(Debug)]
pub struct Signed<T> {
    envelope: Envelope,
    terminal: TerminalId,
    message: PhantomData<T>,
}

impl<T: TerminalMessage> Signed<T> {
    /// Takes a message apart without trusting it.
    ///
    /// # Errors
    /// [`EnvelopeError`] when the bytes are no signed message of a terminal.
    pub fn parse(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let envelope = Envelope::parse(bytes)?;
        let terminal = TerminalId::from_bytes(envelope.key_id()?);
        Ok(Self {
            envelope,
            terminal,
            message: PhantomData,
        })
    }

    /// Who claims to have signed it, for looking up the key.
    #[must_use]
    pub const fn claimed_terminal(&self) -> TerminalId {
        self.terminal
    }

    /// What it says, once the signature fits.
    ///
    /// # Errors
    /// [`EnvelopeError`], also for a valid signature made for another purpose.
    pub fn open(&self, key: &PublicKey) -> Result<T, EnvelopeError> {
        let payload = self.envelope.open(T::PURPOSE, key)?;
        super::deterministic::check(payload)
            .map_err(|error| EnvelopeError::Content(error.to_string()))?;
        T::read(self.terminal, payload).map_err(EnvelopeError::Content)
    }
}

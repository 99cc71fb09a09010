//! The exchange: one signed request that carries a run of one stream's records, unopened.
//!
//! Body on the wire: a CBOR array of two byte strings, the signed head (`COSE_Sign1`) and the
//! zstd-compressed records (a CBOR array of byte strings). The head signs the chain before and
//! after the run and the digest of the compressed bytes, so one signature covers every record and
//! nothing is decompressed for a stranger.

mod raw;

use std::io::Read;

use minicbor::bytes::ByteVec;

use crate::domain::{ClockReading, Seq, StreamId, TerminalId};

use super::chain::ChainHash;
use super::claim::{Claim, RawClaim};
use super::envelope::{Envelope, EnvelopeError, Purpose};
use super::fold::{Fold, RawFold};
use super::health::Health;
use super::keys::{PublicKey, SecretKey};
use super::limits::{MAX_EXCHANGE_BYTES, MAX_RECORDS, MAX_RUN_BYTES};
use raw::{RawExchange, RawHead, RawReceipt, RawRun};

/// zstd's level: 9 costs a tablet a few milliseconds per 500 records; above it nothing is gained.
const COMPRESSION_LEVEL: i32 = 9;

/// The version of this format.
const VERSION: u8 = 1;

/// What a terminal signs in every exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeHead {
    /// Who sends.
    pub terminal: TerminalId,
    /// Strictly increasing over the terminal's life: an exchange with a number seen before is a
    /// replay and changes nothing.
    pub number: u64,
    /// The tablet's clocks when it was signed; they place records sealed without a right clock.
    pub clock: ClockReading,
    /// How the tablet is.
    pub health: Health,
    /// The profile version the terminal obeys; 0 for none.
    pub profile_version: u32,
    /// The records it carries; none in a bare heartbeat.
    pub run: Option<Run>,
    /// What became of prompts that the centre asked for in earlier replies.
    pub prompts: Vec<PromptReceipt>,
    /// Counts of records that the terminal no longer has; never together with a run.
    pub fold: Option<Fold>,
    /// What the centre acknowledged before, at most [`super::limits::MAX_CLAIMS`].
    pub claims: Vec<Claim>,
    /// The run is one record with which every exchange failed: the centre keeps it as a dead letter
    /// without reading it, so that it holds up nothing.
    pub unread: bool,
}

/// What became of a prompt that the centre asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromptReceipt {
    /// The centre's id of it.
    pub id: [u8; 16],
    /// Whether the terminal took it.
    pub taken: bool,
}

/// A contiguous run of one stream's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The stream.
    pub stream: StreamId,
    /// The position of the first record of the run.
    pub first: Seq,
    /// How many records the run has; at least 1.
    pub count: u32,
    /// The chain before the run; its suite is the run's.
    pub base: ChainHash,
    /// The chain after the run.
    pub head: ChainHash,
}

/// Why bytes are not an exchange to be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// Longer than [`MAX_EXCHANGE_BYTES`].
    #[error("exchange of {0} bytes is longer than {MAX_EXCHANGE_BYTES}")]
    TooLong(usize),
    /// Not an array of two byte strings.
    #[error("exchange is not an array of a signed head and its records: {0}")]
    Malformed(String),
    /// The signed head cannot be trusted.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The head speaks of another terminal than the key's.
    #[error("signed head names another terminal than its key")]
    OtherTerminal,
    /// The records are not the ones that were signed.
    #[error("records do not match the signed digest")]
    Digest,
    /// The records do not decompress to what the head says.
    #[error("records do not unpack: {0}")]
    Records(String),
    /// The chain from base over the records does not end at the signed head.
    #[error("records do not lead from the signed base of the chain to its signed head")]
    WrongChain,
}

impl ExchangeHead {
    /// Reads a signed head that was kept, without its records: what the terminal once signed about
    /// its chain can be proved again.
    ///
    /// # Errors
    /// [`EnvelopeError`] when the bytes are not what the owner of `key` signed.
    pub fn open_signed(bytes: &[u8], key: &PublicKey) -> Result<Self, EnvelopeError> {
        let envelope = Envelope::parse(bytes)?;
        let terminal = TerminalId::from_bytes(envelope.key_id()?);
        let (head, _) = open_head(&envelope, key)?;
        if head.terminal == terminal {
            Ok(head)
        } else {
            Err(EnvelopeError::KeyId)
        }
    }

    fn raw_receipts(&self) -> Option<Vec<RawReceipt>> {
        let raw = self.prompts.iter().map(|receipt| RawReceipt {
            id: receipt.id,
            taken: receipt.taken,
        });
        (!self.prompts.is_empty()).then(|| raw.collect())
    }

    /// Packs and signs an exchange. `records` are the run's, in order; empty for a heartbeat.
    ///
    /// # Errors
    /// [`ExchangeError::Records`] when `records` are not what `self.run` says or are too many or
    /// too large together, [`ExchangeError::TooLong`] when they do not compress below the limit.
    pub fn seal(&self, records: &[Vec<u8>], key: &SecretKey) -> Result<Vec<u8>, ExchangeError> {
        let said = self.run.map_or(0, |run| run.count as usize);
        let total: usize = records.iter().map(Vec::len).sum();
        if said != records.len() || records.len() > MAX_RECORDS || total > MAX_RUN_BYTES {
            return Err(ExchangeError::Records(format!(
                "{} records of {total} bytes where the head says {said}; at most {MAX_RECORDS} of {MAX_RUN_BYTES} bytes",
                records.len()
            )));
        }
        let records: Vec<&minicbor::bytes::ByteSlice> =
            records.iter().map(|r| r.as_slice().into()).collect();
        let packed = zstd::bulk::compress(&super::to_cbor(&records), COMPRESSION_LEVEL)
            .map_err(|error| ExchangeError::Records(error.to_string()))?;
        let raw = RawHead {
            version: VERSION,
            terminal: *self.terminal.as_bytes(),
            number: self.number,
            wall_ms: self.clock.wall_ms,
            uptime_ms: self.clock.uptime_ms,
            boot: *self.clock.boot.as_bytes(),
            synchronised: self.clock.synchronised,
            health: self.health.clone(),
            profile_version: self.profile_version,
            digest: key.suite().digest(&packed),
            run: self.run.map(|run| RawRun {
                stream: *run.stream.as_bytes(),
                first: run.first.get(),
                count: run.count,
                base: *run.base.as_bytes(),
                head: *run.head.as_bytes(),
                suite: run.base.suite().field(),
            }),
            prompts: self.raw_receipts(),
            fold: self.fold.as_ref().map(RawFold::from_domain),
            claims: RawClaim::all(&self.claims),
            unread: self.unread.then_some(true),
        };
        let head = Envelope::seal(
            Purpose::Exchange,
            self.terminal.as_bytes(),
            super::to_cbor(&raw),
            key,
        );
        let bytes = super::to_cbor(&RawExchange {
            head: head.into(),
            records: packed.into(),
        });
        if bytes.len() > MAX_EXCHANGE_BYTES {
            return Err(ExchangeError::TooLong(bytes.len()));
        }
        Ok(bytes)
    }
}

/// An exchange as it came in: taken apart, not yet trusted.
#[derive(Debug)]
pub struct SignedExchange {
    envelope: Envelope,
    signed_head: Vec<u8>,
    terminal: TerminalId,
    packed: Vec<u8>,
    digest: [u8; 32],
}

/// A verified exchange.
#[derive(Debug)]
pub struct Exchange {
    /// What the terminal signed.
    pub head: ExchangeHead,
    /// The run's records as bytes, each with the chain after it; not yet decoded.
    pub records: Vec<(Vec<u8>, ChainHash)>,
    /// The digest of the whole request, by the signing key's suite; the reply repeats it.
    pub request: [u8; 32],
    /// The head as it was signed: evidence that can be checked again, see
    /// [`ExchangeHead::open_signed`].
    pub signed_head: Vec<u8>,
}

impl SignedExchange {
    /// Takes an exchange apart without trusting it.
    ///
    /// # Errors
    /// [`ExchangeError::TooLong`], [`ExchangeError::Malformed`] or [`ExchangeError::Envelope`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ExchangeError> {
        if bytes.len() > MAX_EXCHANGE_BYTES {
            return Err(ExchangeError::TooLong(bytes.len()));
        }
        super::deterministic::check(bytes).map_err(|e| ExchangeError::Malformed(e.to_string()))?;
        let raw: RawExchange =
            minicbor::decode(bytes).map_err(|e| ExchangeError::Malformed(e.to_string()))?;
        let envelope = Envelope::parse(&raw.head)?;
        let terminal = TerminalId::from_bytes(envelope.key_id()?);
        Ok(Self {
            digest: envelope.suite().digest(bytes),
            envelope,
            signed_head: raw.head.into(),
            terminal,
            packed: raw.records.into(),
        })
    }

    /// Who claims to have sent it, for looking up the key.
    #[must_use]
    pub const fn claimed_terminal(&self) -> TerminalId {
        self.terminal
    }

    /// Whether the head is signed with this key, for a terminal that has two.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.envelope.open(Purpose::Exchange, key).is_ok()
    }

    /// Verifies signature, digest and chain, in that order, and unpacks the records.
    ///
    /// # Errors
    /// The first reason not to take the exchange; see the variants of [`ExchangeError`].
    pub fn open(self, key: &PublicKey) -> Result<Exchange, ExchangeError> {
        let (head, digest) = open_head(&self.envelope, key)?;
        if head.terminal != self.terminal {
            return Err(ExchangeError::OtherTerminal);
        }
        if digest != self.envelope.suite().digest(&self.packed) {
            return Err(ExchangeError::Digest);
        }
        let records = unpack(&self.packed)?;
        let records = match head.run {
            None if records.is_empty() => Vec::new(),
            Some(run) if records.len() == run.count as usize && run.count > 0 => {
                let mut hash = run.base;
                let chained: Vec<_> = records
                    .into_iter()
                    .map(|record| {
                        hash = hash.extend(&record);
                        (record, hash)
                    })
                    .collect();
                if hash != run.head {
                    return Err(ExchangeError::WrongChain);
                }
                chained
            }
            said => {
                return Err(ExchangeError::Records(format!(
                    "{} records where the head says {}",
                    records.len(),
                    said.map_or(0, |run| run.count)
                )));
            }
        };
        Ok(Exchange {
            head,
            records,
            request: self.digest,
            signed_head: self.signed_head,
        })
    }
}

/// The signed head and the digest of the records that it signs.
fn open_head(
    envelope: &Envelope,
    key: &PublicKey,
) -> Result<(ExchangeHead, [u8; 32]), EnvelopeError> {
    let payload = envelope.open(Purpose::Exchange, key)?;
    let content = EnvelopeError::Content;
    super::deterministic::check(payload).map_err(|e| content(e.to_string()))?;
    let raw: RawHead = minicbor::decode(payload).map_err(|e| content(e.to_string()))?;
    let digest = raw.digest;
    Ok((raw.into_domain().map_err(content)?, digest))
}

/// Decompresses to at most [`MAX_RUN_BYTES`] and the CBOR heads of as many records.
fn unpack(packed: &[u8]) -> Result<Vec<Vec<u8>>, ExchangeError> {
    /// Longest head of a byte string below 64 KiB, plus the array's own.
    const HEADS: usize = 3 * MAX_RECORDS + 3;
    let fault = |error: &dyn std::fmt::Display| ExchangeError::Records(error.to_string());
    let limit = (MAX_RUN_BYTES + HEADS) as u64;
    let mut unpacked = Vec::new();
    zstd::stream::read::Decoder::new(packed)
        .and_then(|decoder| decoder.take(limit + 1).read_to_end(&mut unpacked))
        .map_err(|e| fault(&e))?;
    if unpacked.len() as u64 > limit {
        return Err(fault(&format_args!("more than {limit} bytes")));
    }
    super::deterministic::check(&unpacked).map_err(|e| fault(&e))?;
    let records: Vec<ByteVec> = minicbor::decode(&unpacked).map_err(|e| fault(&e))?;
    if records.len() > MAX_RECORDS {
        return Err(fault(&format_args!(
            "{} records, at most {MAX_RECORDS}",
            records.len()
        )));
    }
    Ok(records.into_iter().map(Into::into).collect())
}

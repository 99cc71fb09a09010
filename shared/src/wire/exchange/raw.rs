//! The frozen shapes of an exchange, as they lie in the bytes.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::domain::{BootId, ClockReading, Seq, StreamId, TerminalId};
use crate::wire::chain::ChainHash;
use crate::wire::claim::RawClaim;
use crate::wire::fold::RawFold;
use crate::wire::health::Health;
use crate::wire::limits::{MAX_CLAIMS, MAX_PROMPTS, MAX_TEXT_BYTES};
use crate::wire::suite::Suite;

use super::{ExchangeHead, PromptReceipt, Run, VERSION};

#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct RawHead {
    #[n(0)]
    pub(super) version: u8,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(super) terminal: [u8; 16],
    #[n(2)]
    pub(super) number: u64,
    #[n(3)]
    pub(super) wall_ms: i64,
    #[n(4)]
    pub(super) uptime_ms: u64,
    #[cbor(n(5), with = "minicbor::bytes")]
    pub(super) boot: [u8; 16],
    #[n(6)]
    pub(super) synchronised: bool,
    #[n(7)]
    pub(super) health: Health,
    #[n(8)]
    pub(super) profile_version: u32,
    #[cbor(n(9), with = "minicbor::bytes")]
    pub(super) digest: [u8; 32],
    #[n(10)]
    pub(super) run: Option<RawRun>,
    #[n(11)]
    pub(super) prompts: Option<Vec<RawReceipt>>,
    #[n(12)]
    pub(super) fold: Option<RawFold>,
    #[n(13)]
    pub(super) claims: Option<Vec<RawClaim>>,
    #[n(14)]
    pub(super) unread: Option<bool>,
}

#[derive(Encode, Decode)]
pub(super) struct RawReceipt {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(super) id: [u8; 16],
    #[n(1)]
    pub(super) taken: bool,
}

#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct RawRun {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub(super) stream: [u8; 16],
    #[n(1)]
    pub(super) first: u64,
    #[n(2)]
    pub(super) count: u32,
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(super) base: [u8; 32],
    #[cbor(n(4), with = "minicbor::bytes")]
    pub(super) head: [u8; 32],
    /// The suite of the stream's chain; left out for the first.
    #[n(5)]
    pub(super) suite: Option<u8>,
}

#[derive(Encode, Decode)]
pub(super) struct RawExchange {
    #[n(0)]
    pub(super) head: ByteVec,
    #[n(1)]
    pub(super) records: ByteVec,
}

impl RawHead {
    pub(super) fn into_domain(self) -> Result<ExchangeHead, String> {
        if self.version != VERSION {
            return Err(format!(
                "exchange format {} is not known here",
                self.version
            ));
        }
        if self.health.has_long_text() {
            return Err(format!(
                "a text of the health is longer than {MAX_TEXT_BYTES} bytes"
            ));
        }
        if self.prompts.as_ref().is_some_and(|p| p.len() > MAX_PROMPTS) {
            return Err(format!("more than {MAX_PROMPTS} receipts of prompts"));
        }
        if self.claims.as_ref().is_some_and(|c| c.len() > MAX_CLAIMS) {
            return Err(format!("more than {MAX_CLAIMS} claims"));
        }
        if self.run.is_some() && self.fold.is_some() {
            return Err("an exchange carries a run or a fold, not both".to_owned());
        }
        let unread = self.unread.unwrap_or_default();
        if unread && self.run.as_ref().is_none_or(|run| run.count != 1) {
            return Err("only one record at a time is kept unread".to_owned());
        }
        let run = self.run.map(|run| {
            let suite = Suite::from_field(run.suite)?;
            Ok::<_, String>(Run {
                stream: StreamId::from_bytes(run.stream),
                first: Seq::new(run.first).ok_or("the first position of a run is at least 1")?,
                count: run.count,
                base: ChainHash::of(suite, run.base),
                head: ChainHash::of(suite, run.head),
            })
        });
        Ok(ExchangeHead {
            terminal: TerminalId::from_bytes(self.terminal),
            number: self.number,
            clock: ClockReading {
                wall_ms: self.wall_ms,
                uptime_ms: self.uptime_ms,
                boot: BootId::from_bytes(self.boot),
                synchronised: self.synchronised,
            },
            health: self.health,
            profile_version: self.profile_version,
            run: run.transpose()?,
            prompts: self
                .prompts
                .unwrap_or_default()
                .into_iter()
                .map(|raw| PromptReceipt {
                    id: raw.id,
                    taken: raw.taken,
                })
                .collect(),
            fold: self.fold.map(RawFold::into_domain).transpose()?,
            claims: self
                .claims
                .unwrap_or_default()
                .into_iter()
                .map(RawClaim::into_domain)
                .collect::<Result<_, _>>()?,
            unread,
        })
    }
}

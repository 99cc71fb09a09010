//! What the collectors of the first releases did not know: claims, folds, unread records, and a
//! revocation that is signed. By default this one is as old as they are.

use std::collections::HashMap;

use axum::http::StatusCode;
use manyi_shared::domain::{StreamId, Watermark};
use manyi_shared::wire::{ChainHash, Claim, Exchange, ExchangeHead, Reply};

use super::Centre;

#[derive(Debug, Default)]
pub(crate) struct Newer {
    /// Whether it knows claims, folds and unread records at all.
    pub(crate) is_newer: bool,
    /// It answers exchanges with these records with this status.
    pub(crate) bad: Vec<Vec<u8>>,
    pub(crate) answer: Option<StatusCode>,
    /// Records that it kept unread.
    pub(crate) unread: Vec<Vec<u8>>,
    /// The office took the terminal's identity back.
    pub(crate) revoked: bool,
    /// How often it said so.
    pub(crate) refused: u32,
    /// Positions of which only the chain is known, from the start.
    pub(crate) gone: HashMap<StreamId, (u64, ChainHash)>,
}

impl Newer {
    /// How an exchange with a bad record is answered; one that is to be kept unread is kept.
    pub(super) fn chokes(&mut self, exchange: &Exchange) -> Option<StatusCode> {
        let bad = |(record, _): &&(Vec<u8>, ChainHash)| self.bad.contains(record);
        let bad = exchange.records.iter().find(bad)?.0.clone();
        if self.is_newer && exchange.head.unread {
            self.unread.push(bad);
            return None;
        }
        self.answer
    }
}

impl Centre {
    /// What a newer collector adds to a reply.
    pub(super) fn answer_newer(&mut self, head: &ExchangeHead, reply: &mut Reply) {
        if !self.newer.is_newer {
            return;
        }
        if let Some(fold) = &head.fold {
            let held = self.held(fold.stream).len() as u64;
            if fold.first.get() <= held + 1 {
                self.newer
                    .gone
                    .insert(fold.stream, (fold.last.get(), fold.head));
                self.streams.remove(&fold.stream);
            }
            reply.acknowledgement = Some(self.acknowledge(head.terminal, fold.stream, None));
        }
        for claim in &head.claims {
            let ack = self.acknowledge(head.terminal, claim.stream, None);
            if ack.watermark < claim.watermark {
                reply.behind.push(Claim {
                    stream: claim.stream,
                    watermark: Watermark::new(ack.watermark.get()),
                    hash: ack.hash,
                });
            }
        }
    }
}

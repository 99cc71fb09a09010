//! What was read of a damaged journal, before anything of it is believed.

use std::collections::BTreeMap;

use crate::domain::{Seq, StreamId, TerminalId};
use crate::wire::{ChainHash, Fold, Record, RecordBody, StreamOpened};

use super::pages::Row;

/// Everything that was read, by the number of its stream.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) streams: BTreeMap<i64, FoundStream>,
    /// The lowest exchange number that was not reserved.
    pub(super) next_exchange: Option<u64>,
}

/// What was read of one stream. Where a page has several versions, or was changed by the card, there
/// may be several of everything.
#[derive(Debug, Default)]
pub(super) struct FoundStream {
    pub(super) identities: Vec<(StreamId, TerminalId)>,
    /// Where pruning stopped, and the chain there.
    pub(super) bases: Vec<(Seq, ChainHash)>,
    pub(super) acknowledged: Vec<(Seq, ChainHash)>,
    pub(super) records: BTreeMap<Seq, Vec<Copy>>,
    pub(super) folds: BTreeMap<Seq, Vec<Fold>>,
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copy {
    pub(super) bytes: Vec<u8>,
    /// The chain after it, as it was stored.
    pub(super) hash: ChainHash,
}

impl Found {
    pub(super) fn take(&mut self, row: Row) {
        match row {
            Row::Record {
                stream_no,
                seq,
                bytes,
                hash,
            } => {
                let stream = self.streams.entry(stream_no).or_default();
                let copies = stream.records.entry(seq).or_default();
                add(copies, Copy { bytes, hash });
            }
            Row::Stream {
                stream_no,
                id,
                terminal,
                base,
            } => {
                let stream = self.streams.entry(stream_no).or_default();
                add(&mut stream.identities, (id, terminal));
                if let Some(base) = base {
                    add(&mut stream.bases, base);
                }
            }
            Row::Acknowledged {
                stream_no,
                seq,
                hash,
            } => {
                let stream = self.streams.entry(stream_no).or_default();
                add(&mut stream.acknowledged, (seq, hash));
            }
            Row::Fold { stream_no, fold } => {
                let stream = self.streams.entry(stream_no).or_default();
                add(stream.folds.entry(fold.first).or_default(), fold);
            }
            Row::NextExchange(number) => self.next_exchange = self.next_exchange.max(Some(number)),
        }
    }

    /// Whether there is anything that somebody may have said.
    pub(super) fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }
}

impl FoundStream {
    /// The openings that were read; there should be one.
    pub(super) fn openings(&self) -> impl Iterator<Item = StreamOpened> {
        let first = self.records.get(&Seq::FIRST).into_iter().flatten();
        first.filter_map(|copy| match Record::decode(&copy.bytes).ok()?.body {
            RecordBody::StreamOpened(opened) => Some(opened),
            _ => None,
        })
    }

    /// Whose stream it may be: by the table of streams, by its folds, by its own first record.
    pub(super) fn claimed(&self) -> Vec<(StreamId, TerminalId)> {
        let mut claimed = self.identities.clone();
        for opened in self.openings() {
            add(&mut claimed, (opened.stream, opened.terminal));
        }
        claimed
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

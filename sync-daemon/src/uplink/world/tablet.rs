//! The tablet's journal in memory, as the daemon uses it.

use manyi_shared::domain::{Seq, StreamId, Watermark};
use manyi_shared::wire::limits::MAX_CLAIMS;
use manyi_shared::wire::{ChainHash, Claim, Run};

use super::TERMINAL;
use crate::uplink::{Cargo, Mark, NotNoted, Order, Turn};

const POISON: &[u8] = b"poison";

pub(super) fn is_poison(record: &[u8]) -> bool {
    record.starts_with(POISON)
}

/// A stream of the journal. Records are never removed here: what the journal no longer has is only
/// never sent.
#[derive(Debug)]
pub(in crate::uplink) struct Stream {
    pub(in crate::uplink) id: StreamId,
    pub(in crate::uplink) records: Vec<Vec<u8>>,
    /// The chain after so many records.
    pub(in crate::uplink) chain: Vec<ChainHash>,
    pub(in crate::uplink) acknowledged: u64,
    /// Everything up to here is gone.
    pub(in crate::uplink) pruned: u64,
    /// How far records were sent at all: they are not folded.
    offered: u64,
    /// Folded positions, first and last.
    pub(in crate::uplink) folds: Vec<(u64, u64)>,
    /// From here the centre wants what is gone.
    gone_from: Option<(u64, ChainHash)>,
}

impl Stream {
    fn new(id: StreamId) -> Self {
        let mut stream = Self {
            id,
            records: Vec::new(),
            chain: vec![ChainHash::genesis(TERMINAL, id)],
            acknowledged: 0,
            pruned: 0,
            offered: 0,
            folds: Vec::new(),
            gone_from: None,
        };
        stream.push(b"opened".to_vec());
        stream
    }

    fn push(&mut self, record: Vec<u8>) {
        self.chain.push(self.chain.last().unwrap().extend(&record));
        self.records.push(record);
    }

    pub(in crate::uplink) const fn last(&self) -> u64 {
        self.records.len() as u64
    }

    pub(in crate::uplink) fn hash(&self, watermark: u64) -> ChainHash {
        self.chain[usize::try_from(watermark).unwrap()]
    }

    fn run(&self, first: u64, last: u64, base: ChainHash) -> Run {
        Run {
            stream: self.id,
            first: Seq::new(first).unwrap(),
            count: u32::try_from(last + 1 - first).unwrap(),
            base,
            head: self.hash(last),
        }
    }

    pub(in crate::uplink) fn is_folded(&self, at: u64) -> bool {
        self.folds.iter().any(|(a, b)| (*a..=*b).contains(&at))
    }

    fn wants_to_send(&self) -> bool {
        self.gone_from.is_some() || self.last() > self.acknowledged
    }

    /// The next thing to send.
    fn next(&self, most: u64) -> (Run, Cargo, Vec<Vec<u8>>) {
        if let Some((held, base)) = self.gone_from {
            return (
                self.run(held + 1, self.pruned, base),
                Cargo::Fold,
                Vec::new(),
            );
        }
        let first = self.acknowledged + 1;
        let base = self.hash(self.acknowledged);
        let folded = |(a, b): &&(u64, u64)| (*a..=*b).contains(&first);
        if let Some((_, last)) = self.folds.iter().find(folded) {
            return (self.run(first, *last, base), Cargo::Fold, Vec::new());
        }
        let next_fold = self.folds.iter().map(|(a, _)| *a).filter(|a| *a > first);
        let end = next_fold.min().map_or(self.last(), |fold| fold - 1);
        let last = end.min(self.acknowledged + most);
        let records = usize::try_from(first - 1).unwrap()..usize::try_from(last).unwrap();
        (
            self.run(first, last, base),
            Cargo::Records,
            self.records[records].to_vec(),
        )
    }
}

/// The journal: streams, oldest first.
#[derive(Debug, Default)]
pub(in crate::uplink) struct Journal {
    pub(in crate::uplink) streams: Vec<Stream>,
}

impl Journal {
    pub(super) fn open_stream(&mut self) {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(self.streams.len() as u64).to_be_bytes());
        self.streams.push(Stream::new(StreamId::from_bytes(id)));
    }

    pub(in crate::uplink) fn seal(&mut self, bad: bool) {
        let stream = self.streams.last_mut().unwrap();
        let mut record = if bad {
            POISON.to_vec()
        } else {
            b"record".to_vec()
        };
        record.extend_from_slice(&stream.last().to_be_bytes());
        stream.push(record);
    }

    pub(in crate::uplink) fn stream(&mut self, id: StreamId) -> &mut Stream {
        self.streams.iter_mut().find(|s| s.id == id).unwrap()
    }

    /// What the journal gives for an order.
    pub(super) fn next(&mut self, order: &Order) -> Option<(Run, Cargo, Vec<Vec<u8>>)> {
        let pending =
            |stream: &&mut Stream| stream.wants_to_send() && !order.skip.contains(&stream.id);
        let stream = self.streams.iter_mut().find(pending)?;
        let (run, cargo, records) = stream.next(order.max_records as u64);
        let last = run.first.get() + u64::from(run.count) - 1;
        stream.offered = stream.offered.max(last);
        let unread = order.unread == Some((run.stream, run.first)) && records.len() == 1;
        let cargo = if unread { Cargo::Unread } else { cargo };
        Some((run, cargo, records))
    }

    pub(super) fn claims(&self, turn: Turn) -> Vec<Claim> {
        let claim = |stream: &Stream| Claim {
            stream: stream.id,
            watermark: Watermark::new(stream.acknowledged),
            hash: stream.hash(stream.acknowledged),
        };
        let newest_first = self.streams.iter().rev();
        let acknowledged = newest_first.filter(|stream| stream.acknowledged > 0);
        let mut claims: Vec<_> = acknowledged.map(claim).collect();
        if let Some(at) = claims.iter().position(|c| Some(c.stream) == turn.after) {
            claims.rotate_left(at + 1);
        }
        claims.truncate(MAX_CLAIMS);
        claims
    }

    /// Notes what the centre holds, as the daemon does it.
    pub(super) fn acknowledge(&mut self, mark: &Mark) -> Result<(), NotNoted> {
        let stream = self.stream(mark.stream);
        let watermark = mark.watermark.get();
        let ours = usize::try_from(watermark).ok();
        let ours = ours.and_then(|at| stream.chain.get(at)).copied();
        let (watermark, hash) = match (ours, mark.or_else) {
            (Some(ours), _) if ours == mark.hash => (watermark, ours),
            (_, Some((end, hash))) => (end.get(), hash),
            (None, None) => return Err(NotNoted::Missing),
            (Some(_), None) => return Err(NotNoted::OtherHistory),
        };
        if stream.hash(watermark) != hash {
            return Err(NotNoted::OtherHistory);
        }
        match stream.gone_from {
            Some(_) if watermark >= stream.pruned => stream.gone_from = None,
            Some(_) => return Ok(()),
            None => assert!(
                watermark > stream.acknowledged,
                "an acknowledgement that does not advance"
            ),
        }
        stream.acknowledged = watermark;
        Ok(())
    }

    /// Goes back to what the centre holds; below what is gone a fold says so.
    pub(super) fn rewind(&mut self, mark: &Mark) -> Result<(), NotNoted> {
        let stream = self.stream(mark.stream);
        let watermark = mark.watermark.get();
        if watermark > stream.last() {
            return Err(NotNoted::Missing);
        }
        if stream.hash(watermark) != mark.hash {
            return Err(NotNoted::OtherHistory);
        }
        if watermark < stream.pruned {
            stream.gone_from = Some((watermark, mark.hash));
            return Ok(());
        }
        stream.gone_from = None;
        assert!(
            watermark < stream.acknowledged,
            "a rewind that does not go back"
        );
        stream.acknowledged = watermark;
        Ok(())
    }

    /// The last acknowledgements were not synced, and what is gone is not noted at all. What was
    /// pruned had been noted before.
    pub(super) fn forget(&mut self, forgotten: u64) {
        for stream in &mut self.streams {
            stream.gone_from = None;
            let acknowledged = stream.acknowledged.saturating_sub(forgotten);
            stream.acknowledged = acknowledged.max(stream.pruned);
        }
        // An acknowledgement ends where a run or a fold ended, never within a fold.
        for stream in &mut self.streams {
            let within = |(a, b): &&(u64, u64)| (*a..*b).contains(&stream.acknowledged);
            if let Some((first, _)) = stream.folds.iter().find(within) {
                stream.acknowledged = (first - 1).max(stream.pruned);
            }
        }
    }

    pub(super) fn prune(&mut self, keep: u64) {
        for stream in &mut self.streams {
            let gone = stream.acknowledged.saturating_sub(keep);
            let within = |(a, b): &&(u64, u64)| (*a..*b).contains(&gone);
            let gone = stream
                .folds
                .iter()
                .find(within)
                .map_or(gone, |(a, _)| a - 1);
            stream.pruned = stream.pruned.max(gone);
        }
    }

    /// The card is full: the oldest records that were never sent become counts.
    pub(super) fn fold(&mut self, count: u64) {
        let Some(stream) = self.streams.iter_mut().find(|s| s.last() > s.acknowledged) else {
            return;
        };
        let folded = stream.folds.last().map_or(0, |(_, last)| *last);
        let first = (stream.acknowledged.max(stream.offered).max(folded) + 1).max(2);
        let last = (first + count).min(stream.last());
        if first < last {
            stream.folds.push((first, last));
        }
    }
}

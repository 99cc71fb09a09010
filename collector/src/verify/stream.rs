//! One stream: its chain, what its records say, and what is stored of them.

mod rules;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use manyi_shared::domain::{StreamId, TerminalId};
use manyi_shared::wire::{ChainHash, Fold, Record, RecordBody, StreamOpened, StreamTip};

use super::chain::Chain;
use super::columns::{Columns, Differences, Standing};
use super::finding::{Difference, Finding, Place, What};
use crate::ingest::Opening;

/// A stream as stored.
#[derive(Debug, Clone)]
pub struct StoredStream {
    /// The hall, as openings must name it.
    pub hall: String,
    /// The terminal.
    pub terminal: TerminalId,
    /// The stream.
    pub stream: StreamId,
    /// The window its outcomes count at.
    pub window: String,
    /// Their channel.
    pub channel: u8,
    /// The highest position held.
    pub watermark: u64,
    /// The chain there.
    pub hash: ChainHash,
    /// Its clocks at the opening; none when the opening was rejected.
    pub opening: Option<Opening>,
    /// The highest ordinal counted.
    pub last_ordinal: u32,
    /// The terminal's signature over the chain.
    pub signed: SignedTip,
    /// Self-tests that are stored for records of the stream: position, level.
    pub self_tests: BTreeMap<u64, u8>,
    /// Counts that stand for positions, in their order.
    pub folds: Vec<StoredFold>,
}

/// Counts that stand for positions of a stream, as stored.
#[derive(Debug, Clone)]
pub struct StoredFold {
    /// The first position.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// The chain before the first.
    pub base: ChainHash,
    /// The chain after the last.
    pub head: ChainHash,
    /// The fold's bytes.
    pub bytes: Vec<u8>,
    /// The fold that the kept signed head holds; none when no key of the terminal signed it.
    pub signed: Option<Fold>,
    /// Outcome, level and number of each of its counts.
    pub counted: Vec<(u8, u8, u64)>,
}

impl StoredFold {
    /// What is not as the terminal signed it.
    fn problem(&self) -> Option<&'static str> {
        let Some(signed) = &self.signed else {
            return Some("the counts of folded positions are not signed by a key of this terminal");
        };
        let told = signed.entries.iter().map(|entry| {
            let level = entry.level.map_or(0, |level| level.number());
            (entry.outcome.number(), level, u64::from(entry.n))
        });
        // It may begin with records that had come one by one; those are not counted again.
        let begins = signed.first.get();
        let same = signed.to_bytes() == self.bytes
            && (signed.last.get(), signed.head) == (self.last, self.head)
            && (begins < self.first || (begins == self.first && signed.base == self.base));
        if !same {
            return Some("the fold is not the one that the terminal signed");
        }
        let mut pairs = told.clone().zip(&self.counted);
        let within = pairs.all(|((outcome, level, n), counted)| {
            (outcome, level) == (counted.0, counted.1) && counted.2 <= n
        });
        let same = told.len() == self.counted.len() && within;
        let whole = begins < self.first || told.eq(self.counted.iter().copied());
        (!same || !whole).then_some("the counts of the fold are not those that the terminal signed")
    }
}

/// What the kept signature says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedTip {
    /// None is kept.
    None,
    /// It is the terminal's and of this stream.
    Sound(StreamTip),
    /// It is not by a key of the terminal.
    Foreign(String),
    /// It is the terminal's, but not of this stream.
    Wrong(String),
}

/// A message as stored beside its record.
#[derive(Debug, Clone, Copy)]
pub struct StoredMessage<'a> {
    /// The rating it belongs to.
    pub target: u64,
    /// What was left.
    pub what: u8,
    /// The encrypted text.
    pub sealed: &'a [u8],
}

/// A record as stored.
#[derive(Debug, Clone, Copy)]
pub struct StoredRecord<'a> {
    /// Its position.
    pub seq: u64,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The chain after it.
    pub chain: Option<ChainHash>,
    /// When it was received.
    pub received_ms: i64,
    /// What is stored of what it says.
    pub columns: Columns<'a>,
    /// Why it is, or was, a dead letter.
    pub rejected: Option<&'a str>,
    /// Whether an operator had the dead letter read again, and it was taken.
    pub replayed: bool,
    /// The record that carried it, when it came rescued from a damaged journal.
    pub rescued: Option<&'a [u8]>,
    /// The message that is stored for it.
    pub message: Option<StoredMessage<'a>>,
}

/// Whether a record that came rescued is the one that its carrier holds.
pub(super) fn judge_rescued(record: &StoredRecord<'_>) -> Option<What> {
    let carrier = record.rescued.and_then(|bytes| Record::decode(bytes).ok());
    let same = carrier.is_some_and(|carrier| match carrier.body {
        RecordBody::Rescued(rescued) => {
            rescued.bytes == record.bytes && rescued.seq.get() == record.seq
        }
        _ => false,
    });
    (!same).then_some(What::Changed)
}

/// A stream says which one came before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The stream that says it.
    pub from: Place,
    /// The end of the one before.
    pub previous: StreamTip,
}

/// What the centre holds of the stream before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkedStream {
    /// The highest position held.
    pub watermark: u64,
    /// The chain at the position that the link names; none when it is not known there.
    pub hash: Option<ChainHash>,
}

/// Whether a stream is what the next one says it was.
pub(super) fn judge_link(link: &Link, found: Option<&LinkedStream>) -> Option<What> {
    let StreamTip { stream, seq, hash } = link.previous;
    let Some(found) = found else {
        return Some(What::Link(format!(
            "the terminal says that stream {stream} came before, up to position {seq}, and nothing \
             of it is here: it was removed, or never delivered"
        )));
    };
    if found.watermark < seq.get() {
        return Some(What::Link(format!(
            "the terminal says that stream {stream} came before, up to position {seq}, and it is \
             here up to {} only: its end was removed, or never delivered",
            found.watermark
        )));
    }
    let other = found.hash.filter(|found| *found != hash)?;
    Some(What::Link(format!(
        "the terminal says that stream {stream} came before with chain {hash} at position {seq}, \
         and here it is {other}"
    )))
}

/// Checks one stream.
#[derive(Debug)]
pub(super) struct StreamCheck {
    stream: StoredStream,
    chain: Chain,
    next: u64,
    records: u64,
    /// The chain over the bytes at the position that was signed.
    at_signed: Option<ChainHash>,
    /// The same at the stored watermark.
    at_watermark: Option<ChainHash>,
    opening: Option<StreamOpened>,
    last_ordinal: u32,
    /// Outcomes that count, and whether they are ratings.
    counted: HashMap<u64, bool>,
    /// Ratings that are not stored as their own record says.
    stored: BTreeMap<u64, (Standing, Standing)>,
    /// What later records make of earlier ones.
    later: BTreeMap<u64, rules::Later>,
    /// Positions that were dead letters when the records after them came.
    late: HashSet<u64>,
    folds: VecDeque<StoredFold>,
    /// Whether there is a chain value beside the last record.
    last_has_value: bool,
    /// Whether records came rescued, before their turn.
    some_rescued: bool,
}

impl StreamCheck {
    pub(super) fn new(mut stream: StoredStream) -> Self {
        let suite = stream.hash.suite();
        let genesis = suite.genesis(stream.terminal, stream.stream);
        let folds = std::mem::take(&mut stream.folds).into();
        // A stream of rescued records only has no chain yet, and nothing to be signed.
        let at_watermark = (stream.watermark == 0).then_some(genesis);
        Self {
            stream,
            chain: Chain::new(genesis),
            next: 1,
            records: 0,
            at_signed: None,
            at_watermark,
            opening: None,
            last_ordinal: 0,
            counted: HashMap::new(),
            stored: BTreeMap::new(),
            later: BTreeMap::new(),
            late: HashSet::new(),
            folds,
            last_has_value: false,
            some_rescued: false,
        }
    }

    pub(super) fn place(&self, seq: u64) -> Place {
        Place {
            window: Some(self.stream.window.clone()),
            terminal: self.stream.terminal,
            stream: self.stream.stream,
            seq: (seq > 0).then_some(seq),
        }
    }

    pub(super) fn record(
        &mut self,
        record: &StoredRecord<'_>,
        tell: &mut dyn FnMut(Finding),
    ) -> Option<Link> {
        let seq = record.seq;
        self.fold_up_to(seq, tell);
        // A rescued record has its own place, and the chain does not go through it there.
        if record.rescued.is_some() && (seq < self.next || seq > self.stream.watermark) {
            self.some_rescued = true;
            if let Some(what) = judge_rescued(record) {
                tell(Finding::at(self.place(seq), what));
            }
            return self.told(record, tell);
        }
        if seq < self.next {
            tell(Finding::at(self.place(seq), What::Inserted));
            return None;
        }
        if seq > self.next {
            self.chain.gap(self.next, seq - 1);
        }
        self.next = seq + 1;
        self.records += 1;
        self.chain.record(seq, record.bytes, record.chain);
        self.last_has_value = record.chain.is_some();
        self.mark(seq);
        self.told(record, tell)
    }

    /// What the record says, and the stream that it says came before.
    fn told(&mut self, record: &StoredRecord<'_>, tell: &mut dyn FnMut(Finding)) -> Option<Link> {
        let place = self.place(record.seq);
        let previous = self.content(record, &mut |what| {
            tell(Finding::at(place.clone(), what));
        })?;
        Some(Link {
            from: place,
            previous,
        })
    }

    /// Keeps the chain at the ends that it is compared at.
    fn mark(&mut self, seq: u64) {
        if self.signed_last() == Some(seq) {
            self.at_signed = Some(self.chain.real());
        }
        if self.stream.watermark == seq {
            self.at_watermark = Some(self.chain.real());
        }
    }

    /// Goes over the folds that begin before or at a position.
    fn fold_up_to(&mut self, seq: u64, tell: &mut dyn FnMut(Finding)) {
        while let Some(fold) = self.folds.pop_front_if(|fold| fold.first <= seq) {
            if let Some(problem) = fold.problem() {
                let what = What::Fold(problem.to_owned());
                tell(Finding::at(self.place(fold.first), what));
            }
            if fold.first > self.next {
                self.chain.gap(self.next, fold.first - 1);
            }
            self.chain.fold(fold.base, fold.head);
            self.records += fold.last.saturating_sub(fold.first) + 1;
            self.next = self.next.max(fold.last.saturating_add(1));
            self.mark(fold.last);
        }
    }

    /// What the record says against what is stored of it.
    fn content(
        &mut self,
        record: &StoredRecord<'_>,
        tell: &mut dyn FnMut(What),
    ) -> Option<StreamTip> {
        let decoded = Record::decode(record.bytes);
        let mut differences = Differences::default();
        let unread = record.rejected == Some("refused") && record.columns.kind == 0;
        let body = decoded.as_ref().ok().map(|decoded| &decoded.body);
        let kind = match &decoded {
            Ok(_) if !unread => rules::kind_in(record.bytes),
            _ => 0,
        };
        differences.of("kind", Some(record.columns.kind), Some(kind));
        let expected = if unread {
            rules::Expected::dead("refused")
        } else {
            self.expect(record, body)
        };
        self.judge(record, &expected, &mut differences, tell);
        if let (Ok(decoded), false) = (&decoded, unread) {
            rules::time(&mut differences, record, decoded.at, self.opening.as_ref());
        }
        if let Some(differences) = differences.take() {
            tell(What::Columns(differences));
        }
        let opened = self.opening.as_ref().filter(|_| record.seq == 1)?;
        opened.previous
    }

    fn signed_last(&self) -> Option<u64> {
        match &self.stream.signed {
            SignedTip::Sound(tip) => Some(tip.seq.get()),
            _ => None,
        }
    }

    pub(super) fn end(mut self, tell: &mut dyn FnMut(Finding)) {
        self.fold_up_to(u64::MAX, tell);
        self.standing(tell);
        let place = self.place(0);
        for (seq, level) in &self.stream.self_tests {
            let problem = format!("a self-test of level {level} is stored that no record tells");
            tell(Finding::at(self.place(*seq), What::Beside(problem)));
        }
        self.chain_end(&mut |seq, what| {
            let place = Place {
                seq,
                ..place.clone()
            };
            tell(Finding::at(place, what));
        });
    }

    /// Ratings as they stand at the end, amendments and misuse applied.
    fn standing(&mut self, tell: &mut dyn FnMut(Finding)) {
        let told = std::mem::take(&mut self.later);
        let mut stored = std::mem::take(&mut self.stored);
        for (seq, later) in told {
            let Some((held, own)) = stored.get_mut(&seq) else {
                let what = What::Columns(later.unseen());
                tell(Finding::at(self.place(seq), what));
                continue;
            };
            *own = later.applied(own.clone());
            if held == own {
                stored.remove(&seq);
            }
        }
        for (seq, (held, own)) in stored {
            if let Some(differences) = held.compare(&own) {
                tell(Finding::at(self.place(seq), What::Columns(differences)));
            }
        }
    }

    /// The chain's end against the signature and the stored tip.
    fn chain_end(self, tell: &mut dyn FnMut(Option<u64>, What)) {
        let held = self.next - 1;
        match &self.stream.signed {
            SignedTip::None if self.last_has_value => tell(None, What::SignatureGone),
            SignedTip::None if self.stream.watermark == 0 => {}
            SignedTip::None => tell(None, What::NoSignature),
            SignedTip::Foreign(problem) => tell(None, What::ForeignSignature(problem.clone())),
            SignedTip::Wrong(problem) => tell(None, What::WrongSignature(problem.clone())),
            SignedTip::Sound(_) => {}
        }
        let (last, hash, at) = match &self.stream.signed {
            SignedTip::Sound(tip) => (tip.seq.get(), tip.hash, self.at_signed),
            _ => (self.stream.watermark, self.stream.hash, self.at_watermark),
        };
        let signed = matches!(self.stream.signed, SignedTip::Sound(_));
        let tip = self.tip(last, hash, signed);
        if at == Some(hash) {
            for (seq, what) in self.chain.values() {
                tell(Some(seq), what);
            }
            if held > last {
                tell(Some(last + 1), What::BeyondSignature { signed: last });
            }
            if let Some(differences) = tip {
                tell(None, What::Tip(differences));
            }
            return;
        }
        let lacking = i64::try_from(last).unwrap_or(i64::MAX)
            - i64::try_from(self.records).unwrap_or(i64::MAX);
        let was_broken = self.chain.is_broken();
        let told = self.chain.attribute(lacking);
        let attributed = !told.is_empty();
        for (seq, what) in told {
            tell(Some(seq), what);
        }
        if held < last && !was_broken {
            tell(Some(held + 1), What::CutShort { held, signed: last });
        } else if !attributed && held > last {
            tell(Some(last + 1), What::BeyondSignature { signed: last });
        } else if !attributed {
            tell(None, What::MadeAnew);
        }
    }

    /// What of the stored tip is not as signed, or not as the records say.
    fn tip(&self, last: u64, hash: ChainHash, signed: bool) -> Option<Vec<Difference>> {
        let mut differences = Differences::default();
        let held = self.next - 1;
        if signed {
            let (watermark, tip) = (self.stream.watermark, self.stream.hash);
            differences.of("watermark", Some(watermark), Some(last.max(held)));
            if watermark == last {
                differences.of("hash", Some(tip), Some(hash));
            }
        } else {
            differences.of("watermark", Some(self.stream.watermark), Some(held));
        }
        // Rescued ones are counted in their places, and the stream goes on from its own.
        if !self.some_rescued {
            let stored = self.stream.last_ordinal;
            differences.of("last_ordinal", Some(stored), Some(self.last_ordinal));
        }
        differences.take()
    }

    /// What an opening says against what is stored of the stream.
    fn opened(&self, body: &RecordBody) -> Option<StreamOpened> {
        let RecordBody::StreamOpened(opened) = body else {
            return None;
        };
        let own = opened.terminal == self.stream.terminal && opened.stream == self.stream.stream;
        own.then(|| opened.clone())
    }
}

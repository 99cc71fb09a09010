//! A fold: what is left of the oldest unsent records when the card is full. The counts survive,
//! only the detail is lost, and the tablet signs that it was so.

use minicbor::{Decode, Encode};

use crate::domain::{Level, OutcomeKind, Seq, StreamId};

use super::chain::ChainHash;
use super::limits::MAX_FOLD_ENTRIES;
use super::suite::Suite;

/// Positions `first..=last` of a stream, which the terminal no longer has one by one.
///
/// Amendments inside the fold are already applied to what they amend. The opening of a stream is
/// never folded into counts, and nothing after `last` points into the fold.
///
/// A fold without entries counts nothing: the records were acknowledged once and pruned, and now the
/// centre asks for them again. It may begin with the opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// The stream.
    pub stream: StreamId,
    /// The first folded position; never the stream's first, unless there are no entries.
    pub first: Seq,
    /// The last folded position.
    pub last: Seq,
    /// The chain before the first; its suite is the fold's.
    pub base: ChainHash,
    /// The chain after the last, as it was when the records were there.
    pub head: ChainHash,
    /// The counts, at most [`MAX_FOLD_ENTRIES`].
    pub entries: Vec<FoldEntry>,
}

/// How often one outcome was sealed in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FoldEntry {
    /// Whole hours of uptime between the stream's opening and the records.
    pub hour: u32,
    /// How far the wall clock had been moved since the opening, in milliseconds.
    pub wall_step_ms: i64,
    /// Whether the wall clock was synchronised.
    pub synchronised: bool,
    /// How the prompts ended.
    pub outcome: OutcomeKind,
    /// The level of ratings; none for every other outcome.
    pub level: Option<Level>,
    /// How many; at least 1.
    pub n: u32,
}

/// The frozen shape of a fold.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct RawFold {
    #[cbor(n(0), with = "minicbor::bytes")]
    stream: [u8; 16],
    #[n(1)]
    first: u64,
    #[n(2)]
    last: u64,
    #[cbor(n(3), with = "minicbor::bytes")]
    base: [u8; 32],
    #[cbor(n(4), with = "minicbor::bytes")]
    head: [u8; 32],
    #[n(5)]
    entries: Vec<RawEntry>,
    /// The suite of the stream's chain; left out for the first.
    #[n(6)]
    suite: Option<u8>,
}

#[derive(Encode, Decode)]
struct RawEntry {
    #[n(0)]
    hour: u32,
    #[n(1)]
    wall_step_ms: i64,
    #[n(2)]
    synchronised: bool,
    #[n(3)]
    outcome: u8,
    /// 0 for none.
    #[n(4)]
    level: u8,
    #[n(5)]
    n: u32,
}

impl Fold {
    /// The fold as the journal and the collector keep it: deterministic CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        super::to_cbor(&RawFold::from_domain(self))
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        super::deterministic::check(bytes).map_err(|error| error.to_string())?;
        let raw: RawFold = minicbor::decode(bytes).map_err(|error| error.to_string())?;
        raw.into_domain()
    }

    /// How many positions it stands for.
    #[must_use]
    pub const fn positions(&self) -> u64 {
        self.last.get().saturating_sub(self.first.get()) + 1
    }
}

impl RawFold {
    pub(super) fn from_domain(fold: &Fold) -> Self {
        let entries = fold.entries.iter().map(|entry| RawEntry {
            hour: entry.hour,
            wall_step_ms: entry.wall_step_ms,
            synchronised: entry.synchronised,
            outcome: entry.outcome.number(),
            level: entry.level.map_or(0, Level::number),
            n: entry.n,
        });
        Self {
            stream: *fold.stream.as_bytes(),
            first: fold.first.get(),
            last: fold.last.get(),
            base: *fold.base.as_bytes(),
            head: *fold.head.as_bytes(),
            entries: entries.collect(),
            suite: fold.base.suite().field(),
        }
    }

    pub(super) fn into_domain(self) -> Result<Fold, String> {
        let position = |n| Seq::new(n).ok_or("positions of a fold are at least 1");
        let (first, last) = (position(self.first)?, position(self.last)?);
        if last < first || (first == Seq::FIRST && !self.entries.is_empty()) {
            return Err(format!("positions {first} to {last} cannot be folded"));
        }
        if self.entries.len() > MAX_FOLD_ENTRIES {
            return Err(format!("more than {MAX_FOLD_ENTRIES} entries in a fold"));
        }
        let folded: u64 = self.entries.iter().map(|entry| u64::from(entry.n)).sum();
        let suite = Suite::from_field(self.suite)?;
        let fold = Fold {
            stream: StreamId::from_bytes(self.stream),
            first,
            last,
            base: ChainHash::of(suite, self.base),
            head: ChainHash::of(suite, self.head),
            entries: self
                .entries
                .into_iter()
                .map(RawEntry::into_domain)
                .collect::<Result<_, _>>()?,
        };
        if folded > fold.positions() {
            return Err(format!(
                "{folded} outcomes in {} positions",
                fold.positions()
            ));
        }
        Ok(fold)
    }
}

impl RawEntry {
    fn into_domain(self) -> Result<FoldEntry, String> {
        let outcome = OutcomeKind::from_number(self.outcome)
            .ok_or_else(|| format!("outcome {} is not known here", self.outcome))?;
        let level = match (outcome, self.level) {
            (OutcomeKind::Rated, level) => {
                Some(Level::try_from(level).map_err(|error| error.to_string())?)
            }
            (_, 0) => None,
            _ => return Err("only a rating has a level".to_owned()),
        };
        if self.n == 0 {
            return Err("a count of a fold is at least 1".to_owned());
        }
        Ok(FoldEntry {
            hour: self.hour,
            wall_step_ms: self.wall_step_ms,
            synchronised: self.synchronised,
            outcome,
            level,
            n: self.n,
        })
    }
}

//! The part of the port for marks on ratings that look odd.

use std::ops::Range;

use async_trait::async_trait;
use manyi_shared::domain::HallId;

use super::StoreError;
use super::scores::{Tally, TallyQuery};
use crate::marks::{Found, Place, Rule, Seen};

/// Keeps marks.
#[async_trait]
pub trait MarkStore: Send + Sync {
    /// Records that were received after the hall's watermark: the span of their ratings' times in
    /// milliseconds since 1970, and the watermark that comes when they were looked at. None when
    /// there is nothing new.
    async fn unmarked(&self, hall: HallId, now_ms: i64) -> Result<Option<Unmarked>, StoreError>;

    /// The single ratings of a hall whose time lies in a range of milliseconds since 1970. Ratings
    /// that came as counts only are not among them.
    async fn seen(&self, hall: HallId, range: Range<i64>) -> Result<Vec<Seen>, StoreError>;

    /// Keeps what the rules found in a range of a hall, in one transaction: new marks are open,
    /// those that were decided stay as they are, open ones that are found no longer lapse. With
    /// `watermark` the hall's watermark moves there.
    async fn keep_marks(&self, marks: NewMarks) -> Result<Kept, StoreError>;

    /// The marks of a hall, the newest rating first, at most `limit`; the second number is how many
    /// there are in all.
    async fn marks(&self, filter: MarkFilter) -> Result<(Vec<Mark>, u64), StoreError>;

    /// How many marks a hall has, by rule and state.
    async fn mark_counts(&self, hall: HallId) -> Result<Vec<(Rule, MarkState, u64)>, StoreError>;

    /// Decides about a mark; none when there is no such mark. The decision is kept beside the
    /// earlier ones.
    async fn decide_mark(&self, decision: Decision) -> Result<Option<Mark>, StoreError>;

    /// The ratings that are marked (open or confirmed), counted as [`super::ScoreStore::tally`]
    /// counts, each once however many rules marked it. Not by region or tag.
    async fn marked_tally(&self, query: TallyQuery) -> Result<Tally, StoreError>;
}

/// What is new in a hall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmarked {
    /// The times of the new ratings, from the first to just after the last.
    pub range: Range<i64>,
    /// Where the watermark goes.
    pub watermark: i64,
}

/// What became of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkState {
    /// Nobody has judged it.
    Open,
    /// A person says that the rating is not genuine.
    Confirmed,
    /// A person says that the rating is genuine.
    Dismissed,
    /// A later look, with records that came late or other thresholds, does not find it any more.
    Lapsed,
}

impl MarkState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Open, Self::Confirmed, Self::Dismissed, Self::Lapsed];

    /// The name in the database and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Confirmed => "confirmed",
            Self::Dismissed => "dismissed",
            Self::Lapsed => "lapsed",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What the rules found in a range of a hall.
#[derive(Debug, Clone)]
pub struct NewMarks {
    /// The hall.
    pub hall: HallId,
    /// What was looked at, in milliseconds since 1970.
    pub range: Range<i64>,
    /// What was found.
    pub found: Vec<Found>,
    /// The version of the thresholds.
    pub version: u16,
    /// Where the hall's watermark goes; none: it stays.
    pub watermark: Option<i64>,
    /// Now.
    pub now_ms: i64,
}

/// What keeping marks came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Marks that are new, or open again.
    pub opened: u64,
    /// Open marks that are found no longer.
    pub lapsed: u64,
}

/// Which marks.
#[derive(Debug, Clone)]
pub struct MarkFilter {
    /// Of this hall.
    pub hall: HallId,
    /// By this rule.
    pub rule: Option<Rule>,
    /// In this state.
    pub state: Option<MarkState>,
    /// Leave out so many.
    pub skip: u32,
    /// At most so many.
    pub limit: u32,
}

/// One mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The hall.
    pub hall: String,
    /// The rating's record.
    pub place: Place,
    /// The rule.
    pub rule: Rule,
    /// The version of the thresholds it was made by.
    pub version: u16,
    /// The values it was found by.
    pub reason: String,
    /// The window.
    pub window: String,
    /// When the rating was given, in milliseconds since 1970.
    pub at_ms: i64,
    /// When the mark was made.
    pub made_ms: i64,
    /// What became of it.
    pub state: MarkState,
    /// The last decision: when, who, why.
    pub decided: Option<(i64, String, String)>,
}

/// A decision about a mark.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The hall.
    pub hall: HallId,
    /// The rating's record.
    pub place: Place,
    /// The rule.
    pub rule: Rule,
    /// Confirmed, dismissed, or open again.
    pub state: MarkState,
    /// Who decides.
    pub who: String,
    /// Why.
    pub why: String,
    /// Now.
    pub now_ms: i64,
}

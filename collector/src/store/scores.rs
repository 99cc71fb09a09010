//! The part of the port that scores are read through. Everything here reads; nothing writes.

use std::collections::BTreeMap;
use std::ops::Range;

use async_trait::async_trait;
use manyi_shared::domain::{HallId, Level, OutcomeKind};

use super::StoreError;
use crate::score::Counts;

/// Seconds in a tally slot. Every time zone's hours and days are whole numbers of slots.
pub const SLOT_SECONDS: i64 = 900;

/// Reads counts.
#[async_trait]
pub trait ScoreStore: Send + Sync {
    /// The counts of a range, split as asked. Read in one moment.
    async fn tally(&self, query: TallyQuery) -> Result<Tally, StoreError>;

    /// The names of all halls', departments', clerks', windows' or items' ids.
    async fn names(&self, column: Column) -> Result<Names, StoreError>;

    /// All windows of a hall in the order of block and number, with the state of their terminals.
    async fn windows(&self, hall: HallId) -> Result<Vec<WindowState>, StoreError>;
}

/// A column of the tally that counts can be split or filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// The hall's administrative region. Follows from the hall; no column of the tally.
    Region,
    /// The hall.
    Hall,
    /// The window, unique inside its hall.
    Window,
    /// The department, unique inside its hall.
    Department,
    /// The clerk, unique inside the hall; empty when the prompt named nobody.
    Staff,
    /// The service item; empty when the prompt named none.
    Item,
    /// The channel's number.
    Channel,
    /// The outcome's number.
    Outcome,
    /// The level's number; 0 when the outcome is no rating.
    Level,
}

impl Column {
    /// The name in queries and keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Hall => "hall",
            Self::Window => "window",
            Self::Department => "department",
            Self::Staff => "staff",
            Self::Item => "item",
            Self::Channel => "channel",
            Self::Outcome => "outcome",
            Self::Level => "level",
        }
    }
}

/// What to count.
#[derive(Debug, Clone)]
pub struct TallyQuery {
    /// Slots from the first up to, not including, the last.
    pub slots: Range<i64>,
    /// Only rows that have these values; of several values of one column, any.
    pub filters: Vec<(Column, Value)>,
    /// Split by these, in this order.
    pub split: Vec<Column>,
    /// Split the range into buckets that start at these slots, ascending; the first is the start of
    /// the range. Empty: one bucket.
    pub buckets: Vec<i64>,
    /// Give up when there are more groups than this.
    pub max_groups: usize,
}

/// A value of a column: an id, or the number of a channel, outcome or level.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Of a column of numbers.
    Number(i64),
    /// Of a column of ids.
    Text(String),
}

/// Which group: the bucket's index, then a value for each column of the split.
pub type GroupKey = (usize, Vec<Value>);

/// The counts of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tally {
    /// Every group that has a count, ordered by key. Their sum is the count of the whole range.
    Groups(BTreeMap<GroupKey, Counts>),
    /// There are more groups than the query allows.
    TooMany,
}

/// Names by hall and id. The hall of a hall is itself.
pub type Names = BTreeMap<(String, String), String>;

/// One window and what is known of its terminals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowState {
    /// Its id.
    pub id: String,
    /// 区块
    pub block: String,
    /// As over the window.
    pub number: String,
    /// Its name.
    pub name: String,
    /// Its department's name.
    pub department: String,
    /// The last rating in the last three program starts of its terminals, if there is one.
    pub last_rating_ms: Option<i64>,
    /// Active terminals; 0 when none was enrolled here.
    pub terminals: i64,
    /// When one of them was last heard of.
    pub last_seen_ms: Option<i64>,
    /// Records they had not sent when last heard of.
    pub backlog: i64,
}

impl Tally {
    /// Adds one row to the counts of its group.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when outcome and level contradict each other.
    pub(super) fn add(
        groups: &mut BTreeMap<GroupKey, Counts>,
        key: GroupKey,
        outcome: i64,
        level: i64,
        n: i64,
    ) -> Result<(), StoreError> {
        let corrupt = |column| StoreError::Corrupt { column };
        let kind = u8::try_from(outcome)
            .ok()
            .and_then(OutcomeKind::from_number);
        let kind = kind.ok_or(corrupt("tally.outcome"))?;
        let level = match u8::try_from(level).map_err(|_| corrupt("tally.level"))? {
            0 => None,
            number => Some(Level::try_from(number).map_err(|_| corrupt("tally.level"))?),
        };
        let n = u64::try_from(n).map_err(|_| corrupt("tally.n"))?;
        let counts = groups.entry(key).or_insert_with(Counts::none);
        counts
            .add(kind, level, n)
            .map_err(|_| corrupt("tally.level"))
    }
}

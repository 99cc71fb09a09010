//! From a request to counted groups: the one query behind API and office page.

use std::collections::BTreeMap;

use super::params::{Dimension, ScoreRequest};
use super::range::Bucket;
use crate::problem::{Problem, ProblemType};
use crate::score::Counts;
use crate::store::Store;
use crate::store::scores::{Column, GroupKey, Tally, TallyQuery, Value};

/// The most groups in one answer. An answer with more is refused, never cut: 5 000 groups are some
/// 15 MB of JSON.
const MAX_GROUPS: usize = 5_000;

/// One group and its counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The piece of time, when grouped by time: `2026-01-05`, `2026-W02`, `2026-01`, …
    pub time: Option<String>,
    /// Its slots, as far as the range reaches.
    pub slots: Option<std::ops::Range<i64>>,
    /// A value for each column of the request's group, in its order.
    pub values: Vec<(Column, Value)>,
    /// What was counted.
    pub counts: Counts,
}

impl Group {
    /// The group's value of a column.
    #[must_use]
    pub fn value(&self, column: Column) -> Option<&Value> {
        self.values
            .iter()
            .find(|(c, _)| *c == column)
            .map(|(_, value)| value)
    }
}

/// All groups of a request and their sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Ordered by time, then by the values in the order of the request's group.
    pub groups: Vec<Group>,
    /// The sum of the groups, which is everything in range and scope.
    pub total: Counts,
}

/// Counts what a request asks for, in one moment of the database.
///
/// # Errors
/// A problem when there would be too many groups or the database fails.
pub async fn count(store: &dyn Store, request: &ScoreRequest) -> Result<Counted, Problem> {
    let split: Vec<Column> = request
        .group
        .iter()
        .filter_map(|dimension| match dimension {
            Dimension::Column(column) => Some(*column),
            Dimension::Time(_) => None,
        })
        .collect();
    let step = request.group.iter().find_map(|dimension| match dimension {
        Dimension::Time(step) => Some(*step),
        Dimension::Column(_) => None,
    });
    let buckets = match step {
        Some(step) => request.range.cut(step, MAX_GROUPS).ok_or_else(too_many)?,
        None => Vec::new(),
    };
    let halls = request
        .halls
        .iter()
        .map(|hall| (Column::Hall, Value::Text(hall.id.as_str().to_owned())));
    let query = TallyQuery {
        slots: request.range.slots(),
        filters: halls.chain(request.filters.iter().cloned()).collect(),
        split: stored(&split),
        buckets: buckets.iter().map(|bucket| bucket.slot).collect(),
        max_groups: MAX_GROUPS,
    };
    match tallied(store, query, request).await? {
        Tally::Groups(groups) => {
            let groups = in_regions(groups, &split, request);
            Ok(collect(groups, &split, &buckets, request))
        }
        Tally::TooMany => Err(too_many()),
    }
}

/// The groups of a query; without marked ratings where that is asked for. Marks are read in a moment
/// of their own, just after the counts: a rating that is amended in between may stay in.
async fn tallied(
    store: &dyn Store,
    query: TallyQuery,
    request: &ScoreRequest,
) -> Result<Tally, Problem> {
    if !request.without_marked {
        return Ok(store.tally(query).await?);
    }
    let columns = query.filters.iter().map(|(column, _)| column);
    if columns
        .chain(&query.split)
        .any(|column| column.name() == "tag")
    {
        let detail = "`without_marked` does not go together with tags";
        return Err(Problem::new(ProblemType::Malformed, detail));
    }
    let tally = store.tally(query.clone()).await?;
    let (Tally::Groups(mut groups), Tally::Groups(marked)) =
        (tally, store.marked_tally(query).await?)
    else {
        return Ok(Tally::TooMany);
    };
    for (key, taken) in marked {
        if let Some(counts) = groups.get_mut(&key) {
            counts.take_ratings(&taken);
        }
    }
    // As everywhere, a group without any count is left out.
    groups.retain(|_, counts| counts.prompts() != Some(0) || counts.defaulted() > 0);
    Ok(Tally::Groups(groups))
}

/// What the store is asked to split by: a region is told by the hall.
fn stored(split: &[Column]) -> Vec<Column> {
    let mut columns: Vec<Column> = split.to_vec();
    for column in &mut columns {
        if *column == Column::Region {
            *column = Column::Hall;
        }
    }
    columns
}

/// Puts the region of each hall in its place and adds up what falls together.
fn in_regions(
    groups: BTreeMap<GroupKey, Counts>,
    split: &[Column],
    request: &ScoreRequest,
) -> BTreeMap<GroupKey, Counts> {
    let Some(place) = split.iter().position(|column| *column == Column::Region) else {
        return groups;
    };
    let regions: BTreeMap<&str, &str> = request
        .halls
        .iter()
        .map(|hall| (hall.id.as_str(), hall.region_code.as_str()))
        .collect();
    let mut merged: BTreeMap<GroupKey, Counts> = BTreeMap::new();
    for ((bucket, mut values), counts) in groups {
        if let Some(Value::Text(hall)) = values.get_mut(place) {
            *hall = regions.get(hall.as_str()).copied().unwrap_or("").to_owned();
        }
        let group = merged.entry((bucket, values));
        group.or_insert_with(Counts::none).merge(&counts);
    }
    merged
}

fn collect(
    groups: BTreeMap<GroupKey, Counts>,
    split: &[Column],
    buckets: &[Bucket],
    request: &ScoreRequest,
) -> Counted {
    let end = request.range.slots().end;
    let mut total = Counts::none();
    let mut list = Vec::with_capacity(groups.len());
    for ((bucket, values), counts) in groups {
        total.merge(&counts);
        list.push(Group {
            time: buckets.get(bucket).map(|bucket| bucket.label.clone()),
            slots: buckets.get(bucket).map(|first| {
                let next = buckets.get(bucket + 1);
                first.slot..next.map_or(end, |next| next.slot)
            }),
            values: split.iter().copied().zip(values).collect(),
            counts,
        });
    }
    Counted {
        groups: list,
        total,
    }
}

fn too_many() -> Problem {
    Problem::new(
        ProblemType::Malformed,
        format!(
            "the answer would have more than {MAX_GROUPS} groups; shorten the range, filter, or group by less"
        ),
    )
}

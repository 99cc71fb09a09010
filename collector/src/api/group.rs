//! From a request to counted groups: the one query behind API and office page.

use std::collections::BTreeMap;

use super::filters::written;
use super::params::{Dimension, ScoreRequest, wrong};
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
    /// Everything in range and scope. The sum of the groups, except by tag: there it is what was
    /// counted whatever the tags.
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
    all_known(store, request).await?;
    let everything = by_tag(&query).then(|| without_tags(&query));
    let Tally::Groups(groups) = tallied(store, query, request).await? else {
        return Err(too_many());
    };
    let groups = in_regions(groups, &split, request);
    let mut counted = collect(groups, &split, &buckets, request);
    if let Some(everything) = everything {
        counted.total = sum(store, everything).await?;
    }
    Ok(counted)
}

/// Whether one rating may be in several groups.
fn by_tag(query: &TallyQuery) -> bool {
    query.split.contains(&Column::Tag)
}

/// The same question, whatever the tags.
fn without_tags(query: &TallyQuery) -> TallyQuery {
    let mut everything = query.clone();
    everything.split.clear();
    everything.buckets.clear();
    everything
        .filters
        .retain(|(column, _)| *column != Column::Tag);
    everything
}

async fn sum(store: &dyn Store, query: TallyQuery) -> Result<Counts, Problem> {
    let mut total = Counts::none();
    if let Tally::Groups(groups) = store.tally(query).await? {
        for counts in groups.values() {
            total.merge(counts);
        }
    }
    Ok(total)
}

/// Refuses a filter whose value no hall has or ever had: an empty answer would look like one.
async fn all_known(store: &dyn Store, request: &ScoreRequest) -> Result<(), Problem> {
    if request.filters.is_empty() {
        return Ok(());
    }
    let halls: Vec<_> = request.halls.iter().map(|hall| hall.id.clone()).collect();
    let unknown = store.unknown(halls, request.filters.clone()).await?;
    let Some((column, value)) = unknown.first() else {
        return Ok(());
    };
    let whose = match &request.hall {
        Some(hall) => format!("hall {hall} has"),
        None => "none of the halls has".to_owned(),
    };
    let names = store.names(*column).await?;
    let mut known: Vec<&str> = names
        .keys()
        .filter(|(hall, _)| request.halls.iter().any(|h| h.id.as_str() == hall))
        .map(|(_, id)| id.as_str())
        .collect();
    let more = if known.len() > 20 { ", …" } else { "" };
    known.truncate(20);
    let known = match known.as_slice() {
        [] => "none".to_owned(),
        known => known.join(", ") + more,
    };
    Err(wrong(
        column.name(),
        &written(*column, value),
        &format!(
            "one that there is: {whose} no such {0} and never had one; there are: {known}",
            column.name()
        ),
    ))
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
        .any(|column| *column == Column::Tag)
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

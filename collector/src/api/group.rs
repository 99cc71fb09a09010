//! From a request to counted groups: the one query behind API and office page.

use std::collections::BTreeMap;

use super::params::{Dimension, ScoreRequest};
use super::range::Bucket;
use crate::problem::{Problem, ProblemType};
use crate::score::Counts;
use crate::store::Store;
use crate::store::scores::{Column, Tally, TallyQuery, Value};

/// The most groups in one answer. An answer with more is refused, never cut: 5 000 groups are some
/// 15 MB of JSON.
const MAX_GROUPS: usize = 5_000;

/// One group and its counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The day or hour, when grouped by time.
    pub time: Option<String>,
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
    let hall = request
        .hall
        .iter()
        .map(|hall| (Column::Hall, Value::Text(hall.as_str().to_owned())));
    let query = TallyQuery {
        slots: request.range.slots(),
        filters: hall.chain(request.filters.iter().cloned()).collect(),
        split: split.clone(),
        buckets: buckets.iter().map(|bucket| bucket.slot).collect(),
        max_groups: MAX_GROUPS,
    };
    match store.tally(query).await? {
        Tally::Groups(groups) => Ok(collect(groups, &split, &buckets)),
        Tally::TooMany => Err(too_many()),
    }
}

fn collect(
    groups: BTreeMap<(usize, Vec<Value>), Counts>,
    split: &[Column],
    buckets: &[Bucket],
) -> Counted {
    let mut total = Counts::none();
    let mut list = Vec::with_capacity(groups.len());
    for ((bucket, values), counts) in groups {
        total.merge(&counts);
        list.push(Group {
            time: buckets.get(bucket).map(|bucket| bucket.label.clone()),
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

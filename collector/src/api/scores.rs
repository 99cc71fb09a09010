//! `GET /api/v1/scores`, and the same answer as a table.

pub(super) mod files;
mod table;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{RawQuery, State};
use manyi_shared::domain::{Channel, Level, OutcomeKind};
use serde::Serialize;
use serde_json::Map;
use utoipa::ToSchema;

use super::auth::Caller;
use super::body::{CountsBody, DefinitionBody, FiguresBody, definitions};
use super::filters::written;
use super::params::{Dimension, ScoreParams, ScoreRequest};
use super::range::label;
use super::{Group, count};
use crate::app::AppState;
use crate::problem::{Problem, ProblemBody};
use crate::score::{Counts, Scores};
use crate::store::scores::{Column, Names, Value};

/// Scores of a range, by group and in total.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScoresBody {
    range: RangeBody,
    /// The zone of dates, days and hours.
    #[schema(example = "Asia/Shanghai")]
    time_zone: String,
    scope: ScopeBody,
    /// As in the query.
    group: Vec<&'static str>,
    /// What each figure means.
    definitions: Vec<DefinitionBody>,
    /// Ordered by time, then by the values in the order of `group`. Empty without `group`. All
    /// groups that have a count; together they are `total`.
    groups: Vec<GroupBody>,
    total: TotalBody,
}

/// The range that was counted.
#[derive(Debug, Serialize, ToSchema)]
struct RangeBody {
    /// The first instant.
    #[schema(example = "2026-01-05T00:00:00+08:00")]
    from: String,
    /// The instant after the last.
    #[schema(example = "2026-01-06T00:00:00+08:00")]
    to: String,
}

/// What was counted.
#[derive(Debug, Serialize, ToSchema)]
struct ScopeBody {
    /// The one hall; `null`: several.
    hall: Option<String>,
    /// The region, as asked for.
    region: Option<String>,
    /// How many halls are counted.
    halls: usize,
    /// Whether ratings that carry an open or confirmed mark were left out.
    without_marked: bool,
    /// The other filters; several values with commas.
    filters: BTreeMap<&'static str, String>,
}

/// One group.
#[derive(Debug, Serialize, ToSchema)]
struct GroupBody {
    /// The value of every dimension of `group`; ids have their name beside them, as in
    /// `{"window": "A01", "window_name": "…"}`. `null`: the prompt named none.
    #[schema(value_type = Object)]
    key: Map<String, serde_json::Value>,
    counts: CountsBody,
    /// `null` when grouped by level or outcome: a rate over one level of the ratings means nothing.
    figures: Option<FiguresBody>,
}

/// Everything in range and scope.
#[derive(Debug, Serialize, ToSchema)]
struct TotalBody {
    counts: CountsBody,
    figures: FiguresBody,
}

/// Scores of a range of time, grouped as asked
///
/// Counts and figures of prompts whose time lies in the range. Needs an office session or
/// `Authorization: Bearer` with an API token. Every figure carries its exact fraction, formula,
/// scope and rounding. An answer of more than 5 000 groups is refused, never cut.
#[utoipa::path(
    get,
    path = "/api/v1/scores",
    tag = "scores",
    params(ScoreParams),
    responses(
        (status = 200, body = ScoresBody),
        (status = 400, description = "A parameter is wrong; `detail` names it and what is allowed", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "Neither session nor valid token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "The one-time password must be changed first", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn scores(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<ScoresBody>, Problem> {
    answer(&state, &caller, query.as_deref()).await.map(Json)
}

/// The answer to a caller's query, whatever form it then gets.
async fn answer(
    state: &AppState,
    caller: &Caller,
    query: Option<&str>,
) -> Result<ScoresBody, Problem> {
    let query = query.unwrap_or_default();
    let request = ScoreRequest::of_caller(state, &caller.access, query).await?;
    let counted = count(state.store.as_ref(), &request).await?;
    let names = Labels::load(state, &request).await?;
    let groups = if request.group.is_empty() {
        Vec::new()
    } else {
        counted.groups
    };
    let groups = groups
        .iter()
        .map(|group| names.body(group, &request))
        .collect();
    Ok(ScoresBody {
        range: RangeBody {
            from: label(&request.range.from()),
            to: label(&request.range.to()),
        },
        time_zone: request.range.zone_name().to_owned(),
        scope: scope(&request),
        group: request
            .group
            .iter()
            .map(|dimension| dimension.name())
            .collect(),
        definitions: definitions(),
        groups,
        total: TotalBody {
            counts: (&counted.total).into(),
            figures: figures(&counted.total, &request),
        },
    })
}

fn figures(counts: &Counts, request: &ScoreRequest) -> FiguresBody {
    (&Scores::of(counts, request.rounding)).into()
}

fn scope(request: &ScoreRequest) -> ScopeBody {
    let mut filters: BTreeMap<&'static str, String> = BTreeMap::new();
    for (column, value) in &request.filters {
        let text = written(*column, value);
        let list = filters.entry(column.name()).or_default();
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(&text);
    }
    ScopeBody {
        hall: request.hall.as_ref().map(|hall| hall.as_str().to_owned()),
        region: request.query().get("region").map(str::to_owned),
        halls: request.halls.len(),
        without_marked: request.without_marked,
        filters,
    }
}

fn channel(number: i64) -> Option<Channel> {
    u8::try_from(number).ok().and_then(Channel::from_number)
}

/// The names of the ids that a request groups by.
struct Labels(Vec<(Column, Names)>);

impl Labels {
    async fn load(state: &AppState, request: &ScoreRequest) -> Result<Self, Problem> {
        let mut labels = Vec::new();
        for dimension in &request.group {
            if let Dimension::Column(column) = dimension {
                labels.push((*column, state.store.names(*column).await?));
            }
        }
        Ok(Self(labels))
    }

    fn body(&self, group: &Group, request: &ScoreRequest) -> GroupBody {
        let mut key = Map::new();
        for dimension in &request.group {
            match dimension {
                Dimension::Time(_) => {
                    key.insert(dimension.name().to_owned(), group.time.clone().into());
                }
                Dimension::Column(column) => self.insert(&mut key, group, *column, request),
            }
        }
        let partial = [Column::Level, Column::Outcome]
            .iter()
            .any(|column| group.value(*column).is_some());
        GroupBody {
            key,
            counts: (&group.counts).into(),
            figures: (!partial).then(|| figures(&group.counts, request)),
        }
    }

    fn insert(
        &self,
        key: &mut Map<String, serde_json::Value>,
        group: &Group,
        column: Column,
        request: &ScoreRequest,
    ) {
        let name = column.name();
        let (value, label) = match (column, group.value(column)) {
            (Column::Channel, Some(Value::Number(number))) => {
                (channel(*number).map(|c| c.name().into()), None)
            }
            (Column::Outcome, Some(Value::Number(number))) => {
                (outcome(*number).map(|o| o.name().into()), None)
            }
            (Column::Level, Some(Value::Number(number))) => {
                let level = u8::try_from(*number)
                    .ok()
                    .and_then(|n| Level::try_from(n).ok());
                (
                    level.map(|l| l.number().into()),
                    level.map(|l| l.name_zh().to_owned()),
                )
            }
            (_, Some(Value::Text(id))) if !id.is_empty() => {
                let hall = match (group.value(Column::Hall), &request.hall) {
                    (Some(Value::Text(hall)), _) => hall.clone(),
                    (_, Some(hall)) => hall.as_str().to_owned(),
                    _ => String::new(),
                };
                let names = self
                    .0
                    .iter()
                    .find(|(c, _)| *c == column)
                    .map(|(_, names)| names);
                (
                    Some(id.clone().into()),
                    names.and_then(|names| names.get(&(hall, id.clone())).cloned()),
                )
            }
            _ => (None, None),
        };
        key.insert(name.to_owned(), value.unwrap_or_default());
        if !matches!(column, Column::Region | Column::Channel | Column::Outcome) {
            key.insert(format!("{name}_name"), label.into());
        }
    }
}

fn outcome(number: i64) -> Option<OutcomeKind> {
    u8::try_from(number).ok().and_then(OutcomeKind::from_number)
}

//! `GET /api/v1/indicators`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::body::{RoundingBody, Text};
use crate::app::AppState;
use crate::day;
use crate::indicator::{Composite, Indicator};
use crate::problem::{Problem, ProblemBody};
use crate::score::Rounding;

/// Every version of every definition.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IndicatorsBody {
    /// By id, the oldest version first; the one in force is the newest whose day has come.
    indicators: Vec<IndicatorBody>,
    /// Weighted sums of indicators.
    composites: Vec<CompositeBody>,
}

/// One version of one indicator.
#[derive(Debug, Serialize, ToSchema)]
struct IndicatorBody {
    #[schema(example = "bad_rate")]
    id: String,
    version: u16,
    /// The first day on which it holds.
    #[schema(example = "2026-01-01")]
    since: String,
    name: Text,
    /// The formula in words.
    formula: Text,
    /// The formula over counted quantities.
    #[schema(example = "100 * (level_2 + level_1) / (rated)")]
    expression: String,
    /// `points` or `percent`.
    unit: &'static str,
    /// What is in and what is out.
    scope: Text,
    rounding: RoundingBody,
    /// `whole`: never prints the whole unless it is; `zero`: never prints 0 unless it is.
    guards: Vec<&'static str>,
    /// Where it comes from.
    source: Vec<String>,
    /// The source names the figure but prints no formula: it is this project's.
    inferred: bool,
}

/// One version of one composite.
#[derive(Debug, Serialize, ToSchema)]
struct CompositeBody {
    id: String,
    version: u16,
    since: String,
    name: Text,
    rounding: RoundingBody,
    parts: Vec<PartBody>,
    source: Vec<String>,
}

/// One part: weight times value ÷ target, at most the weight.
#[derive(Debug, Serialize, ToSchema)]
struct PartBody {
    indicator: String,
    #[schema(example = "50")]
    weight: String,
    #[schema(example = "98.00")]
    target: String,
}

/// What every figure means
///
/// The definitions of all indicators and composites, every version that is or was in force. A
/// definition is never changed; another meaning is another version.
#[utoipa::path(
    get,
    path = "/api/v1/indicators",
    tag = "scores",
    responses(
        (status = 200, body = IndicatorsBody),
        (status = 401, description = "Neither session nor valid token", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
// needs: nothing but to be logged in; it shows no counts
pub(super) async fn indicators(
    State(state): State<AppState>,
    _caller: Caller,
) -> Result<Json<IndicatorsBody>, Problem> {
    Ok(Json(IndicatorsBody {
        indicators: state.definitions.indicators().map(indicator).collect(),
        composites: state.definitions.composites().map(composite).collect(),
    }))
}

fn rounding(rounding: Rounding) -> RoundingBody {
    RoundingBody {
        mode: rounding.mode().name(),
        digits: rounding.digits(),
    }
}

fn indicator(indicator: &Indicator) -> IndicatorBody {
    let guards = [
        (indicator.guards.whole, "whole"),
        (indicator.guards.zero, "zero"),
    ];
    IndicatorBody {
        id: indicator.id.clone(),
        version: indicator.version,
        since: day::name(indicator.since),
        name: indicator.name.clone().into(),
        formula: indicator.formula().into(),
        expression: indicator.expression(),
        unit: indicator.unit.name(),
        scope: indicator.scope.clone().into(),
        rounding: rounding(indicator.rounding),
        guards: guards
            .into_iter()
            .filter_map(|(on, name)| on.then_some(name))
            .collect(),
        source: indicator.source.clone(),
        inferred: indicator.inferred,
    }
}

fn composite(composite: &Composite) -> CompositeBody {
    let part = |part: &crate::indicator::Part| PartBody {
        indicator: part.indicator.clone(),
        weight: part.weight.to_string(),
        target: part.target.to_string(),
    };
    CompositeBody {
        id: composite.id.clone(),
        version: composite.version,
        since: day::name(composite.since),
        name: composite.name.clone().into(),
        rounding: rounding(composite.rounding),
        parts: composite.parts.iter().map(part).collect(),
        source: composite.source.clone(),
    }
}

//! `/office/indicators`: every version of every definition, one click from each figure.

mod words;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::error::{PageError, draw};
use super::figures::rounding_text;
use super::frame::{Frame, Section};
use super::language::Language;
use super::session::LoggedIn;
use crate::app::AppState;
use crate::day;
use crate::indicator::{Composite, Indicator};
use words::IndicatorWords;

#[derive(Debug, Template)]
#[template(path = "indicators.html")]
struct Page {
    frame: Frame,
    words: &'static IndicatorWords,
    indicators: Vec<View>,
    composites: Vec<CompositeView>,
}

#[derive(Debug)]
struct View {
    id: String,
    version: u16,
    since: String,
    in_force: bool,
    name: String,
    formula: String,
    expression: String,
    scope: String,
    rounding: String,
    guards: Vec<&'static str>,
    inferred: bool,
    source: Vec<String>,
}

#[derive(Debug)]
struct CompositeView {
    id: String,
    version: u16,
    since: String,
    name: String,
    rounding: String,
    /// Indicator, weight, target.
    parts: Vec<(String, String, String)>,
    source: Vec<String>,
}

/// `GET /office/indicators`.
// needs: nothing but to be logged in; it shows no counts
pub(super) async fn page(
    State(state): State<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
) -> Result<Response, PageError> {
    let now = Timestamp::from_millisecond(state.clock.now_ms()).unwrap_or(Timestamp::UNIX_EPOCH);
    let today = day::number(now.to_zoned(TimeZone::UTC).date());
    let definitions = &state.definitions;
    let view = |indicator: &Indicator| {
        let current = definitions.in_force(&indicator.id, today);
        let in_force = current.is_some_and(|current| current.version == indicator.version);
        View::of(indicator, in_force, language)
    };
    let page = Page {
        frame: Frame::of(&user, language, Section::Bulletin, &uri),
        words: IndicatorWords::of(language),
        indicators: definitions.indicators().map(view).collect(),
        composites: definitions
            .composites()
            .map(|composite| CompositeView::of(composite, language))
            .collect(),
    };
    draw(StatusCode::OK, &page)
}

impl View {
    fn of(indicator: &Indicator, in_force: bool, language: Language) -> Self {
        let words = IndicatorWords::of(language);
        let guards = [
            (indicator.guards.whole, words.guard_whole),
            (indicator.guards.zero, words.guard_zero),
        ];
        Self {
            id: indicator.id.clone(),
            version: indicator.version,
            since: day::name(indicator.since),
            in_force,
            name: language.pick(indicator.name.clone()),
            formula: language.pick(indicator.formula()),
            expression: indicator.expression(),
            scope: language.pick(indicator.scope.clone()),
            rounding: rounding_text(indicator.rounding, language),
            guards: guards
                .into_iter()
                .filter_map(|(on, text)| on.then_some(text))
                .collect(),
            inferred: indicator.inferred,
            source: indicator.source.clone(),
        }
    }
}

impl CompositeView {
    fn of(composite: &Composite, language: Language) -> Self {
        let part = |part: &crate::indicator::Part| {
            let numbers = (part.weight.to_string(), part.target.to_string());
            (part.indicator.clone(), numbers.0, numbers.1)
        };
        Self {
            id: composite.id.clone(),
            version: composite.version,
            since: day::name(composite.since),
            name: language.pick(composite.name.clone()),
            rounding: rounding_text(composite.rounding, language),
            parts: composite.parts.iter().map(part).collect(),
            source: composite.source.clone(),
        }
    }
}

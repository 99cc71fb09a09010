//! `GET /office`: the figures of a place and a range of days. Today in one hall is the live page of
//! [`super::today`]; everything else is drawn here.

mod words;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use super::chart;
use super::error::{PageError, draw};
use super::figures::{FigureView, LevelView, OutcomeView};
use super::format::grouped;
use super::frame::{Frame, Section};
use super::language::Language;
use super::scope::{Preset, Scope, ScopeNames, ScopeView};
use super::session::LoggedIn;
use super::table::{Sort, TableView};
use super::today;
use super::trends::{self, Step};
use super::words::Words;
use crate::access::{Permission, Place};
use crate::api::{Counted, count};
use crate::app::AppState;
use crate::problem::Problem;
use crate::score::{Rounding, Scores};
use crate::store::scores::Column;
use words::OverviewWords;

#[derive(Debug, Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    words: &'static Words,
    own: &'static OverviewWords,
    scope: ScopeView,
    empty: bool,
    figures: Vec<FigureView>,
    levels: Vec<LevelView>,
    rated: String,
    outcomes: Vec<OutcomeView>,
    prompts: String,
    chart_title: String,
    chart: String,
    tables: Vec<Breakdown>,
}

/// The same counts split by one dimension.
#[derive(Debug)]
struct Breakdown {
    title: String,
    more: String,
    table: TableView,
}

/// `GET /office`.
// needs: SeeScores at the place
pub(super) async fn page(
    State(state): State<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
) -> Result<Response, PageError> {
    let scope = Scope::open(&state, &user.0, language, &uri, Preset::Today).await?;
    let frame = Frame::of(&user, language, Section::Overview, &uri);
    let current = scope.hall.as_ref().map(|hall| hall.id.as_str());
    let frame = frame.with_halls(&scope.halls, current, true);
    let drawn = async {
        if scope.halls.is_empty() {
            return today::draw_page(&state, frame, &scope, None).await;
        }
        match &scope.hall {
            Some(hall) if scope.is_whole() && scope.period.preset == Some(Preset::Today) => {
                today::draw_page(&state, frame, &scope, Some(hall)).await
            }
            _ => {
                let clerks = scope.hall.as_ref().is_some_and(|hall| {
                    let hall = Place::Hall(hall.id.clone());
                    user.0.access.allows(Permission::SeeClerks, &hall)
                });
                draw(StatusCode::OK, &load(&state, frame, &scope, clerks).await?)
            }
        }
    };
    drawn
        .await
        .map_err(|error: PageError| error.speaking(language).at(&uri))
}

async fn load(
    state: &AppState,
    frame: Frame,
    scope: &Scope,
    clerks: bool,
) -> Result<OverviewPage, Problem> {
    let step = Step::best(&scope.period);
    let over_time = count(state.store.as_ref(), &scope.ask(step.name())?).await?;
    let columns = deeper(scope, clerks);
    let names = ScopeNames::load(state, scope, &columns).await?;
    let mut tables = Vec::new();
    for column in columns {
        let counted = count(state.store.as_ref(), &scope.ask(column.name())?).await?;
        tables.push(Breakdown::of(scope, &names, column, &counted));
    }
    Ok(OverviewPage::of(
        frame, scope, &names, step, &over_time, tables,
    ))
}

/// What a scope is split by: the next things down the organisation.
fn deeper(scope: &Scope, clerks: bool) -> Vec<Column> {
    let has = |column| scope.filter(column).is_some();
    let mut columns = match &scope.hall {
        None => vec![Column::Hall],
        Some(_) if has(Column::Window) => vec![Column::Item, Column::Staff],
        Some(_) if has(Column::Staff) => vec![Column::Item, Column::Window],
        Some(_) if has(Column::Item) => vec![Column::Window],
        Some(_) if has(Column::Department) => vec![Column::Window, Column::Item],
        Some(_) => vec![Column::Department, Column::Window],
    };
    columns.push(Column::Channel);
    columns.retain(|column| !has(*column) && (clerks || *column != Column::Staff));
    columns
}

impl Breakdown {
    fn of(scope: &Scope, names: &ScopeNames, column: Column, counted: &Counted) -> Self {
        let own = OverviewWords::of(scope.language);
        let table = TableView::of(scope, names, column, counted, Sort::Rated, 0);
        Self {
            title: format!("{}{}", own.by, table.what),
            more: format!("{}&by={}", scope.link("/office/compare"), column.name()),
            table,
        }
    }
}

impl OverviewPage {
    fn of(
        frame: Frame,
        scope: &Scope,
        names: &ScopeNames,
        step: Step,
        over_time: &Counted,
        tables: Vec<Breakdown>,
    ) -> Self {
        let language = scope.language;
        let own = OverviewWords::of(language);
        let total = &over_time.total;
        let scores = Scores::of(total, Rounding::default());
        let figures = FigureView::head(&scores, language).into_iter();
        let points = trends::points(scope, step, over_time);
        let told = chart::Told {
            id: "course",
            title: own.course,
            description: own.course_told,
        };
        Self {
            frame,
            words: language.words(),
            own,
            scope: scope.view(names),
            empty: total.prompts() == Some(0),
            figures: figures
                .map(|figure| figure.to(scope.link("/office/trends")))
                .collect(),
            levels: LevelView::all(total, &scores, language),
            rated: grouped(total.rated()),
            outcomes: OutcomeView::all(total, language),
            prompts: total.prompts().map_or_else(|| "—".to_owned(), grouped),
            chart_title: own.course.to_owned(),
            chart: chart::columns(told, &points, language),
            tables,
        }
    }
}

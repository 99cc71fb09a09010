//! The same figures split by one dimension: `GET /office/compare`, `/office/items`, `/office/clerks`.

mod words;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use super::error::{PageError, draw};
use super::frame::{Frame, Section};
use super::language::Language;
use super::scope::{Choice, Preset, Scope, ScopeNames, ScopeView, ScopeWords, column_name};
use super::session::LoggedIn;
use super::table::{SMALL, Sort, TableView};
use crate::access::{Permission, Place};
use crate::api::{Counted, Dimension, count};
use crate::app::AppState;
use crate::problem::Problem;
use crate::store::scores::Column;
use words::BreakdownWords;

/// The most that a page asks for before a row is ranked.
const MOST_LEAST: u128 = 1_000_000;

#[derive(Debug, Template)]
#[template(path = "breakdown.html")]
struct BreakdownPage {
    frame: Frame,
    own: &'static BreakdownWords,
    title: &'static str,
    hint: &'static str,
    scope: ScopeView,
    dimensions: Vec<Choice>,
    /// How many ratings a row needs to be ranked.
    least: String,
    /// What the form for that sends along.
    kept: Vec<(String, String)>,
    ranks: bool,
    empty: bool,
    table: TableView,
}

/// What a page is about.
#[derive(Debug, Clone, Copy)]
struct Kind {
    section: Section,
    /// What may be split by; the first is the default.
    columns: &'static [Column],
    sort: Sort,
}

const COMPARE: Kind = Kind {
    section: Section::Compare,
    columns: &[
        Column::Region,
        Column::Hall,
        Column::Department,
        Column::Window,
        Column::Item,
        Column::Channel,
    ],
    sort: Sort::Satisfaction,
};

const ITEMS: Kind = Kind {
    section: Section::Items,
    columns: &[Column::Item],
    sort: Sort::Rated,
};

const CLERKS: Kind = Kind {
    section: Section::Clerks,
    columns: &[Column::Staff],
    sort: Sort::Rated,
};

/// `GET /office/compare`.
// needs: SeeScores at the place
pub(super) async fn compare(
    State(state): State<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
) -> Result<Response, PageError> {
    page(&state, &user, language, &uri, COMPARE).await
}

/// `GET /office/items`.
// needs: SeeScores at the place
pub(super) async fn items(
    State(state): State<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
) -> Result<Response, PageError> {
    page(&state, &user, language, &uri, ITEMS).await
}

/// `GET /office/clerks`.
// needs: SeeClerks at the hall
pub(super) async fn clerks(
    State(state): State<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
) -> Result<Response, PageError> {
    let access = &user.0.access;
    access
        .require_somewhere(Permission::SeeClerks)
        .map_err(|refused| PageError::new(refused.into(), language).at(&uri))?;
    page(&state, &user, language, &uri, CLERKS).await
}

async fn page(
    state: &AppState,
    user: &LoggedIn,
    language: Language,
    uri: &Uri,
    kind: Kind,
) -> Result<Response, PageError> {
    let scope = Scope::open(state, &user.0, language, uri, Preset::Month).await?;
    let scope = in_one_hall(scope, kind);
    let frame = Frame::of(user, language, kind.section, uri);
    let current = scope.hall.as_ref().map(|hall| hall.id.as_str());
    let frame = frame.with_halls(&scope.halls, current, kind.columns.len() > 1);
    let drawn = async {
        if let (Section::Clerks, Some(hall)) = (kind.section, &scope.hall) {
            let hall = Place::Hall(hall.id.clone());
            let allowed = user.0.access.require(Permission::SeeClerks, &hall);
            allowed.map_err(Problem::from)?;
        }
        draw(StatusCode::OK, &load(state, frame, &scope, kind).await?)
    };
    drawn
        .await
        .map_err(|error: PageError| error.speaking(language).at(uri))
}

/// Items and clerks are told apart inside one hall: without one named, the first.
fn in_one_hall(scope: Scope, kind: Kind) -> Scope {
    if kind.columns.len() > 1 {
        return scope;
    }
    let first = scope.halls.first().cloned();
    match (&scope.hall, first) {
        (None, Some(hall)) => scope.of_hall(hall),
        _ => scope,
    }
}

async fn load(
    state: &AppState,
    frame: Frame,
    scope: &Scope,
    kind: Kind,
) -> Result<BreakdownPage, Problem> {
    let offered = offered(scope, kind);
    let asked = scope.rest.get("by").and_then(Dimension::from_name);
    let column = offered
        .iter()
        .copied()
        .find(|column| asked == Some(Dimension::Column(*column)))
        .or(offered.first().copied())
        .unwrap_or(Column::Hall);
    let counted = count(state.store.as_ref(), &scope.ask(column.name())?).await?;
    let names = ScopeNames::load(state, scope, &[column]).await?;
    Ok(BreakdownPage::of(
        frame,
        scope,
        &names,
        kind,
        (column, &offered),
        &counted,
    ))
}

/// What a scope can be split by: regions and halls where there are several, the rest inside a hall.
fn offered(scope: &Scope, kind: Kind) -> Vec<Column> {
    let regions = scope.halls.iter().any(|hall| {
        scope
            .halls
            .first()
            .is_some_and(|first| first.region_code != hall.region_code)
    });
    let fits = |column: &&Column| match column {
        Column::Region => scope.hall.is_none() && regions,
        Column::Hall => scope.hall.is_none(),
        Column::Channel => true,
        _ => scope.hall.is_some(),
    };
    let mut offered: Vec<Column> = kind.columns.iter().filter(fits).copied().collect();
    // Halls before regions: there are more of them to compare.
    offered.sort_by_key(|column| *column == Column::Region);
    offered
}

impl BreakdownPage {
    fn of(
        frame: Frame,
        scope: &Scope,
        names: &ScopeNames,
        kind: Kind,
        (column, offered): (Column, &[Column]),
        counted: &Counted,
    ) -> Self {
        let own = BreakdownWords::of(scope.language);
        let sort = Sort::of(scope, kind.sort);
        let least = scope
            .rest
            .get("min_ratings")
            .and_then(|text| text.parse().ok());
        let least: u128 = least.unwrap_or(SMALL).min(MOST_LEAST);
        let table = TableView::of(scope, names, column, counted, sort, least);
        let choice = |other: &Column| Choice {
            name: column_name(*other, ScopeWords::of(scope.language)).to_owned(),
            href: scope.same_page("by", other.name()),
            current: *other == column,
        };
        let (title, hint) = own.head(kind.section);
        Self {
            frame,
            own,
            title,
            hint,
            scope: scope.view(names),
            dimensions: offered.iter().map(choice).collect(),
            least: least.to_string(),
            kept: scope
                .pairs()
                .into_pairs()
                .into_iter()
                .chain(scope.rest.clone().without("min_ratings").into_pairs())
                .collect(),
            ranks: !matches!(sort, Sort::Natural | Sort::Rated | Sort::Bad),
            empty: table.is_empty(),
            table,
        }
    }
}

//! The fleet's pages: every terminal, one terminal, codes for new ones, alerts.
//!
//! Who sees what: a terminal is shown to whoever holds [`Permission::SeeFleet`] at its window; what is
//! not shown is answered as if there were nothing.

mod alerts;
mod codes;
mod terminal;
mod view;
mod words;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State as App};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;

use super::error::{PageError, draw};
use super::frame::{Frame, Section};
use super::language::Language;
use super::query::Pairs;
use super::session::LoggedIn;
use crate::access::{Access, Permission, Place};
use crate::api::auth::Caller;
use crate::app::AppState;
use crate::fleet::{Shown, State};
use crate::problem::Problem;
use crate::store::fleet::{FleetTerminal, WhichTerminals};
use crate::watch::days_around;
use view::{Row, Scene, by_trouble};
pub(super) use words::FleetWords;

/// The fleet's routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/office/fleet", get(page))
        .route("/office/fleet/list", get(list))
        .route("/office/fleet/codes", get(codes::page).post(codes::make))
        .route("/office/fleet/{terminal}", get(terminal::page))
        .route("/office/fleet/{terminal}/rotate", post(terminal::rotate))
        .route(
            "/office/fleet/{terminal}/revoke",
            get(terminal::confirm).post(terminal::revoke),
        )
        .route(
            "/office/fleet/{terminal}/incidents/{incident}/clear",
            post(terminal::clear),
        )
        .route("/office/alerts", get(alerts::page))
        .route(
            "/office/alerts/{hall}/{alert}/acknowledge",
            post(alerts::acknowledge),
        )
}

/// What the list is narrowed to.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct FleetQuery {
    /// One hall.
    pub(crate) hall: Option<String>,
    /// One state.
    pub(crate) state: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "fleet.html")]
struct FleetPage {
    frame: Frame,
    words: &'static FleetWords,
    list: List,
    /// For the script.
    source: String,
    may_enrol: bool,
}

/// The part that changes.
#[derive(Debug, Template)]
#[template(path = "fleet_list.html")]
struct List {
    words: &'static FleetWords,
    filters: Vec<Filter>,
    rows: Vec<Row>,
    several_halls: bool,
}

#[derive(Debug)]
struct Filter {
    name: &'static str,
    count: usize,
    href: String,
    current: bool,
}

/// Terminals that somebody may see, with their states, the worst first; of one hall, or of all.
///
/// # Errors
/// 404 for a hall in which nothing may be seen.
pub(crate) async fn visible(
    state: &AppState,
    access: &Access,
    query: &FleetQuery,
) -> Result<Vec<(FleetTerminal, Shown)>, Problem> {
    access.require_somewhere(Permission::SeeFleet)?;
    let now_ms = state.clock.now_ms();
    let hall = query.hall.as_deref().filter(|hall| !hall.is_empty());
    let which = WhichTerminals {
        hall: hall
            .map(str::parse)
            .transpose()
            .map_err(|_| Problem::not_found())?,
        terminal: None,
    };
    if let Some(hall) = &which.hall {
        let mine = access.halls(Permission::SeeFleet).contains(hall);
        let halls = state.store.halls().await?;
        if !mine || !halls.iter().any(|known| known.id == *hall) {
            return Err(Problem::not_found());
        }
    }
    let fleet = state.store.fleet(which, days_around(now_ms)).await?;
    let mut seen: Vec<_> = fleet
        .into_iter()
        .filter(|terminal| may_see(access, terminal))
        .map(|terminal| {
            let shown = terminal.shown(now_ms);
            (terminal, shown)
        })
        .collect();
    by_trouble(&mut seen);
    Ok(seen)
}

/// Where a terminal stands.
pub(crate) fn place_of(terminal: &FleetTerminal) -> Place {
    Place::Window(
        terminal.watched.hall.clone(),
        terminal.watched.window.clone(),
    )
}

fn may_see(access: &Access, terminal: &FleetTerminal) -> bool {
    access.allows(Permission::SeeFleet, &place_of(terminal))
}

/// One terminal that somebody may do this with.
///
/// # Errors
/// 404 for one that is not there or not theirs, 403 for one that they may see only.
pub(crate) async fn one(
    state: &AppState,
    access: &Access,
    permission: Permission,
    id: &str,
) -> Result<FleetTerminal, Problem> {
    let terminal = id.parse().map_err(|_| Problem::not_found())?;
    let which = WhichTerminals {
        hall: None,
        terminal: Some(terminal),
    };
    let days = days_around(state.clock.now_ms());
    let found = state.store.fleet(which, days).await?.pop();
    let found = found.ok_or_else(Problem::not_found)?;
    access.require(permission, &place_of(&found))?;
    Ok(found)
}

/// `GET /office/fleet`.
// needs: SeeFleet at the window of each terminal
async fn page(
    App(state): App<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
    Query(query): Query<FleetQuery>,
) -> Result<Response, PageError> {
    let draw_page = async {
        let list = List::load(&state, &user.0.access, language, &uri, &query).await?;
        let mut halls = state.store.halls().await.map_err(Problem::from)?;
        let mine = user.0.access.halls(Permission::SeeFleet);
        halls.retain(|hall| mine.contains(&hall.id));
        let chosen = query.hall.as_deref().filter(|hall| !hall.is_empty());
        let kept = Pairs::of(&uri).only(&["hall", "state"]);
        let page = FleetPage {
            frame: Frame::of(&user, language, Section::Fleet, &uri)
                .with_halls(&halls, chosen, true),
            words: FleetWords::of(language),
            list,
            source: kept.href("/office/fleet/list"),
            may_enrol: user.0.access.somewhere(Permission::EnrolTerminals),
        };
        draw(StatusCode::OK, &page)
    };
    draw_page
        .await
        .map_err(|error: PageError| error.speaking(language))
}

/// `GET /office/fleet/list`: the changing part, for the page's script.
// needs: SeeFleet at the window of each terminal
async fn list(
    App(state): App<AppState>,
    caller: Caller,
    language: Language,
    uri: Uri,
    Query(query): Query<FleetQuery>,
) -> Result<Response, PageError> {
    let list = List::load(&state, &caller.access, language, &uri, &query).await?;
    draw(StatusCode::OK, &list)
}

impl List {
    async fn load(
        state: &AppState,
        access: &Access,
        language: Language,
        uri: &Uri,
        query: &FleetQuery,
    ) -> Result<Self, Problem> {
        let fleet = visible(state, access, query).await?;
        let scene = Scene {
            language,
            now_ms: state.clock.now_ms(),
        };
        let wanted = query.state.as_deref().and_then(State::named);
        let several_halls = fleet
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a.0.watched.hall != b.0.watched.hall));
        let rows = fleet
            .iter()
            .filter(|(_, shown)| match wanted {
                Some(wanted) => shown.state == wanted,
                None => shown.state != State::Retired,
            })
            .map(|(terminal, shown)| scene.row(terminal, shown))
            .collect();
        Ok(Self {
            words: FleetWords::of(language),
            filters: filters(&fleet, wanted, language, uri),
            rows,
            several_halls,
        })
    }
}

/// One filter for each state that occurs, and one for all.
fn filters(
    fleet: &[(FleetTerminal, Shown)],
    wanted: Option<State>,
    language: Language,
    uri: &Uri,
) -> Vec<Filter> {
    let words = FleetWords::of(language);
    let kept = Pairs::of(uri).only(&["hall"]);
    let count = |state| fleet.iter().filter(|(_, s)| s.state == state).count();
    let in_use = fleet.iter().filter(|(_, s)| s.state != State::Retired);
    let all = Filter {
        name: words.all,
        count: in_use.count(),
        href: kept.href("/office/fleet"),
        current: wanted.is_none(),
    };
    let states = State::ALL.into_iter().map(|state| Filter {
        name: words.state(state),
        count: count(state),
        href: kept
            .clone()
            .with("state", state.name())
            .href("/office/fleet"),
        current: wanted == Some(state),
    });
    let states = states.filter(|filter| filter.count > 0 || filter.current);
    std::iter::once(all).chain(states).collect()
}

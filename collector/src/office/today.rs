//! Today's counts of one hall: the page, and the fragment that it fetches again and again.

pub(super) mod wall;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use manyi_shared::domain::Level;
use serde::Deserialize;

use super::alarms::AlarmView;
use super::error::{PageError, draw};
use super::figures::{FigureView, LevelView, OutcomeView, level_name, value};
use super::format::{ago, grouped, time_of_day};
use super::frame::Frame;
use super::language::Language;
use super::scope::{Scope, ScopeNames, ScopeView};
use super::words::Words;
use crate::access::{Access, Permission, Place};
use crate::alarm::current;
use crate::api::auth::Caller;
use crate::api::{Counted, ScoreRequest, count};
use crate::app::AppState;
use crate::problem::Problem;
use crate::score::{Counts, Rounding, Scores};
use crate::store::HallSummary;
use crate::store::scores::{Column, Value, WindowState};

/// A terminal that was not heard of for longer is pointed out.
const SILENT_MS: i64 = 5 * 60 * 1000;

/// Which hall.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct HallQuery {
    hall: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "office.html")]
struct OfficePage {
    frame: Frame,
    words: &'static Words,
    scope: ScopeView,
    today: Option<Today>,
}

/// The fragment: everything that changes.
#[derive(Debug, Template)]
#[template(path = "today.html")]
pub(super) struct Today {
    words: &'static Words,
    hall_id: String,
    hall_name: String,
    date: String,
    updated: String,
    alarms: Vec<AlarmView>,
    alarm_count: usize,
    empty: bool,
    figures: Vec<FigureView>,
    levels: Vec<LevelView>,
    rated: String,
    outcomes: Vec<OutcomeView>,
    prompts: String,
    blocks: Vec<Block>,
    window_count: usize,
    windows_rated: usize,
    windows_bad: usize,
    windows_silent: usize,
}

/// The windows of one 区块.
#[derive(Debug)]
struct Block {
    name: String,
    windows: Vec<WindowView>,
}

#[derive(Debug)]
struct WindowView {
    id: String,
    number: String,
    name: String,
    department: String,
    /// Level, its name, its count; 非常满意 first.
    levels: Vec<(u8, &'static str, String)>,
    rated: String,
    bad: String,
    has_bad: bool,
    mean: String,
    last_rating: String,
    terminal: String,
    /// For the style: `good`, `silent`, `never`, `none`.
    state: &'static str,
    backlog: Option<String>,
}

/// The live page of one hall; without a hall, what to do about that.
pub(super) async fn draw_page(
    state: &AppState,
    frame: Frame,
    scope: &Scope,
    hall: Option<&HallSummary>,
) -> Result<Response, PageError> {
    let today = match hall {
        Some(hall) => Some(Today::load(state, hall, scope.language).await?),
        None => None,
    };
    let page = OfficePage {
        frame,
        words: scope.language.words(),
        scope: scope.view(&ScopeNames::default()),
        today,
    };
    draw(StatusCode::OK, &page)
}

/// `GET /office/today`: the changing part, for the page's script.
pub(super) async fn fragment(
    State(state): State<AppState>,
    caller: Caller,
    language: Language,
    Query(query): Query<HallQuery>,
) -> Result<Response, PageError> {
    let halls = visible(&state, &caller.access).await?;
    let hall = chosen(&halls, &query)?.ok_or_else(Problem::not_found)?;
    let key = ("today", language);
    let html = state.live.fragment(&hall.id, key, async || {
        let today = Today::load(&state, hall, language).await?;
        Ok::<_, PageError>(today.render()?)
    });
    Ok(Html(html.await?.to_string()).into_response())
}

/// The halls whose scores may be seen whole: the live page shows every window.
pub(super) async fn visible(
    state: &AppState,
    access: &Access,
) -> Result<Vec<HallSummary>, Problem> {
    access.require_somewhere(Permission::SeeScores)?;
    let mut halls = state.store.halls().await?;
    halls.retain(|hall| access.allows(Permission::SeeScores, &Place::Hall(hall.id.clone())));
    Ok(halls)
}

/// The hall asked for, else the first.
pub(super) fn chosen<'a>(
    halls: &'a [HallSummary],
    query: &HallQuery,
) -> Result<Option<&'a HallSummary>, Problem> {
    match &query.hall {
        None => Ok(halls.first()),
        Some(id) => halls
            .iter()
            .find(|hall| hall.id.as_str() == id)
            .map(Some)
            .ok_or_else(Problem::not_found),
    }
}

fn now(state: &AppState) -> Result<Timestamp, Problem> {
    Timestamp::from_millisecond(state.clock.now_ms()).map_err(|_| Problem::internal())
}

impl Today {
    async fn load(
        state: &AppState,
        hall: &HallSummary,
        language: Language,
    ) -> Result<Self, Problem> {
        let now = now(state)?;
        let request = ScoreRequest::today_by_window(hall, now)?;
        let counted = count(state.store.as_ref(), &request).await?;
        let windows = state.store.windows(hall.id.clone()).await?;
        let mut alarms = current(state.store.as_ref(), now.as_millisecond()).await?;
        alarms.retain(|alarm| alarm.hall == hall.id);
        let local = request.range.from().time_zone().clone();
        let scene = Scene {
            language,
            rounding: request.rounding,
            zone: local.clone(),
            now_ms: now.as_millisecond(),
            today_ms: request.range.from().timestamp().as_millisecond(),
        };
        let date = match language {
            Language::Chinese => request
                .range
                .from()
                .strftime("%Y 年 %-m 月 %-d 日")
                .to_string(),
            Language::English => request.range.from().strftime("%-d %B %Y").to_string(),
        };
        let updated = now.to_zoned(local).strftime("%H:%M:%S").to_string();
        let found = alarms.len();
        let alarms = AlarmView::all(&alarms, &windows, language);
        let today = Self::of(hall, &counted, windows, &scene, date, updated);
        Ok(Self {
            alarms,
            alarm_count: found,
            ..today
        })
    }

    fn of(
        hall: &HallSummary,
        counted: &Counted,
        windows: Vec<WindowState>,
        scene: &Scene,
        date: String,
        updated: String,
    ) -> Self {
        let total = &counted.total;
        let scores = Scores::of(total, scene.rounding);
        let by_window = by_window(counted);
        let has =
            |test: fn(&Counts) -> bool| by_window.values().filter(|counts| test(counts)).count();
        Self {
            words: scene.language.words(),
            hall_id: hall.id.as_str().to_owned(),
            hall_name: hall.name.clone(),
            date,
            updated,
            alarms: Vec::new(),
            alarm_count: 0,
            empty: total.rated() == 0,
            figures: FigureView::head(&scores, scene.language),
            levels: LevelView::all(total, &scores, scene.language),
            rated: grouped(total.rated()),
            outcomes: OutcomeView::all(total, scene.language),
            prompts: total.prompts().map_or_else(|| "—".to_owned(), grouped),
            window_count: windows.len(),
            windows_rated: has(|counts| counts.rated() > 0),
            windows_bad: has(|counts| counts.bad() > 0),
            windows_silent: windows
                .iter()
                .filter(|window| scene.state(window) == "silent")
                .count(),
            blocks: blocks(windows, by_window, scene),
        }
    }
}

fn by_window(counted: &Counted) -> BTreeMap<String, Counts> {
    let id = |value: Option<&Value>| match value {
        Some(Value::Text(id)) => id.clone(),
        _ => String::new(),
    };
    counted
        .groups
        .iter()
        .map(|group| (id(group.value(Column::Window)), group.counts))
        .collect()
}

/// Windows by block, and at the end those that have counts but are no longer in the hall's table.
fn blocks(
    windows: Vec<WindowState>,
    mut counts: BTreeMap<String, Counts>,
    scene: &Scene,
) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut add =
        |name: String, view: WindowView| match blocks.iter_mut().find(|block| block.name == name) {
            Some(block) => block.windows.push(view),
            None => blocks.push(Block {
                name,
                windows: vec![view],
            }),
        };
    for window in windows {
        let counts = counts.remove(&window.id).unwrap_or_else(Counts::none);
        let block = window.block.clone();
        add(block, scene.view(window, &counts));
    }
    for (id, counts) in counts {
        let window = WindowState {
            number: id.clone(),
            id,
            block: String::new(),
            name: String::new(),
            department: String::new(),
            last_rating_ms: None,
            terminals: 0,
            last_seen_ms: None,
            backlog: 0,
        };
        add(
            scene.language.words().gone_window.to_owned(),
            scene.view(window, &counts),
        );
    }
    blocks
}

/// What a view of a window depends on besides the window.
#[derive(Debug)]
struct Scene {
    language: Language,
    rounding: Rounding,
    zone: TimeZone,
    now_ms: i64,
    today_ms: i64,
}

impl Scene {
    fn state(&self, window: &WindowState) -> &'static str {
        match (window.terminals, window.last_seen_ms) {
            (0, _) => "none",
            (_, None) => "never",
            (_, Some(seen)) if self.now_ms.saturating_sub(seen) > SILENT_MS => "silent",
            _ => "good",
        }
    }

    fn view(&self, window: WindowState, counts: &Counts) -> WindowView {
        let words = self.language.words();
        let state = self.state(&window);
        let terminal = match (state, window.last_seen_ms) {
            ("none", _) => words.no_terminal.to_owned(),
            (_, Some(seen)) => {
                format!(
                    "{}{}",
                    words.seen,
                    ago(self.now_ms.saturating_sub(seen), self.language)
                )
            }
            (_, None) => words.never_seen.to_owned(),
        };
        let level = |level| {
            (
                Level::number(level),
                level_name(level, self.language),
                grouped(counts.level(level)),
            )
        };
        let last = window.last_rating_ms.filter(|at| *at >= self.today_ms);
        WindowView {
            levels: Level::ALL.map(level).into(),
            rated: grouped(counts.rated()),
            bad: grouped(counts.bad()),
            has_bad: counts.bad() > 0,
            mean: value(&Scores::of(counts, self.rounding).mean),
            last_rating: last.map_or_else(|| "—".to_owned(), |at| time_of_day(at, &self.zone)),
            backlog: (window.backlog > 0).then(|| format!("{} {}", window.backlog, words.unsent)),
            terminal,
            state,
            // The number is often the beginning of the name.
            name: window
                .name
                .strip_prefix(&window.number)
                .unwrap_or(&window.name)
                .trim()
                .to_owned(),
            id: window.id,
            number: window.number,
            department: window.department,
        }
    }
}

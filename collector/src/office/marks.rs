//! `/office/marks`: ratings that look odd, why, and what was decided about them.

mod words;

#[cfg(test)]
mod tests;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use manyi_shared::domain::{StreamId, TerminalId};
use serde::Deserialize;

use super::error::{PageError, draw};
use super::format::grouped;
use super::frame::{Frame, Section};
use super::language::Language;
use super::session::LoggedIn;
use crate::access::{Permission, Place as Where};
use crate::api::visible_halls;
use crate::app::AppState;
use crate::marks::{Place, Rule};
use crate::problem::{Problem, ProblemType};
use crate::store::HallSummary;
use crate::store::marks::{Decision, Mark, MarkFilter, MarkState};
use words::MarkWords;

/// Marks on one page.
const PAGE: u32 = 50;

/// Characters of a reason.
const MAX_WHY: usize = 500;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/office/marks", get(page))
        .route("/office/marks/decide", post(decide))
}

/// Which marks.
#[derive(Debug, Clone, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    hall: String,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    page: String,
}

#[derive(Debug, Template)]
#[template(path = "marks.html")]
struct Page {
    frame: Frame,
    words: &'static MarkWords,
    hall: String,
    hall_name: String,
    rule: String,
    state: String,
    may_decide: bool,
    counts: Vec<CountRow>,
    states: Vec<(&'static str, &'static str)>,
    marks: Vec<MarkView>,
    found: String,
    before: Option<u32>,
    after: Option<u32>,
    here: u32,
}

/// One rule with the number of its marks in each state.
#[derive(Debug)]
struct CountRow {
    rule: &'static str,
    name: &'static str,
    meaning: &'static str,
    counts: Vec<String>,
}

#[derive(Debug)]
struct MarkView {
    when: String,
    window: String,
    rule: &'static str,
    rule_name: &'static str,
    reason: String,
    version: u16,
    state: &'static str,
    state_name: &'static str,
    decided: Option<String>,
    terminal: String,
    stream: String,
    seq: u64,
    /// The decisions that are possible now: name, label.
    choices: Vec<(&'static str, &'static str)>,
}

/// `GET /office/marks`.
// needs: SeeClerks at the hall to see, MarkRatings to decide
async fn page(
    State(state): State<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let drawn = async {
        let halls = visible_halls(&state, &user.0.access, Permission::SeeClerks).await?;
        let hall = chosen(&asked.hall, &halls)?;
        let place = Where::Hall(hall.id.clone());
        user.0
            .access
            .require(Permission::SeeClerks, &place)
            .map_err(Problem::from)?;
        let may_decide = user.0.access.allows(Permission::MarkRatings, &place);
        let frame = Frame::of(&user, language, Section::Bulletin, &uri);
        let frame = frame.with_halls(&halls, Some(hall.id.as_str()), false);
        draw(
            StatusCode::OK,
            &view(&state, hall, &asked, may_decide, frame).await?,
        )
    };
    drawn
        .await
        .map_err(|error: PageError| error.speaking(language))
}

/// The hall that was asked for, else the first.
fn chosen<'h>(id: &str, halls: &'h [HallSummary]) -> Result<&'h HallSummary, Problem> {
    let mut all = halls.iter();
    let hall = if id.is_empty() {
        all.next()
    } else {
        all.find(|hall| hall.id.as_str() == id)
    };
    hall.ok_or_else(Problem::not_found)
}

/// A word of a closed list; empty for all.
fn word<T>(text: &str, name: &str, read: fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let found = read(text).map(Some);
    found.ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        Problem::new(
            ProblemType::Malformed,
            format!("`{name}` is `{shown}`, which there is not"),
        )
    })
}

async fn view(
    state: &AppState,
    hall: &HallSummary,
    asked: &Asked,
    may_decide: bool,
    frame: Frame,
) -> Result<Page, Problem> {
    let words = MarkWords::of(frame.language);
    let here: u32 = asked.page.parse().unwrap_or(1).clamp(1, 1_000_000);
    let filter = MarkFilter {
        hall: hall.id.clone(),
        rule: word(&asked.rule, "rule", Rule::from_name)?,
        state: word(&asked.state, "state", MarkState::from_name)?,
        skip: (here - 1) * PAGE,
        limit: PAGE,
    };
    let (marks, found) = state.store.marks(filter).await?;
    let known = state.store.mark_counts(hall.id.clone()).await?;
    let zone = TimeZone::get(&hall.time_zone).unwrap_or(TimeZone::UTC);
    let count = |rule: Rule| CountRow {
        rule: rule.name(),
        name: words.rule(rule).0,
        meaning: words.rule(rule).1,
        counts: MarkState::ALL
            .map(|state| {
                let n = known.iter().find(|(r, s, _)| (*r, *s) == (rule, state));
                grouped(n.map_or(0, |(_, _, n)| u128::from(*n)))
            })
            .into(),
    };
    Ok(Page {
        words,
        hall: hall.id.to_string(),
        hall_name: hall.name.clone(),
        rule: asked.rule.clone(),
        state: asked.state.clone(),
        may_decide,
        counts: Rule::ALL.map(count).into(),
        states: MarkState::ALL
            .map(|state| (state.name(), words.state(state)))
            .into(),
        marks: marks
            .iter()
            .map(|mark| MarkView::of(mark, words, &zone))
            .collect(),
        found: grouped(found.into()),
        before: (here > 1).then_some(here - 1),
        after: (u64::from(here) * u64::from(PAGE) < found).then_some(here + 1),
        here,
        frame,
    })
}

fn moment(ms: i64, zone: &TimeZone) -> String {
    Timestamp::from_millisecond(ms).map_or_else(
        |_| String::new(),
        |at| {
            at.to_zoned(zone.clone())
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string()
        },
    )
}

impl MarkView {
    fn of(mark: &Mark, words: &'static MarkWords, zone: &TimeZone) -> Self {
        let decided = mark.decided.as_ref();
        let choices: &[(&str, &str)] = match mark.state {
            MarkState::Open => &[("confirmed", words.confirm), ("dismissed", words.dismiss)],
            MarkState::Confirmed | MarkState::Dismissed => &[("open", words.reopen)],
            MarkState::Lapsed => &[],
        };
        Self {
            when: moment(mark.at_ms, zone),
            window: mark.window.clone(),
            rule: mark.rule.name(),
            rule_name: words.rule(mark.rule).0,
            reason: mark.reason.clone(),
            version: mark.version,
            state: mark.state.name(),
            state_name: words.state(mark.state),
            decided: decided.map(|(at, who, why)| format!("{} · {who} · {why}", moment(*at, zone))),
            terminal: mark.place.terminal.to_string(),
            stream: mark.place.stream.to_string(),
            seq: mark.place.seq,
            choices: choices.to_vec(),
        }
    }
}

/// The form of a decision.
#[derive(Debug, Deserialize)]
struct Act {
    hall: String,
    terminal: String,
    stream: String,
    seq: u64,
    rule: String,
    to: String,
    why: String,
}

/// `POST /office/marks/decide`: confirms or dismisses a mark, or takes that back.
// needs: MarkRatings at the hall
async fn decide(
    State(state): State<AppState>,
    user: LoggedIn,
    language: Language,
    Form(act): Form<Act>,
) -> Result<Response, PageError> {
    let hall = act.hall.clone();
    let decided = write(&state, &user, act).await;
    decided.map_err(|problem| PageError::from(problem).speaking(language))?;
    Ok(Redirect::to(&format!("/office/marks?hall={hall}")).into_response())
}

async fn write(state: &AppState, user: &LoggedIn, act: Act) -> Result<(), Problem> {
    let malformed = |detail: &str| Problem::new(ProblemType::Malformed, detail);
    let halls = visible_halls(state, &user.0.access, Permission::MarkRatings).await?;
    let hall = chosen(&act.hall, &halls)?;
    let place = Where::Hall(hall.id.clone());
    user.0.access.require(Permission::MarkRatings, &place)?;
    let why = act.why.trim().to_owned();
    if why.is_empty() || why.chars().count() > MAX_WHY {
        return Err(malformed("say why, in at most 500 characters"));
    }
    let to = MarkState::from_name(&act.to).filter(|to| *to != MarkState::Lapsed);
    let to = to.ok_or_else(|| malformed("`to` must be confirmed, dismissed or open"))?;
    let terminal: Result<TerminalId, _> = act.terminal.parse();
    let stream: Result<StreamId, _> = act.stream.parse();
    let (Ok(terminal), Ok(stream)) = (terminal, stream) else {
        return Err(malformed("the rating is not named as this page names it"));
    };
    let rule = Rule::from_name(&act.rule).ok_or_else(|| malformed("there is no such rule"))?;
    let decision = Decision {
        hall: hall.id.clone(),
        place: Place {
            terminal,
            stream,
            seq: act.seq,
        },
        rule,
        state: to,
        who: user.0.name.clone(),
        why,
        now_ms: state.clock.now_ms(),
    };
    let decided = state.store.decide_mark(decision).await?;
    let mark = decided.ok_or_else(Problem::not_found)?;
    let (rule, state) = (mark.rule.name(), mark.state.name());
    tracing::info!(hall = %hall.id, rule, state, by = user.0.name, "decided about a mark");
    Ok(())
}

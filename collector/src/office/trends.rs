//! `GET /office/trends`: counts and rates over time, beside the period before.

mod step;
mod words;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use super::chart::{self, Point, Told};
use super::error::{PageError, draw};
use super::format::grouped;
use super::frame::{Frame, Section};
use super::language::Language;
use super::scope::{Choice, Period, Preset, Scope, ScopeNames, ScopeView};
use super::session::LoggedIn;
use super::table::{Links, RowView, Sort, TableView};
use crate::api::{Counted, count};
use crate::app::AppState;
use crate::problem::Problem;
use crate::score::{Counts, Rounding, RoundingMode, Scores};
use step::Piece;
pub(super) use step::Step;
use words::TrendWords;

/// A chart of more pieces is a smear, and its table is long.
const MOST_PIECES: usize = 400;

#[derive(Debug, Template)]
#[template(path = "trends.html")]
struct TrendsPage {
    frame: Frame,
    own: &'static TrendWords,
    scope: ScopeView,
    steps: Vec<Choice>,
    empty: bool,
    columns: String,
    line: String,
    compared: Option<String>,
    table: TableView,
}

/// `GET /office/trends`.
// needs: SeeScores at the place
pub(super) async fn page(
    State(state): State<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
) -> Result<Response, PageError> {
    let scope = Scope::open(&state, &user.0, language, &uri, Preset::Month).await?;
    let frame = Frame::of(&user, language, Section::Trends, &uri);
    let current = scope.hall.as_ref().map(|hall| hall.id.as_str());
    let frame = frame.with_halls(&scope.halls, current, true);
    let drawn = async { draw(StatusCode::OK, &load(&state, frame, &scope).await?) };
    drawn
        .await
        .map_err(|error: PageError| error.speaking(language).at(&uri))
}

async fn load(state: &AppState, frame: Frame, scope: &Scope) -> Result<TrendsPage, Problem> {
    let step = Step::asked(scope).unwrap_or_else(|| Step::best(&scope.period));
    let now = count(state.store.as_ref(), &scope.ask(step.name())?).await?;
    let before = match scope.period.before() {
        None => None,
        Some(period) => {
            let counted = count(state.store.as_ref(), &scope.ask_of(&period, step.name())?).await?;
            (counted.total.rated() > 0).then_some((period, counted))
        }
    };
    let names = ScopeNames::load(state, scope, &[]).await?;
    Ok(TrendsPage::of(frame, scope, &names, step, &now, before))
}

impl TrendsPage {
    fn of(
        frame: Frame,
        scope: &Scope,
        names: &ScopeNames,
        step: Step,
        now: &Counted,
        before: Option<(Period, Counted)>,
    ) -> Self {
        let own = TrendWords::of(scope.language);
        let points = points(scope, step, now);
        let earlier = before.as_ref().map(|(period, counted)| {
            let pieces = step.pieces(period, &scope.zone, scope.language);
            rates(&pieces, counted)
        });
        let columns = Told {
            id: "counts",
            title: own.counts,
            description: own.counts_told,
        };
        let line = Told {
            id: "rates",
            title: own.rates,
            description: own.rates_told,
        };
        let compared = before.map(|(period, counted)| own.compared(scope, &period, now, &counted));
        Self {
            frame,
            own,
            scope: scope.view(names),
            steps: steps(scope, step, own),
            empty: now.total.prompts() == Some(0),
            columns: chart::columns(columns, &points, scope.language),
            line: chart::line(
                line,
                &points,
                &earlier.unwrap_or_default(),
                [own.now, own.before],
            ),
            compared,
            table: table(scope, step, now, own),
        }
    }
}

/// The steps that cut the period into at most [`MOST_PIECES`] pieces, and at least two.
fn steps(scope: &Scope, current: Step, own: &TrendWords) -> Vec<Choice> {
    let fits = |step: &Step| {
        let pieces = step.about(scope.period.days());
        *step == current || (2..=MOST_PIECES).contains(&pieces)
    };
    let choice = |step: Step| Choice {
        name: own.step(step).to_owned(),
        href: scope.same_page("by", step.name()),
        current: step == current,
    };
    Step::ALL.into_iter().filter(fits).map(choice).collect()
}

/// A point for each piece of the period, also for those without a count.
pub(super) fn points(scope: &Scope, step: Step, counted: &Counted) -> Vec<Point> {
    let pieces = step.pieces(&scope.period, &scope.zone, scope.language);
    let point = |piece: Piece| {
        let counts = found(&piece, counted);
        Point {
            label: piece.short,
            told: told(&piece.long, &counts, scope.language),
            href: (counts.rated() > 0).then(|| scope.other_days("/office", &piece.days)),
            levels: manyi_shared::domain::Level::ALL.map(|level| counts.level(level)),
            rate: rate(&counts),
        }
    };
    pieces.into_iter().map(point).collect()
}

fn found(piece: &Piece, counted: &Counted) -> Counts {
    let mut groups = counted.groups.iter();
    groups
        .find(|group| group.time.as_deref() == Some(piece.key.as_str()))
        .map_or_else(Counts::none, |group| group.counts)
}

fn rates(pieces: &[Piece], counted: &Counted) -> Vec<Option<u128>> {
    pieces
        .iter()
        .map(|piece| rate(&found(piece, counted)))
        .collect()
}

/// The satisfaction rate in hundredths of a percent, as a chart draws it: what the figure prints.
fn rate(counts: &Counts) -> Option<u128> {
    let two_digits = Rounding::new(RoundingMode::HalfUp, 2)?;
    let rate = Scores::of(counts, two_digits).satisfaction_rate;
    rate.value().ok().map(|value| value.units())
}

fn told(when: &str, counts: &Counts, language: Language) -> String {
    let row = RowView::of(String::new(), counts, Links::default(), language);
    let own = TrendWords::of(language);
    format!(
        "{when}{}{} {}{}{} {}",
        own.colon, own.ratings, row.rated, own.comma, own.satisfied, row.satisfaction
    )
}

/// One row for each piece that has a count, the newest last.
fn table(scope: &Scope, step: Step, counted: &Counted, own: &'static TrendWords) -> TableView {
    let pieces = step.pieces(&scope.period, &scope.zone, scope.language);
    let row = |piece: Piece| {
        let counts = found(&piece, counted);
        if counts.prompts() == Some(0) {
            return None;
        }
        let page = |path| scope.other_days(path, &piece.days);
        let links = Links {
            href: Some(page("/office")),
            rated: Some(page("/office/compare")),
            bad: Some(format!("{}&sort=bad", page("/office/compare"))),
        };
        Some(RowView::of(
            piece.long.clone(),
            &counts,
            links,
            scope.language,
        ))
    };
    let rows = pieces.into_iter().filter_map(row).collect();
    let what = own.step(step).to_owned();
    TableView::new(
        scope,
        (what, step.name()),
        rows,
        Vec::new(),
        counted,
        Sort::Natural,
    )
}

impl TrendWords {
    /// A sentence about both periods.
    fn compared(&self, scope: &Scope, period: &Period, now: &Counted, before: &Counted) -> String {
        let row =
            |counts: &Counts| RowView::of(String::new(), counts, Links::default(), scope.language);
        let (new, old) = (row(&now.total), row(&before.total));
        format!(
            "{}（{}）{} {} → {}{}{} {} → {}",
            self.against,
            period.text(scope.language),
            self.ratings,
            grouped(before.total.rated()),
            new.rated,
            self.comma,
            self.satisfied,
            old.satisfaction,
            new.satisfaction,
        )
    }
}

//! Enrolment codes: made on a page, shown once.
//!
//! The answer to the post is the page with the code. It is in no address and in no log, and the
//! database has its digest only.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State as App};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use jiff::tz::TimeZone;
use manyi_shared::domain::{HallId, WindowId};
use manyi_shared::wire::EnrolmentCode;
use qrcode::{Color, QrCode};
use serde::Deserialize;

use super::FleetWords;
use crate::access::{Permission, Place};
use crate::alert::words::local;
use crate::app::AppState;
use crate::office::error::{PageError, draw};
use crate::office::frame::{Frame, Section};
use crate::office::language::Language;
use crate::office::session::LoggedIn;
use crate::problem::Problem;
use crate::store::{HallSummary, NewCode};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// How long a code may be good for; the longest is what the command allows, too.
const SPANS: [(&str, i64); 4] = [
    ("10m", 10 * MINUTE_MS),
    ("1d", DAY_MS),
    ("7d", 7 * DAY_MS),
    ("30d", 30 * DAY_MS),
];

/// The window that is offered first.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    hall: Option<String>,
    window: Option<String>,
}

/// The form.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// Hall and window with a blank between them.
    place: String,
    valid: String,
    /// Where tablets find this collector.
    collector: String,
}

#[derive(Debug, Template)]
#[template(path = "fleet_codes.html")]
struct CodesPage {
    frame: Frame,
    words: &'static FleetWords,
    places: Vec<PlaceOption>,
    spans: [(&'static str, &'static str); 4],
    collector: String,
    made: Option<Made>,
}

#[derive(Debug)]
struct PlaceOption {
    value: String,
    name: String,
    chosen: bool,
}

/// A code, this once.
#[derive(Debug)]
struct Made {
    code: String,
    place: String,
    until: String,
    replaces: Vec<String>,
    file: String,
    /// The modules of the QR code as one path, and how many there are across.
    picture: String,
    across: usize,
}

/// `GET /office/fleet/codes`.
// needs: EnrolTerminals at a hall or a window
pub(super) async fn page(
    App(state): App<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    let places = places(&state, &user, &wanted)
        .await
        .map_err(|problem| PageError::from(problem).speaking(language))?;
    draw_codes(&user, (language, &uri), places, String::new(), None)
}

fn draw_codes(
    user: &LoggedIn,
    (language, uri): (Language, &Uri),
    places: Vec<PlaceOption>,
    collector: String,
    made: Option<Made>,
) -> Result<Response, PageError> {
    let words = FleetWords::of(language);
    let names = [words.minutes_10, words.day, words.week, words.month];
    let mut spans = SPANS.map(|(value, _)| (value, ""));
    for (span, name) in spans.iter_mut().zip(names) {
        span.1 = name;
    }
    let page = CodesPage {
        frame: Frame::of(user, language, Section::Fleet, uri),
        words,
        places,
        spans,
        collector,
        made,
    };
    draw(StatusCode::OK, &page)
}

/// The windows for which somebody may make codes.
async fn places(
    state: &AppState,
    user: &LoggedIn,
    wanted: &Wanted,
) -> Result<Vec<PlaceOption>, Problem> {
    let access = &user.0.access;
    access.require_somewhere(Permission::EnrolTerminals)?;
    let halls = state.store.halls().await?;
    let option = |hall: &HallSummary, window: &WindowId| {
        let place = Place::Window(hall.id.clone(), window.clone());
        access
            .allows(Permission::EnrolTerminals, &place)
            .then(|| PlaceOption {
                value: format!("{} {window}", hall.id),
                name: format!("{} {window}", hall.name),
                chosen: wanted.hall.as_deref() == Some(hall.id.as_str())
                    && wanted.window.as_deref() == Some(window.as_str()),
            })
    };
    let all = halls.iter().flat_map(|hall| {
        let windows = hall.windows.iter();
        windows.filter_map(move |window| option(hall, window))
    });
    Ok(all.collect())
}

/// `POST /office/fleet/codes`: makes a code and shows it, once.
// needs: EnrolTerminals at the window
pub(super) async fn make(
    App(state): App<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
    Form(asked): Form<Asked>,
) -> Result<Response, PageError> {
    let act = async {
        let made = issue(&state, &user, &asked).await?;
        let places = places(&state, &user, &Wanted::default()).await?;
        Ok::<_, Problem>((made, places))
    };
    let (made, places) = act
        .await
        .map_err(|problem| PageError::from(problem).speaking(language))?;
    draw_codes(&user, (language, &uri), places, asked.collector, Some(made))
}

async fn issue(state: &AppState, user: &LoggedIn, asked: &Asked) -> Result<Made, Problem> {
    let (hall, window) = asked.place.split_once(' ').ok_or_else(Problem::not_found)?;
    let hall: HallId = hall.parse().map_err(|_| Problem::not_found())?;
    let window: WindowId = window.parse().map_err(|_| Problem::not_found())?;
    let place = Place::Window(hall.clone(), window.clone());
    user.0.access.require(Permission::EnrolTerminals, &place)?;
    let halls = state.store.halls().await?;
    let summary = halls.iter().find(|h| h.id == hall);
    let summary = summary.ok_or_else(Problem::not_found)?;
    let valid = SPANS.iter().find(|(name, _)| *name == asked.valid);
    let (_, valid_ms) = valid.ok_or_else(Problem::not_found)?;
    let code = EnrolmentCode::generate(state.config.suite).map_err(|error| {
        tracing::error!(%error, "the system has no randomness to give");
        Problem::internal()
    })?;
    let expires_ms = state.clock.now_ms().saturating_add(*valid_ms);
    let fresh = NewCode {
        hall: hall.clone(),
        window: window.clone(),
        digest: code.digest(),
        expires_ms,
    };
    if !state.store.add_code(fresh).await? {
        return Err(Problem::not_found());
    }
    tracing::info!(%hall, %window, by = user.0.name, "an enrolment code was made");
    let standing = state.store.standing_at(hall, window.clone()).await?;
    let zone = TimeZone::get(&summary.time_zone).unwrap_or(TimeZone::UTC);
    let file = boot_file(&asked.collector, &code.to_string());
    let (picture, across) = picture(&file)?;
    Ok(Made {
        code: code.to_string(),
        place: format!("{} {window}", summary.name),
        until: local(expires_ms, &zone),
        replaces: standing.iter().map(ToString::to_string).collect(),
        file,
        picture,
        across,
    })
}

/// What a technician puts on the boot partition. Quotes and control characters have no business in an
/// address.
fn boot_file(collector: &str, code: &str) -> String {
    let address: String = collector
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '"' | '\\'))
        .take(200)
        .collect();
    format!("collector = \"{address}\"\ncode = \"{code}\"\n")
}

/// A QR code as one SVG path of unit squares, and how many there are across.
fn picture(text: &str) -> Result<(String, usize), Problem> {
    let code = QrCode::new(text).map_err(|_| Problem::internal())?;
    let across = code.width();
    let mut path = String::new();
    for (index, colour) in code.to_colors().into_iter().enumerate() {
        if colour == Color::Dark {
            let (x, y) = (index % across, index / across);
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    Ok((path, across))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_break_out_of_the_file() {
        let file = boot_file("https://a.cn\"\ncode = \"EVIL", "7KX2-9QWM");
        assert_eq!(file.lines().count(), 2, "{file}");
        assert!(file.ends_with("code = \"7KX2-9QWM\"\n"));
    }

    #[test]
    fn the_picture_has_the_three_corners_of_a_qr_code() {
        let (path, across) = picture("collector = \"x\"").unwrap();
        for corner in [(0, 0), (across - 7, 0), (0, across - 7)] {
            assert!(path.contains(&format!("M{} {}h1v1h-1z", corner.0, corner.1)));
        }
    }
}

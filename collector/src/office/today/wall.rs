//! `GET /office/windows`: every window of a hall at a glance, for a screen on the wall. The same
//! counts and states as today's page, drawn larger and shorter.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};

use super::{HallQuery, Today, chosen, visible};
use crate::api::auth::Caller;
use crate::app::AppState;
use crate::office::error::{PageError, draw};
use crate::office::frame::{Frame, Section};
use crate::office::language::Language;
use crate::office::session::LoggedIn;
use crate::office::words::Words;
use crate::problem::Problem;

#[derive(Debug, Template)]
#[template(path = "wall.html")]
struct WallPage {
    frame: Frame,
    words: &'static Words,
    wall: Option<Wall>,
}

/// The changing part.
#[derive(Debug, Template)]
#[template(path = "wall-part.html")]
struct Wall {
    words: &'static Words,
    today: Today,
}

/// `GET /office/windows`.
// needs: SeeScores at the hall
pub(in crate::office) async fn page(
    State(state): State<AppState>,
    user: LoggedIn,
    language: Language,
    uri: Uri,
    Query(query): Query<HallQuery>,
) -> Result<Response, PageError> {
    let drawn = async {
        let halls = visible(&state, &user.0.access).await?;
        let hall = chosen(&halls, &query)?;
        let wall = match hall {
            Some(hall) => Some(Wall::load(&state, hall, language).await?),
            None => None,
        };
        let frame = Frame::of(&user, language, Section::Windows, &uri);
        let current = hall.map(|hall| hall.id.as_str());
        let page = WallPage {
            frame: frame.with_halls(&halls, current, false),
            words: language.words(),
            wall,
        };
        draw(StatusCode::OK, &page)
    };
    drawn
        .await
        .map_err(|error: PageError| error.speaking(language).at(&uri))
}

/// `GET /office/windows/now`: the changing part, for the page's script.
// needs: SeeScores at the hall
pub(in crate::office) async fn fragment(
    State(state): State<AppState>,
    caller: Caller,
    language: Language,
    Query(query): Query<HallQuery>,
) -> Result<Response, PageError> {
    let halls = visible(&state, &caller.access).await?;
    let hall = chosen(&halls, &query)?.ok_or_else(Problem::not_found)?;
    let key = ("wall", language);
    let html = state.live.fragment(&hall.id, key, async || {
        let wall = Wall::load(&state, hall, language).await?;
        Ok::<_, PageError>(wall.render()?)
    });
    Ok(Html(html.await?.to_string()).into_response())
}

impl Wall {
    async fn load(
        state: &AppState,
        hall: &crate::store::HallSummary,
        language: Language,
    ) -> Result<Self, Problem> {
        Ok(Self {
            words: language.words(),
            today: Today::load(state, hall, language).await?,
        })
    }
}

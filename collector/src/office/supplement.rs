//! `GET /s/{token}`: where the code on the reasons page leads a citizen's own telephone.
//!
//! The token names a rating and says nothing of it, and so does the page: neither level nor reasons,
//! for whoever stands near may have photographed the code. No cookie, no script.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use manyi_shared::wire::SignedSupplement;

use super::error::{PageError, draw};
use crate::app::AppState;
use crate::config::Config;
use crate::device::limit::{self, Rate};
use crate::problem::Problem;
use crate::store::Supplemented;

/// Longer than any token, in characters of base64url.
const MAX_TOKEN: usize = 600;

/// Telephones of one mobile network share addresses: many at once, then two a second.
const RATE: Rate = Rate {
    burst: 60,
    period_ms: 500,
};

/// While the rating is still on its way the page asks again by itself, every 20 seconds.
const AGAIN_SECONDS: u32 = 20;

/// The page. Both languages stand under each other: nobody has chosen one here.
#[derive(Debug, Template)]
#[template(path = "supplement.html")]
struct Page {
    state: &'static str,
    contact: String,
    again: Option<u32>,
}

/// What a token comes to.
enum Found {
    Valid { contact: String },
    NotYet { contact: String },
    Expired { contact: String },
    NotOurs,
}

pub(super) fn router(config: &Config) -> Router<AppState> {
    let page = Router::new().route("/s/{token}", get(page));
    let limited = limit::by_address(page.into(), config, RATE, |problem| {
        use axum::response::IntoResponse;
        PageError::from(problem).into_response()
    });
    limited.into()
}

async fn page(
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> Result<Response, PageError> {
    let (status, state, contact, again) = match find(&state, &token).await? {
        Found::Valid { contact } => (StatusCode::OK, "valid", contact, None),
        Found::NotYet { contact } => (StatusCode::OK, "not-yet", contact, Some(AGAIN_SECONDS)),
        Found::Expired { contact } => (StatusCode::GONE, "expired", contact, None),
        Found::NotOurs => (StatusCode::NOT_FOUND, "not-ours", String::new(), None),
    };
    let page = Page {
        state,
        contact,
        again,
    };
    draw(status, &page)
}

async fn find(state: &AppState, token: &str) -> Result<Found, Problem> {
    if token.len() > MAX_TOKEN {
        return Ok(Found::NotOurs);
    }
    let signed = URL_SAFE_NO_PAD.decode(token).ok();
    let Some(signed) = signed.and_then(|bytes| SignedSupplement::parse(&bytes).ok()) else {
        return Ok(Found::NotOurs);
    };
    // A terminal that was taken out of service signed its tokens all the same.
    let Some(known) = state.store.terminal(signed.claimed_terminal()).await? else {
        return Ok(Found::NotOurs);
    };
    let Ok(token) = known.open(&signed) else {
        return Ok(Found::NotOurs);
    };
    let found = state
        .store
        .supplemented(known.hall, token.terminal, token.stream, token.target);
    Ok(match found.await? {
        Supplemented::NoRating => Found::NotOurs,
        Supplemented::NotYet { contact } => Found::NotYet { contact },
        Supplemented::Rated { at_ms, contact } => {
            let until = at_ms.saturating_add(i64::from(token.hours) * 3_600_000);
            if state.clock.now_ms() < until {
                Found::Valid { contact }
            } else {
                Found::Expired { contact }
            }
        }
    })
}

//! Styles and script of the pages, compiled in.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::{MethodRouter, get};

use crate::app::AppState;

const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route(
            "/assets/tokens.css",
            asset(CSS, include_str!("../../assets/tokens.css")),
        )
        .route(
            "/assets/frame.css",
            asset(CSS, include_str!("../../assets/frame.css")),
        )
        .route(
            "/assets/parts.css",
            asset(CSS, include_str!("../../assets/parts.css")),
        )
        .route(
            "/assets/office.css",
            asset(CSS, include_str!("../../assets/office.css")),
        )
        .route(
            "/assets/bulletin.css",
            asset(CSS, include_str!("../../assets/bulletin.css")),
        )
        .route(
            "/assets/live.js",
            asset(JAVASCRIPT, include_str!("../../assets/live.js")),
        )
        .route(
            "/assets/fleet.css",
            asset(CSS, include_str!("../../assets/fleet.css")),
        )
        .route(
            "/assets/fleet.js",
            asset(JAVASCRIPT, include_str!("../../assets/fleet.js")),
        )
        .route(
            "/assets/mark.svg",
            asset(SVG, include_str!("../../assets/mark.svg")),
        )
}

fn asset(kind: HeaderValue, text: &'static str) -> MethodRouter<AppState> {
    get(move || async move {
        // Small files; always fresh after an update matters more than one request.
        (
            [
                (CONTENT_TYPE, kind.clone()),
                (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            ],
            text,
        )
    })
}

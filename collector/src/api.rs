//! The API of partner systems, under `/api/v1`: JSON, described in `/openapi.json`, problems as
//! RFC 9457 bodies.
//!
//! [`count`] is the only way from counts to groups: the office page calls it too, so page and API
//! cannot disagree.

mod alarms;
pub mod auth;
pub mod body;
mod group;
mod params;
mod prompts;
mod range;
mod scores;

#[cfg(test)]
pub(crate) mod tests;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;

pub use group::{Counted, Group, count};
pub use params::{Dimension, ScoreRequest};
pub use range::Range;

/// The API's routes with their documentation.
pub fn router() -> OpenApiRouter<AppState> {
    let prompts = OpenApiRouter::new()
        .routes(routes!(prompts::ask))
        .routes(routes!(prompts::state))
        .layer(DefaultBodyLimit::max(prompts::MAX_BODY));
    OpenApiRouter::new()
        .routes(routes!(scores::scores))
        .routes(routes!(alarms::alarms))
        .merge(prompts)
}

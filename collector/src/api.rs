//! The API of partner systems, under `/api/v1`: JSON, described in `/openapi.json`, problems as
//! RFC 9457 bodies. Under `/public/v1`, the same for everybody without a login.
//!
//! [`count`] is the only way from counts to groups: the office page calls it too, so page and API
//! cannot disagree.

mod alarms;
pub mod auth;
pub mod body;
mod figures;
mod filters;
mod fleet;
mod group;
mod indicators;
mod params;
mod prompts;
mod query;
mod range;
mod records;
mod roots;
mod scope;
mod scores;

#[cfg(test)]
pub(crate) mod tests;

use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::config::Config;
use crate::device::limit::{Rate, by_address};

pub(crate) use figures::cached;
pub use group::{Counted, Group, count};
pub use params::{Dimension, HallPlace, ScoreRequest};
pub use query::ScoreQuery;
pub use range::{Range, Step};
pub use scope::visible_halls;
pub(crate) use scores::files::{CSV, attachment, workbook};

/// Requests for roots from one address: a page of a year at once, then one a second.
const ROOTS: Rate = Rate {
    burst: 60,
    period_ms: 1000,
};

/// The API's routes with their documentation.
pub fn router(config: &Config) -> OpenApiRouter<AppState> {
    let roots = OpenApiRouter::new()
        .routes(routes!(roots::roots))
        .routes(routes!(figures::json))
        .routes(routes!(figures::csv));
    let roots = by_address(roots, config, ROOTS, IntoResponse::into_response);
    let prompts = OpenApiRouter::new()
        .routes(routes!(prompts::ask))
        .routes(routes!(prompts::state))
        .layer(DefaultBodyLimit::max(prompts::MAX_BODY));
    OpenApiRouter::new()
        .routes(routes!(scores::scores))
        .routes(routes!(scores::files::csv))
        .routes(routes!(scores::files::xlsx))
        .routes(routes!(records::records))
        .routes(routes!(indicators::indicators))
        .routes(routes!(alarms::alarms))
        .routes(routes!(fleet::fleet))
        .routes(routes!(fleet::terminal))
        .merge(prompts)
        .merge(roots)
}

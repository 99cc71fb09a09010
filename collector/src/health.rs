//! Whether the collector lives, whether it can take records, and its metrics.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::alarm;
use crate::app::AppState;
use crate::metrics::ALARMS;
use crate::problem::Problem;

/// `/healthz`, `/readyz` and `/metrics`.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(metrics))
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "`ok`")))]
async fn healthz() -> &'static str {
    "ok\n"
}

/// The database can be read and written.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "`ready`"),
    (status = 503, description = "The database cannot be used now", content_type = "application/problem+json"),
))]
async fn readyz(State(state): State<AppState>) -> Result<&'static str, Problem> {
    state.store.ready().await?;
    Ok("ready\n")
}

/// Figures for Prometheus, in its text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses((status = 200, description = "Prometheus text", content_type = "text/plain")))]
async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    match alarm::current(state.store.as_ref(), state.clock.now_ms()).await {
        Ok(alarms) => {
            for cause in alarm::Cause::names() {
                let n = alarms.iter().filter(|a| a.cause.name() == cause).count();
                let n = u32::try_from(n).unwrap_or(u32::MAX);
                metrics::gauge!(ALARMS, "cause" => cause).set(n);
            }
        }
        // The other figures are all the more wanted then.
        Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "no alarms"),
    }
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        state.metrics.render(),
    )
}

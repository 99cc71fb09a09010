//! What every handler shares, and the table of all routes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderName;
use axum::middleware::Next;
use axum::response::Response;
use manyi_shared::wire::{SecretKey, Suite};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{
    MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::clock::Clock;
use crate::config::Config;
use crate::indicator::Definitions;
use crate::keys::SigningKeys;
use crate::office::Live;
use crate::problem::{Problem, ProblemType};
use crate::store::Store;

/// What every handler shares.
#[derive(Clone)]
pub struct AppState {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The configuration, checked.
    pub config: Arc<Config>,
    /// The centre's clock.
    pub clock: Arc<dyn Clock>,
    /// The keys that sign replies and profiles.
    pub keys: SigningKeys,
    /// What every indicator means.
    pub definitions: Arc<Definitions>,
    /// Counts up after each ingest that changed a count; live pages watch it.
    pub changed: watch::Sender<u64>,
    /// The halls whose live pages are open.
    pub live: Arc<Live>,
    /// Turns true when the collector stops: open live pages end, so that stopping does not wait.
    pub stopping: watch::Sender<bool>,
    /// The text of `/metrics`.
    pub metrics: PrometheusHandle,
    /// The way to another login service, where one is configured.
    pub oidc: Arc<crate::office::oidc::Client>,
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppState")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl AppState {
    /// The state of a collector with this database, these keys and this clock.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        config: Arc<Config>,
        clock: Arc<dyn Clock>,
        keys: impl Into<SigningKeys>,
    ) -> Self {
        Self {
            store,
            config,
            clock,
            keys: keys.into(),
            definitions: Arc::new(built_in()),
            changed: watch::Sender::new(0),
            live: Arc::default(),
            stopping: watch::Sender::new(false),
            metrics: crate::metrics::install(),
            oidc: Arc::default(),
        }
    }

    /// The same with the office's own definitions of indicators.
    #[must_use]
    pub fn with_definitions(mut self, definitions: Definitions) -> Self {
        self.definitions = Arc::new(definitions);
        self
    }

    /// The key that signs what terminals of a suite hear.
    ///
    /// # Errors
    /// 503 when the collector has none: it was set up for another suite after it was started.
    pub fn key(&self, suite: Suite) -> Result<&SecretKey, Problem> {
        self.keys.of(suite).ok_or_else(|| {
            tracing::error!(
                %suite,
                "there is no key of this suite; run `manyi-collector init` and start the collector again"
            );
            let detail = format!("the collector has no key of suite {suite} yet");
            Problem::new(ProblemType::Unavailable, detail).retry_after(60)
        })
    }
}

/// The definitions that come with the program.
fn built_in() -> Definitions {
    crate::indicator::file::built_in()
        .unwrap_or_else(|fault| unreachable!("a test holds that they can be read: {fault}"))
}

/// A request that takes longer is answered 503. An exchange takes milliseconds; the database's own
/// busy time-out of 5 s fits in.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The head of the OpenAPI document; paths come from the routers.
#[derive(Debug, OpenApi)]
#[openapi(info(
    title = "Manyi collector",
    description = "Ratings of service halls: device endpoints (signed CBOR) and scores (JSON).",
    license(name = "GPL-3.0-only", identifier = "GPL-3.0-only")
))]
struct Document;

/// All routes that the OpenAPI document describes.
fn documented(config: &Config) -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(crate::device::router(config))
        .merge(crate::api::router(config))
        .merge(crate::health::router())
}

/// The OpenAPI document, as `/openapi.json` serves it.
#[must_use]
pub fn openapi(config: &Config) -> utoipa::openapi::OpenApi {
    documented(config).into_openapi()
}

/// All routes, ready to serve.
pub fn router(state: AppState) -> Router {
    let (documented, document) = documented(&state.config).split_for_parts();
    let document = Arc::new(document);
    let serve_document = move || async move { axum::Json(document.as_ref().clone()) };
    documented
        .merge(crate::office::router(&state.config))
        .route("/openapi.json", axum::routing::get(serve_document))
        .fallback(crate::office::not_found)
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .with_state(state)
        .layer(
            ServiceBuilder::new()
                .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
                .layer(TraceLayer::new_for_http().make_span_with(span))
                .layer(PropagateRequestIdLayer::new(REQUEST_ID))
                .layer(CatchPanicLayer::custom(Problem::after_panic))
                .layer(axum::middleware::from_fn(in_time)),
        )
}

/// Ends a request that takes too long: a page for browsers, a problem body for programs. A page
/// that goes on for long has begun its answer by then.
async fn in_time(request: Request, next: Next) -> Response {
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!(path = uri.path(), "a request took too long");
            let detail = "the answer took too long; try again, maybe for a shorter time";
            let problem = Problem::new(ProblemType::Unavailable, detail).retry_after(5);
            crate::office::failed(problem, &headers, &uri).await
        }
    }
}

/// Method, path without query (queries may hold what logs must not) and the request's id.
fn span<B>(request: &axum::http::Request<B>) -> tracing::Span {
    let id = request.extensions().get::<RequestId>();
    let id = id
        .and_then(|id| id.header_value().to_str().ok())
        .unwrap_or_default();
    tracing::info_span!("request", method = %request.method(), path = request.uri().path(), id)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    #[rstest::rstest]
    #[case::program("*/*", "application/problem+json")]
    #[case::browser("text/html", "text/html; charset=utf-8")]
    #[tokio::test(start_paused = true)]
    async fn a_request_that_takes_too_long_is_answered(#[case] accept: &str, #[case] kind: &str) {
        let slow = get(std::future::pending::<&'static str>);
        let router: Router = Router::new()
            .route("/slow", slow)
            .layer(axum::middleware::from_fn(in_time));
        let request = Request::get("/slow").header("accept", accept);
        let request = request.body(Body::empty()).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()["content-type"], kind);
        assert_eq!(answer.headers()["retry-after"], "5");
    }
}

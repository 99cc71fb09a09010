//! How often strangers may ask: enrolment, files, the page behind the code.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, Request};
use axum::response::{IntoResponse, Response};
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::{GlobalKeyExtractor, KeyExtractor};
use tower_governor::{GovernorError, GovernorLayer};
use utoipa_axum::router::OpenApiRouter;

use crate::app::AppState;
use crate::config::Config;
use crate::problem::{Problem, ProblemType};

/// The sender's address: the peer's, or what the trusted proxy says it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender {
    pub(crate) trusted_proxy: Option<IpAddr>,
}

impl KeyExtractor for Sender {
    type Key = IpAddr;

    fn extract<T>(&self, request: &Request<T>) -> Result<IpAddr, GovernorError> {
        sender(request.headers(), request.extensions(), self.trusted_proxy)
            .ok_or(GovernorError::UnableToExtractKey)
    }
}

/// The sender's address: the peer's, or what the trusted proxy says it is. None without a
/// connection, as in tests.
pub(crate) fn sender(
    headers: &HeaderMap,
    extensions: &Extensions,
    trusted_proxy: Option<IpAddr>,
) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip();
    if trusted_proxy != Some(peer) {
        return Some(peer);
    }
    // The last entry is the proxy's own word; those before it are whatever the sender wrote.
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
    let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next());
    Some(
        last.and_then(|text| text.trim().parse().ok())
            .unwrap_or(peer),
    )
}

/// Limits the routes to the configuration's tries a minute, from one address and together.
pub(super) fn per_minute(
    router: OpenApiRouter<AppState>,
    config: &Config,
) -> OpenApiRouter<AppState> {
    let sender = Sender {
        trusted_proxy: config.trusted_proxy,
    };
    let each = GovernorConfigBuilder::default()
        .key_extractor(sender)
        .period(Duration::from_secs(60) / config.enrol_per_minute.max(1))
        .burst_size(config.enrol_per_minute.max(1))
        .finish();
    let together = GovernorConfigBuilder::default()
        .key_extractor(GlobalKeyExtractor)
        .period(Duration::from_secs(60) / config.enrol_per_minute_total.max(1))
        .burst_size(config.enrol_per_minute_total.max(1))
        .finish();
    // `finish` refuses a period or burst of zero only.
    let (Some(each), Some(together)) = (each, together) else {
        unreachable!("limits of at least one a minute were refused");
    };
    // Addresses that have not asked for a while are forgotten, so the table stays small.
    let each = Arc::new(each);
    let table = Arc::downgrade(each.limiter());
    let forget = move |request: Request<axum::body::Body>| {
        if let Some(table) = table.upgrade()
            && table.len() > MOST_ADDRESSES
        {
            table.retain_recent();
        }
        request
    };
    router
        .layer(GovernorLayer::new(each).error_handler(refusal))
        .layer(GovernorLayer::new(together).error_handler(refusal))
        .layer(axum::middleware::map_request(move |request| {
            std::future::ready(forget(request))
        }))
}

/// How often one address may ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// At once.
    pub(crate) burst: u32,
    /// Then one in this many milliseconds.
    pub(crate) period_ms: u64,
}

/// Limits the routes by address; `refuse` says how a problem looks there.
pub(crate) fn by_address(
    router: OpenApiRouter<AppState>,
    config: &Config,
    rate: Rate,
    refuse: fn(Problem) -> Response,
) -> OpenApiRouter<AppState> {
    let sender = Sender {
        trusted_proxy: config.trusted_proxy,
    };
    let limit = GovernorConfigBuilder::default()
        .key_extractor(sender)
        .period(Duration::from_millis(rate.period_ms.max(1)))
        .burst_size(rate.burst.max(1))
        .finish();
    // `finish` refuses a period or burst of zero only.
    let Some(limit) = limit else {
        unreachable!("a limit of at least one was refused");
    };
    let limit = Arc::new(limit);
    let table = Arc::downgrade(limit.limiter());
    let forget = move |request: Request<axum::body::Body>| {
        if let Some(table) = table.upgrade().filter(|table| table.len() > MOST_ADDRESSES) {
            table.retain_recent();
        }
        std::future::ready(request)
    };
    let told = move |error| {
        refuse(match error {
            GovernorError::TooManyRequests { wait_time, .. } => Problem::new(
                ProblemType::TooManyRequests,
                "too many requests; wait a little",
            )
            .retry_after(wait_time.max(1)),
            other => {
                tracing::error!(error = %other, "could not tell who asks");
                Problem::internal()
            }
        })
    };
    router
        .layer(GovernorLayer::new(limit).error_handler(told))
        .layer(axum::middleware::map_request(forget))
}

/// Addresses remembered before the old ones are forgotten.
const MOST_ADDRESSES: usize = 10_000;

fn refusal(error: GovernorError) -> Response {
    match error {
        GovernorError::TooManyRequests { wait_time, .. } => {
            metrics::counter!(crate::metrics::ENROLMENTS, "result" => "limited").increment(1);
            let detail = "too many enrolment tries; wait, then ask the office for a new code";
            Problem::new(ProblemType::TooManyRequests, detail)
                .retry_after(wait_time.max(1))
                .into_response()
        }
        other => {
            tracing::error!(error = %other, "could not tell who asks");
            Problem::internal().into_response()
        }
    }
}

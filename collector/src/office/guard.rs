//! What protects the pages: headers, the origin of posts, the number of login tries.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::{GovernorError, GovernorLayer};

use super::error::PageError;
use super::language::Language;
use crate::app::AppState;
use crate::config::Config;
use crate::device::limit::Sender;
use crate::problem::{Problem, ProblemType};

/// Login tries from one address: ten at once, then one each six seconds. 100 random bits of the
/// one-time password and twelve characters of one's own stand far beyond that.
const LOGIN_BURST: u32 = 10;
const LOGIN_PERIOD: Duration = Duration::from_secs(6);

/// Scripts, styles and pictures from here only; in nobody's frame; forms go back here.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
);

/// Adds the headers that every page has.
pub(super) async fn security_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // Not `no-referrer`: browsers then send `Origin: null` with our own forms.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Refuses what another site makes a browser post. Programs that are no browsers send neither
/// header; they have no user's cookie to misuse.
pub(super) async fn same_origin(request: Request, next: Next) -> Response {
    if request.method() == Method::POST && !is_same_origin(request.headers()) {
        let language = Language::of(request.headers(), request.uri());
        let problem = Problem::new(
            ProblemType::Forbidden,
            "the form was not sent from this site",
        );
        return PageError::new(problem, language).into_response();
    }
    next.run(request).await
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    match (headers.contains_key(ORIGIN), text(ORIGIN), text(HOST)) {
        (false, _, _) => true,
        (true, Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, rest)| rest == host),
        _ => false,
    }
}

/// Limits login tries from one address.
pub(super) fn limit_logins(router: Router<AppState>, config: &Config) -> Router<AppState> {
    let sender = Sender {
        trusted_proxy: config.trusted_proxy,
    };
    let limit = GovernorConfigBuilder::default()
        .key_extractor(sender)
        .period(LOGIN_PERIOD)
        .burst_size(LOGIN_BURST)
        .finish();
    // `finish` refuses a period or burst of zero only.
    let Some(limit) = limit else {
        unreachable!("a limit of ten was refused");
    };
    let limit = Arc::new(limit);
    let table = Arc::downgrade(limit.limiter());
    // Addresses that have not asked for a while are forgotten, so the table stays small.
    let forget = move |request: Request| {
        if let Some(table) = table.upgrade().filter(|table| table.len() > MOST_ADDRESSES) {
            table.retain_recent();
        }
        std::future::ready(request)
    };
    let limited = router.layer(GovernorLayer::new(limit).error_handler(|error| refusal(&error)));
    limited.layer(axum::middleware::map_request(forget))
}

/// Addresses remembered before the old ones are forgotten.
const MOST_ADDRESSES: usize = 10_000;

fn refusal(error: &GovernorError) -> Response {
    let problem = match error {
        GovernorError::TooManyRequests { wait_time, .. } => {
            Problem::new(ProblemType::TooManyRequests, "too many login tries")
                .retry_after((*wait_time).max(1))
        }
        other => {
            tracing::error!(error = %other, "could not tell who logs in");
            Problem::internal()
        }
    };
    PageError::new(problem, Language::default()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::no_browser(&[("host", "office:8080")], true)]
    #[case::own_form(&[("host", "office:8080"), ("origin", "http://office:8080")], true)]
    #[case::other_site(&[("host", "office:8080"), ("origin", "http://evil.example")], false)]
    #[case::other_port(&[("host", "office:8080"), ("origin", "http://office:9090")], false)]
    #[case::hidden_origin(&[("host", "office:8080"), ("origin", "null")], false)]
    #[case::browser_says_same(&[("sec-fetch-site", "same-origin"), ("origin", "https://front"), ("host", "back")], true)]
    #[case::browser_says_cross(&[("sec-fetch-site", "cross-site"), ("host", "office")], false)]
    #[case::sibling(&[("sec-fetch-site", "same-site"), ("host", "office")], false)]
    fn a_post_is_from_here(#[case] pairs: &[(&'static str, &'static str)], #[case] expected: bool) {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect();
        assert_eq!(is_same_origin(&headers), expected);
    }
}

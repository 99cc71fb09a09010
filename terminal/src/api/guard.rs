//! Keeps web pages out. The API has no password, so it must not be reachable from a browser that
//! shows somebody else's page.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::{Problem, ProblemType};

/// Serves a request only when it was made to a loopback name and not by another origin's page.
pub(super) async fn local_only(request: Request, next: Next) -> Response {
    match check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(headers: &HeaderMap) -> Result<(), Problem> {
    // A name that somebody else's DNS turned into 127.0.0.1 is still somebody else's name.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if !host.is_some_and(is_loopback) {
        return Err(Problem::new(
            ProblemType::ForeignHost,
            "the Host header must name 127.0.0.1, [::1] or localhost",
        ));
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let local = origin
        .to_str()
        .ok()
        .and_then(|origin| {
            origin
                .strip_prefix("http://")
                .or(origin.strip_prefix("https://"))
        })
        .is_some_and(is_loopback);
    if local {
        Ok(())
    } else {
        Err(Problem::new(
            ProblemType::ForeignOrigin,
            "pages of other origins are not served",
        ))
    }
}

/// A page cannot send this type to another origin without asking first, and nobody answers that.
pub(super) fn json_only(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Problem::new(
            ProblemType::UnsupportedMediaType,
            "the Content-Type must be application/json",
        ))
    }
}

/// Whether `host[:port]` names this machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("127.0.0.1", true)]
    #[case("127.0.0.1:7310", true)]
    #[case("LOCALHOST:7310", true)]
    #[case("[::1]:7310", true)]
    #[case("evil.example", false)]
    #[case("127.0.0.1.evil.example", false)]
    #[case("localhost.evil.example:7310", false)]
    #[case("192.168.1.4:7310", false)]
    #[case("", false)]
    fn only_this_machine_is_loopback(#[case] host: &str, #[case] loopback: bool) {
        assert_eq!(is_loopback(host), loopback);
    }
}

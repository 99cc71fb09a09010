//! What terminals talk to: enrolment, exchanges and files of profiles, asked for in signed CBOR.
//!
//! Refusals that come before the signature is verified are problem bodies; everything after it is
//! a signed reply, whatever its status. Exchanges come through `admission` first.

mod admission;
mod asset;
mod enrol;
mod exchange;
pub(crate) mod limit;
mod rotate;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::extract::rejection::BytesRejection;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use manyi_shared::wire::limits::{MAX_ENROL_BYTES, MAX_EXCHANGE_BYTES};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::config::Config;
use crate::problem::{Problem, ProblemType};
use admission::Admission;

/// The media type of signed replies (RFC 9052 §2).
const COSE: HeaderValue = HeaderValue::from_static("application/cose; cose-type=\"cose-sign1\"");

/// Requests for files from one address: a hall's 96 terminals behind one address fetch some ten files
/// each after an import; then as fast as a slow line carries pictures.
const ASSETS: limit::Rate = limit::Rate {
    burst: 1000,
    period_ms: 100,
};

/// A signed message as bytes.
#[derive(Debug, utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "stands for the body in the OpenAPI document")]
pub struct SignedMessage(Vec<u8>);

/// `/device/v1/enrol`, `/device/v1/exchange` and `/device/v1/asset`.
pub fn router(config: &Config) -> OpenApiRouter<AppState> {
    let enrol = OpenApiRouter::new()
        .routes(routes!(enrol::enrol))
        .layer(DefaultBodyLimit::max(MAX_ENROL_BYTES));
    let rotate = OpenApiRouter::new()
        .routes(routes!(rotate::rotate))
        .layer(DefaultBodyLimit::max(MAX_ENROL_BYTES));
    let exchange = OpenApiRouter::new()
        .routes(routes!(exchange::exchange))
        .layer(DefaultBodyLimit::max(MAX_EXCHANGE_BYTES))
        .layer(axum::middleware::from_fn_with_state(
            Arc::new(Admission::new(config)),
            admission::admit,
        ));
    let asset = OpenApiRouter::new()
        .routes(routes!(asset::asset))
        .layer(DefaultBodyLimit::max(asset::MAX_ASSET_REQUEST));
    let asset = limit::by_address(asset, config, ASSETS, IntoResponse::into_response);
    limit::per_minute(enrol, config)
        .merge(exchange)
        .merge(rotate)
        .merge(asset)
}

/// A signed answer.
fn signed(status: StatusCode, bytes: Vec<u8>) -> Response {
    (status, [(CONTENT_TYPE, COSE)], bytes).into_response()
}

/// A body that could not be read.
fn unread(rejection: &BytesRejection, limit: usize) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Problem::new(
            ProblemType::TooLarge,
            format!("the body is longer than {limit} bytes"),
        )
    } else {
        Problem::new(ProblemType::Malformed, "the body did not arrive whole")
    }
}

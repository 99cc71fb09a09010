//! `GET /public/v1/roots`.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use manyi_shared::wire::{PublicKey, SignedDayRoot};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::AppState;
use crate::problem::{Problem, ProblemBody, ProblemType};
use crate::roots::PublishedRoot;
use crate::roots::proof::hex;

/// Roots in one answer: a year and what a leap day adds.
const MOST: usize = 366;

/// Which roots.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RootParams {
    /// The hall; may be left out where there is just one.
    #[param(example = "371581-01")]
    hall: Option<String>,
    /// Only days before this one, as `yyyymmdd`: the last day of one answer leads to the next.
    #[param(example = 20_260_324)]
    before: Option<u32>,
}

/// What was published of a hall.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RootsBody {
    #[schema(example = "371581-01")]
    hall: String,
    /// The zone of the days.
    #[schema(example = "Asia/Shanghai")]
    time_zone: String,
    /// The collector's keys; the roots are signed with the first, older ones maybe with another.
    keys: Vec<KeyBody>,
    /// The newest first, at most 366.
    roots: Vec<RootBody>,
}

/// A key of the collector.
#[derive(Debug, Serialize, ToSchema)]
struct KeyBody {
    /// `ed25519` or `gm`.
    #[schema(example = "ed25519")]
    suite: &'static str,
    /// The public key, base64.
    public_key: String,
    /// The same in short, to compare by eye with what the office publishes elsewhere.
    #[schema(example = "1f0a-93c2-77d1-0be4")]
    fingerprint: String,
}

impl From<PublicKey> for KeyBody {
    fn from(key: PublicKey) -> Self {
        Self {
            suite: key.suite().name(),
            public_key: BASE64.encode(key.as_bytes()),
            fingerprint: key.fingerprint(),
        }
    }
}

/// The root of one day.
#[derive(Debug, Serialize, ToSchema)]
struct RootBody {
    /// The hall's day, as `yyyymmdd`.
    #[schema(example = 20_260_324)]
    day: u32,
    /// How many records were received on it.
    leaves: u64,
    /// The root of the Merkle tree (RFC 9162, SHA-256) over them, hexadecimal.
    root: String,
    /// The digest of the day before, as this root holds it; `null` for the first.
    previous: Option<String>,
    /// The digest of this day, as the next root holds it.
    digest: String,
    /// When it was published.
    #[schema(example = "2026-03-24T16:00:31Z")]
    published_at: String,
    /// The signed root (`COSE_Sign1`), base64.
    signed: String,
}

/// The daily signed roots of a hall
///
/// One for each day of the hall's own zone, over all records that the centre received on it. A
/// published root never changes. With it anyone can check the proof of one rating
/// (`manyi-collector verify-proof`). No login; an answer has at most 366 days.
#[utoipa::path(
    get,
    path = "/public/v1/roots",
    tag = "public",
    params(RootParams),
    responses(
        (status = 200, body = RootsBody),
        (status = 400, description = "A parameter is wrong, or `hall` is missing where there are several", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "There is no such hall", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests, with Retry-After", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn roots(
    State(state): State<AppState>,
    params: Result<Query<RootParams>, QueryRejection>,
) -> Result<Json<RootsBody>, Problem> {
    let Query(params) = params.map_err(|e| Problem::new(ProblemType::Malformed, e.body_text()))?;
    let halls = state.store.halls().await?;
    let hall = match (&params.hall, halls.as_slice()) {
        (Some(id), all) => all
            .iter()
            .find(|hall| hall.id.as_str() == id)
            .ok_or_else(Problem::not_found)?,
        (None, [only]) => only,
        (None, _) => {
            let detail = "`hall` is missing: there is not just one";
            return Err(Problem::new(ProblemType::Malformed, detail));
        }
    };
    let published = state.store.roots(hall.id.clone(), params.before, MOST);
    let published = published.await?;
    let roots = published.iter().map(body);
    Ok(Json(RootsBody {
        hall: hall.id.to_string(),
        time_zone: hall.time_zone.clone(),
        keys: state.keys.all().map(|key| key.public().into()).collect(),
        roots: roots.collect::<Result<_, _>>()?,
    }))
}

fn body(published: &PublishedRoot) -> Result<RootBody, Problem> {
    let opened =
        SignedDayRoot::parse(&published.signed).and_then(|root| root.open(&root.claimed_key()));
    let root = opened.map_err(|error| {
        tracing::error!(day = published.day, %error, "a published root does not open");
        Problem::internal()
    })?;
    let at = jiff::Timestamp::from_millisecond(published.published_ms);
    let at = at.map_err(|_| Problem::internal())?;
    Ok(RootBody {
        day: root.day,
        leaves: root.leaves,
        root: hex(&root.root),
        previous: root.previous.map(|previous| hex(&previous)),
        digest: hex(&root.digest()),
        published_at: format!("{at:.0}"),
        signed: BASE64.encode(&published.signed),
    })
}

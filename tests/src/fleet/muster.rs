//! Enrols a fleet: every tablet with a code and a key of its own, by the requests that real tablets
//! make, at the collector's own router. In this process and before the program starts, because the
//! endpoint takes ten a second at most from anybody, for good reasons.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use manyi_collector::app::{self, AppState};
use manyi_collector::clock::{Clock as _, SystemClock};
use manyi_collector::config::Config;
use manyi_collector::store::sqlite::SqliteStore;
use manyi_collector::store::{IngestStore as _, NewCode};
use manyi_shared::domain::TerminalId;
use manyi_shared::tablet::read_key;
use manyi_shared::wire::{
    EnrolReply, EnrolRequest, EnrolmentCode, Profile, PublicKey, SecretKey, Suite, digest,
};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::office::{HALL, window};

/// Enrolments at a time, which share commits.
const TOGETHER: usize = 64;

/// An enrolled tablet.
#[derive(Debug)]
pub struct Member {
    /// Its id.
    pub terminal: TerminalId,
    /// Its key.
    pub key: SecretKey,
    /// Whose replies it believes.
    pub collector: PublicKey,
    /// The window it stands at.
    pub window: String,
    /// The profile that it got.
    pub profile: Profile,
}

/// Enrols one tablet at each of the first windows of the invented hall in this data directory, which
/// no running collector uses. `enrolled` is called after each.
///
/// # Errors
/// When the database cannot be used or somebody is refused.
pub async fn muster(
    data_dir: &Path,
    count: usize,
    enrolled: impl Fn(),
) -> anyhow::Result<Vec<Member>> {
    let (router, store) = gate(data_dir)?;
    let mut members = Vec::with_capacity(count);
    let mut at_work = JoinSet::new();
    for n in 0..count {
        if at_work.len() == TOGETHER {
            members.push(at_work.join_next().await.context("nobody")???);
            enrolled();
        }
        let (store, router) = (Arc::clone(&store), router.clone());
        at_work.spawn(async move { muster_at(&store, &router, HALL, &window(n)).await });
    }
    while let Some(member) = at_work.join_next().await {
        members.push(member??);
        enrolled();
    }
    Ok(members)
}

/// The collector's own router over the database in this directory, and that database. No limit on
/// enrolments; no running collector may use the directory.
///
/// # Errors
/// When the directory is no collector's.
pub fn gate(data_dir: &Path) -> anyhow::Result<(Router, Arc<SqliteStore>)> {
    let store = Arc::new(SqliteStore::open(data_dir)?);
    let mut config = Config::load(None, |_| None, Some(data_dir))?;
    config.enrol_per_minute = u32::MAX;
    config.enrol_per_minute_total = u32::MAX;
    let key = read_key(&data_dir.join("collector.key"))?;
    let (config, clock) = (Arc::new(config), Arc::new(SystemClock));
    let state = AppState::new(store.clone(), config, clock, Arc::new(key));
    Ok((app::router(state), store))
}

/// Enrols one tablet at a window.
///
/// # Errors
/// When there is no such window or the collector refuses.
pub async fn muster_at(
    store: &SqliteStore,
    router: &Router,
    hall: &str,
    window: &str,
) -> anyhow::Result<Member> {
    let code = EnrolmentCode::generate(Suite::Ed25519Sha256)?;
    let issued = store.add_code(NewCode {
        hall: hall.parse()?,
        window: window.parse()?,
        digest: code.digest(),
        expires_ms: SystemClock.now_ms() + 600_000,
    });
    ensure!(issued.await?, "there is no window {window}");
    let key = SecretKey::generate(Suite::Ed25519Sha256)?;
    let request = EnrolRequest {
        code,
        key: key.public(),
        software: "manyi-fleet".to_owned(),
    };
    let request = request.seal(&key);
    let post = Request::post("/device/v1/enrol").body(Body::from(request.clone()))?;
    let (status, body) = ask(router.clone(), post).await?;
    ensure!(
        status.is_success(),
        "window {window} was refused: {status} {}",
        String::from_utf8_lossy(&body)
    );
    let reply = EnrolReply::open(&body, &digest(&request))?;
    let profile = Profile::open(&reply.profile, &reply.collector)?;
    Ok(Member {
        terminal: reply.terminal,
        key,
        collector: reply.collector,
        window: window.to_owned(),
        profile,
    })
}

/// Sends a request to a router as if it came from this machine.
///
/// # Errors
/// When the answer cannot be read or is above 1 MiB.
pub async fn ask(
    router: Router,
    mut request: Request<Body>,
) -> anyhow::Result<(StatusCode, axum::body::Bytes)> {
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    request.extensions_mut().insert(ConnectInfo(peer));
    let answer = router.oneshot(request).await?;
    let status = answer.status();
    Ok((
        status,
        axum::body::to_bytes(answer.into_body(), 1 << 20).await?,
    ))
}

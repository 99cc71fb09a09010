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
use axum::http::Request;
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
    /// The version of the profile that it got.
    pub profile_version: u32,
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
    let store = Arc::new(SqliteStore::open(data_dir)?);
    let mut config = Config::load(None, |_| None, Some(data_dir))?;
    config.enrol_per_minute = u32::MAX;
    config.enrol_per_minute_total = u32::MAX;
    let key = read_key(&data_dir.join("collector.key"))?;
    let (config, clock) = (Arc::new(config), Arc::new(SystemClock));
    let state = AppState::new(store.clone(), config, clock, Arc::new(key));
    let router = app::router(state);
    let mut members = Vec::with_capacity(count);
    let mut at_work = JoinSet::new();
    for n in 0..count {
        if at_work.len() == TOGETHER {
            members.push(at_work.join_next().await.context("nobody")???);
            enrolled();
        }
        at_work.spawn(enrol(Arc::clone(&store), router.clone(), window(n)));
    }
    while let Some(member) = at_work.join_next().await {
        members.push(member??);
        enrolled();
    }
    Ok(members)
}

async fn enrol(store: Arc<SqliteStore>, router: Router, window: String) -> anyhow::Result<Member> {
    let code = EnrolmentCode::generate(Suite::Ed25519Sha256)?;
    let issued = store.add_code(NewCode {
        hall: HALL.parse()?,
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
    let mut post = Request::post("/device/v1/enrol").body(Body::from(request.clone()))?;
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    post.extensions_mut().insert(ConnectInfo(peer));
    let answer = router.oneshot(post).await?;
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await?;
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
        window,
        profile_version: profile.version,
    })
}

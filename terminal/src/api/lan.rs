//! The door in the hall's network: the same routes as on loopback, for who has the token.
//!
//! **Invariants**
//! 1. Nothing but a problem is answered without the token of the window the terminal stands at now.
//! 2. A token is looked up for every request, so making or removing one needs no restart.
//! 3. A door that cannot be opened (no network yet, a missing certificate) is tried again and never
//!    keeps the terminal from asking citizens.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use manyi_shared::domain::WindowId;
use manyi_shared::tablet::DataDir;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::PeerIpKeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};

use super::problem::{Problem, ProblemType};
use super::token::{self, LanToken, Worth};
use super::{Api, dressed, listen, routes};
use crate::flow::Trigger;
use crate::recorder::chain;

/// Requests from one address: this many at once, then one each [`PERIOD`]. A window asks a few
/// times a minute; a queue system for a whole hall may stand behind one address, but asks each
/// tablet no more often.
const BURST: u32 = 60;
const PERIOD: Duration = Duration::from_millis(200);

/// Addresses remembered before those that have been quiet are forgotten.
const MOST_ADDRESSES: usize = 1000;

/// How long a connection may take to ask, or to ask again.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// How long until a door that could not be opened is tried again.
const RETRY: Duration = Duration::from_secs(30);

/// Where the door is and how it is locked.
#[derive(Debug, Clone)]
pub struct Door {
    /// The address it listens on.
    pub listen: SocketAddr,
    /// Certificate chain and key, as PEM files; without them nothing is encrypted.
    pub tls: Option<(PathBuf, PathBuf)>,
}

/// Why the door cannot be opened.
#[derive(Debug, thiserror::Error)]
enum DoorError {
    #[error("the address cannot be taken")]
    Listen(#[from] super::ListenError),
    #[error("certificate or key `{path}` cannot be read as PEM")]
    Pem {
        path: PathBuf,
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    #[error("certificate `{path}` cannot be used with its key")]
    Tls {
        path: PathBuf,
        #[source]
        source: rustls::Error,
    },
    #[error("the door stopped")]
    Serve(#[source] std::io::Error),
}

/// Keeps the door open for good.
pub async fn keep_open(door: Door, api: Api, data: DataDir) {
    if door.tls.is_none() {
        tracing::warn!(
            listen = %door.listen,
            "the hall network's door is not encrypted: its token can be read on the wire; set \
             lan_cert_file and lan_key_file"
        );
    }
    let mut told = None;
    loop {
        if let Err(error) = serve(&door, api.clone(), &data).await {
            let text = chain(&error);
            // The same trouble is told once, however long it lasts.
            if told.as_ref() != Some(&text) {
                tracing::error!(listen = %door.listen, "the hall network's door is shut, and is tried again: {text}");
                told = Some(text);
            }
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn serve(door: &Door, api: Api, data: &DataDir) -> Result<(), DoorError> {
    let tls = match &door.tls {
        Some((certificate, key)) => Some(tls(certificate, key)?),
        None => None,
    };
    let listener = listen(door.listen)?;
    tracing::info!(listen = %door.listen, tls = tls.is_some(), "the hall network's door is open");
    serve_on(listener, tls, router(api, data))
        .await
        .map_err(DoorError::Serve)
}

async fn serve_on(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        Some(tls) => {
            let tls = RustlsConfig::from_config(tls);
            let mut server = axum_server::from_tcp_rustls(listener, tls)?;
            impatient(server.http_builder());
            server.serve(service).await
        }
        None => {
            let mut server = axum_server::from_tcp(listener)?;
            impatient(server.http_builder());
            server.serve(service).await
        }
    }
}

/// Connections that do not ask are ended, so that they cannot use up the tablet's files. A socket is
/// no such connection: it has asked, and has its own silence.
fn impatient(http: &mut Builder<TokioExecutor>) {
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME);
}

/// What TLS needs, by ring; HTTP/1.1 alone, because sockets need its upgrade.
fn tls(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, DoorError> {
    let pem = |path: &Path| {
        let path = path.to_owned();
        move |source| DoorError::Pem { path, source }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(pem(certificate))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(pem(key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            let builder = builder.with_no_client_auth();
            builder.with_single_cert(chain, secret)
        })
        .map_err(|source| DoorError::Tls {
            path: certificate.to_owned(),
            source,
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The routes behind the token, for connections whose peer address is known.
pub fn router(api: Api, data: &DataDir) -> Router {
    let lock = Lock {
        api: Api {
            via: Trigger::Lan,
            ..api
        },
        path: token::path(data),
    };
    let locked =
        routes(lock.api.clone()).layer(axum::middleware::from_fn_with_state(lock, token_only));
    dressed(limited(locked))
}

#[derive(Debug, Clone)]
struct Lock {
    api: Api,
    path: PathBuf,
}

async fn token_only(State(lock): State<Lock>, request: Request, next: Next) -> Response {
    let window = lock.api.registry.health().window;
    match check(&lock.path, request.headers(), window.as_ref()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(path: &Path, headers: &HeaderMap, window: Option<&WindowId>) -> Result<(), Problem> {
    let refused = |detail: &str| Err(Problem::new(ProblemType::Unauthorized, detail));
    let presented = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let Some(presented) = presented else {
        return refused("send the terminal's token: `Authorization: Bearer …`");
    };
    // A few hundred bytes that the kernel has in memory: not worth another thread.
    let token = LanToken::read(path).map_err(|error| {
        tracing::error!("the token cannot be checked: {}", chain(&error));
        Problem::new(ProblemType::Internal, "the log has the cause")
    })?;
    let Some(token) = token else {
        return refused("no token was made here; `manyi-terminal lan-token new` makes one");
    };
    match token.worth(presented, window) {
        Worth::Good => Ok(()),
        Worth::Wrong => refused("this is not the terminal's token"),
        Worth::OfWindow(made_for) => {
            let now = window.map_or_else(|| "no window".to_owned(), |now| format!("window {now}"));
            refused(&format!(
                "this token was made for window {made_for}, and the terminal stands at {now}; make a \
                 new one with `manyi-terminal lan-token new`"
            ))
        }
    }
}

/// Limits how often one address asks, with or without the token.
fn limited(router: Router) -> Router {
    let config = GovernorConfigBuilder::default()
        .key_extractor(PeerIpKeyExtractor)
        .period(PERIOD)
        .burst_size(BURST)
        .finish();
    // `finish` refuses a period or burst of zero only.
    let Some(config) = config.map(Arc::new) else {
        unreachable!("a limit above zero was refused");
    };
    let table = config.limiter().clone();
    let forget = move |request: Request| {
        if table.len() > MOST_ADDRESSES {
            table.retain_recent();
        }
        std::future::ready(request)
    };
    router
        .layer(
            GovernorLayer::new(config).error_handler(|error| match error {
                GovernorError::TooManyRequests { .. } => {
                    let detail = "this address asks too often; wait some seconds";
                    Problem::new(ProblemType::TooManyRequests, detail).into_response()
                }
                other => {
                    tracing::error!(error = %other, "could not tell who asks");
                    Problem::new(ProblemType::Internal, "the log has the cause").into_response()
                }
            }),
        )
        .layer(axum::middleware::map_request(forget))
}

#[cfg(test)]
mod tests;

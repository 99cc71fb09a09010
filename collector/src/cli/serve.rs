//! `serve`: the collector as a service.

use std::io::{ErrorKind, IsTerminal};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{Globals, block_on, keys};
use crate::app::{self, AppState};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, LogFormat};
use crate::indicator::{self, Definitions};
use crate::keys::SigningKeys;
use crate::marks::{self, Rules};
use crate::store::PublicationStore;
use crate::store::sqlite::SqliteStore;

/// How long open requests may take to finish after the signal: far longer than an exchange takes,
/// shorter than systemd's patience (90 s).
const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// Open files that are asked for: a connection each for a fleet that returns, and the database's own.
const FILES: u64 = 65_536;

/// No arguments of its own.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

impl Args {
    #[expect(clippy::unused_self, reason = "all subcommands run the same way")]
    pub(super) fn run(self, globals: &Globals) -> anyhow::Result<()> {
        let (config, store) = globals.open()?;
        let keys = keys::read_keys(&config.data_dir, config.suite)?;
        block_on(keys::check_in_use(&config.data_dir, &keys, &store))?;
        let definitions = indicator::file::load(&config.data_dir)?;
        let rules = marks::file::load(&config.data_dir)?;
        block_on(unchanged(&definitions, &store))?;
        start_log(&config);
        // A collector that was updated, or whose office has another key now.
        let (_, adopted) = block_on(keys::adopt_office_key(&config.data_dir, &store))?;
        if adopted {
            tracing::info!("profiles carry another office key from now on");
        }
        raise_file_limit();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("could not start the runtime")?;
        runtime.block_on(async {
            let listener = bind(config.listen).await?;
            serve(listener, config, store, keys, (definitions, rules)).await
        })
    }
}

/// Starts to listen.
///
/// # Errors
/// When the address cannot be had; says what to do.
async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::AddrInUse => {
                "another program listens there; stop it, or set `listen` to another port"
            }
            ErrorKind::PermissionDenied => {
                "this user may not; ports below 1024 belong to root, set `listen` to a higher one"
            }
            ErrorKind::AddrNotAvailable => "this machine does not have that address",
            _ => "see the cause",
        };
        anyhow::Error::from(error).context(format!("could not listen on {listen}: {advice}"))
    })
}

async fn serve(
    listener: TcpListener,
    config: Config,
    store: SqliteStore,
    keys: SigningKeys,
    (definitions, rules): (Definitions, Rules),
) -> anyhow::Result<()> {
    tracing::info!(
        address = %listener.local_addr()?,
        data_dir = %config.data_dir.display(),
        key = keys.chosen().public().fingerprint(),
        suite = %keys.chosen().suite(),
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
    let state = AppState::new(
        Arc::new(store),
        Arc::new(config),
        Arc::new(SystemClock),
        keys,
    )
    .with_definitions(definitions);
    let stopping = state.stopping.clone();
    let roots = tokio::spawn(crate::roots::task::publishing(state.clone()));
    let rollups = tokio::spawn(crate::rollup::task::rolling_up(state.clone()));
    let alerts = tokio::spawn(crate::alert::task::watching(state.clone()));
    let marking = tokio::spawn(marks::task::marking(state.clone(), rules));
    let service = app::router(state).into_make_service_with_connect_info::<SocketAddr>();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut stopped = stopping.subscribe();
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("stopping: open requests are finished first");
        stopping.send_replace(true);
    };
    // Live pages end by themselves when told; a connection that hangs does not keep us from it.
    let enough = async move {
        // An error means that the sender is gone, which it is only after it was told to stop.
        if stopped.wait_for(|stopping| *stopping).await.is_ok() {
            tokio::time::sleep(FINISH_WITHIN).await;
        }
    };
    tokio::select! {
        served = axum::serve(listener, service).with_graceful_shutdown(stop) => served?,
        () = enough => tracing::info!("connections that are still open are closed"),
    }
    roots.abort();
    rollups.abort();
    alerts.abort();
    marking.abort();
    tracing::info!("stopped");
    Ok(())
}

/// Refuses to start with a definition that was in force here with another meaning.
async fn unchanged(definitions: &Definitions, store: &impl PublicationStore) -> anyhow::Result<()> {
    let known = definitions.texts();
    let changed = store.note_definitions(known, SystemClock.now_ms()).await?;
    if let [(id, version), ..] = changed.as_slice() {
        anyhow::bail!(
            "version {version} of the indicator `{id}` has another meaning than it had when it came \
             into force; put it back as it was, and give the new meaning version {} with its day",
            version + 1
        );
    }
    Ok(())
}

/// Takes as many open files as the system lets this process have. The usual 1,024 are fewer than the
/// tablets of a city.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(FILES).min(FILES);
    if limit.current.is_none_or(|current| current >= most) {
        return;
    }
    let raised = Rlimit {
        current: Some(most),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => tracing::debug!(files = most, "may open so many files"),
        Err(error) => tracing::warn!(files = most, "may not open so many files: {error}"),
    }
}

fn start_log(config: &Config) {
    let filter = EnvFilter::new(&config.log);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match config.log_format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    if let Err(error) = started {
        super::out::note(format_args!("log was started before: {error}"));
    }
}

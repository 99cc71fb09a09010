//! The local prompt API: how the window's business system asks for a prompt.
//!
//! **Invariants**
//! 1. No answer carries a level, an outcome kind or anything whose size or presence depends on one.
//! 2. Only loopback names are served (`Host`), and pages of other origins are turned away (`Origin`),
//!    so a web page open in the clerk's browser cannot drive the screen.
//! 3. What goes wrong is an RFC 9457 body whose `type` is one of a closed list.

mod guard;
mod health;
mod problem;
mod prompts;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Json, Router};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub use problem::{Problem, ProblemBody, ProblemType};

use crate::conductor::Message;
use crate::registry::Registry;

/// A prompt's body: codes of at most 50 characters and two names. 4 KiB is many times that.
const MAX_BODY_BYTES: usize = 4096;

/// What every handler shares.
#[derive(Debug, Clone)]
pub struct Api {
    /// The conductor's ear.
    pub conductor: Sender<Message>,
    /// What may be told.
    pub registry: Arc<Registry>,
}

/// The document's head.
#[derive(Debug, OpenApi)]
#[openapi(info(
    title = "Manyi terminal",
    description = "The prompt API of one rating terminal, on loopback. A business system can ask \
                   for a prompt, learn that it ended, and take it back; it can never learn a level.",
    license(name = "GPL-3.0-only", identifier = "GPL-3.0-only")
))]
struct Document;

/// All routes, with the OpenAPI document of them.
pub fn router(api: Api) -> Router {
    let (router, document) = OpenApiRouter::with_openapi(Document::openapi())
        .merge(prompts::router())
        .merge(health::router())
        .split_for_parts();
    router
        .route("/openapi.json", get(move || async move { Json(document) }))
        .fallback(|| async { Problem::new(ProblemType::NotFound, "there is nothing at this path") })
        .method_not_allowed_fallback(|| async {
            Problem::new(
                ProblemType::MethodNotAllowed,
                "the method does not exist at this path",
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(axum::middleware::from_fn(guard::local_only))
        .layer(CatchPanicLayer::custom(Problem::after_panic))
        .with_state(api)
}

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program has the port.
    #[error(
        "{address} is already in use: another terminal is running, or another program has the \
         port; stop it, or set `listen` to a free port (MANYI_LISTEN=127.0.0.1:7311)"
    )]
    InUse {
        /// The address.
        address: SocketAddr,
    },
    /// The system refused.
    #[error("could not listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Takes the port, so that a taken one is found before anything is shown.
///
/// # Errors
/// [`ListenError`].
pub fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let bind = || -> std::io::Result<TcpListener> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bind().map_err(|source| {
        if source.kind() == std::io::ErrorKind::AddrInUse {
            ListenError::InUse { address }
        } else {
            ListenError::Listen { address, source }
        }
    })
}

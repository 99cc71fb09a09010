//! The prompt API: how the window's business system asks for a prompt.
//!
//! Two doors lead to the same routes: the loopback one, open to programs of this machine, and the
//! one in the hall's network, which needs a token ([`lan`]).
//!
//! **Invariants**
//! 1. No answer carries a level, an outcome kind or anything whose size or presence depends on one.
//! 2. On loopback only loopback names are served (`Host`), and pages of other origins are turned
//!    away (`Origin`), so a web page open in the clerk's browser cannot drive the screen.
//! 3. In the hall's network nothing is answered without the token of this very window.
//! 4. What goes wrong is an RFC 9457 body whose `type` is one of a closed list.

mod guard;
mod health;
mod intake;
pub mod lan;
mod pause;
mod problem;
mod prompts;
mod socket;
pub mod token;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Json, Router};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub use problem::{Problem, ProblemBody, ProblemType};

use crate::conductor::Message;
use crate::flow::Trigger;
use crate::registry::Registry;

/// A prompt's body: codes of at most 50 characters and two names, the longest of 300 characters,
/// which JSON may write as 12 bytes each.
const MAX_BODY_BYTES: usize = 8192;

/// What every handler shares.
#[derive(Debug, Clone)]
pub struct Api {
    conductor: Sender<Message>,
    registry: Arc<Registry>,
    /// The sockets' seats, for both doors together.
    seats: Arc<Semaphore>,
    /// By which door requests come.
    via: Trigger,
}

impl Api {
    /// An API that asks this conductor and tells what this registry knows.
    #[must_use]
    pub fn new(conductor: Sender<Message>, registry: Arc<Registry>) -> Self {
        Self {
            conductor,
            registry,
            seats: Arc::new(Semaphore::new(socket::SEATS)),
            via: Trigger::Api,
        }
    }
}

/// The document's head.
#[derive(Debug, OpenApi)]
#[openapi(info(
    title = "Manyi terminal",
    description = "The prompt API of one rating terminal, on loopback and, where it is switched \
                   on, with a bearer token in the hall's network. A business system can ask for a \
                   prompt, learn that it ended, take it back, and pause the window; it can never \
                   learn a level. docs/prompt-api.md has examples, the frames of the socket and \
                   every problem.",
    license(name = "GPL-3.0-only", identifier = "GPL-3.0-only")
))]
struct Document;

/// The loopback door: all routes, for local names only.
pub fn router(api: Api) -> Router {
    dressed(routes(api).layer(axum::middleware::from_fn(guard::local_only)))
}

/// All routes, with the OpenAPI document of them.
fn routes(api: Api) -> Router {
    let (router, document) = OpenApiRouter::with_openapi(Document::openapi())
        .merge(prompts::router())
        .merge(pause::router())
        .merge(health::router())
        .merge(socket::router())
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
        .with_state(api)
}

/// A panic in a handler becomes an answer.
fn dressed(router: Router) -> Router {
    router.layer(CatchPanicLayer::custom(Problem::after_panic))
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

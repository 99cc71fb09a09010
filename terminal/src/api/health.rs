//! How the terminal is.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use crate::registry::{Health, Status};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(health))
}

/// How the terminal is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HealthBody {
    /// Whether a prompt would be taken and whether somebody is at the screen.
    status: StatusName,
    /// Why no prompt is taken: `starting`, `not_enrolled`, `journal_unreadable`,
    /// `journal_newer_version`, `storage_full`, `revoked` or `other`. Null when prompts are taken.
    reason: Option<&'static str>,
    /// The terminal's id; null until it is enrolled.
    terminal: Option<String>,
    /// The window it stands at; null until it is enrolled.
    window: Option<String>,
    /// The open stream of the journal; null while there is none.
    stream: Option<String>,
    /// Whether the window pauses, so that prompts are refused.
    paused: bool,
    /// The program's version.
    version: &'static str,
}

/// How the terminal is, in one word.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StatusName {
    /// Nobody is being asked; a prompt would be shown at once, unless the window pauses.
    Ready,
    /// Somebody is at the screen; a prompt would replace theirs.
    Asking,
    /// No prompt is taken.
    OutOfService,
}

/// How the terminal is. Always 200: the terminal answers, whatever it says.
#[utoipa::path(get, path = "/v1/health", tag = "health", responses((status = 200, description = "How it is", body = HealthBody)))]
async fn health(State(api): State<Api>) -> Json<HealthBody> {
    Json(HealthBody::new(&api.registry.health()))
}

impl HealthBody {
    pub(super) fn new(health: &Health) -> Self {
        let (status, reason) = match health.status {
            Status::Starting => (StatusName::OutOfService, Some("starting")),
            Status::Ready => (StatusName::Ready, None),
            Status::Asking => (StatusName::Asking, None),
            Status::OutOfService(reason) => (StatusName::OutOfService, Some(reason.name())),
        };
        Self {
            status,
            reason,
            terminal: health.terminal.map(|id| id.to_string()),
            window: health.window.as_ref().map(ToString::to_string),
            stream: health.stream.map(|id| id.to_string()),
            paused: health.paused,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}
